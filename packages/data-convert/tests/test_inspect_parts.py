"""Many small files: fewer, larger parts are proposed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from data_convert.conversion.dataset_conversion import convert_dataset
from data_convert.inspection.dataset_inspection import inspect_described, inspect_path
from data_convert.inspection.spec_text import write_table
from data_convert.series.completeness import FileFacts
from data_convert.series.file_dates import date_pattern
from data_convert.series.part_proposal import parts_proposal
from data_convert.spec.spec_file import load_specs

DAYS = [date(2023, 1, 1) + timedelta(days=day) for day in range(730)]


def proposed(names: Sequence[str], *, kilobytes: int = 1, footer_bytes: int = 900_000) -> tuple[str, str] | None:
    """`parts` and `pattern` for files of this size."""
    files = [FileFacts(name=name, rows=1, text_bytes=kilobytes << 10) for name in names]
    found = parts_proposal(files, pages_bytes=100_000, footer_bytes=footer_bytes)
    return None if found is None else (found.parts, found.pattern)


def test_parts_are_proposed_written_and_used(tmp_path: Path) -> None:
    """Files of one row each would be footers for the most part."""
    folder = tmp_path / "raw/csv/air"
    folder.mkdir(parents=True)
    for number, day in enumerate(DAYS):
        (folder / f"air_{day:%Y-%m-%d}.csv").write_text(f"day,value\n{day},{number}\n")
    found = inspect_path(folder)
    assert found.proposal is not None
    assert found.proposal.reason.endswith(' of the Parquet; parts = "{year}" makes 2 parts of 730 files')
    assert found.facts()["proposal"]["parts"] == "{year}"
    write_table(tmp_path / "datasets.toml", "air", found)
    text = (tmp_path / "datasets.toml").read_text()
    assert 'parts = "{year}"\n' in text
    assert "pattern = '(?P<year>\\d{4})-(?P<month>\\d\\d)-\\d\\d'\n" in text
    spec = load_specs(tmp_path / "datasets.toml")["air"]
    made = convert_dataset(spec, data_folder=tmp_path, jobs=2)
    assert [(part.name, part.rows) for part in made.parts] == [("2023.parquet", 365), ("2024.parquet", 365)]
    assert inspect_described(spec, tmp_path).proposal is None


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("d04_%Y_%m_%d.txt", r"(?P<year>\d{4})_(?P<month>\d\d)_\d\d"),
        ("%m-%d-%Y.csv", r"(?P<month>\d\d)-\d\d-(?P<year>\d{4})"),
        ("%d.%m.%Y.csv", r"\d\d\.(?P<month>\d\d)\.(?P<year>\d{4})"),
        ("x%Y%m%d.csv", r"(?P<year>\d{4})(?P<month>\d\d)\d\d"),
    ],
)
def test_the_pattern_finds_year_and_month(form: str, pattern: str) -> None:
    """It is as short as the names allow."""
    assert date_pattern([f"{day:{form}}" for day in DAYS]) == pattern


def test_parts_are_months_if_these_are_not_small() -> None:
    """A new file then converts less of the dataset again."""
    names = [f"{day}.csv" for day in DAYS]
    found = proposed(names, kilobytes=500)
    assert found is not None
    assert found[0] == "{year}-{month}"


def test_folders_are_parts_where_names_have_no_dates() -> None:
    """A part per folder."""
    names = [f"station{number // 50}/{number}.csv" for number in range(400)]
    assert proposed(names) == ("{folder}", "^(?P<folder>[^/]+)/")


@pytest.mark.parametrize(
    ("names", "footer_bytes"),
    [
        ([f"{day}.csv" for day in DAYS[:50]], 900_000),
        ([f"{day}.csv" for day in DAYS], 30_000),
        ([f"{number}.csv" for number in range(400)], 900_000),
        ([f"{number}/x.csv" for number in range(400)], 900_000),
    ],
    ids=["few files", "small footers", "no dates", "a folder for each file"],
)
def test_one_part_per_file_is_fine(names: list[str], footer_bytes: int) -> None:
    """There is nothing to gain, or the names allow no groups."""
    assert proposed(names, footer_bytes=footer_bytes) is None
