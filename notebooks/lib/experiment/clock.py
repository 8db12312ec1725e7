"""The clock that people read, from the one that some stations keep."""

from __future__ import annotations

import pandas as pd


def wall_clock(times: pd.Series, *, hours_behind_utc: int = 8, zone: str = "America/Los_Angeles") -> pd.Series:
    """Times in standard time all year, as NOAA's airports report, as the wall clock showed them.

    In the hour that autumn repeats, two reports get the same time; the hour that spring leaves out gets none.

    Args:
        times: Without a zone.
        hours_behind_utc: Of the standard time; 8 is California's.
        zone: Whose wall clock.
    """
    instants = (times + pd.Timedelta(hours=hours_behind_utc)).dt.tz_localize("UTC")
    return instants.dt.tz_convert(zone).dt.tz_localize(None)
