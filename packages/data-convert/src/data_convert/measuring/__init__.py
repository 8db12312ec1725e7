"""Measures sizes on a sample of the raw files: what each column weighs in Parquet, and which row order is smallest."""
