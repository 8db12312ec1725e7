"""What data.sample prints: a table, or one JSON document."""

from __future__ import annotations

import json
from pathlib import Path

from data_sample import SAMPLES, SampleReport, sample_table, write_samples
from terminal import json_text, render


def test_json_has_the_report_of_each_dataset(tmp_path: Path) -> None:
    """One JSON document with an object per requested dataset."""
    reports = write_samples(tmp_path, ["pems-incident"], size_bytes=100_000, seed=3)
    (report,) = json.loads(json_text(reports))
    folder = tmp_path / "data/raw/csv/pems/incident"
    assert set(report) == {"dataset", "folder", "files", "size_bytes", "wrote", "seconds"}
    assert report["dataset"] == "pems-incident"
    assert report["folder"] == str(folder)
    assert report["wrote"] is True
    assert report["size_bytes"] == sum((folder / name).stat().st_size for name in report["files"])


def test_all_datasets_are_written_by_default(tmp_path: Path) -> None:
    """Without names, each dataset gets a sample and a row of the table."""
    reports = write_samples(tmp_path, size_bytes=1000)
    assert [report.dataset for report in reports] == list(SAMPLES)
    rows = render(sample_table(reports, tmp_path)).splitlines()[2:]
    assert [row.split()[0] for row in rows] == list(SAMPLES)


def test_table_has_sizes_times_and_folders() -> None:
    """Folders are relative to the root; a sample that existed is marked."""
    root = Path("/srv/project")
    climate = SampleReport(
        dataset="climate",
        folder=root / "data/raw/csv/climate",
        files=("a", "b"),
        size_bytes=63_700_000,
        wrote=True,
        seconds=1.31,
    )
    detector = SampleReport(
        dataset="pems-detector",
        folder=root / "data/raw/csv/pems/detector",
        files=("c",),
        size_bytes=1_000,
        wrote=False,
        seconds=0.1,
    )
    assert render(sample_table([climate, detector], root)).splitlines() == [
        "dataset        files     size    written  folder",
        "────────────────────────────────────────────────────────────────────",
        "climate            2  63.7 MB   in 1.3 s  data/raw/csv/climate",
        "pems-detector      1  1.00 kB  unchanged  data/raw/csv/pems/detector",
    ]
