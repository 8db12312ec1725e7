"""The size report on a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data_convert.sizes.size_report import DatasetSizes, SizeReport, UnconvertedDataset
from data_convert.sizes.size_table import size_table
from data_convert.sizes.transfer import DEFAULT_DOWN, DEFAULT_UP
from terminal import render

DETECTOR = DatasetSizes(
    name="pems-detector",
    title=None,
    parts=9,
    rows=412_000_111,
    rejects=12_345,
    raw_bytes=35_200_000_000,
    text_bytes=35_200_000_000,
    parquet_bytes=1_114_000_000,
    columns={},
    foreign_files=0,
)
CLIMATE = DatasetSizes(
    name="[bold]climate",
    title=None,
    parts=1,
    rows=3997,
    rejects=0,
    raw_bytes=1_492_300,
    text_bytes=1_492_300,
    parquet_bytes=58_698,
    columns={},
    foreign_files=1,
)
WEATHER = UnconvertedDataset(name="weather", commands=("invoke data.compress --dataset weather",))


def _lines(report: SizeReport, width: int) -> list[str]:
    return [line for item in size_table(report) for line in render(item, width=width).splitlines()]


def test_the_table_has_a_row_per_dataset() -> None:
    """Names are shown unchanged, not as markup; times are above each other, before and after the conversion."""
    report = SizeReport(datasets=(CLIMATE,), unconverted=(WEATHER,), up=DEFAULT_UP, down=DEFAULT_DOWN)
    assert _lines(report, 100)[:4] == [
        "dataset            raw  Parquet  ratio   rows  rejects   upload  download",
        "─────────────────────────────────────────────────────────────────────────",
        "[bold]climate  1.49 MB  58.7 kB  25.4×  3,997        0    2.9 s     0.5 s",
        "                                                        → 0.1 s   → 19 ms",
    ]


def test_the_longest_figures_fit_80_columns() -> None:
    """No number is cut off or separated from its unit."""
    report = SizeReport(datasets=(DETECTOR, CLIMATE), unconverted=(), up=DEFAULT_UP, down=DEFAULT_DOWN)
    lines = _lines(report, 80)
    assert max(map(len, lines)) <= 80
    shown = " ".join(" ".join(lines).split())
    assert "pems-detector 35.2 GB 1.11 GB 31.6× 412,000,111 12,345 19 h 17 min 3 h 11 min → 37 min → 6.1 min" in shown
    assert "total 35.2 GB 1.11 GB 31.6× 412,004,108 12,345 19 h 17 min 3 h 11 min" in shown


def test_narrow_terminals_get_two_tables() -> None:
    """At 60 columns, sizes and times are in tables of their own, so that no name and no unit is cut."""
    report = SizeReport(datasets=(DETECTOR, CLIMATE), unconverted=(), up=DEFAULT_UP, down=DEFAULT_DOWN)
    assert _lines(report, 60)[:16] == [
        "dataset           raw Parquet ratio        rows rejects",
        "───────────────────────────────────────────────────────",
        "pems-detector 35.2 GB 1.11 GB 31.6× 412,000,111  12,345",
        "[bold]climate 1.49 MB 58.7 kB 25.4×       3,997       0",
        "",
        "total         35.2 GB 1.11 GB 31.6× 412,004,108  12,345",
        "",
        "dataset            upload   download",
        "────────────────────────────────────",
        "pems-detector 19 h 17 min 3 h 11 min",
        "                 → 37 min  → 6.1 min",
        "[bold]climate       2.9 s      0.5 s",
        "                  → 0.1 s    → 19 ms",
        "",
        "total         19 h 17 min 3 h 11 min",
        "                 → 37 min  → 6.1 min",
    ]


def test_very_narrow_terminals_get_lines() -> None:
    """Where no table fits, each figure has a line."""
    long = replace(CLIMATE, name="a-name-that-is-longer-than-a-terminal")
    report = SizeReport(datasets=(long,), unconverted=(), up=DEFAULT_UP, down=DEFAULT_DOWN)
    assert _lines(report, 40)[:8] == [
        "a-name-that-is-longer-than-a-terminal",
        "  raw       1.49 MB",
        "  Parquet   58.7 kB",
        "  ratio     25.4×",
        "  rows      3,997",
        "  rejects   0",
        "  upload    2.9 s → 0.1 s",
        "  download  0.5 s → 19 ms",
    ]


@pytest.mark.parametrize("width", range(40, 101, 5))
def test_no_width_cuts_a_name_or_a_figure(width: int) -> None:
    """Each name and each figure is complete on one line, whatever the width."""
    report = SizeReport(datasets=(DETECTOR, CLIMATE), unconverted=(), up=DEFAULT_UP, down=DEFAULT_DOWN)
    lines = _lines(report, width)
    for text in ("pems-detector", "[bold]climate", "35.2 GB", "1.11 GB", "412,000,111", "19 h 17 min", "58.7 kB"):
        assert any(text in line for line in lines), text


def test_units_are_explained_once() -> None:
    """Below the table are the rates and the definition of a MB."""
    report = SizeReport(datasets=(DETECTOR, CLIMATE), unconverted=(), up=DEFAULT_UP, down=DEFAULT_DOWN)
    shown = " ".join(" ".join(_lines(report, 100)).split())
    rates = "Upload at 4.056 Mbps, download at 24.518 Mbps, with raw files → with Parquet."
    note = "Units are decimal: 1 MB is 1,000,000 bytes, 1 Mbps is 1,000,000 bits per second."
    assert shown.count(f"{rates} {note}") == 1


def test_an_unconverted_dataset_has_its_commands() -> None:
    """Each command is on a line of its own, for copying."""
    report = SizeReport(datasets=(), unconverted=(WEATHER,), up=DEFAULT_UP, down=DEFAULT_DOWN)
    assert _lines(report, 80) == ["weather: not converted yet. Run", "  invoke data.compress --dataset weather"]


def test_foreign_files_are_reported() -> None:
    """Files that do not count are mentioned with their dataset."""
    report = SizeReport(datasets=(CLIMATE,), unconverted=(), up=DEFAULT_UP, down=DEFAULT_DOWN)
    text = "[bold]climate: 1 Parquet file in its folder was not written by this tool or is damaged; not counted."
    assert _lines(report, 100)[-1] == text
