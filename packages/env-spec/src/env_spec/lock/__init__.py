"""What poetry.lock contains: packages, the slice that groups need, and why each package is in it."""
