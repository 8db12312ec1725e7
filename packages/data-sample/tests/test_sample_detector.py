"""Samples of PeMS Station 5-Minute data look as published, and their traffic is realistic."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from data_sample import write_samples

Rows = list[list[str]]

_FRACTION = re.compile(r"0|1|\.\d{0,3}[1-9]")
_NUMBER = re.compile(r"0|[1-9]\d*")
_SPEED = re.compile(r"\d{1,2}(\.[1-9])?")


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """The rows of each of seven days, by file name."""
    (report,) = write_samples(tmp_path_factory.mktemp("week"), ["pems-detector"], size_bytes=12_000_000)
    return {name: _rows(report.folder / name) for name in report.files}


@pytest.fixture(scope="module")
def tuesday(week: dict[str, Rows]) -> Rows:
    """The rows of an ordinary working day."""
    return week["d12_text_station_5min_2024_01_02.txt"]


def _rows(path: Path) -> Rows:
    text = path.read_bytes().decode("ascii")
    assert text.endswith("\n")
    assert "\r" not in text
    return [line.split(",") for line in text.splitlines()]


def _mean(rows: Rows, column: int, hours: range) -> float:
    values = [float(row[column]) for row in rows if row[5] == "ML" and row[column] and int(row[0][11:13]) in hours]
    return sum(values) / len(values)


def test_detector_files_are_named_by_district_and_day(week: dict[str, Rows]) -> None:
    """There is one file per day without gaps, and seven days or more from 12 MB on."""
    assert len(week) >= 7
    assert list(week) == [f"d12_text_station_5min_2024_01_{day + 1:02d}.txt" for day in range(len(week))]


def test_detector_days_are_complete_and_in_order(week: dict[str, Rows]) -> None:
    """Every day has the same stations 288 times, sorted by time, then by station id."""
    stations = sorted({int(row[1]) for row in next(iter(week.values()))})
    for name, rows in week.items():
        year, month, day = name[-14:-4].split("_")
        stamps = [f"{month}/{day}/{year} {m // 60:02d}:{m % 60:02d}:00" for m in range(0, 1440, 5)]
        assert [(row[0], int(row[1])) for row in rows] == [(stamp, number) for stamp in stamps for number in stations]


def test_detector_cells_look_like_the_published_ones(tuesday: Rows) -> None:
    """Rows have 52 columns, fractions no leading zero, and speeds one decimal unless it is 0."""
    for row in tuesday:
        assert len(row) == 52
        assert re.fullmatch(r"12\d{5},12,\d{1,3},[NSEW],(ML|FR|OR|HV|FF)", ",".join(row[1:6]))
        for column in (7, 8, 9, 12, 13, 16, 17, 18):
            assert row[column] == "" or _NUMBER.fullmatch(row[column])
        for column in (10, 14, 19, 24):
            assert row[column] == "" or _FRACTION.fullmatch(row[column])
        for column in (11, 15, 20):
            assert row[column] == "" or _SPEED.fullmatch(row[column])


def test_only_mainline_rows_have_a_station_length(tuesday: Rows) -> None:
    """Rows of ramps have neither a length nor a speed."""
    for row in tuesday:
        is_ramp = row[5] in {"FR", "OR"}
        assert (row[6] == "", row[11] == "") == (is_ramp, is_ramp)
        assert is_ramp or re.fullmatch(r"\.\d{0,2}[1-9]", row[6])


def test_absent_lanes_are_empty_with_0_observed(tuesday: Rows) -> None:
    """No station has lanes 7 and 8; their five cells look as PeMS publishes absent lanes."""
    assert {tuple(row[42:52]) for row in tuesday} == {("", "", "", "", "0") * 2}


def test_station_totals_follow_from_the_lanes(tuesday: Rows) -> None:
    """Samples and flow are sums over the lanes; percent observed is the share of observed lanes."""
    for row in tuesday:
        lanes = [row[start : start + 5] for start in range(12, 52, 5) if row[start] != ""]
        assert int(row[7]) == sum(int(lane[0]) for lane in lanes)
        assert int(row[9] or 0) == sum(int(lane[1] or 0) for lane in lanes)
        seen = sum(int(lane[4]) for lane in lanes)
        assert int(row[8]) == int(100 * seen / len(lanes) + 0.5)


def test_weekday_mornings_are_busier_than_weekend_mornings(week: dict[str, Rows]) -> None:
    """From 7 to 9, a Tuesday has at least 1.6 times the flow of a Sunday; at midday it has less than that."""
    tuesday, sunday = (week[f"d12_text_station_5min_2024_01_{day}.txt"] for day in ("02", "07"))
    morning, midday = range(7, 9), range(12, 14)
    assert _mean(tuesday, 9, morning) > 1.6 * _mean(sunday, 9, morning)
    assert _mean(tuesday, 9, midday) < 1.6 * _mean(sunday, 9, midday)


def test_the_two_directions_of_a_freeway_peak_at_different_times(tuesday: Rows) -> None:
    """One direction is busier in the morning, the other in the evening."""
    flow: dict[tuple[str, str, bool], int] = defaultdict(int)
    for row in tuesday:
        if row[9] and row[0][11:13] in {"07", "08", "16", "17"}:
            flow[row[3], row[4], row[0][11] == "0"] += int(row[9])
    share = {key[:2]: flow[key] / (flow[key] + flow[(*key[:2], False)]) for key in flow if key[2]}
    assert max(share.values()) > 0.55
    assert min(share.values()) < 0.45


def test_speed_falls_with_occupancy(tuesday: Rows) -> None:
    """Traffic far above the critical occupancy has less than half the speed of traffic below it."""
    points = [(float(row[10]), float(row[11])) for row in tuesday if row[5] == "ML"]
    free = [speed for occupancy, speed in points if occupancy < 0.08]
    jammed = [speed for occupancy, speed in points if occupancy > 0.30]
    assert len(jammed) > len(points) // 1000
    assert sum(jammed) / len(jammed) < 0.5 * sum(free) / len(free)


def test_flow_falls_again_past_capacity(tuesday: Rows) -> None:
    """Jammed lanes have less flow than full ones: the lower branch of the fundamental diagram."""
    lanes = [(float(row[14]), int(row[13])) for row in tuesday if row[5] == "ML" and row[16] == "1"]
    full = sorted(flow for occupancy, flow in lanes if 0.10 < occupancy < 0.15)
    jammed = sorted(flow for occupancy, flow in lanes if occupancy > 0.35)
    assert jammed[len(jammed) // 2] < full[len(full) // 2]


def test_congestion_lasts(tuesday: Rows) -> None:
    """Most jams of one interval continue in the next."""
    speeds: dict[str, list[float]] = defaultdict(list)
    for row in tuesday:
        if row[5] == "ML":
            speeds[row[1]].append(float(row[11]))
    after = [b for values in speeds.values() for a, b in pairwise(values) if a < 40]
    assert len(after) > 20
    assert sum(speed < 45 for speed in after) > 0.8 * len(after)


def test_silent_mainline_stations_are_imputed_and_silent_ramps_empty(tuesday: Rows) -> None:
    """They have 0 samples and 0 percent observed; the mainline has imputed values and ramps have none."""
    silent = [row for row in tuesday if row[7] == "0"]
    assert {row[8] for row in silent} == {"0"}
    assert {row[9] != "" for row in silent if row[5] == "ML"} == {True}
    assert {row[9] for row in silent if row[5] in {"FR", "OR"}} == {""}


def test_some_lane_readings_are_not_observed(tuesday: Rows) -> None:
    """Between 1 and 20 percent of the lane readings of a day are missing."""
    readings = [row[start + 4] for row in tuesday for start in range(12, 42, 5) if row[start] != ""]
    assert 0.01 < readings.count("0") / len(readings) < 0.20


def test_stations_keep_their_ids_when_the_sample_grows(week: dict[str, Rows], tmp_path: Path) -> None:
    """The stations of a small sample are the first ones of a large sample, with the same properties."""
    (report,) = write_samples(tmp_path, ["pems-detector"], size_bytes=1_000_000)
    few = {tuple(row[1:7]) for row in _rows(report.folder / report.files[0])}
    many = {tuple(row[1:7]) for rows in week.values() for row in rows}
    assert few < many
