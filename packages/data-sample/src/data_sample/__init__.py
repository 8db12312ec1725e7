"""Realistic raw files of each shipped format, from a seed."""

from __future__ import annotations

from data_sample.errors import DataSampleError
from data_sample.sample import SAMPLES, SampleReport, write_sample
from data_sample.size import parse_size

__all__ = ["SAMPLES", "DataSampleError", "SampleReport", "parse_size", "write_sample"]
