"""The size report on a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from data_convert.sizes.size_report import DatasetSizes, SizeReport, UnconvertedDataset
from data_convert.sizes.transfer import DEFAULT_DOWN, DEFAULT_UP

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
    strangers=0,
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
    strangers=1,
)
WEATHER = UnconvertedDataset(name="weather", commands=("invoke data.compress --dataset weather",))


def _lines(report: SizeReport, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(report.table())
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_wide_terminal_has_a_line_per_dataset() -> None:
    """Names are shown as they are, not read as markup."""
    report = SizeReport(datasets=(CLIMATE,), unconverted=(WEATHER,), up=DEFAULT_UP, down=DEFAULT_DOWN)
    assert _lines(report, 100)[:5] == [
        "",
        "                                                                 upload        download",
        " dataset            raw  Parquet  ratio   rows  rejects  before → after  before → after",
        " ──────────────────────────────────────────────────────────────────────────────────────",
        " [bold]climate  1.49 MB  58.7 kB  25.4×  3,997        0   2.9 s → 0.1 s   0.5 s → 19 ms",
    ]


def test_the_longest_figures_fit_80_columns() -> None:
    """Times go on two lines, and no figure is cut."""
    report = SizeReport(datasets=(DETECTOR, CLIMATE), unconverted=(), up=DEFAULT_UP, down=DEFAULT_DOWN)
    lines = _lines(report, 80)
    assert max(map(len, lines)) <= 80
    shown = " ".join(" ".join(lines).split())
    assert "pems-detector 35.2 GB 1.11 GB 31.6× 412,000,111 12,345 19 h 17 min 3 h 11 min → 37 min → 6.1 min" in shown
    assert "total 35.2 GB 1.11 GB 31.6× 412,004,108 12,345 19 h 17 min 3 h 11 min" in shown


def test_units_are_said_once() -> None:
    """Below the table stand the rates and what a MB is."""
    report = SizeReport(datasets=(DETECTOR, CLIMATE), unconverted=(), up=DEFAULT_UP, down=DEFAULT_DOWN)
    shown = " ".join(" ".join(_lines(report, 100)).split())
    note = "Units are decimal: 1 MB is 1,000,000 bytes, 1 Mbps is 1,000,000 bits per second."
    assert shown.count(f"Upload at 4.056 Mbps, download at 24.518 Mbps. {note}") == 1


def test_what_is_missing_is_told_with_its_command() -> None:
    """Each command stands on a line of its own, to be copied."""
    report = SizeReport(datasets=(), unconverted=(WEATHER,), up=DEFAULT_UP, down=DEFAULT_DOWN)
    assert _lines(report, 80) == ["weather: not converted yet. Run", "  invoke data.compress --dataset weather"]


def test_strangers_are_told() -> None:
    """Files that do not count are mentioned with their dataset."""
    report = SizeReport(datasets=(CLIMATE,), unconverted=(), up=DEFAULT_UP, down=DEFAULT_DOWN)
    told = "[bold]climate: 1 Parquet file there was not written by this tool, or damaged; not counted."
    assert _lines(report, 100)[-1] == told
