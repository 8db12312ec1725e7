"""Pushing and pulling through a remote that is a folder."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from data_share.local import LocalObjects
from data_share.stores import FolderStore

from .conftest import Share
from .tracked import Project

# Of both datasets: 1000 + 2000 + 500 bytes (2000 are the same content twice) and two lists.
CONTENT_BYTES = 3500


def lists_bytes(project: Project) -> int:
    return sum(path.stat().st_size for path in (project.root / ".dvc/cache").rglob("*.dir"))


def facts(answer: Any) -> Any:
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def test_a_push_moves_what_its_plan_says(project: Project, share: Share) -> None:
    """Planned bytes, moved bytes and bytes on the remote are one number; content that two files share counts once."""
    expected = CONTENT_BYTES + lists_bytes(project)
    plan = facts(share("push", "--plan", "--json"))
    assert (plan["plan"]["bytes"], plan["plan"]["files"], plan["moved"]) == (expected, 5, None)
    assert project.objects() == {}
    done = facts(share("push", "--json"))
    assert done["plan"]["bytes"] == done["moved"]["bytes"] == sum(project.objects().values()) == expected
    assert [dataset["files"] for dataset in done["plan"]["datasets"]] == [3, 2]


def test_what_is_there_is_not_moved_again(project: Project, share: Share) -> None:
    """A second push has nothing to do and says so; a third with one new file moves that file and the new list."""
    share("push")
    again = share("push")
    assert again.out == f"climate, traffic: nothing to push, box ({project.remote}) has all of it\n"
    project.write("climate", {"2023.parquet": b"a" * 1000, "2024.parquet": b"b" * 2000, "2025.parquet": b"d" * 70})
    plan = facts(share("push", "--json"))["plan"]
    assert [(each["name"], each["files"]) for each in plan["datasets"]] == [("climate", 2), ("traffic", 0)]
    assert 70 < plan["bytes"] < 70 + 400


def test_a_pull_gives_back_the_same_bytes(project: Project, share: Share) -> None:
    """On a machine that has nothing, a pull moves as planned and puts every file in its place."""
    before = project.data()
    share("push")
    project.forget()
    plan = facts(share("pull", "--plan", "--json"))["plan"]
    assert project.data() == {} and not list((project.root / ".dvc").glob("cache/files/md5/*/*"))
    done = facts(share("pull", "--json"))
    assert plan["bytes"] == done["plan"]["bytes"] == done["moved"]["bytes"] == sum(project.objects().values())
    assert project.data() == before
    assert share("pull").out == "climate, traffic: nothing to pull, all of it is here\n"


def test_plain_dvc_understands_what_was_pushed(project: Project, share: Share) -> None:
    """The remote is DVC's: `dvc pull` gets what data.push sent, and data.pull has nothing left to do."""
    before = project.data()
    share("push")
    project.forget()
    subprocess.run([sys.executable, "-m", "dvc", "pull", "--quiet"], cwd=project.root, check=True)
    assert project.data() == before
    assert "nothing to pull" in share("pull").out


def test_what_plain_dvc_pushed_is_understood(project: Project, share: Share) -> None:
    """The other way round: of what `dvc push` sent, nothing is left to push or missing, and data.pull gets it."""
    before = project.data()
    subprocess.run([sys.executable, "-m", "dvc", "push", "--quiet"], cwd=project.root, check=True)
    assert "nothing to push" in share("push").out
    assert share("check").code == 0
    project.forget()
    assert facts(share("pull", "--json"))["moved"]["bytes"] == sum(project.objects().values())
    assert project.data() == before


def test_a_selection_moves_nothing_else(project: Project, share: Share) -> None:
    """A dataset, or files of one by a pattern, are all that is fetched and put in place."""
    share("push")
    project.forget()
    done = facts(share("pull", "--dataset", "traffic/west/*", "--json"))
    assert done["moved"]["files"] == 2  # the file and the list that names it
    assert list(project.data()) == ["parquet/traffic/west/mai 1.parquet"]
    share("pull", "--dataset", "climate/*2023*")
    assert sorted(project.data()) == ["parquet/climate/2023.parquet", "parquet/traffic/west/mai 1.parquet"]


