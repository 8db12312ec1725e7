"""Compares a second, independent reading of the CSV with the Parquet."""
