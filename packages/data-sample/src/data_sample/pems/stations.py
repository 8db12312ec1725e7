"""The detector stations of Caltrans District 12 (Orange County): their locations, lanes and typical traffic."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from data_sample.random_stream import Floats, Integers, RandomStream
from data_sample.text_table import short_decimal_text

DISTRICT = 12
MOST_STATIONS = 4096
MOST_LANES = 6
_STREAM = 1

# Freeway, direction, and when it is busiest: 0 in the morning, 1 in the evening, 2 at both times.
CORRIDORS = (
    (5, "N", 0), (5, "S", 1), (22, "E", 1), (22, "W", 0), (55, "N", 1), (55, "S", 0), (57, "N", 1), (57, "S", 0),
    (73, "N", 0), (73, "S", 1), (91, "E", 1), (91, "W", 0), (133, "N", 2), (133, "S", 2), (241, "N", 1),
    (241, "S", 0), (405, "N", 2), (405, "S", 2), (605, "N", 2), (605, "S", 2),
)  # fmt: skip

KINDS = ("ML", "FR", "OR", "HV", "FF")
_KIND_WEIGHTS = [55, 14, 18, 11, 2]
# Frequency of 1, 2, … lanes for each kind, in 1/1,000, from the metadata that PeMS publishes.
_LANE_WEIGHTS = ([0, 90, 220, 410, 220, 60], [760, 210, 30], [430, 460, 110], [850, 150], [370, 440, 190])
RAMP_KINDS = (1, 2)


@dataclass(frozen=True, kw_only=True)
class Stations:
    """Stations as parallel arrays in the order of their ids; a shorter list is a prefix of a longer one.

    Attributes:
        ids: Seven-digit station numbers, ascending.
        corridor: Position in CORRIDORS.
        kind: Position in KINDS.
        lanes: Number of lanes with a detector, 1 to 6.
        length_mils: Length of road of a mainline station, in thousandths of a mile; 0 for a ramp.
        demand: Arriving vehicles in the busiest hour divided by capacity; above 1 a queue grows.
        shift: Intervals of 5 minutes by which the peaks are later than those of the corridor.
        lane_share: Shape (station, 6); each lane's share of the flow, 0 for absent lanes.
        lane_speed: Shape (station, 6); free-flow speed in mph.
        lane_length: Shape (station, 6); effective vehicle length, as occupancy times mph per vehicle.
        lane_draw: Shape (station, 6); uniform, and low for a detector that is broken permanently.
    """

    ids: Integers
    corridor: Integers
    kind: Integers
    lanes: Integers
    length_mils: Integers
    demand: Floats
    shift: Integers
    lane_share: Floats
    lane_speed: Floats
    lane_length: Floats
    lane_draw: Floats

    @property
    def is_ramp(self) -> NDArray[np.bool_]:
        """True for on-ramps and off-ramps, whose single loops cannot measure speed."""
        return np.isin(self.kind, RAMP_KINDS)


@lru_cache(maxsize=4)
def district_stations(count: int, seed: int) -> Stations:
    """The first `count` stations of the district for a seed."""
    random = RandomStream(seed, _STREAM)
    kind = random.choice(_KIND_WEIGHTS, MOST_STATIONS)
    by_kind = np.stack([1 + random.choice(weights, MOST_STATIONS) for weights in _LANE_WEIGHTS])
    lanes = by_kind[kind, np.arange(MOST_STATIONS)]
    is_ramp = np.isin(kind, RAMP_KINDS)
    length = np.where(is_ramp, 0, 150 + 5 * random.integers(130, MOST_STATIONS))
    demand = np.where(is_ramp, 0.30, np.where(kind == 3, 0.78, 0.93))
    everything = Stations(
        ids=1_200_000 + np.cumsum(1 + random.integers(11, MOST_STATIONS)),
        corridor=_corridors(random),
        kind=kind,
        lanes=lanes,
        length_mils=length,
        demand=demand * (1 + 0.16 * random.normal(MOST_STATIONS)),
        shift=random.integers(13, MOST_STATIONS) - 6,
        lane_share=_lane_shares(random, lanes),
        lane_speed=_lane_speeds(random, kind),
        lane_length=0.05 * (1 + 0.08 * random.normal((MOST_STATIONS, MOST_LANES))),
        lane_draw=random.fraction((MOST_STATIONS, MOST_LANES)),
    )
    return Stations(**{name: values[:count] for name, values in vars(everything).items()})


def station_texts(stations: Stations) -> list[str]:
    """The cells that are equal in each row of a station: id, district, freeway, direction, lane type, length."""
    texts = []
    for number, corridor, kind, mils in zip(
        stations.ids, stations.corridor, stations.kind, stations.length_mils, strict=True
    ):
        freeway, direction, _ = CORRIDORS[corridor]
        length = short_decimal_text(int(mils), places=3) if mils else ""
        texts.append(f",{number},{DISTRICT},{freeway},{direction},{KINDS[kind]},{length}")
    return texts


def _corridors(random: RandomStream) -> Integers:
    """The corridor of each station. Neighbouring ids are mostly on one corridor, as they were built together."""
    drawn = random.integers(len(CORRIDORS), MOST_STATIONS)
    starts = np.where(random.fraction(MOST_STATIONS) < 0.2, np.arange(MOST_STATIONS), 0)
    return drawn[np.maximum.accumulate(starts)]


def _lane_shares(random: RandomStream, lanes: Integers) -> Floats:
    present = np.arange(MOST_LANES) < lanes[:, np.newaxis]
    weights = np.where(present, 1 + 0.13 * random.normal((MOST_STATIONS, MOST_LANES)), 0.0)
    # Summed lane by lane, so that the order of additions is the same on every machine.
    total = np.cumsum(weights, axis=1)[:, -1:]
    shares: Floats = weights / total
    return shares


def _lane_speeds(random: RandomStream, kind: Integers) -> Floats:
    inner_to_outer = np.array([73.5, 71.0, 68.5, 66.0, 64.0, 63.0])
    spread = 1.6 * random.normal((MOST_STATIONS, MOST_LANES))
    ramp_slower = np.where(np.isin(kind, RAMP_KINDS), 25.0, 0.0)
    return inner_to_outer + spread - ramp_slower[:, np.newaxis]
