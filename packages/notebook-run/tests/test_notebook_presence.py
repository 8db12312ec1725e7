"""Whether a notebook's data is here, told without DVC."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from env_spec import NotebookDataset, NotebookSpec
from notebook_run.presence import lacking, recorded_folders

LOCK = """\
schema: '2.0'
stages:
  compress@cars:
    cmd: python
    deps:
    - path: raw/csv/cars
      hash: md5
      md5: 1800bfa850607e1b17c4ee3e9dcd2a77.dir
      size: 8051997
      nfiles: 3
    outs:
    - path: raw/parquet/cars
      hash: md5
      md5: f886f0258b8e2ad4c2d0bf3fcfba6abf.dir
      size: 2
      nfiles: 2
"""


def missing(root: Path, parts: tuple[str, ...] | None = None, name: str = "cars") -> tuple[str, ...]:
    dataset = NotebookDataset(name=name, parts=parts)
    notebook = NotebookSpec(name="eda", path="notebooks/eda.ipynb", image="i", datasets=(dataset,))
    return lacking(root, notebook)


@pytest.fixture
def recorded(root: Path) -> Path:
    """The same with a data/dvc.lock, and DVC's listing of the folder."""
    (root / "data/dvc.lock").write_text(LOCK)
    listing = root / ".dvc/cache/files/md5/f8/86f0258b8e2ad4c2d0bf3fcfba6abf.dir"
    listing.parent.mkdir(parents=True)
    names = ("d12/2024.parquet", "d12/2025.parquet", "d12/2026.parquet")
    listing.write_text(json.dumps([{"relpath": name, "md5": "x"} for name in names]))
    return root


def test_the_lock_names_folders_with_their_sizes() -> None:
    """Outputs as well as inputs, by path."""
    assert recorded_folders(LOCK)["raw/parquet/cars"].size_bytes == 2


def test_the_recorded_number_of_files_and_bytes_is_here(recorded: Path) -> None:
    """Then nothing is to be pulled."""
    assert missing(recorded) == ()


def test_another_number_of_files_or_bytes_is_not_here(recorded: Path) -> None:
    """A half-pulled folder, or one of another version."""
    (recorded / "data/raw/parquet/cars/d12/2025.parquet").write_text("xx")
    assert missing(recorded) == ("cars",)
    (recorded / "data/raw/parquet/cars/d12/2025.parquet").unlink()
    assert missing(recorded) == ("cars",)


def test_what_is_recorded_nowhere_is_here_if_there_are_parts(root: Path) -> None:
    """It was just made, and not by DVC."""
    assert (missing(root), missing(root, name="bikes")) == ((), ("bikes",))


def test_of_chosen_parts_only_these_must_be_here(recorded: Path) -> None:
    """DVC's listing says which parts there would be."""
    assert missing(recorded, ("*2024*", "*2025*")) == ()
    assert missing(recorded, ("*2026*",)) == ("cars/*2026*",)


def test_without_a_listing_parts_are_to_be_pulled(recorded: Path) -> None:
    """Nobody here can tell which parts there are; DVC can."""
    (recorded / ".dvc/cache/files/md5/f8/86f0258b8e2ad4c2d0bf3fcfba6abf.dir").unlink()
    assert missing(recorded, ("*2024*",)) == ("cars/*2024*",)
