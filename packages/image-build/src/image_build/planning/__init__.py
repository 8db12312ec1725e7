"""What a build would do and why: requests, plans, tags and labels."""