def test_a_part_of_a_push_leaves_no_list_behind(project: Project, share: Share) -> None:
    """A list on the remote promises all its files: with some of them, it stays here."""
    share("push", "--dataset", "climate/2023*")
    assert list(project.objects().values()) == [1000]
    share("push", "--dataset", "climate")
    assert len(project.objects()) == 3


def test_lists_are_sent_last(project: Project, share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    """No list is begun before every file of the push is through, of other datasets too."""
    put = FolderStore.put
    files_there: list[int] = []

    def watched(self: FolderStore, oid: str, *more: Any) -> None:
        if oid.endswith(".dir"):
            files_there.append(sum(not name.endswith(".dir") for name in whole(project)))
        put(self, oid, *more)

    monkeypatch.setattr(FolderStore, "put", watched)
    # One at a time: what is begun first is through first.
    monkeypatch.setattr(FolderStore, "jobs", 1)
    assert share("push").code == 0
    assert files_there == [3, 3]


@pytest.mark.parametrize(
    ("selection", "problem"),
    [
        ("climat", "there is no recorded dataset 'climat'; did you mean 'climate'? There is: climate, traffic"),
        ("climate/1999*", "no file of climate matches '1999*'. There is: 2023.parquet, 2024.parquet"),
        ("climate/../../secret", "'climate/../../secret' is outside of the datasets"),
        ("../outside", "'../outside' is outside of the datasets"),
        ("/etc/passwd", "'/etc/passwd' is outside of the datasets"),
    ],
)
def test_a_selection_of_nothing(share: Share, selection: str, problem: str) -> None:
    """A name that is not recorded, a pattern that matches nothing and a path that leads out end with code 2."""
    answer = share("pull", "--dataset", selection)
    assert answer.code == 2
    assert problem in answer.err


@pytest.mark.parametrize("path", ["../../elsewhere", "/etc"])
def test_an_output_outside_of_the_repository(project: Project, share: Share, path: str) -> None:
    """A record whose output is outside of the repository is refused before anything is read or written."""
    project.write("climate", {"a": b"1"})
    lock = project.root / "data/dvc.lock"
    lock.write_text(lock.read_text().replace("raw/parquet/climate", path))
    answer = share("push")
    assert (answer.code, project.objects()) == (2, {})
    assert f"data/dvc.lock: the output '{path}' is outside of the repository" in answer.err


def test_a_list_that_leads_out_of_its_folder(project: Project, share: Share, tmp_path: Path) -> None:
    """A list from the remote that names ../ is refused: nothing is written outside of the dataset."""
    share("push")
    evil = json.dumps([{"md5": project.keep(b"x"), "relpath": "../../../../evil"}]).encode()
    oid = project.keep(evil, suffix=".dir")
    project.write("climate", {"a": b"1"})
    lock = project.root / "data/dvc.lock"
    facts_ = json.loads(lock.read_text())
    facts_["stages"]["compress@climate"]["outs"][0]["md5"] = oid
    lock.write_text(json.dumps(facts_))
    answer = share("pull")
    assert answer.code == 2
    assert "lists '../../../../evil', which is outside of the folder" in answer.err
    assert not list(tmp_path.rglob("evil"))


def test_nothing_is_recorded(project: Project, share: Share) -> None:
    """Without data/dvc.lock there is nothing to move, and the error says where it comes from."""
    (project.root / "data/dvc.lock").unlink()
    for command in ("push", "pull"):
        answer = share(command)
        assert answer.code == 2
        assert "data/dvc.lock records no dataset. Make it from raw files with `invoke data.compress`" in answer.err


def test_a_lock_with_a_merge_conflict(project: Project, share: Share) -> None:
    """What a merge left in dvc.lock is named as such, without a traceback."""
    lock = project.root / "data/dvc.lock"
    lock.write_text("<<<<<<< HEAD\nschema: '2.0'\n=======\n")
    answer = share("pull")
    assert (answer.code, answer.err.startswith("error: data/dvc.lock: ")) == (2, True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dvc.yaml", "stages: 7\n"),
        ("dvc.lock", "stages: [1]\n"),
        ("dvc.lock", "stages:\n  compress@climate:\n    outs:\n    - md5: x\n"),
    ],
)
def test_records_of_another_form(project: Project, share: Share, name: str, text: str) -> None:
    """YAML that is no record of DVC is named, without a traceback."""
    (project.root / "data" / name).write_text(text)
    answer = share("push")
    assert (answer.code, answer.err.startswith("error: data/dvc.lock: is not as DVC writes it (")) == (2, True)


