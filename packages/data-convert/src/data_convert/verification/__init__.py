"""A second, independent reading of the CSV, held against the Parquet."""
