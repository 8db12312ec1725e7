"""What a sample may replace, what it never touches, and how it heals after a kill."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data_sample import SAMPLES, DataSampleError, SampleReport, folder, write_sample

SIZE = 300_000
_KILLED = """
import os, signal, sys
from pathlib import Path
from data_sample import write_sample
calls = 0
def progress(done, wanted):
    global calls
    calls += 1
    if calls == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
write_sample(Path(sys.argv[1]), dataset="pems-incident", size_bytes=1_500_000, progress=progress)
"""


def _write(root: Path, *, size_bytes: int = SIZE, seed: int = 0, dataset: str = "pems-incident") -> SampleReport:
    return write_sample(root, dataset=dataset, size_bytes=size_bytes, seed=seed)


def _content(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("dataset", SAMPLES)
def test_the_same_seed_and_size_give_the_same_bytes(tmp_path: Path, dataset: str) -> None:
    """Two runs agree in every file, the marker included; another seed agrees in none of the data."""
    for run, seed in (("one", 0), ("two", 0), ("other", 1)):
        _write(tmp_path / run, dataset=dataset, seed=seed, size_bytes=1_000_000)
    one, two, other = (_content(tmp_path / run) for run in ("one", "two", "other"))
    assert one == two
    assert set(one) == set(other)
    assert not set(one.values()) & set(other.values())


@pytest.mark.parametrize("dataset", SAMPLES)
@pytest.mark.parametrize("size_bytes", [1_000_000, 2_500_000, 9_000_000, 21_333_333])
def test_samples_have_the_size_that_was_asked_for(tmp_path: Path, dataset: str, size_bytes: int) -> None:
    """From 1 MB on the total is within 5 percent, and the report tells what is on disk."""
    report = _write(tmp_path, dataset=dataset, size_bytes=size_bytes)
    assert report.size_bytes == sum((report.folder / name).stat().st_size for name in report.files)
    assert abs(report.size_bytes - size_bytes) <= size_bytes // 20


@pytest.mark.parametrize("dataset", SAMPLES)
def test_the_smallest_sample_is_still_valid(tmp_path: Path, dataset: str) -> None:
    """One byte asked for gives at least one file with at least one row."""
    report = _write(tmp_path, dataset=dataset, size_bytes=1)
    assert report.files
    assert all((report.folder / name).read_bytes().count(b"\n") for name in report.files)


def test_datasets_go_where_users_know_them(tmp_path: Path) -> None:
    """Each dataset has its own folder below the data folder."""
    folders = [_write(tmp_path, dataset=name, size_bytes=1).folder.relative_to(tmp_path).as_posix() for name in SAMPLES]
    assert SAMPLES == ("pems-detector", "pems-incident", "climate")
    assert folders == ["raw/csv/pems/detector", "raw/csv/pems/incident", "raw/csv/climate"]


def test_the_same_request_again_writes_nothing(tmp_path: Path) -> None:
    """A second run reports the same files and leaves them, down to their times."""
    first = _write(tmp_path)
    times = {path: path.stat().st_mtime_ns for path in first.folder.iterdir()}
    second = _write(tmp_path)
    assert (first.wrote, second.wrote) == (True, False)
    assert (second.files, second.size_bytes) == (first.files, first.size_bytes)
    assert times == {path: path.stat().st_mtime_ns for path in first.folder.iterdir()}


def test_another_request_replaces_the_old_sample(tmp_path: Path) -> None:
    """Nothing of the former sample stays, and the result is as if it had never been."""
    _write(tmp_path / "here", size_bytes=2_000_000)
    _write(tmp_path / "here", seed=5)
    _write(tmp_path / "fresh", seed=5)
    assert _content(tmp_path / "here") == _content(tmp_path / "fresh")


def test_a_folder_with_foreign_data_is_refused(tmp_path: Path) -> None:
    """The error names folder, file and way out; nothing is written beside the foreign file."""
    place = tmp_path / "raw/csv/pems/incident"
    place.mkdir(parents=True)
    (place / "mine.txt").write_text("precious\n")
    with pytest.raises(DataSampleError) as caught:
        _write(tmp_path)
    assert str(caught.value) == (
        f"no sample was written to {place}: it holds mine.txt not written by data.sample. Raw data is never "
        "overwritten. Move these files to another folder and run data.sample again, or skip data.sample and work "
        "with them as they are."
    )
    assert [path.name for path in place.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_file_added_to_a_sample_is_kept(tmp_path: Path, seed: int) -> None:
    """Neither the same request nor another one goes on while a foreign file lies beside the samples."""
    report = _write(tmp_path)
    (report.folder / "all_text_chp_incidents_day_2023_05_05.txt").write_text("real\n")
    before = _content(tmp_path)
    with pytest.raises(DataSampleError, match=r"all_text_chp_incidents_day_2023_05_05\.txt not written by"):
        _write(tmp_path, seed=seed)
    assert _content(tmp_path) == before


@pytest.mark.parametrize("seed", [0, 1])
def test_a_sample_that_was_edited_is_kept(tmp_path: Path, seed: int) -> None:
    """A changed byte of the same length counts as somebody's work."""
    report = _write(tmp_path)
    path = report.folder / report.files[0]
    path.write_bytes(b"9" + path.read_bytes()[1:])
    before = _content(tmp_path)
    with pytest.raises(DataSampleError, match=r"changed since data\.sample wrote them"):
        _write(tmp_path, seed=seed)
    assert _content(tmp_path) == before


