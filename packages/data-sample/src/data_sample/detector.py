"""PeMS Station 5-Minute files: 52 columns without a header, one file a day, ordered by time and station.

Format after the files that Caltrans publishes: fractions without a leading zero, absent lanes empty with
`0` observed, a station that sent nothing has 0 samples and imputed values on the mainline, empty cells on ramps.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from data_sample.chance import Chance, Integers
from data_sample.file import SampleFile
from data_sample.station import DISTRICT, MOST_LANES, MOST_STATIONS, Stations, station_texts, stations
from data_sample.text import Cells, Piece, TextTable, joined_rows, short_decimal_text, text_table
from data_sample.traffic import INTERVALS, Traffic, day_traffic

FIRST_DAY = dt.date(2024, 1, 1)
_NOISE_STREAM = 4
_BLOCK_ROWS = 16_384
_ABSENT_LANE = ",,,,,0"
_MOST_TOTAL_FLOW = 4000


def detector_files(size_bytes: int, seed: int) -> list[SampleFile]:
    """One file a day; how many days and stations follows from the size."""
    day_count, station_count = _day_and_station_counts(size_bytes, seed)
    days = [FIRST_DAY + dt.timedelta(days=number) for number in range(day_count)]
    return [
        SampleFile(
            name=f"d{DISTRICT:02d}_text_station_5min_{day:%Y_%m_%d}.txt",
            blocks=partial(_day_blocks, day, station_count, seed),
        )
        for day in days
    ]


def _day_and_station_counts(size_bytes: int, seed: int) -> tuple[int, int]:
    """Complete days, and as many stations as bring their total nearest to the size."""
    few, many = (2, 4) if size_bytes < 12_000_000 else (7, 8) if size_bytes < 200_000_000 else (28, 31)
    # A real district has 2,000 to 4,000 stations; past that only more days make more data.
    day_bytes = np.cumsum(_station_day_bytes(stations(MOST_STATIONS, seed)))
    few = max(few, size_bytes // int(day_bytes[2400]))
    best = (few, 1)
    smallest = None
    for day_count in range(few, max(few, many) + 1):
        miss = np.abs(day_bytes * day_count - size_bytes)
        nearest = int(np.argmin(miss))
        if smallest is None or miss[nearest] < smallest:
            smallest, best = int(miss[nearest]), (day_count, nearest + 1)
    return best


def _station_day_bytes(listed: Stations) -> Integers:
    """Expected bytes of one station's rows in a day, from averages over generated files."""
    fixed = np.array([len(text) for text in station_texts(listed)], dtype=np.int64) + len("01/01/2024 00:00:00\n")
    lane = np.where(listed.is_ramp, 130, 182)
    total = np.where(listed.is_ramp, 170, 213)
    cells: Integers = total + lane * listed.lanes + 10 * len(_ABSENT_LANE) * (8 - listed.lanes)
    return INTERVALS * fixed + INTERVALS * cells // 10


