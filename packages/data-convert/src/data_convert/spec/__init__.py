"""The description of a dataset in data/datasets.toml, checked and typed."""
