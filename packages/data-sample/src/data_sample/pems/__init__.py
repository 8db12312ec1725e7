"""Samples of the California Performance Measurement System (PeMS)."""

from __future__ import annotations

from data_sample.pems.detector import detector_files
from data_sample.pems.incident import incident_files

__all__ = ["detector_files", "incident_files"]
