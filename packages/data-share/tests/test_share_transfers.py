"""Pushing and pulling through a remote that is a folder."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from data_share.repository.cache import LocalCache
from data_share.stores.folder import FolderStore

from .conftest import CommandResult, Share
from .tracked import Project

# Both datasets: 1000 + 2000 + 500 bytes (two files share the content of 2000 bytes).
CONTENT_BYTES = 3500


def lists_bytes(project: Project) -> int:
    return sum(path.stat().st_size for path in (project.root / ".dvc/cache").rglob("*.dir"))


def document(result: CommandResult) -> Any:
    """The JSON that a successful command printed."""
    assert result.code == 0, result.err
    return json.loads(result.out)


def test_a_push_moves_what_its_plan_says(project: Project, share: Share) -> None:
    """Planned bytes, moved bytes and bytes on the remote are the same; content that two files share counts once."""
    expected = CONTENT_BYTES + lists_bytes(project)
    plan = document(share("push", "--plan", "--json"))
    assert (plan["plan"]["bytes"], plan["plan"]["files"], plan["moved"]) == (expected, 5, None)
    assert project.objects() == {}
    done = document(share("push", "--json"))
    assert done["plan"]["bytes"] == done["moved"]["bytes"] == sum(project.objects().values()) == expected
    assert [dataset["files"] for dataset in done["plan"]["datasets"]] == [3, 2]


def test_a_push_uploads_only_what_the_remote_does_not_have(project: Project, share: Share) -> None:
    """A second push reports that it has nothing to do; after one new file, a push moves that file and the new list."""
    share("push")
    again = share("push")
    assert again.out == f"climate, traffic: nothing to push, box ({project.remote}) has all files\n"
    project.write("climate", {"2023.parquet": b"a" * 1000, "2024.parquet": b"b" * 2000, "2025.parquet": b"d" * 70})
    plan = document(share("push", "--json"))["plan"]
    assert [(each["name"], each["files"]) for each in plan["datasets"]] == [("climate", 2), ("traffic", 0)]
    assert 70 < plan["bytes"] < 70 + 400


def test_a_pull_restores_the_same_bytes(project: Project, share: Share) -> None:
    """On a machine without data, a pull moves what it planned and places every file."""
    before = project.data()
    share("push")
    project.forget()
    plan = document(share("pull", "--plan", "--json"))["plan"]
    assert project.data() == {} and not list((project.root / ".dvc").glob("cache/files/md5/*/*"))
    done = document(share("pull", "--json"))
    assert plan["bytes"] == done["plan"]["bytes"] == done["moved"]["bytes"] == sum(project.objects().values())
    assert project.data() == before
    assert share("pull").out == "climate, traffic: nothing to pull, all files are local\n"


def test_dvc_pull_downloads_what_was_pushed(project: Project, share: Share) -> None:
    """`dvc pull` downloads what data.push uploaded, and leaves nothing to do for data.pull."""
    before = project.data()
    share("push")
    project.forget()
    subprocess.run([sys.executable, "-m", "dvc", "pull", "--quiet"], cwd=project.root, check=True)
    assert project.data() == before
    assert "nothing to pull" in share("pull").out


def test_a_pull_downloads_what_dvc_pushed(project: Project, share: Share) -> None:
    """After `dvc push`, data.push has nothing to do, data.check succeeds, and data.pull downloads the same bytes."""
    before = project.data()
    subprocess.run([sys.executable, "-m", "dvc", "push", "--quiet"], cwd=project.root, check=True)
    assert "nothing to push" in share("push").out
    assert share("check").code == 0
    project.forget()
    assert document(share("pull", "--json"))["moved"]["bytes"] == sum(project.objects().values())
    assert project.data() == before


def test_a_selection_limits_a_pull(project: Project, share: Share) -> None:
    """Only the selected dataset, or the files that match a pattern, are downloaded and placed."""
    share("push")
    project.forget()
    done = document(share("pull", "--dataset", "traffic/west/*", "--json"))
    assert done["moved"]["files"] == 2  # the file and the list that names it
    assert list(project.data()) == ["parquet/traffic/west/mai 1.parquet"]
    share("pull", "--dataset", "climate/*2023*")
    assert sorted(project.data()) == ["parquet/climate/2023.parquet", "parquet/traffic/west/mai 1.parquet"]


def test_a_partial_push_uploads_no_list(project: Project, share: Share) -> None:
    """A push of some files of a folder does not upload the folder's list, which promises all of them."""
    share("push", "--dataset", "climate/2023*")
    assert list(project.objects().values()) == [1000]
    share("push", "--dataset", "climate")
    assert len(project.objects()) == 3


