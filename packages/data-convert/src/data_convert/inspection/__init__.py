"""What is in raw files: dialect, types, sizes and traps, from all of the data."""
