"""What a notebook is given: its data and nothing else of data/, read-only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from env_spec import NotebookDataset, NotebookSpec
from notebook_run import needs
from notebook_run.errors import MissingDataError, MissingPathError, UnknownDatasetError


def spec(*datasets: NotebookDataset) -> NotebookSpec:
    return NotebookSpec(name="eda", path="notebooks/eda.ipynb", image="jupyter-notebook", datasets=datasets)


def targets(root: Path, notebook: NotebookSpec) -> list[str]:
    return [mount.target for mount in needs.mounts(root, notebook)]


def test_a_dataset_is_mounted_where_it_is_in_the_repository(root: Path) -> None:
    """The lib, the table of datasets and the dataset's folder, under the same relative paths."""
    assert targets(root, spec(NotebookDataset(name="cars"))) == [
        "/project/notebooks/lib",
        "/project/data/datasets.toml",
        "/project/data/raw/parquet/cars",
    ]


def test_nothing_of_it_is_writable(root: Path) -> None:
    """Code that is shared, and data, are read-only."""
    assert not any(mount.is_writable for mount in needs.mounts(root, spec(NotebookDataset(name="cars"))))


def test_of_chosen_parts_only_these_are_mounted(root: Path) -> None:
    """Another part is not there at all."""
    chosen = spec(NotebookDataset(name="cars", parts=("d12/*5.parquet",)))
    assert targets(root, chosen)[2:] == ["/project/data/raw/parquet/cars/d12/2025.parquet"]


def test_parts_that_are_links_into_a_cache_are_mounted_one_by_one(root: Path, tmp_path: Path) -> None:
    """As DVC places them with `cache.type = symlink`; in a container the links would lead nowhere."""
    part = root / "data/raw/parquet/cars/d12/2024.parquet"
    (tmp_path / "cache").mkdir()
    part.rename(tmp_path / "cache/ab12")
    part.symlink_to(tmp_path / "cache/ab12")
    assert targets(root, spec(NotebookDataset(name="cars")))[2:] == [
        "/project/data/raw/parquet/cars/d12/2024.parquet",
        "/project/data/raw/parquet/cars/d12/2025.parquet",
    ]


def test_a_dataset_without_a_part_here_is_missing(root: Path) -> None:
    """Docker is never asked to make the folder; the error names all that is missing."""
    with pytest.raises(MissingDataError, match=re.escape("eda reads bikes, cars/2020*, which is not here.")):
        needs.mounts(root, spec(NotebookDataset(name="bikes"), NotebookDataset(name="cars", parts=("2020*",))))


def test_an_undescribed_dataset_gets_the_nearest_name(root: Path) -> None:
    """The error says what there is."""
    with pytest.raises(UnknownDatasetError, match=r"no dataset 'car'; did you mean 'cars'\? \(there is cars, bikes\)"):
        needs.mounts(root, spec(NotebookDataset(name="car")))


def test_a_missing_folder_of_shared_code_is_an_error(root: Path) -> None:
    """It is looked for before Docker could make one that belongs to root."""
    (root / "notebooks/lib").rmdir()
    with pytest.raises(MissingPathError, match=re.escape(str(root / "notebooks/lib"))):
        needs.mounts(root, spec())


@pytest.mark.parametrize(("is_rootless", "user"), [(False, "1234:100"), (True, "0:0")])
def test_files_belong_to_the_hosts_user(is_rootless: bool, user: str) -> None:
    """In a rootless engine that user is root of the container."""
    assert needs.container_user(uid=1234, gid=100, is_rootless=is_rootless) == user


def test_selections_are_those_of_command_lines() -> None:
    """NAME for all of it, NAME/GLOB for each glob."""
    assert needs.selections(NotebookDataset(name="cars")) == ("cars",)
    assert needs.selections(NotebookDataset(name="cars", parts=("a*", "b"))) == ("cars/a*", "cars/b")
