"""Which datasets a project has and where their files are: the one reader of `data/datasets.toml`."""

from __future__ import annotations

from dataset_spec.errors import DatasetSpecError
from dataset_spec.tables import DATASETS_FILE, DatasetTable, parse_datasets, read_datasets, read_document, selected

__all__ = [
    "DATASETS_FILE",
    "DatasetSpecError",
    "DatasetTable",
    "parse_datasets",
    "read_datasets",
    "read_document",
    "selected",
]
