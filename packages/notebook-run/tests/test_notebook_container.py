"""A notebook's container has its data, read-only, and no other file of data/."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dataset_spec import DatasetSpecError
from env_spec import NotebookDataset, NotebookSpec
from notebook_run.container import container_user, mounts
from notebook_run.errors import MissingDataError, NotebookInputError


def spec(*datasets: NotebookDataset) -> NotebookSpec:
    return NotebookSpec(name="eda", path="notebooks/eda.ipynb", image="jupyter-notebook", datasets=datasets)


def targets(root: Path, notebook: NotebookSpec) -> list[str]:
    return [mount.target for mount in mounts(root, notebook)]


def test_a_dataset_is_mounted_where_it_is_in_the_repository(root: Path) -> None:
    """The shared code, datasets.toml and the dataset's folder have the same relative paths."""
    assert targets(root, spec(NotebookDataset(name="cars"))) == [
        "/project/notebooks/lib",
        "/project/data/datasets.toml",
        "/project/data/raw/parquet/cars",
    ]


def test_shared_code_and_data_are_read_only(root: Path) -> None:
    """No mount is writable."""
    assert not any(mount.is_writable for mount in mounts(root, spec(NotebookDataset(name="cars"))))


def test_only_the_selected_parts_are_mounted(root: Path) -> None:
    """The container does not have the other parts."""
    chosen = spec(NotebookDataset(name="cars", parts=("d12/*5.parquet",)))
    assert targets(root, chosen)[2:] == ["/project/data/raw/parquet/cars/d12/2025.parquet"]


def test_parts_that_are_links_into_a_cache_are_mounted_one_by_one(root: Path, tmp_path: Path) -> None:
    """DVC places such links with `cache.type = symlink`; in a container they would be broken."""
    part = root / "data/raw/parquet/cars/d12/2024.parquet"
    (tmp_path / "cache").mkdir()
    part.rename(tmp_path / "cache/ab12")
    part.symlink_to(tmp_path / "cache/ab12")
    assert targets(root, spec(NotebookDataset(name="cars")))[2:] == [
        "/project/data/raw/parquet/cars/d12/2024.parquet",
        "/project/data/raw/parquet/cars/d12/2025.parquet",
    ]


def test_a_dataset_without_a_local_part_is_missing(root: Path) -> None:
    """Docker does not make its folder; the error names everything that is missing."""
    with pytest.raises(MissingDataError, match=re.escape("eda reads bikes, cars/2020*, which is missing locally.")):
        mounts(root, spec(NotebookDataset(name="bikes"), NotebookDataset(name="cars", parts=("2020*",))))


def test_an_unknown_dataset_gets_the_nearest_name(root: Path) -> None:
    """The error lists the known datasets."""
    text = "unknown dataset 'car'; did you mean 'cars'? Known datasets: bikes, cars"
    with pytest.raises(DatasetSpecError, match=re.escape(text)):
        mounts(root, spec(NotebookDataset(name="car")))


def test_a_missing_folder_of_shared_code_is_an_error(root: Path) -> None:
    """The folder is checked before Docker could make one that belongs to root."""
    (root / "notebooks/lib").rmdir()
    with pytest.raises(NotebookInputError, match=re.escape(str(root / "notebooks/lib"))):
        mounts(root, spec())


@pytest.mark.parametrize(("is_rootless", "user"), [(False, "1234:100"), (True, "0:0")])
def test_files_belong_to_the_user_of_the_host(is_rootless: bool, user: str) -> None:
    """In a rootless engine, that user is root of the container."""
    assert container_user(uid=1234, gid=100, is_rootless=is_rootless) == user


def test_selections_have_the_form_of_the_command_line() -> None:
    """NAME selects all parts; NAME/GLOB selects the parts of each glob."""
    assert NotebookDataset(name="cars").selections == ("cars",)
    assert NotebookDataset(name="cars", parts=("a*", "b")).selections == ("cars/a*", "cars/b")
