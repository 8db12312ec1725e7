"""Realistic raw files of each shipped format, from a seed."""

from __future__ import annotations

from data_sample.errors import DataSampleError
from data_sample.sample_table import sample_table
from data_sample.samples import SAMPLES, SampleReport, write_samples

__all__ = ["SAMPLES", "DataSampleError", "SampleReport", "sample_table", "write_samples"]
