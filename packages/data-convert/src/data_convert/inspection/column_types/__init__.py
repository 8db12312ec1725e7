"""Infers the type of each column from all of its texts."""