def test_data_that_are_nowhere(project: Project, share: Share) -> None:
    """What is recorded and neither in the cache, nor in the working tree, nor on the remote ends a push with code 1."""
    project.forget()
    answer = share("push", "--dataset", "climate")
    assert (answer.code, project.objects()) == (1, {})
    assert "neither here nor on the remote; nothing was sent:\n  climate: 1 file\n" in answer.err
    assert "    data/raw/parquet/climate\n" in answer.err


def test_one_lost_file_is_named(project: Project, share: Share) -> None:
    """If the cache and the working tree lack one file of a dataset, it is named and nothing is sent."""
    (project.root / "data/raw/parquet/climate/2023.parquet").unlink()
    project.cached("cabe45dcc9ae5b66ba86600cca6b8ba8").unlink()
    answer = share("push")
    assert (answer.code, project.objects()) == (1, {})
    assert "climate: 1 file\n    data/raw/parquet/climate/2023.parquet" in answer.err


def test_a_file_of_the_working_tree_stands_in_for_a_lost_object(project: Project, share: Share) -> None:
    """A cache that lost an object gets it back from the working tree, if that has the same content."""
    project.cached("cabe45dcc9ae5b66ba86600cca6b8ba8").unlink()
    assert share("push").code == 0
    assert project.there("cabe45dcc9ae5b66ba86600cca6b8ba8").read_bytes() == b"a" * 1000


def test_a_damaged_object_is_not_pushed(project: Project, share: Share) -> None:
    """A cached file that changed, even with its size and time kept, is found before anything is sent."""
    share("push", "--plan")
    path = project.cached("cabe45dcc9ae5b66ba86600cca6b8ba8")
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.chmod(0o644)
    path.write_bytes(b"A" + b"a" * 999)
    os.utime(path, ns=times)
    answer = share("push")
    assert (answer.code, project.objects()) == (1, {})
    assert f"data/raw/parquet/climate/2023.parquet: {path}" in answer.err
    # What the error says mends it.
    path.unlink()
    assert share("push").code == 0
    assert project.there("cabe45dcc9ae5b66ba86600cca6b8ba8").read_bytes() == b"a" * 1000


def test_a_damaged_object_of_the_remote_is_not_kept(project: Project, share: Share) -> None:
    """A pull that gets other content than asked for names the file and keeps nothing of it."""
    share("push")
    project.there("cabe45dcc9ae5b66ba86600cca6b8ba8").write_bytes(b"A" * 1000)
    project.forget()
    answer = share("pull")
    assert answer.code == 1
    assert "data/raw/parquet/climate/2023.parquet: the object on the remote is damaged" in answer.err
    assert not project.cached("cabe45dcc9ae5b66ba86600cca6b8ba8").exists()
    assert "parquet/climate/2023.parquet" not in project.data()


def test_a_damaged_list_of_the_remote(project: Project, share: Share) -> None:
    """A folder's list with other content than asked for is refused, too."""
    share("push")
    oid = next(oid for oid in project.objects() if oid.endswith(".dir"))
    project.there(oid).write_bytes(b"[]")
    project.forget()
    answer = share("pull")
    assert (answer.code, project.data()) == (1, {})
    assert "the object on the remote is damaged" in answer.err


