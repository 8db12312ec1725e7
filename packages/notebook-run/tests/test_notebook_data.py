"""Which data of a notebook is missing locally, determined without DVC."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from env_spec import NotebookDataset, NotebookSpec
from notebook_run.datasets import missing_locally, pull_missing_data
from notebook_run.errors import MissingDataError

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
LIST = "files/md5/f8/86f0258b8e2ad4c2d0bf3fcfba6abf.dir"


def spec(parts: tuple[str, ...] | None = None, name: str = "cars") -> NotebookSpec:
    dataset = NotebookDataset(name=name, parts=parts)
    return NotebookSpec(name="eda", path="notebooks/eda.ipynb", image="i", datasets=(dataset,))


def missing(root: Path, parts: tuple[str, ...] | None = None, name: str = "cars") -> tuple[str, ...]:
    return missing_locally(root, spec(parts, name))


def write_list(cache: Path) -> None:
    """DVC's list of the recorded folder, in its cache."""
    (cache / LIST).parent.mkdir(parents=True)
    names = ("d12/2024.parquet", "d12/2025.parquet", "d12/2026.parquet")
    (cache / LIST).write_text(json.dumps([{"relpath": name, "md5": "1" * 32} for name in names]))


@pytest.fixture
def recorded(root: Path) -> Path:
    """A project with a data/dvc.lock, and DVC's list of the folder in the cache."""
    (root / "data/dvc.lock").write_text(LOCK)
    write_list(root / ".dvc/cache")
    return root


def test_a_folder_with_the_recorded_number_of_files_and_bytes_is_complete(recorded: Path) -> None:
    """Nothing has to be pulled."""
    assert missing(recorded) == ()


def test_a_folder_with_another_number_of_files_or_bytes_is_not(recorded: Path) -> None:
    """It was pulled in part, or has another version."""
    (recorded / "data/raw/parquet/cars/d12/2025.parquet").write_text("xx")
    assert missing(recorded) == ("cars",)
    (recorded / "data/raw/parquet/cars/d12/2025.parquet").unlink()
    assert missing(recorded) == ("cars",)


def test_an_unrecorded_dataset_is_local_if_it_has_a_part(root: Path) -> None:
    """It was just created, and not by DVC."""
    assert (missing(root), missing(root, name="bikes")) == ((), ("bikes",))


def test_only_the_selected_parts_must_be_local(recorded: Path) -> None:
    """DVC's list has the names of all parts."""
    assert missing(recorded, ("*2024*", "*2025*")) == ()
    assert missing(recorded, ("*2026*",)) == ("cars/*2026*",)


def test_without_dvcs_list_the_selected_parts_are_pulled(recorded: Path) -> None:
    """Only DVC's list, which is then on the remote, has their names."""
    (recorded / ".dvc/cache" / LIST).unlink()
    assert missing(recorded, ("*2024*",)) == ("cars/*2024*",)


@pytest.mark.parametrize("file", ["config", "config.local"])
def test_dvcs_list_is_found_in_a_configured_cache(
    root: Path, tmp_path_factory: pytest.TempPathFactory, file: str
) -> None:
    """`dvc cache dir [--local] ELSEWHERE` writes this setting."""
    cache = tmp_path_factory.mktemp("elsewhere")
    (root / "data/dvc.lock").write_text(LOCK)
    write_list(cache)
    assert missing(root, ("*2024*",)) == ("cars/*2024*",)
    (root / ".dvc").mkdir(exist_ok=True)
    (root / ".dvc" / file).write_text(f"[cache]\n    dir = {cache}\n")
    assert missing(root, ("*2024*", "*2025*")) == ()
    assert missing(root, ("*2026*",)) == ("cars/*2026*",)


def test_unrecorded_data_is_not_pulled(root: Path) -> None:
    """The error names the missing dataset and how to create it."""
    with pytest.raises(MissingDataError) as caught:
        pull_missing_data(root, spec(name="bikes"), lambda line: None)
    assert str(caught.value) == (
        "eda reads bikes, which is missing locally. data/dvc.lock does not exist, so no version is recorded. If the DVC"
        " remote has it, `invoke data.pull` downloads it; `invoke data.compress` creates it from raw files (sample"
        " files: `invoke data.sample`)."
    )
