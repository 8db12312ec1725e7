"""Files of PeMS Station 5-Minute data: one per day, 52 columns without a header, sorted by time and station.

The format is that of the files that Caltrans publishes. Fractions have no leading zero. The cells of absent lanes are
empty, with `0` observed. A station that sent no samples has imputed values on the mainline and empty cells on ramps.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from data_sample.pems.stations import DISTRICT, MOST_LANES, MOST_STATIONS, Stations, district_stations, station_texts
from data_sample.pems.traffic import INTERVALS, Traffic, day_traffic
from data_sample.random_stream import Integers, RandomStream
from data_sample.sample_file import SampleFile
from data_sample.text_table import Cells, Piece, TextTable, joined_rows, short_decimal_text, text_table

FIRST_DAY = dt.date(2024, 1, 1)
_NOISE_STREAM = 4
_BLOCK_ROWS = 16_384
_ABSENT_LANE = ",,,,,0"
_MOST_TOTAL_FLOW = 4000


@dataclass(frozen=True)
class _Measured:
    """What detectors report in an interval, shape (interval, station); of one lane, or summed over the lanes.

    Attributes:
        observed: 1 if the detector worked.
        has_value: 1 if there is a value, measured or imputed.
        occupancy: In 1/10,000.
        speed: Tenths of mph; in a sum, multiplied by flow.
    """

    samples: Integers
    observed: Integers
    has_value: Integers
    flow: Integers
    occupancy: Integers
    speed: Integers


def detector_files(size_bytes: int, seed: int) -> list[SampleFile]:
    """One file per day; the size determines the number of days and stations."""
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
    """The number of days, all complete, and of stations whose total is nearest to the size."""
    few, many = (2, 4) if size_bytes < 12_000_000 else (7, 8) if size_bytes < 200_000_000 else (28, 31)
    # A real district has 2,000 to 4,000 stations; larger samples have more days.
    day_bytes = np.cumsum(_station_day_bytes(district_stations(MOST_STATIONS, seed)))
    few = max(few, size_bytes // int(day_bytes[2400]))
    best = (few, 1)
    smallest = None
    for day_count in range(few, max(few, many) + 1):
        miss = np.abs(day_bytes * day_count - size_bytes)
        nearest = int(np.argmin(miss))
        if smallest is None or miss[nearest] < smallest:
            smallest, best = int(miss[nearest]), (day_count, nearest + 1)
    return best


def _station_day_bytes(stations: Stations) -> Integers:
    """Expected bytes of the rows of each station in a day, from averages over generated files."""
    fixed = np.array([len(text) for text in station_texts(stations)], dtype=np.int64) + len("01/01/2024 00:00:00\n")
    lane = np.where(stations.is_ramp, 130, 182)
    total = np.where(stations.is_ramp, 170, 213)
    cells: Integers = total + lane * stations.lanes + 10 * len(_ABSENT_LANE) * (8 - stations.lanes)
    return INTERVALS * fixed + INTERVALS * cells // 10


def _day_blocks(day: dt.date, station_count: int, seed: int, _needed_bytes: int) -> Iterator[bytes]:
    stations = district_stations(station_count, seed)
    traffic = day_traffic(stations, day, seed)
    random = RandomStream(seed, _NOISE_STREAM, day.toordinal())
    names = text_table(station_texts(stations))
    times = text_table(f"{day:%m/%d/%Y} {minute // 60:02d}:{minute % 60:02d}:00" for minute in range(0, 1440, 5))
    step = max(1, _BLOCK_ROWS // station_count)
    for start in range(0, INTERVALS, step):
        rows = slice(start, min(start + step, INTERVALS))
        count = rows.stop - rows.start
        opening: list[Piece] = [
            Cells(table=times, index=np.repeat(np.arange(rows.start, rows.stop), station_count)),
            Cells(table=names, index=np.tile(np.arange(station_count), count)),
        ]
        cells = _measured_cells(stations, traffic, rows, random)
        yield joined_rows([*opening, *cells, _ABSENT_LANE * (8 - MOST_LANES) + "\n"], count * station_count)


def _measured_cells(stations: Stations, traffic: Traffic, rows: slice, random: RandomStream) -> list[Piece]:
    """The cells from Samples to the observed flag of lane 6."""
    totals = np.zeros((len(fields(_Measured)), rows.stop - rows.start, len(stations.ids)), dtype=np.int64)
    total = _Measured(*totals)
    lanes: list[Piece] = []
    for lane in range(MOST_LANES):
        present = np.flatnonzero(stations.lanes > lane)
        measured = _lane_values(lane, stations, present, traffic, rows, random)
        _add(total, measured, present)
        lanes += _lane_cells(measured, stations, present)
    return [*_station_cells(stations, total), *lanes]


def _lane_values(
    lane: int, stations: Stations, present: Integers, traffic: Traffic, rows: slice, random: RandomStream
) -> _Measured:
    """What the detectors of one lane measure, at the stations that have this lane."""
    shape = (rows.stop - rows.start, len(present))
    silent, broken = traffic.is_silent[rows][:, present], traffic.is_broken[present, lane]
    missed = np.maximum(random.integers(1000, shape) - 930, 0)
    # Half of the broken detectors still send samples, but unusable ones.
    is_mute = silent | (broken & (stations.lane_draw[present, lane] * 64 % 1 < 0.5))
    observed = ~(silent | broken)
    has_value = observed | ~stations.is_ramp[present]
    # Imputed values have no noise.
    noise_scale = np.where(observed, 1.0, 0.0)
    expected = traffic.lane_flow[rows][:, present] * (stations.lane_share[present, lane] * stations.lanes[present])
    counted = expected + 0.85 * np.sqrt(expected) * random.normal(shape) * noise_scale
    flow = np.where(has_value, np.maximum(np.rint(counted), 0), 0).astype(np.int64)
    expected_mph = traffic.slowing[rows][:, present] * stations.lane_speed[present, lane]
    mph = expected_mph + 0.9 * random.normal(shape) * noise_scale
    speed = np.clip(np.rint(mph * 10), 30, 889).astype(np.int64)
    length = 1e5 * stations.lane_length[present, lane]
    occupied = flow * length / speed * (1 + 0.04 * random.normal(shape) * noise_scale)
    return _Measured(
        samples=np.where(is_mute, 0, 10 - (missed > 0) - (missed > 58)),
        observed=observed.astype(np.int64),
        has_value=has_value.astype(np.int64),
        flow=flow,
        occupancy=np.minimum(np.rint(occupied), 9900).astype(np.int64),
        speed=speed,
    )


def _add(total: _Measured, measured: _Measured, present: Integers) -> None:
    """Add a lane to the totals of the stations; speeds are weighted by flow."""
    total.samples[:, present] += measured.samples
    total.observed[:, present] += measured.observed
    total.has_value[:, present] += measured.has_value
    total.flow[:, present] += measured.flow
    total.occupancy[:, present] += measured.occupancy
    total.speed[:, present] += measured.flow * measured.speed


def _lane_cells(measured: _Measured, stations: Stations, present: Integers) -> list[Piece]:
    """Five cells of one lane for all stations."""
    is_empty = measured.has_value == 0
    has_no_speed = np.broadcast_to(stations.is_ramp[present], is_empty.shape)
    columns = (
        (_samples_table(), measured.samples, False),
        (_flow_table(), measured.flow, is_empty),
        (_occupancy_table(), measured.occupancy, is_empty),
        (_speed_table(), measured.speed, has_no_speed),
        (_observed_table(), measured.observed, False),
    )
    return [_column(table, values, empty, present, len(stations.ids)) for table, values, empty in columns]


def _station_cells(stations: Stations, total: _Measured) -> list[Piece]:
    """Samples, percent observed, total flow, average occupancy of lanes with values, speed weighted by flow."""
    flow = np.minimum(total.flow, _MOST_TOTAL_FLOW - 1)
    lanes = np.maximum(total.has_value, 1)
    is_empty = total.has_value == 0
    # Without vehicles there is no average; PeMS then repeats the free-flow speed.
    free_flow_speed = np.rint(stations.lane_speed[:, 0] * 10).astype(np.int64)
    speed = np.where(flow == 0, free_flow_speed, (2 * total.speed + flow) // np.maximum(2 * flow, 1))
    columns = (
        (_samples_table(), total.samples, False),
        (_percent_table(), total.observed * 10 + stations.lanes, False),
        (_flow_table(), flow, is_empty),
        (_occupancy_table(), (2 * total.occupancy + lanes) // (2 * lanes), is_empty),
        (_speed_table(), speed, np.broadcast_to(stations.is_ramp, flow.shape)),
    )
    every = np.arange(len(stations.ids))
    return [_column(table, values, empty, every, len(stations.ids)) for table, values, empty in columns]


def _column(
    table: TextTable, values: Integers, empty: NDArray[np.bool_] | bool, present: Integers, station_count: int
) -> Cells:
    """A column with values for some stations; the others have the last text of the table."""
    index = np.full((len(values), station_count), len(table.lengths) - 1, dtype=np.int64)
    index[:, present] = values if empty is False else np.where(empty, len(table.lengths) - 1, values)
    return Cells(table=table, index=index.reshape(-1))


@cache
def _samples_table() -> TextTable:
    return text_table([*(f",{number}" for number in range(10 * MOST_LANES + 1)), ","])


@cache
def _flow_table() -> TextTable:
    return text_table([*(f",{number}" for number in range(_MOST_TOTAL_FLOW)), ","])


@cache
def _occupancy_table() -> TextTable:
    return text_table([*("," + short_decimal_text(number, places=4) for number in range(10_000)), ","])


@cache
def _speed_table() -> TextTable:
    return text_table([*("," + short_decimal_text(number, places=1) for number in range(1000)), ","])


@cache
def _observed_table() -> TextTable:
    return text_table([",0", ",1", ",0"])


@cache
def _percent_table() -> TextTable:
    """Rounded percent for an index of ten times the observed lanes plus the lanes."""
    return text_table(f",{(200 * (n // 10) + n % 10) // (2 * (n % 10)) if n % 10 else 0}" for n in range(70))
