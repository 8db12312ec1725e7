"""Workdays in the United States."""

from __future__ import annotations

import pandas as pd
from pandas.tseries.holiday import USFederalHolidayCalendar


def is_workday(times: pd.Series) -> pd.Series:
    """True from Monday to Friday, except on federal holidays of the United States."""
    days = times.dt.normalize()
    holidays = USFederalHolidayCalendar().holidays(days.min(), days.max())
    return (days.dt.day_of_week < 5) & ~days.isin(holidays)