def test_a_real_file_under_a_planned_name_is_kept(tmp_path: Path) -> None:
    """Real data can have the very name of a sample file; without its hash in the marker it is not ours."""
    report = _write(tmp_path)
    name = report.files[0]
    for path in report.folder.iterdir():
        path.unlink()
    (report.folder / name).write_text("real\n")
    with pytest.raises(DataSampleError, match=f"{name} not written by data.sample"):
        _write(tmp_path)
    assert (report.folder / name).read_text() == "real\n"


def test_a_deleted_sample_file_is_made_again(tmp_path: Path) -> None:
    """A missing file of ours harms nobody: the same request brings it back."""
    report = _write(tmp_path)
    before = _content(tmp_path)
    (report.folder / report.files[0]).unlink()
    assert _write(tmp_path).wrote
    assert _content(tmp_path) == before


def test_files_of_version_control_are_no_obstacle(tmp_path: Path) -> None:
    """A .gitkeep stays and does not stop a sample."""
    place = tmp_path / "raw/csv/pems/incident"
    place.mkdir(parents=True)
    (place / ".gitkeep").touch()
    assert _write(tmp_path).wrote
    assert (place / ".gitkeep").exists()


@pytest.mark.parametrize("text", ["", "{}", '{"request": 3}', '{"request": {}, "planned": [], "files": {}}'])
def test_a_marker_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    """Without knowing what is ours nothing is removed."""
    report = _write(tmp_path)
    (report.folder / ".sample.json").write_text(text)
    before = _content(tmp_path)
    with pytest.raises(DataSampleError, match="cannot be read"):
        _write(tmp_path, seed=1)
    assert _content(tmp_path) == before


def test_a_marker_that_points_outside_its_folder_is_refused(tmp_path: Path) -> None:
    """A forged marker cannot make a sample delete files elsewhere."""
    report = _write(tmp_path)
    marker = report.folder / ".sample.json"
    marker.write_text(marker.read_text().replace(report.files[0], "../../../mine.txt"))
    with pytest.raises(DataSampleError, match=r"it names '\.\./\.\./\.\./mine\.txt', which is no file of this folder"):
        _write(tmp_path, seed=1)


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_a_killed_run_heals_by_running_again(tmp_path: Path, moment: int) -> None:
    """After kill -9 in any file, the same request ends with the bytes of an undisturbed run."""
    command = [sys.executable, "-c", _KILLED, str(tmp_path / "killed"), str(moment)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    for root in ("killed", "calm"):
        _write(tmp_path / root, size_bytes=1_500_000)
    assert _content(tmp_path / "killed") == _content(tmp_path / "calm")


_STEPS = [
    ("_remove", 1),
    *((name, n) for name in ("write_marker", "_write_temporary", "_give_name") for n in (1, 2, 3)),
]


@pytest.mark.parametrize(("step", "calls"), _STEPS)
def test_every_step_may_be_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, calls: int) -> None:
    """Stopped right after any step of a replacement, a run of a third request still finds only its own files."""
    _write(tmp_path / "stopped", size_bytes=1_000_000, seed=1)
    real, count = getattr(folder, step), 0

    def stopping(*args: object) -> object:
        nonlocal count
        result, count = real(*args), count + 1
        if count == calls:
            raise KeyboardInterrupt
        return result

    with monkeypatch.context() as patched:
        patched.setattr(folder, step, stopping)
        with pytest.raises(KeyboardInterrupt):
            _write(tmp_path / "stopped", seed=2, size_bytes=1_500_000)
    for root in ("stopped", "calm"):
        _write(tmp_path / root, seed=3)
    assert _content(tmp_path / "stopped") == _content(tmp_path / "calm")


def test_a_folder_that_cannot_be_made_is_an_error_for_people(tmp_path: Path) -> None:
    """A file where a parent folder should be is told without a traceback."""
    (tmp_path / "raw").write_text("")
    with pytest.raises(DataSampleError, match=r"could not be written to .*raw/csv/pems/incident: Not a directory"):
        _write(tmp_path)


def test_progress_is_told_and_ends_at_the_size(tmp_path: Path) -> None:
    """The callback gets rising numbers of bytes and, each time, how many are wanted."""
    told: list[tuple[int, int]] = []
    report = write_sample(
        tmp_path,
        dataset="pems-incident",
        size_bytes=SIZE,
        progress=lambda done, wanted: told.append((done, wanted)),
    )
    assert told == sorted(told)
    assert told[-1] == (report.size_bytes, SIZE)


def test_unknown_datasets_and_seeds_are_refused(tmp_path: Path) -> None:
    """The nearest name is offered; a negative seed is told to be none."""
    with pytest.raises(DataSampleError) as caught:
        _write(tmp_path, dataset="pems_detector")
    assert str(caught.value) == (
        "there is no sample of dataset 'pems_detector'. Did you mean 'pems-detector'? "
        "There are: pems-detector, pems-incident, climate."
    )
    with pytest.raises(DataSampleError, match="seed '-1' is not a whole number"):
        _write(tmp_path, seed=-1)
    assert not list(tmp_path.iterdir())
