"""Reading what is recorded and what is in the working tree, without DVC."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from data_share import (
    LocalFacts,
    PartPresence,
    PartRequest,
    RecordedOutput,
    RecordError,
    cache_folder,
    lock_outputs,
    part_presence,
    read_folder_list,
    read_outputs,
    read_presence,
    share_configuration,
)
from data_share.records.objects import Entry

from .conftest import Share
from .tracked import Project

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
    - path: on
      hash: md5
      md5: '12345678901234567890123456789012'
      size: 7
    - path: reports/cars.json
      hash: md5
      md5: 1800bfa850607e1b17c4ee3e9dcd2a77
      size: 9
"""
STAGES = "stages: {compress: {foreach: [cars], do: {metrics: [{'reports/${item}.json': {cache: false}}]}}}"
CARS = RecordedOutput(
    dataset="cars", path="data/raw/parquet/cars", oid="f886f0258b8e2ad4c2d0bf3fcfba6abf.dir", size_bytes=2, files=2
)
ON = RecordedOutput(dataset="cars", path="data/on", oid="12345678901234567890123456789012", size_bytes=7)
REQUEST = PartRequest(dataset="cars", folder="data/raw/parquet/cars")
ENTRIES = tuple(Entry(path=f"d12/{year}.parquet", oid="0" * 32) for year in (2024, 2025))


def test_a_lock_records_outputs_without_files_of_git() -> None:
    """Inputs and files of git are no outputs; a name that YAML 1.1 reads as true, and digits, are texts."""
    assert lock_outputs(LOCK, STAGES) == (CARS, ON)
    assert lock_outputs(None) == lock_outputs("") == ()


def test_a_lock_that_is_not_yaml_is_refused() -> None:
    """A merge conflict is named."""
    with pytest.raises(RecordError, match=r"dvc\.lock: cannot be read: .*; does it still contain a merge conflict"):
        lock_outputs("<<<<<<< HEAD\n=======\n")


def presence(request: PartRequest, sizes: dict[str, int], *, has_list: bool = True) -> PartPresence:
    facts = LocalFacts(
        outputs={CARS.path: CARS},
        lists={CARS.oid: ENTRIES} if has_list else {},
        sizes_bytes={CARS.path: sizes},
    )
    return part_presence(request, facts)


def test_a_folder_with_the_recorded_files_and_bytes_is_complete() -> None:
    """Number and bytes of all files are compared; the list is not needed for that."""
    sizes = {"d12/2024.parquet": 1, "d12/2025.parquet": 1}
    assert presence(REQUEST, sizes, has_list=False).is_complete
    assert not presence(REQUEST, {**sizes, "d12/2025.parquet": 2}).is_complete
    half = presence(REQUEST, {"d12/2024.parquet": 1})
    assert (half.is_complete, half.present, half.missing_locally) == (
        False,
        ("d12/2024.parquet",),
        ("d12/2025.parquet",),
    )


def test_of_selected_parts_only_these_must_exist() -> None:
    """With patterns, the recorded parts are those of the list; without a list, they count as missing."""
    request = PartRequest(dataset="cars", folder=CARS.path, patterns=("*2024*",))
    sizes = {"d12/2024.parquet": 1}
    assert presence(request, sizes).is_complete
    assert not presence(request, {}).is_complete
    assert not presence(request, sizes, has_list=False).is_complete


def test_an_unrecorded_dataset_is_complete_if_it_has_parts() -> None:
    """A dataset that no record has was just created, and not by DVC."""
    found = part_presence(REQUEST, LocalFacts(sizes_bytes={CARS.path: {"a.parquet": 1}}))
    assert (found.is_recorded, found.is_complete) == (False, True)
    assert not part_presence(REQUEST, LocalFacts()).is_complete


def test_presence_of_a_project(project: Project, share: Share) -> None:
    """read_presence reads records, cache and working tree; a pull completes what was missing."""
    share("push")
    requests = [PartRequest(dataset=name, folder=f"data/raw/parquet/{name}") for name in ("climate", "traffic", "x")]
    (project.root / "data/raw/parquet/climate/2023.parquet").unlink()
    found = read_presence(project.root, requests)
    assert [each.is_complete for each in found] == [False, True, False]
    assert [each.missing_locally for each in found] == [("2023.parquet",), (), ()]
    share("pull")
    assert [each.is_complete for each in read_presence(project.root, requests)] == [True, True, False]


def test_lists_of_folders_are_read_from_the_cache(project: Project) -> None:
    """The list of a recorded folder names its files; without a cached list there is none."""
    climate = next(output for output in read_outputs(project.root) if output.dataset == "climate")
    entries = read_folder_list(project.root, climate)
    assert entries is not None and [entry.path for entry in entries] == ["2023.parquet", "2024.parquet"]
    project.forget()
    assert read_folder_list(project.root, climate) is None


def test_no_records_are_no_outputs(project: Project) -> None:
    """A project that never compressed data has no outputs."""
    (project.root / "data/dvc.lock").unlink()
    assert read_outputs(project.root) == ()


@pytest.mark.parametrize("level", ["", "--local", "--project", "--global"])
@pytest.mark.parametrize("folder", ["cache box", "../outside", "absolute"])
def test_the_cache_folder_is_that_of_dvc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str, folder: str
) -> None:
    """`dvc cache dir` at any level moves the cache, relative to the file that has the setting."""
    # DVC cannot write a configuration with a path that is not ASCII.
    root = Project(tmp_path / "plain").root
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "global"))
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    chosen = str(tmp_path / "elsewhere") if folder == "absolute" else folder
    dvc = [sys.executable, "-m", "dvc", "cache", "dir"]
    if level:
        subprocess.run([*dvc, *level.split(), chosen], cwd=root, check=True, capture_output=True)
    printed = subprocess.run(dvc, cwd=root, check=True, capture_output=True, text=True).stdout.strip()
    assert cache_folder(root) == (root / printed).resolve()
    assert level == "" or cache_folder(root) == (root / chosen).resolve()


def test_parts_are_found_in_another_cache(project: Project, share: Share, tmp_path: Path) -> None:
    """With `dvc cache dir --local`, a pulled dataset is complete: its list is read from the configured cache."""
    share("push")
    project.forget()
    elsewhere = tmp_path / "cache 2"
    (project.root / ".dvc/config.local").write_text(f"[cache]\n    dir = {elsewhere}\n")
    assert share("pull").code == 0
    assert elsewhere.is_dir() and not (project.root / ".dvc/cache").exists()
    request = PartRequest(dataset="climate", folder="data/raw/parquet/climate", patterns=("*2023*",))
    assert read_presence(project.root, [request])[0].is_complete


def test_a_checkout_shares_cache_and_remotes(project: Project, share: Share, tmp_path: Path) -> None:
    """Another checkout uses the cache and the default remote of this clone, so it can pull without a copy."""
    share("push")
    project.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "checkout"))
    share_configuration(project.root, tmp_path / "checkout")
    assert cache_folder(tmp_path / "checkout") == project.root / ".dvc/cache"
    text = (tmp_path / "checkout/.dvc/config.local").read_text()
    assert f"url = {project.remote}" in text and "remote = box" in text