def test_lists_are_uploaded_last(project: Project, share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    """No list is uploaded before every file of the push, also those of other datasets."""
    put = FolderStore.put
    files_before: list[int] = []

    def counting_put(self: FolderStore, oid: str, *more: Any) -> None:
        if oid.endswith(".dir"):
            files_before.append(sum(not name.endswith(".dir") for name in complete_objects(project)))
        put(self, oid, *more)

    monkeypatch.setattr(FolderStore, "put", counting_put)
    # One at a time, so that the order of completion is the order of the calls.
    monkeypatch.setattr(FolderStore, "jobs", 1)
    assert share("push").code == 0
    assert files_before == [3, 3]


@pytest.mark.parametrize(
    ("selection", "problem"),
    [
        ("climat", "unknown dataset 'climat'; did you mean 'climate'? Known recorded datasets: climate, traffic"),
        ("climate/1999*", "no file of climate matches '1999*'. Known files: 2023.parquet, 2024.parquet"),
        ("climate/../../secret", "'climate/../../secret' is outside of the datasets"),
        ("../outside", "'../outside' is outside of the datasets"),
        ("/etc/passwd", "'/etc/passwd' is outside of the datasets"),
    ],
)
def test_a_selection_without_a_match_is_refused(share: Share, selection: str, problem: str) -> None:
    """An unknown name, a pattern without a match and a path that leads out of the datasets exit with 2."""
    result = share("pull", "--dataset", selection)
    assert result.code == 2
    assert problem in result.err


@pytest.mark.parametrize("path", ["../../elsewhere", "/etc"])
def test_an_output_outside_of_the_repository_is_refused(project: Project, share: Share, path: str) -> None:
    """A record whose output is outside of the repository is refused before anything is read or written."""
    project.write("climate", {"a": b"1"})
    lock = project.root / "data/dvc.lock"
    lock.write_text(lock.read_text().replace("raw/parquet/climate", path))
    result = share("push")
    assert (result.code, project.objects()) == (2, {})
    assert f"data/dvc.lock: the output '{path}' is outside of the repository" in result.err


def test_a_list_that_leads_out_of_its_folder_is_refused(project: Project, share: Share, tmp_path: Path) -> None:
    """A list with a path that leads out of its folder is refused, and nothing is written outside of the dataset."""
    share("push")
    evil = json.dumps([{"md5": project.keep(b"x"), "relpath": "../../../../evil"}]).encode()
    oid = project.keep(evil, suffix=".dir")
    project.write("climate", {"a": b"1"})
    lock = project.root / "data/dvc.lock"
    lock_document = json.loads(lock.read_text())
    lock_document["stages"]["compress@climate"]["outs"][0]["md5"] = oid
    lock.write_text(json.dumps(lock_document))
    result = share("pull")
    assert result.code == 2
    assert "lists '../../../../evil', which is outside of the folder" in result.err
    assert not list(tmp_path.rglob("evil"))


def test_a_transfer_without_records_is_refused(project: Project, share: Share) -> None:
    """Without data/dvc.lock, the error names the command that creates it."""
    (project.root / "data/dvc.lock").unlink()
    for command in ("push", "pull"):
        result = share(command)
        assert result.code == 2
        assert "data/dvc.lock records no dataset. Create it from raw files with `invoke data.compress`" in result.err


def test_a_lock_with_a_merge_conflict_is_refused(project: Project, share: Share) -> None:
    """A merge conflict in dvc.lock is an error without a traceback."""
    lock = project.root / "data/dvc.lock"
    lock.write_text("<<<<<<< HEAD\nschema: '2.0'\n=======\n")
    result = share("pull")
    assert (result.code, result.err.startswith("error: data/dvc.lock: ")) == (2, True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dvc.yaml", "stages: 7\n"),
        ("dvc.lock", "stages: [1]\n"),
        ("dvc.lock", "stages:\n  compress@climate:\n    outs:\n    - md5: x\n"),
    ],
)
def test_a_record_of_another_form_is_refused(project: Project, share: Share, name: str, text: str) -> None:
    """YAML that is not a record of DVC is an error without a traceback."""
    (project.root / "data" / name).write_text(text)
    result = share("push")
    assert (result.code, result.err.startswith("error: data/dvc.lock: is not a record that DVC writes (")) == (2, True)