def _day_blocks(day: dt.date, station_count: int, seed: int, _lacking: int) -> Iterator[bytes]:
    listed = stations(station_count, seed)
    traffic = day_traffic(listed, day, seed)
    chance = Chance(seed, _NOISE_STREAM, day.toordinal())
    names = text_table(station_texts(listed))
    times = text_table(f"{day:%m/%d/%Y} {minute // 60:02d}:{minute % 60:02d}:00" for minute in range(0, 1440, 5))
    step = max(1, _BLOCK_ROWS // station_count)
    for start in range(0, INTERVALS, step):
        rows = slice(start, min(start + step, INTERVALS))
        count = rows.stop - rows.start
        opening: list[Piece] = [
            Cells(table=times, index=np.repeat(np.arange(rows.start, rows.stop), station_count)),
            Cells(table=names, index=np.tile(np.arange(station_count), count)),
        ]
        cells = _measured(listed, traffic, rows, chance)
        yield joined_rows([*opening, *cells, _ABSENT_LANE * (8 - MOST_LANES) + "\n"], count * station_count)


def _measured(listed: Stations, traffic: Traffic, rows: slice, chance: Chance) -> list[Piece]:
    """The cells from Samples to the observed flag of lane 6."""
    shape = (rows.stop - rows.start, len(listed.ids))
    totals = {name: np.zeros(shape, dtype=np.int64) for name in ("samples", "seen", "valued", "flow", "occ", "speed")}
    lanes: list[Piece] = []
    for lane in range(MOST_LANES):
        lanes += _lane(lane, listed, traffic, rows, chance, totals)
    return [*_station_cells(listed, totals), *lanes]


def _lane(
    lane: int, listed: Stations, traffic: Traffic, rows: slice, chance: Chance, totals: dict[str, Integers]
) -> list[Piece]:
    """Five cells of one lane for all stations, with the station's totals brought up to date."""
    has = np.flatnonzero(listed.lanes > lane)
    shape = (rows.stop - rows.start, len(has))
    silent, broken = traffic.is_silent[rows][:, has], traffic.is_broken[has, lane]
    ramp = listed.is_ramp[has]
    missed = np.maximum(chance.below(1000, shape) - 930, 0)
    # Half of the broken detectors still send samples, all of them unusable.
    mute = silent | (broken & (listed.lane_luck[has, lane] * 64 % 1 < 0.5))
    samples = np.where(mute, 0, 10 - (missed > 0) - (missed > 58))
    seen = ~(silent | broken)
    valued = seen | ~ramp
    wobble = np.where(seen, 1.0, 0.0)

    expected = traffic.lane_flow[rows][:, has] * (listed.lane_share[has, lane] * listed.lanes[has])
    counted = expected + 0.85 * np.sqrt(expected) * chance.bell(shape) * wobble
    flow = np.where(valued, np.maximum(np.rint(counted), 0), 0).astype(np.int64)
    mph = traffic.slowing[rows][:, has] * listed.lane_speed[has, lane] + 0.9 * chance.bell(shape) * wobble
    speed = np.clip(np.rint(mph * 10), 30, 889).astype(np.int64)
    share = flow * (1e5 * listed.lane_length[has, lane]) / speed * (1 + 0.04 * chance.bell(shape) * wobble)
    occ = np.minimum(np.rint(share), 9900).astype(np.int64)

    for name, part in (
        ("samples", samples),
        ("seen", seen),
        ("valued", valued),
        ("flow", flow),
        ("occ", occ),
    ):
        totals[name][:, has] += part
    totals["speed"][:, has] += flow * speed
    hidden = np.broadcast_to(ramp, shape)
    columns = (
        (_samples_table(), samples, False),
        (_flow_table(), flow, ~valued),
        (_occ_table(), occ, ~valued),
        (_speed_table(), speed, hidden),
        (_observed_table(), seen.astype(np.int64), False),
    )
    return [_placed(table, values, empty, has, len(listed.ids)) for table, values, empty in columns]


def _placed(
    table: TextTable, values: Integers, empty: NDArray[np.bool_] | bool, has: Integers, station_count: int
) -> Cells:
    """Cells of the stations that have the lane; the last text of a table stands for all others."""
    index = np.full((len(values), station_count), len(table.lengths) - 1, dtype=np.int64)
    index[:, has] = values if empty is False else np.where(empty, len(table.lengths) - 1, values)
    return Cells(table=table, index=index.reshape(-1))


def _station_cells(listed: Stations, totals: dict[str, Integers]) -> list[Piece]:
    """Samples, percent observed, total flow, average occupancy (of valued lanes), speed weighted by flow."""
    valued, flow = totals["valued"], np.minimum(totals["flow"], _MOST_TOTAL_FLOW - 1)
    lanes = np.maximum(valued, 1)
    speed = (2 * totals["speed"] + flow) // np.maximum(2 * flow, 1)
    none = valued == 0
    # With no vehicle there is no average; PeMS then repeats the free-flow speed.
    free = np.rint(listed.lane_speed[:, 0] * 10).astype(np.int64)
    speed = np.where(flow == 0, free, speed)
    columns = (
        (_samples_table(), totals["samples"], False),
        (_percent_table(), totals["seen"] * 10 + listed.lanes, False),
        (_flow_table(), flow, none),
        (_occ_table(), (2 * totals["occ"] + lanes) // (2 * lanes), none),
        (_speed_table(), speed, np.broadcast_to(listed.is_ramp, flow.shape)),
    )
    every = np.arange(len(listed.ids))
    return [_placed(table, values, empty, every, len(listed.ids)) for table, values, empty in columns]


@cache
def _samples_table() -> TextTable:
    return text_table([*(f",{number}" for number in range(10 * MOST_LANES + 1)), ","])


@cache
def _flow_table() -> TextTable:
    return text_table([*(f",{number}" for number in range(_MOST_TOTAL_FLOW)), ","])


@cache
def _occ_table() -> TextTable:
    return text_table([*("," + short_decimal_text(number, places=4) for number in range(10_000)), ","])


@cache
def _speed_table() -> TextTable:
    return text_table([*("," + short_decimal_text(number, places=1) for number in range(1000)), ","])


@cache
def _observed_table() -> TextTable:
    return text_table([",0", ",1", ",0"])


@cache
def _percent_table() -> TextTable:
    """Rounded percent for ten times seen + lanes."""
    return text_table(f",{(200 * (n // 10) + n % 10) // (2 * (n % 10)) if n % 10 else 0}" for n in range(70))
