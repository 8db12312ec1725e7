"""Disks, clocks, caches and names that are not as usual."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from data_share.stores.folder import FolderStore

from .conftest import Share
from .tracked import Project


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_that_fills_while_files_are_placed(tmp_path: Path, disk: Path) -> None:
    """The cache has room for the data, the working tree does not: the message says it, and more room helps."""
    project = Project(disk / "x", remote=tmp_path / "remote")
    (project.root / ".dvc/config.local").write_text(f"[cache]\n    dir = {tmp_path / 'cache'}\n    type = copy\n")
    (tmp_path / "cache").mkdir()
    (project.root / ".dvc/cache").symlink_to(tmp_path / "cache")
    files = {f"{number}.parquet": os.urandom(500_000) for number in range(4)}
    project.write("climate", files)
    project.commit("Data")
    assert project.run("push").returncode == 0
    shutil.rmtree(project.root / "data/raw")
    (disk / "ballast").write_bytes(b"0" * 1_500_000)
    result = project.run("pull")
    assert result.returncode == 1
    assert "error: the disk is full: the data are in the cache" in result.stderr
    (disk / "ballast").unlink()
    assert project.run("pull").returncode == 0
    assert {name.rpartition("/")[2]: content for name, content in project.data().items()} == files


def test_a_cache_that_can_only_be_read(tmp_path: Path, disk: Path) -> None:
    """What a read-only cache has is placed; what it does not have is an error that names the cache."""
    project = Project(tmp_path / "x", remote=tmp_path / "remote")
    (project.root / ".dvc/config.local").write_text(f"[cache]\n    dir = {disk}\n    type = copy\n")
    (project.root / ".dvc/cache").symlink_to(disk)
    project.write("climate", {"1.parquet": b"1" * 1000})
    project.write("traffic", {"2.parquet": b"2" * 1000})
    assert project.run("push").returncode == 0
    before = project.data()
    shutil.rmtree(disk / "parts")
    project.cached(project.keep(b"2" * 1000)).unlink()
    shutil.rmtree(project.root / "data/raw")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    result = project.run("pull", "--dataset", "climate")
    assert result.returncode == 0, result.stderr
    assert project.data() == {name: content for name, content in before.items() if "climate" in name}
    result = project.run("pull")
    assert result.returncode == 1
    assert f"{disk}/parts cannot be written: Read-only file system" in result.stderr


def test_a_clock_that_is_wrong_stops_the_removal(
    project: Project, share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a clock 40 days ahead, objects that were pushed today would look old."""
    share("push")
    for dataset in ("climate", "traffic"):
        project._outputs.pop(dataset)
    project.record()
    project.commit("No data")
    for days, direction in ((40, "ahead of"), (-40, "behind")):
        now = time.time() + days * 86400
        before = project.objects()
        with monkeypatch.context() as patched:
            patched.setattr(time, "time", lambda now=now: now)
            result = share("gc", "--yes")
        assert (result.code, project.objects()) == (1, before)
        assert f"the clock of this machine is 40 days {direction} the clock of the folder" in result.err


def test_a_backslash_in_a_name(project: Project, share: Share) -> None:
    """A backslash is a letter on this system: such a file is pushed and pulled."""
    project.write("climate", {"a\\b.parquet": b"1", "..\\c.parquet": b"2"})
    before = project.data()
    assert share("push").code == 0
    project.forget()
    result = share("pull")
    assert result.code == 0, result.err
    assert project.data() == before


def test_objects_of_one_folder_that_are_pushed_at_the_same_time(tmp_path: Path) -> None:
    """Each push looks for abandoned partial files in the folder, where those of other pushes come and go."""
    store = FolderStore(tmp_path / "remote")
    source = tmp_path / "source"
    source.write_bytes(b"1")
    oids = {f"ab{number:030x}" for number in range(400)}

    def put(oid: str) -> None:
        store.put(oid, source, lambda _: None)
        store.recent(60)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, sorted(oids)))
    assert store.all_sizes().keys() == oids


def test_files_that_vanish_while_the_remote_is_listed(project: Project, share: Share) -> None:
    """Symbolic links to nothing stand in for files that another push has renamed since the folder was read."""
    assert share("push").code == 0
    for path in [*project.remote.glob("files/md5/??")]:
        (path / ".part-1").symlink_to(path / "gone")
        (path / ("0" * 30)).symlink_to(path / "gone")
    store = FolderStore(project.remote)
    assert store.recent(60) == store.all_sizes().keys() == project.objects().keys()
    project.write("climate", {"2023.parquet": b"another"})
    assert share("push").code == 0


def test_a_push_during_a_removal_fails(project: Project, share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that a colleague's data.gc removes while the list that names it is uploaded makes the push fail."""
    share("push", "--dataset", "climate")
    oid = "cabe45dcc9ae5b66ba86600cca6b8ba8"
    project.write("climate", {"2023.parquet": b"a" * 1000, "2025.parquet": b"new"})
    put = FolderStore.put

    def put_and_lose(self: FolderStore, *arguments: Any) -> None:
        put(self, *arguments)
        project.on_remote(oid).unlink(missing_ok=True)

    with monkeypatch.context() as patched:
        patched.setattr(FolderStore, "put", put_and_lose)
        result = share("push", "--dataset", "climate")
    assert result.code == 1 and "lost 1 object during the push" in result.err
    assert "pushed" not in result.out
    assert share("push", "--dataset", "climate").code == 0 and project.on_remote(oid).exists()
