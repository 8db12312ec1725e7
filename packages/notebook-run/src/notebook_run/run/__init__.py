"""A notebook run from its first to its last cell, without a browser."""