def test_a_push_of_lost_data_fails(project: Project, share: Share) -> None:
    """A push exits with 1 if recorded data are neither in the cache, nor in the working tree, nor on the remote."""
    project.forget()
    result = share("push", "--dataset", "climate")
    assert (result.code, project.objects()) == (1, {})
    assert "neither on this machine nor on the remote; nothing was sent:\n  climate: 1 file\n" in result.err
    assert "    data/raw/parquet/climate\n" in result.err


def test_a_push_names_a_lost_file(project: Project, share: Share) -> None:
    """A file that is neither in the cache nor in the working tree is named, and nothing is sent."""
    (project.root / "data/raw/parquet/climate/2023.parquet").unlink()
    project.cached("cabe45dcc9ae5b66ba86600cca6b8ba8").unlink()
    result = share("push")
    assert (result.code, project.objects()) == (1, {})
    assert "climate: 1 file\n    data/raw/parquet/climate/2023.parquet" in result.err


def test_a_push_restores_a_lost_object_from_the_working_tree(project: Project, share: Share) -> None:
    """A push restores a lost object from a file of the working tree with the same content."""
    project.cached("cabe45dcc9ae5b66ba86600cca6b8ba8").unlink()
    assert share("push").code == 0
    assert project.on_remote("cabe45dcc9ae5b66ba86600cca6b8ba8").read_bytes() == b"a" * 1000


def test_a_damaged_object_is_not_pushed(project: Project, share: Share) -> None:
    """A cached file that changed, even if its size and time did not, is reported before anything is sent."""
    share("push", "--plan")
    path = project.cached("cabe45dcc9ae5b66ba86600cca6b8ba8")
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.chmod(0o644)
    path.write_bytes(b"A" + b"a" * 999)
    os.utime(path, ns=times)
    result = share("push")
    assert (result.code, project.objects()) == (1, {})
    assert f"data/raw/parquet/climate/2023.parquet: {path}" in result.err
    # The error's own advice helps.
    path.unlink()
    assert share("push").code == 0
    assert project.on_remote("cabe45dcc9ae5b66ba86600cca6b8ba8").read_bytes() == b"a" * 1000


def test_a_damaged_object_of_the_remote_is_not_kept(project: Project, share: Share) -> None:
    """A pull that downloads damaged content names the file and keeps nothing of it."""
    share("push")
    project.on_remote("cabe45dcc9ae5b66ba86600cca6b8ba8").write_bytes(b"A" * 1000)
    project.forget()
    result = share("pull")
    assert result.code == 1
    assert "data/raw/parquet/climate/2023.parquet: the object on the remote is damaged" in result.err
    assert not project.cached("cabe45dcc9ae5b66ba86600cca6b8ba8").exists()
    assert "parquet/climate/2023.parquet" not in project.data()


