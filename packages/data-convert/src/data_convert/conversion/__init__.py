"""Brings a dataset's Parquet up to date: which parts are stale, their conversion, and the report on it."""