def test_a_truncated_object_of_the_remote_is_sent_again(project: Project, share: Share) -> None:
    """An object of another size than ours does not count as being there."""
    share("push")
    project.there("cabe45dcc9ae5b66ba86600cca6b8ba8").write_bytes(b"a")
    assert facts(share("push", "--json"))["moved"] | {"seconds": 0} == {"files": 1, "bytes": 1000, "seconds": 0}
    assert project.there("cabe45dcc9ae5b66ba86600cca6b8ba8").stat().st_size == 1000


def test_a_damaged_object_of_the_cache_is_fetched_again(project: Project, share: Share) -> None:
    """A pull that needs a cached file checks it first: DVC would put the damaged one in place."""
    share("push")
    before = project.data()
    path = project.cached("cabe45dcc9ae5b66ba86600cca6b8ba8")
    path.chmod(0o644)
    path.write_bytes(b"?" * 1000)
    (project.root / "data/raw/parquet/climate/2023.parquet").unlink()
    assert facts(share("pull", "--json"))["moved"]["bytes"] == 1000
    assert project.data() == before


def test_the_remote_lacks_something(project: Project, share: Share) -> None:
    """A pull of what nobody pushed names dataset and files and says who can help; nothing was fetched."""
    share("push", "--dataset", "climate")
    project.forget()
    answer = share("pull")
    assert (answer.code, project.data()) == (1, {})
    assert "traffic: 1 file\n    data/raw/parquet/traffic" in answer.err
    assert "This remote is a folder of this clone alone" in answer.err
    assert share("pull", "--dataset", "climate").code == 0


def test_files_of_an_older_version_go_away(project: Project, share: Share) -> None:
    """After a pull the folder has what the commit records, and no part that an older version had."""
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


def test_work_that_is_kept_nowhere_is_not_overwritten(project: Project, share: Share) -> None:
    """A file that was changed by hand and is in no cache stays, and the error says so."""
    share("push")
    mine = project.root / "data/raw/parquet/climate/2023.parquet"
    mine.unlink()
    mine.write_bytes(b"mine")
    answer = share("pull")
    assert answer.code == 1
    assert "differ from what this commit records and are kept nowhere else" in answer.err
    assert mine.read_bytes() == b"mine"