def test_a_damaged_list_of_the_remote(project: Project, share: Share) -> None:
    """A damaged list of a folder is refused, too."""
    share("push")
    oid = next(oid for oid in project.objects() if oid.endswith(".dir"))
    project.on_remote(oid).write_bytes(b"[]")
    project.forget()
    result = share("pull")
    assert (result.code, project.data()) == (1, {})
    assert "the object on the remote is damaged" in result.err


def test_a_truncated_object_of_the_remote_is_sent_again(project: Project, share: Share) -> None:
    """A push uploads an object again if its size on the remote differs."""
    share("push")
    project.on_remote("cabe45dcc9ae5b66ba86600cca6b8ba8").write_bytes(b"a")
    moved = document(share("push", "--json"))["moved"]
    assert (moved["files"], moved["bytes"]) == (1, 1000)
    assert moved["seconds"] == pytest.approx(moved["moving_seconds"] + moved["finishing_seconds"], abs=0.002)
    assert project.on_remote("cabe45dcc9ae5b66ba86600cca6b8ba8").stat().st_size == 1000


def test_a_damaged_object_of_the_cache_is_fetched_again(project: Project, share: Share) -> None:
    """A pull checks cached files before it uses them, because DVC would place a damaged one."""
    share("push")
    before = project.data()
    path = project.cached("cabe45dcc9ae5b66ba86600cca6b8ba8")
    path.chmod(0o644)
    path.write_bytes(b"?" * 1000)
    (project.root / "data/raw/parquet/climate/2023.parquet").unlink()
    assert document(share("pull", "--json"))["moved"]["bytes"] == 1000
    assert project.data() == before


def test_a_pull_of_data_that_were_not_pushed_fails(project: Project, share: Share) -> None:
    """A pull of data that were never pushed names dataset, files and remedy; nothing is downloaded."""
    share("push", "--dataset", "climate")
    project.forget()
    result = share("pull")
    assert (result.code, project.data()) == (1, {})
    assert "traffic: 1 file\n    data/raw/parquet/traffic" in result.err
    assert "This remote is a folder of this clone, so no colleague can push to it" in result.err
    assert share("pull", "--dataset", "climate").code == 0


def test_a_pull_removes_files_of_an_older_version(project: Project, share: Share) -> None:
    """After a pull, the folder has only the parts that the commit records, and none of an older version."""
    share("push")
    project.write("climate", {"2024.parquet": b"b" * 2000})
    share("push")
    project.git("checkout", "--quiet", "--", "data/dvc.lock")
    share("pull")
    assert "parquet/climate/2023.parquet" in project.data()
    project.write("climate", {"2024.parquet": b"b" * 2000})
    (project.root / "data/raw/parquet/climate/2023.parquet").write_bytes(b"a" * 1000)
    share("pull")
    assert "parquet/climate/2023.parquet" not in project.data()


def test_a_pull_does_not_overwrite_uncached_changes(project: Project, share: Share) -> None:
    """A pull does not overwrite a file that was changed by hand and is in no cache."""
    share("push")
    changed = project.root / "data/raw/parquet/climate/2023.parquet"
    changed.unlink()
    changed.write_bytes(b"mine")
    result = share("pull")
    assert result.code == 1
    assert "differ from what this commit records, and no cache has a copy of them" in result.err
    assert changed.read_bytes() == b"mine"


