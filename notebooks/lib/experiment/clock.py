"""Local time from the standard time in which some stations report."""

from __future__ import annotations

import pandas as pd


def wall_clock(times: pd.Series, *, hours_behind_utc: int = 8, zone: str = "America/Los_Angeles") -> pd.Series:
    """Local time from standard time all year, in which NOAA's airports report.

    In autumn one hour of local time occurs twice, so two reports get the same time; in spring one hour has no report.

    Args:
        times: Without a zone.
        hours_behind_utc: Hours of the standard time behind UTC; 8 in California.
        zone: The zone of the local time.
    """
    instants = (times + pd.Timedelta(hours=hours_behind_utc)).dt.tz_localize("UTC")
    return instants.dt.tz_convert(zone).dt.tz_localize(None)
