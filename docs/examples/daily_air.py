"""Write the messy folder of docs/own-data.md: ten weeks of daily files of air quality, as an agency might publish them.

The files have four headers, two kinds of line ends and some byte order marks. One day is short, one is cut off, and two
are missing. The same files are written on every machine.

Example:
  python docs/examples/daily_air.py data/raw/air
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

FIRST_DAY = date(2024, 1, 1)
DAYS = 70
MISSING = {FIRST_DAY + timedelta(days=23), FIRST_DAY + timedelta(days=24)}
SHORT = FIRST_DAY + timedelta(days=44)
CUT_OFF = FIRST_DAY + timedelta(days=69)
# Station -> its name, its latitude and its usual PM10.
STATIONS = {
    "ABQ-01": ("Alameda, north", 35.18, 22.0),
    "ABQ-02": ("Del Norte", 35.13, 17.0),
    "ABQ-07": ("South Valley", 35.02, 28.0),
    "SFE-01": ("Santa Fe", 35.69, 9.0),
}

# First day -> the header from that day on.
HEADERS = {
    0: ("Station", "Name", "Time", "PM10"),
    20: ("Station", "Name", "Time", "PM10", "PM2.5"),
    41: ("Station", "Name", "Measured at", "PM10", "PM2.5"),
    55: ("Station", "Name", "Latitude", "Measured at", "PM10", "PM2.5"),
}


def lines(day: int) -> Iterator[str]:
    """The header and the rows of a day: one row per station and quarter of an hour."""
    when = FIRST_DAY + timedelta(days=day)
    chance = random.Random(day)
    header = next(names for first, names in reversed(HEADERS.items()) if first <= day)
    yield ",".join(header)
    levels = {station: level + 6 * chance.random() for station, (_, _, level) in STATIONS.items()}
    for quarter in range(12 if when == SHORT else 96):
        for station, (name, latitude, _) in STATIONS.items():
            pm10 = levels[station] + 4 * chance.random() + (14 if 28 <= quarter <= 36 else 0)
            cells = {
                "Station": station,
                "Name": f'"{name}"' if "," in name else name,
                "Latitude": f"{latitude:.2f}",
                "Time": f"{when:%m/%d/%Y} {quarter // 4:02}:{quarter % 4 * 15:02}",
                "PM10": "ND" if chance.random() < 0.01 else f"{pm10:.1f}",
                "PM2.5": f"{pm10 * 0.4:.1f}",
            }
            cells["Measured at"] = cells["Time"]
            yield ",".join(cells[column] for column in header)


def write_folder(folder: Path) -> int:
    """Write all files and return their number."""
    folder.mkdir(parents=True, exist_ok=True)
    days = [day for day in range(DAYS) if FIRST_DAY + timedelta(days=day) not in MISSING]
    for day in days:
        when = FIRST_DAY + timedelta(days=day)
        line_end = "\r\n" if day < 20 else "\n"
        text = "".join(line + line_end for line in lines(day))
        if when == CUT_OFF:
            text = text[: len(text) // 2]
        (folder / f"air_{when:%Y_%m_%d}.csv").write_text(text, "utf-8-sig" if day >= 41 else "utf-8", newline="")
    return len(days)


def main() -> None:
    """Write the files into the folder on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder for the files, created if it is missing")
    folder = parser.parse_args().folder
    print(f"{write_folder(folder)} files in {folder}")


if __name__ == "__main__":
    main()