def test_a_pull_continues_after_a_full_disk(project: Project, share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a full disk, the next pull downloads only the rest."""
    share("push")
    project.forget()
    add_fetched = LocalCache.add_fetched
    room = [2]

    def add_while_there_is_room(self: LocalCache, oid: str, partial: Path) -> None:
        if not room[0]:
            with self.writing(partial):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        room[0] -= 1
        add_fetched(self, oid, partial)

    monkeypatch.setattr(LocalCache, "add_fetched", add_while_there_is_room)
    result = share("pull")
    assert result.code == 1
    assert "the disk is full" in result.err and "run it again: it continues" in result.err
    room[0] = 99
    assert document(share("pull", "--json"))["moved"]["files"] == 3
    assert "nothing to pull" in share("pull").out


def test_a_pull_continues_after_a_full_file_system(tmp_path: Path) -> None:
    """On a file system of 3 MB, a pull of 4 MB reports a full disk; with more room, the next one downloads the rest."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a file system")
    try:
        project = Project(disk / "x", remote=tmp_path / "remote")
        project.write("climate", {f"{number}.parquet": os.urandom(500_000) for number in range(1)})
        project.run("push")
        files = {f"{number}.parquet": os.urandom(500_000) for number in range(8)}
        other = Project(tmp_path / "other", remote=tmp_path / "remote")
        other.write("climate", files)
        other.run("push")
        for name in ("dvc.lock", "dvc.yaml"):
            (project.root / "data" / name).write_text((other.root / "data" / name).read_text())
        result = project.run("pull")
        assert result.returncode == 1
        assert "error: the disk is full" in result.stderr and "it continues" in result.stderr
        subprocess.run(["mount", "-o", "remount,size=30m", str(disk)], check=True)
        assert project.json("pull")["moved"]["bytes"] < 3_000_000
        assert project.data() == other.data()
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_pull_continues_in_the_middle_of_a_file(project: Project, share: Share) -> None:
    """A pull continues a partly downloaded file; it downloads a file with a damaged part again."""
    share("push", "--dataset", "climate")
    project.forget()
    parts = project.root / ".dvc/cache/parts"
    parts.mkdir(parents=True)
    (parts / "cabe45dcc9ae5b66ba86600cca6b8ba8").write_bytes(b"a" * 400)
    plan = document(share("pull", "--dataset", "climate/2023*", "--json"))
    lists = next(size for oid, size in project.objects().items() if oid.endswith(".dir"))
    assert plan["plan"]["bytes"] == plan["moved"]["bytes"] == 600 + lists
    project.forget()
    parts.mkdir(parents=True)
    (parts / "cabe45dcc9ae5b66ba86600cca6b8ba8").write_bytes(b"?" * 400)
    again = document(share("pull", "--dataset", "climate", "--json"))
    # Bytes are counted as they move: the rest of the damaged file, then all of it.
    assert again["moved"]["bytes"] == again["plan"]["bytes"] + 1000
    assert project.data()["parquet/climate/2023.parquet"] == b"a" * 1000


def complete_objects(project: Project) -> dict[str, int]:
    """Objects on the remote, without those that are being written."""
    return {oid: size for oid, size in project.objects().items() if "." not in oid}


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_push_continues(project: Project, signal_: signal.Signals) -> None:
    """An interrupted push leaves only complete objects; the next push uploads the others."""
    files = {f"{number}.parquet": os.urandom(3_000_000) for number in range(12)}
    project.write("climate", files)
    total = 12
    with project.start("push", "--dataset", "climate") as process:
        deadline = time.monotonic() + 60
        while not complete_objects(project):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        process.send_signal(signal_)
        _, err = process.communicate(timeout=60)
    sent = complete_objects(project)
    if process.returncode == 0:
        pytest.skip("the push ended before it could be interrupted")
    if signal_ == signal.SIGINT:
        assert (process.returncode, err.splitlines()[-1].startswith("interrupted: ")) == (130, True)
    assert set(sent.values()) == {3_000_000}
    done = project.json("push", "--dataset", "climate")
    assert done["moved"]["files"] == total - len(sent) + 1
    (the_list,) = [size for oid, size in project.objects().items() if oid.endswith(".dir")]
    assert done["plan"]["bytes"] == done["moved"]["bytes"] == 3_000_000 * (total - len(sent)) + the_list
