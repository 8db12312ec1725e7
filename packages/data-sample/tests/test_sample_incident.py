"""Samples of PeMS CHP incidents look as published, and their places are consistent."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from data_sample import write_samples
from data_sample.pems.sites import STRETCHES

Rows = list[list[str]]

_PATTERNS = (
    r"\d{8}", r"[A-Z]{4}", r"[1-9]\d*", r"01/\d\d/2024 \d\d:\d\d:00", r"[A-Za-z0-9 /-]+", r"[A-Za-z0-9 /]+",
    r"[A-Za-z ]+", r"\d{3} [1-7][A-J]", r"\d{7}:\d{7}", r"3\d\.\d{6}", r"-1[12]\d\.\d{6}", r"\d{1,2}", r"\d{1,3}",
    r"\d{0,5}", r"\d{0,3}", r"[NSEW]?", r"([RSM]?\d+(\.\d{1,3})?)?", r"(\d+(\.\d{1,3})?)?", r"[1-3]?", r"\d+",
)  # fmt: skip


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """The rows of some days, by file name."""
    (report,) = write_samples(tmp_path_factory.mktemp("days"), ["pems-incident"], size_bytes=4_000_000)
    return {name: _rows(report.folder / name) for name in report.files}


@pytest.fixture(scope="module")
def incidents(days: dict[str, Rows]) -> Rows:
    """All rows in the order of the files."""
    return [row for rows in days.values() for row in rows]


def _rows(path: Path) -> Rows:
    return [line.split(",") for line in path.read_bytes().decode("ascii").removesuffix("\n").split("\n")]


def test_small_incident_samples_have_a_file_per_day(days: dict[str, Rows]) -> None:
    """Each file is named after its day and contains only incidents of that day."""
    for name, rows in days.items():
        match = re.fullmatch(r"all_text_chp_incidents_day_2024_01_(\d\d)\.txt", name)
        assert match is not None
        assert {row[3][:10] for row in rows} == {f"01/{match[1]}/2024"}


def test_large_incident_samples_have_a_file_per_month(tmp_path: Path) -> None:
    """From 12 MB on there is one file per month, with incidents on every day."""
    (report,) = write_samples(tmp_path, ["pems-incident"], size_bytes=12_000_000)
    assert report.files == tuple(f"all_text_chp_incidents_month_2024_0{n}.txt" for n in (1, 2))
    february = _rows(report.folder / report.files[1])
    assert sorted({row[3][:5] for row in february}) == [f"02/{day:02d}" for day in range(1, 30)]


def test_incident_cells_look_like_the_published_ones(incidents: Rows) -> None:
    """Rows have 20 unquoted columns, each in its format."""
    for row in incidents:
        assert len(row) == 20
        for cell, pattern in zip(row, _PATTERNS, strict=True):
            assert re.fullmatch(pattern, cell), (cell, pattern)


def test_incident_ids_ascend_with_time(incidents: Rows) -> None:
    """Ids are unique and ascending across all files, and timestamps are ascending."""
    ids = [int(row[0]) for row in incidents]
    stamps = [dt.datetime.strptime(row[3], "%m/%d/%Y %H:%M:%S") for row in incidents]
    assert ids == sorted(set(ids))
    assert stamps == sorted(stamps)


def test_incident_numbers_start_at_1_at_each_centre_every_day(incidents: Rows) -> None:
    """Incident Number is 1, 2, 3 … by communications centre and day."""
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in incidents:
        numbers[row[1], row[3][:10]].append(int(row[2]))
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())
    assert len(numbers) > 10


def test_severity_is_mostly_empty(incidents: Rows) -> None:
    """At least nine in ten incidents have no severity, and some have one."""
    empty = sum(row[18] == "" for row in incidents)
    assert 0.9 * len(incidents) < empty < len(incidents)


def test_incidents_off_the_freeway_have_no_postmile(incidents: Rows) -> None:
    """Freeway, direction and both postmiles are either all filled or, in a small share of the rows, all empty."""
    filled = Counter(tuple(cell != "" for cell in row[14:18]) for row in incidents)
    assert set(filled) == {(True,) * 4, (False,) * 4}
    assert 0.05 < filled[(False,) * 4] / len(incidents) < 0.25


def test_postmiles_and_coordinates_agree(incidents: Rows) -> None:
    """Along a stretch of freeway, latitude follows from the absolute postmile, and the two postmiles differ evenly."""
    stretch = next(known for known in STRETCHES if known.freeway == 880)
    (south, _), (north, _) = stretch.ends
    rows = [row for row in incidents if row[14] == "880"]
    assert len(rows) > 20
    for row in rows:
        along = (float(row[17]) - stretch.absolute_mils / 1000) / (stretch.length_mils / 1000)
        assert abs(float(row[9]) - (south + along * (north - south)) / 1e6) < 3e-4
        assert abs(float(row[17]) - float(row[16]) - (stretch.absolute_mils - stretch.state_mils) / 1000) < 1e-6


def test_collisions_take_longer_than_hazards(incidents: Rows) -> None:
    """The median collision with no injury lasts longer than the median traffic hazard."""
    minutes: dict[str, list[int]] = defaultdict(list)
    for row in incidents:
        minutes[row[4]].append(int(row[19]))
    median = {kind: sorted(found)[len(found) // 2] for kind, found in minutes.items()}
    assert median["1182-Trfc Collision-No Inj"] > median["1125-Traffic Hazard"]


def test_incidents_follow_the_rush_hours(incidents: Rows) -> None:
    """On working days, 16:00 to 18:00 has more than twice the incidents of 2:00 to 4:00."""
    working = [row[3] for row in incidents if row[3][:5] not in {"01/01", "01/06", "01/07"}]
    hours = Counter(int(stamp[11:13]) for stamp in working)
    assert hours[16] + hours[17] > 2 * (hours[2] + hours[3])