def test_disk_full_on_pull(project: Project, share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is named as such; what was fetched stays, and the next pull fetches the rest only."""
    share("push")
    project.forget()
    keep = LocalObjects.keep
    room = [2]

    def keep_while_there_is_room(self: LocalObjects, oid: str, partial: Path) -> None:
        if not room[0]:
            with self.writing(partial):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        room[0] -= 1
        keep(self, oid, partial)

    monkeypatch.setattr(LocalObjects, "keep", keep_while_there_is_room)
    answer = share("pull")
    assert answer.code == 1
    assert "the disk is full" in answer.err and "run it again: it continues" in answer.err
    room[0] = 99
    assert facts(share("pull", "--json"))["moved"]["files"] == 3
    assert "nothing to pull" in share("pull").out


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """On a file system of 3 MB, a pull of 4 says that the disk is full; with room, it fetches only the rest."""
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
        answer = project.run("pull")
        assert answer.returncode == 1
        assert "error: the disk is full" in answer.stderr and "it continues" in answer.stderr
        subprocess.run(["mount", "-o", "remount,size=30m", str(disk)], check=True)
        assert project.json("pull")["moved"]["bytes"] < 3_000_000
        assert project.data() == other.data()
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_pull_continues_in_the_middle_of_a_file(project: Project, share: Share) -> None:
    """Of a file of which a part is here, only the rest is planned and fetched; a wrong part is fetched again."""
    share("push", "--dataset", "climate")
    project.forget()
    parts = project.root / ".dvc/cache/parts"
    parts.mkdir(parents=True)
    (parts / "cabe45dcc9ae5b66ba86600cca6b8ba8").write_bytes(b"a" * 400)
    plan = facts(share("pull", "--dataset", "climate/2023*", "--json"))
    lists = next(size for oid, size in project.objects().items() if oid.endswith(".dir"))
    assert plan["plan"]["bytes"] == plan["moved"]["bytes"] == 600 + lists
    project.forget()
    parts.mkdir(parents=True)
    (parts / "cabe45dcc9ae5b66ba86600cca6b8ba8").write_bytes(b"?" * 400)
    again = facts(share("pull", "--dataset", "climate", "--json"))
    # What went is counted, not taken from the plan: the rest of the wrong part, then all of the file.
    assert again["moved"]["bytes"] == again["plan"]["bytes"] + 1000
    assert project.data()["parquet/climate/2023.parquet"] == b"a" * 1000


def whole(project: Project) -> dict[str, int]:
    """Objects of the remote, without what is only being written."""
    return {oid: size for oid, size in project.objects().items() if "." not in oid}


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_push_continues(project: Project, blow: signal.Signals) -> None:
    """Ctrl-C or kill -9 in the middle leaves only whole objects; the next push sends the others."""
    files = {f"{number}.parquet": os.urandom(3_000_000) for number in range(12)}
    project.write("climate", files)
    total = 12
    with project.start("push", "--dataset", "climate") as process:
        deadline = time.monotonic() + 60
        while not whole(project):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        process.send_signal(blow)
        _, err = process.communicate(timeout=60)
    sent = whole(project)
    if process.returncode == 0:
        pytest.skip("it was too fast to be interrupted")
    if blow == signal.SIGINT:
        assert (process.returncode, err.splitlines()[-1].startswith("interrupted: ")) == (130, True)
    assert set(sent.values()) == {3_000_000}
    done = project.json("push", "--dataset", "climate")
    assert done["moved"]["files"] == total - len(sent) + 1
    (the_list,) = [size for oid, size in project.objects().items() if oid.endswith(".dir")]
    assert done["plan"]["bytes"] == done["moved"]["bytes"] == 3_000_000 * (total - len(sent)) + the_list


def test_progress_of_a_log_is_whole_lines() -> None:
    """Where no terminal is, progress is a line now and then, without control characters."""
    import io

    from data_share.progress import Progress

    stream = io.StringIO()
    progress = Progress(50_000_000, stream=stream)
    progress._told_at -= 60
    progress._points[0] = (progress._points[0][0] - 2, 0)
    progress.add(1_000_000)
    progress.close()
    assert re.fullmatch(r"1\.00 MB of 50\.0 MB, [34]\.\d\d Mbps, 1\.\d min left\n", stream.getvalue())


def test_progress_is_told_while_nothing_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that stands still is seen to: it is told again, at a rate that falls."""
    import io
    import threading

    from data_share import progress

    told = threading.Event()

    class Stream(io.StringIO):
        def flush(self) -> None:
            told.set()

    monkeypatch.setattr(progress, "_LOG_S", 0.01)
    stream = Stream()
    shown = progress.Progress(2_000_000, stream=stream)
    assert told.wait(10)
    shown.close()
    assert stream.getvalue().startswith("0 B of 2.00 MB, 0 bps\n")
    lines = stream.getvalue()
    told.clear()
    assert not told.wait(0.05)
    assert stream.getvalue() == lines


def test_who_waits_is_told_why(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long says what it is, on standard error; what is quick says nothing."""
    import threading

    from data_share import progress

    with progress.said_if_slow("hashing"):
        pass
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "_SLOW_S", 0.0)
    said = threading.Event()
    monkeypatch.setattr("builtins.print", lambda text, **_: (sys.stderr.write(text), said.set()))
    with progress.said_if_slow("hashing"):
        assert said.wait(10)
    assert capsys.readouterr().err == "hashing …"
