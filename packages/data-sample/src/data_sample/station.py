"""The detector stations of Caltrans District 12 (Orange County): where they are and what passes them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from data_sample.chance import Chance, Floats, Integers
from data_sample.text import short_decimal_text

DISTRICT = 12
MOST_STATIONS = 4096
MOST_LANES = 6
_STREAM = 1

# Freeway, direction, and when it is busiest: 0 in the morning, 1 in the evening, 2 both.
CORRIDORS = (
    (5, "N", 0), (5, "S", 1), (22, "E", 1), (22, "W", 0), (55, "N", 1), (55, "S", 0), (57, "N", 1), (57, "S", 0),
    (73, "N", 0), (73, "S", 1), (91, "E", 1), (91, "W", 0), (133, "N", 2), (133, "S", 2), (241, "N", 1),
    (241, "S", 0), (405, "N", 2), (405, "S", 2), (605, "N", 2), (605, "S", 2),
)  # fmt: skip

KINDS = ("ML", "FR", "OR", "HV", "FF")
_KIND_WEIGHTS = [55, 14, 18, 11, 2]
# How often a station of each kind has 1, 2, … lanes (in 1,000), after the metadata that PeMS publishes.
_LANE_WEIGHTS = ([0, 90, 220, 410, 220, 60], [760, 210, 30], [430, 460, 110], [850, 150], [370, 440, 190])
RAMP_KINDS = (1, 2)


@dataclass(frozen=True, kw_only=True)
class Stations:
    """Stations as parallel arrays in the order of their ids; a shorter list is a prefix of a longer one.

    Attributes:
        ids: seven-digit station numbers, ascending.
        corridor: position in CORRIDORS.
        kind: position in KINDS.
        lanes: how many lanes report, 1 to 6.
        length_mils: thousandths of a mile that a mainline station stands for; 0 for a ramp, which has none.
        demand: what arrives in the busiest hour, as a share of capacity; over 1 a queue grows.
        shift: intervals of 5 minutes by which the peaks come later than the corridor's.
        lane_share: shape (station, 6), each lane's part of the flow; 0 for absent lanes.
        lane_speed: shape (station, 6), free-flow speed in mph.
        lane_length: shape (station, 6), effective vehicle length over detector, as occupancy times mph per vehicle.
        lane_luck: shape (station, 6), uniform; low values mark a detector that is broken for good.
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
    lane_luck: Floats

    @property
    def is_ramp(self) -> NDArray[np.bool_]:
        """True for on-ramps and off-ramps, whose single loops measure no speed."""
        return np.isin(self.kind, RAMP_KINDS)


@lru_cache(maxsize=4)
def stations(count: int, seed: int) -> Stations:
    """The first `count` stations of the network that belongs to a seed."""
    chance = Chance(seed, _STREAM)
    kind = chance.pick(_KIND_WEIGHTS, MOST_STATIONS)
    by_kind = np.stack([1 + chance.pick(weights, MOST_STATIONS) for weights in _LANE_WEIGHTS])
    lanes = by_kind[kind, np.arange(MOST_STATIONS)]
    is_ramp = np.isin(kind, RAMP_KINDS)
    length = np.where(is_ramp, 0, 150 + 5 * chance.below(130, MOST_STATIONS))
    demand = np.where(is_ramp, 0.30, np.where(kind == 3, 0.78, 0.93))
    everything = Stations(
        ids=1_200_000 + np.cumsum(1 + chance.below(11, MOST_STATIONS)),
        corridor=_corridors(chance),
        kind=kind,
        lanes=lanes,
        length_mils=length,
        demand=demand * (1 + 0.16 * chance.bell(MOST_STATIONS)),
        shift=chance.below(13, MOST_STATIONS) - 6,
        lane_share=_lane_shares(chance, lanes),
        lane_speed=_lane_speeds(chance, kind),
        lane_length=0.05 * (1 + 0.08 * chance.bell((MOST_STATIONS, MOST_LANES))),
        lane_luck=chance.fraction((MOST_STATIONS, MOST_LANES)),
    )
    return Stations(**{name: values[:count] for name, values in vars(everything).items()})


def station_texts(listed: Stations) -> list[str]:
    """The cells that every row of a station repeats: id, district, freeway, direction, lane type, length."""
    texts = []
    for number, corridor, kind, mils in zip(listed.ids, listed.corridor, listed.kind, listed.length_mils, strict=True):
        freeway, direction, _ = CORRIDORS[corridor]
        length = short_decimal_text(int(mils), places=3) if mils else ""
        texts.append(f",{number},{DISTRICT},{freeway},{direction},{KINDS[kind]},{length}")
    return texts


def _corridors(chance: Chance) -> Integers:
    """Runs of stations on one corridor: neighbours got neighbouring ids when they were built."""
    drawn = chance.below(len(CORRIDORS), MOST_STATIONS)
    starts = np.where(chance.fraction(MOST_STATIONS) < 0.2, np.arange(MOST_STATIONS), 0)
    return drawn[np.maximum.accumulate(starts)]


def _lane_shares(chance: Chance, lanes: Integers) -> Floats:
    present = np.arange(MOST_LANES) < lanes[:, np.newaxis]
    weights = np.where(present, 1 + 0.13 * chance.bell((MOST_STATIONS, MOST_LANES)), 0.0)
    # Summed lane by lane: the order of additions is then the same on every machine.
    total = np.cumsum(weights, axis=1)[:, -1:]
    shares: Floats = weights / total
    return shares


def _lane_speeds(chance: Chance, kind: Integers) -> Floats:
    inner_to_outer = np.array([73.5, 71.0, 68.5, 66.0, 64.0, 63.0])
    spread = 1.6 * chance.bell((MOST_STATIONS, MOST_LANES))
    ramp_slower = np.where(np.isin(kind, RAMP_KINDS), 25.0, 0.0)
    return inner_to_outer + spread - ramp_slower[:, np.newaxis]
