"""What conversion saves, in bytes and minutes: a table and a page."""
