"""Tests of an image in a real container, and the comparison of its packages with the lock."""
