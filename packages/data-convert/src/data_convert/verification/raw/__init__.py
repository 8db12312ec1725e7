"""Reads raw files a second time."""
