"""Samples of NOAA Local Climatological Data."""

from __future__ import annotations

from data_sample.climate.station_years import climate_files

__all__ = ["climate_files"]
