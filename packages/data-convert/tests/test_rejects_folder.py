"""Rejects are outside the output folder: where they are written, who can read that folder, how old ones are moved."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Final

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

ROOT: Final = Path(__file__).resolve().parents[3]
HEADER: Final = "source,line,column,reason,row\n"


@pytest.fixture
def kept(lab: Any) -> Any:
    """A converted dataset of two parts, one of them in a folder and with a reject."""
    lab.raw("north/a.csv", "id,kind\n1,oak\nx,elm\n")
    lab.raw("b.csv", "id,kind\n2,fir\n")
    lab.trees = lab.spec(on_reject="keep")
    lab.convert(lab.trees)
    return lab


def _converted(report: Any) -> list[str]:
    return [part.name for part in report.parts if part.is_converted]


def _make_former(lab: Any) -> Path:
    """Put the rejects file where it was until format 2."""
    former: Path = lab.part("north/a.rejects.csv")
    lab.rejects_file("north/a.csv").rename(former)
    return former


def test_each_part_with_rejects_has_a_file(kept: Any) -> None:
    """The rejects file has the name of its part, below the name of the dataset."""
    assert kept.left() == ["b.parquet", "north/a.parquet"]
    assert kept.left_rejects() == ["north/a.csv"]
    assert kept.rejects_file("north/a.csv").read_text() == (
        HEADER + 'north/a.csv,3,id,is not an int32 (-2147483648 to 2147483647),"x,elm"\n'
    )


# pandas.read_parquet does the first. Other readers are in tests/e2e/test_readers.py.
READERS: Final = {"read_table": pq.read_table, "dataset": lambda folder: ds.dataset(folder).to_table()}


@pytest.mark.parametrize("reader", READERS)
def test_the_output_folder_is_readable(kept: Any, reader: str) -> None:
    """Programs that read every file of the folder find Parquet only."""
    assert sorted(READERS[reader](kept.root / "parts")["id"].to_pylist()) == [1, 2]


def test_git_ignores_rejects_but_not_records_of_them() -> None:
    """Raw rows are not committed by accident; a .dvc file, made on purpose to share them, is visible."""
    command = [
        "git",
        "check-ignore",
        "data/rejects/trees/a.csv",
        "data/rejects/trees/n/a.csv",
        "data/rejects/trees.dvc",
    ]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.stdout.split() == ["data/rejects/trees/a.csv", "data/rejects/trees/n/a.csv"]


@pytest.mark.parametrize("is_stale", [False, True])
def test_former_files_are_moved(kept: Any, is_stale: bool) -> None:
    """The next conversion moves the rejects files of earlier versions; it need not write their parts again."""
    text = kept.rejects_file("north/a.csv").read_text()
    former = _make_former(kept)
    if is_stale:
        former.write_text(HEADER)
    assert _converted(kept.convert(kept.trees)) == (["north/a.parquet"] if is_stale else [])
    assert (kept.left(), kept.left_rejects()) == (["b.parquet", "north/a.parquet"], ["north/a.csv"])
    assert kept.rejects_file("north/a.csv").read_text() == text


def test_the_content_of_a_link_is_moved(kept: Any) -> None:
    """DVC may have linked the file into its cache, which must not change."""
    text = kept.rejects_file("north/a.csv").read_text()
    cached = kept.root / "cached"
    _make_former(kept).rename(cached)
    kept.part("north/a.rejects.csv").symlink_to(cached)
    kept.convert(kept.trees)
    assert not kept.rejects_file("north/a.csv").is_symlink()
    assert (kept.rejects_file("north/a.csv").read_text(), cached.read_text()) == (text, text)
    assert kept.left() == ["b.parquet", "north/a.parquet"]


def test_former_file_of_a_removed_source_goes(kept: Any) -> None:
    """It goes with the part, wherever it is."""
    _make_former(kept)
    (kept.root / "raw/north/a.csv").unlink()
    kept.convert(kept.trees)
    assert (kept.left(), kept.left_rejects()) == (["b.parquet"], [])


def test_files_of_the_user_stay(kept: Any) -> None:
    """A file that this tool did not write stays, whatever it is called."""
    kept.part("b.rejects.csv").write_text("my,notes\n")
    kept.rejects_file("notes.csv").write_text("my,notes\n")
    kept.convert(kept.trees)
    assert kept.left() == ["b.parquet", "b.rejects.csv", "north/a.parquet"]
    assert kept.left_rejects() == ["north/a.csv", "notes.csv"]


def test_rejects_of_no_part_go(kept: Any) -> None:
    """The rejects file of a part that does not exist, or has no rejects, is removed."""
    kept.rejects_file("old.csv").write_text(HEADER)
    kept.rejects_file("b.csv").write_text(HEADER)
    assert _converted(kept.convert(kept.trees)) == []
    assert kept.left_rejects() == ["north/a.csv"]


def test_failed_part_leaves_the_earlier_rejects(kept: Any) -> None:
    """A part that fails, and its rejects file, stay as the earlier run wrote them; no temporary file is left."""
    before = kept.rejects_file("north/a.csv").read_bytes()
    kept.raw("north/a.csv", "id,kind\n1,oak\ny,elm\n")
    with pytest.raises(Exception, match="1 of 2 rows"):
        kept.convert(kept.spec(on_reject="keep", max_rejects=0.1))
    assert kept.left_rejects() == ["north/a.csv"]
    assert kept.rejects_file("north/a.csv").read_bytes() == before
