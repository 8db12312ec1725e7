"""One day of traffic at the stations: demand, queues and the condition of the detectors."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_sample.pems.stations import CORRIDORS, Stations
from data_sample.random_stream import Floats, Integers, RandomStream

INTERVALS = 288
# Vehicles per lane in 5 minutes at capacity: 1,980 per hour, as measured on Californian freeways.
LANE_CAPACITY = 165.0
_DAY_STREAM, _WEEK_STREAM = 2, 3

# Demand by hour of day in percent of the busiest hour.
_MORNING = (9, 6, 5, 6, 14, 42, 82, 99, 100, 84, 70, 68, 69, 70, 73, 77, 79, 78, 66, 50, 41, 36, 27, 16)
_EVENING = (10, 7, 5, 6, 10, 26, 52, 68, 70, 64, 63, 67, 71, 76, 88, 98, 100, 99, 86, 64, 50, 43, 32, 19)
_BOTH = (10, 7, 5, 6, 12, 36, 74, 95, 96, 78, 68, 69, 72, 75, 83, 94, 99, 97, 80, 58, 46, 40, 30, 18)
_WEEKEND = (16, 11, 8, 6, 7, 11, 19, 28, 39, 51, 61, 68, 71, 72, 72, 71, 70, 68, 63, 56, 50, 44, 36, 25)
_HOLIDAYS = {(1, 1), (7, 4), (11, 11), (12, 25)}


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """The state of the road without detector noise; arrays have the shape (interval, station).

    Attributes:
        lane_flow: Vehicles per lane and interval, averaged over the lanes.
        slowing: Speed divided by free-flow speed.
        is_silent: The station sent no samples in the interval.
        is_broken: Shape (station, 6): the detector of the lane reports no usable sample all day.
    """

    lane_flow: Floats
    slowing: Floats
    is_silent: NDArray[np.bool_]
    is_broken: NDArray[np.bool_]


def is_day_off(day: dt.date) -> bool:
    """True on weekends and fixed public holidays."""
    return day.weekday() >= 5 or (day.month, day.day) in _HOLIDAYS


def day_traffic(stations: Stations, day: dt.date, seed: int) -> Traffic:
    """Traffic of one day; a queue forms where demand exceeds capacity."""
    random = RandomStream(seed, _DAY_STREAM, day.toordinal())
    arriving = _demand(stations, day, random)
    capacity = 1 - 0.45 * _window(random, len(stations.ids), often=0.04, shortest=6, longest=18)
    queue = _queue(arriving - capacity)
    severity = queue / (queue + 2.5)
    # In a queue, flow falls again: the lower branch of the fundamental diagram.
    served = np.where(queue > 0, capacity * (1 - 0.45 * severity), arriving)
    squared = np.minimum(served, 1) * np.minimum(served, 1)
    return Traffic(
        lane_flow=served * LANE_CAPACITY,
        slowing=(1 - 0.10 * squared * squared) * (1 - 0.88 * severity),
        is_silent=_window(random, len(stations.ids), often=0.15, shortest=2, longest=40),
        is_broken=_broken(stations, day, seed),
    )


def _demand(stations: Stations, day: dt.date, random: RandomStream) -> Floats:
    """Arriving vehicles divided by capacity."""
    count = len(stations.ids)
    busiest = np.array([corridor[2] for corridor in CORRIDORS], dtype=np.int64)[stations.corridor]
    profile = _profiles(is_day_off(day))[busiest]
    interval = (np.arange(INTERVALS)[:, np.newaxis] - stations.shift) % INTERVALS
    corridor_day = 1 + 0.05 * random.normal(len(CORRIDORS))[stations.corridor]
    station_day = 1 + 0.03 * random.normal(count)
    friday = 1.04 if day.weekday() == 4 else 1.0
    noise = random.normal((INTERVALS + 2, count))
    drift = noise[2:] + noise[1:-1] + noise[:-2]
    shape = profile[np.arange(count), interval] * (1 + 0.022 * drift)
    arriving: Floats = np.maximum(shape * (stations.demand * corridor_day * station_day * friday), 0)
    return arriving


def _profiles(day_off: bool) -> Floats:
    """Demand of the three kinds of corridor, shape (3, 288), interpolated linearly between hours."""
    hours = np.array([_WEEKEND] * 3 if day_off else [_MORNING, _EVENING, _BOTH], dtype=np.int64)
    following = np.roll(hours, -1, axis=1)
    step = np.arange(12)
    mixed = hours[:, :, np.newaxis] * (12 - step) + following[:, :, np.newaxis] * step
    return mixed.reshape(3, INTERVALS) / 1200


def _queue(excess: Floats) -> Floats:
    """Waiting vehicles divided by the capacity of one interval; no vehicle waits at midnight."""
    total = np.cumsum(excess, axis=0)
    queue: Floats = total - np.minimum.accumulate(np.minimum(total, 0), axis=0)
    return queue


def _window(random: RandomStream, count: int, *, often: float, shortest: int, longest: int) -> NDArray[np.bool_]:
    """One run of intervals at some of the stations, shape (interval, station)."""
    happens = random.fraction(count) < often
    start = random.integers(INTERVALS, count)
    length = np.where(happens, shortest + random.integers(longest - shortest + 1, count), 0)
    interval = np.arange(INTERVALS)[:, np.newaxis]
    inside: NDArray[np.bool_] = (interval >= start) & (interval < start + length)
    return inside


def _broken(stations: Stations, day: dt.date, seed: int) -> NDArray[np.bool_]:
    """Detectors out of order: some permanently, some for the week."""
    week = RandomStream(seed, _WEEK_STREAM, day.toordinal() // 7)
    this_week: Integers = week.integers(1000, (4096, stations.lane_draw.shape[1]))[: len(stations.ids)]
    broken: NDArray[np.bool_] = (stations.lane_draw < 0.07) | (this_week < 50)
    return broken
