"""What a sample may replace, what it never touches, and how it recovers from an interruption."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data_sample import SAMPLES, DataSampleError, SampleReport, folder, write_samples

SIZE = 300_000
_KILLED = """
import os, signal, sys
from pathlib import Path
from data_sample import write_samples
calls = 0
def on_bytes(size_bytes):
    global calls
    calls += 1
    if calls == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
write_samples(Path(sys.argv[1]), ["pems-incident"], size_bytes=1_500_000, on_bytes=on_bytes)
"""


def _write(root: Path, *, size_bytes: int = SIZE, seed: int = 0, dataset: str = "pems-incident") -> SampleReport:
    (report,) = write_samples(root, [dataset], size_bytes=size_bytes, seed=seed)
    return report


def _content(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("dataset", SAMPLES)
def test_the_same_seed_and_size_give_the_same_bytes(tmp_path: Path, dataset: str) -> None:
    """Two runs agree in every file, including the marker; with another seed, no file is equal."""
    for run, seed in (("one", 0), ("two", 0), ("other", 1)):
        _write(tmp_path / run, dataset=dataset, seed=seed, size_bytes=1_000_000)
    one, two, other = (_content(tmp_path / run) for run in ("one", "two", "other"))
    assert one == two
    assert set(one) == set(other)
    assert not set(one.values()) & set(other.values())


@pytest.mark.parametrize("dataset", SAMPLES)
@pytest.mark.parametrize("size_bytes", [1_000_000, 2_500_000, 9_000_000, 21_333_333])
def test_samples_have_the_requested_size(tmp_path: Path, dataset: str, size_bytes: int) -> None:
    """From 1 MB on the total is within 5 percent, and the report has the size on disk."""
    report = _write(tmp_path, dataset=dataset, size_bytes=size_bytes)
    assert report.size_bytes == sum((report.folder / name).stat().st_size for name in report.files)
    assert abs(report.size_bytes - size_bytes) <= size_bytes // 20


@pytest.mark.parametrize("dataset", SAMPLES)
def test_the_smallest_sample_is_valid(tmp_path: Path, dataset: str) -> None:
    """A request for one byte gives at least one file, and each file has at least one row."""
    report = _write(tmp_path, dataset=dataset, size_bytes=1)
    assert report.files
    assert all((report.folder / name).read_bytes().count(b"\n") for name in report.files)


def test_each_dataset_has_a_folder(tmp_path: Path) -> None:
    """Each dataset is written to its own folder in data/raw/csv."""
    folders = [_write(tmp_path, dataset=name, size_bytes=1).folder.relative_to(tmp_path).as_posix() for name in SAMPLES]
    assert SAMPLES == ("pems-detector", "pems-incident", "climate")
    assert folders == ["data/raw/csv/pems/detector", "data/raw/csv/pems/incident", "data/raw/csv/climate"]


def test_the_same_request_again_writes_nothing(tmp_path: Path) -> None:
    """A second run reports the same files and does not change them, not even their times."""
    first = _write(tmp_path)
    times = {path: path.stat().st_mtime_ns for path in first.folder.iterdir()}
    second = _write(tmp_path)
    assert (first.wrote, second.wrote) == (True, False)
    assert (second.files, second.size_bytes) == (first.files, first.size_bytes)
    assert times == {path: path.stat().st_mtime_ns for path in first.folder.iterdir()}


def test_another_request_replaces_the_old_sample(tmp_path: Path) -> None:
    """The folder then has the same content as a new folder."""
    _write(tmp_path / "used", size_bytes=2_000_000)
    _write(tmp_path / "used", seed=5)
    _write(tmp_path / "fresh", seed=5)
    assert _content(tmp_path / "used") == _content(tmp_path / "fresh")


def test_a_folder_with_foreign_data_is_refused(tmp_path: Path) -> None:
    """The error names the folder, the file and the fix; nothing is written next to the foreign file."""
    place = tmp_path / "data/raw/csv/pems/incident"
    place.mkdir(parents=True)
    (place / "mine.txt").write_text("precious\n")
    with pytest.raises(DataSampleError) as caught:
        _write(tmp_path)
    assert str(caught.value) == (
        f"no sample was written to {place}: it holds mine.txt not written by data.sample. Raw data is never "
        "overwritten. Move these files to another folder and run data.sample again, or skip data.sample and use "
        "these files."
    )
    assert [path.name for path in place.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_file_added_to_a_sample_is_kept(tmp_path: Path, seed: int) -> None:
    """Neither the same request nor another one is carried out while there is a foreign file next to the samples."""
    report = _write(tmp_path)
    (report.folder / "all_text_chp_incidents_day_2023_05_05.txt").write_text("real\n")
    before = _content(tmp_path)
    with pytest.raises(DataSampleError, match=r"all_text_chp_incidents_day_2023_05_05\.txt not written by"):
        _write(tmp_path, seed=seed)
    assert _content(tmp_path) == before


@pytest.mark.parametrize("seed", [0, 1])
def test_a_sample_that_was_edited_is_kept(tmp_path: Path, seed: int) -> None:
    """A file of the same length with one changed byte counts as changed by the user."""
    report = _write(tmp_path)
    path = report.folder / report.files[0]
    path.write_bytes(b"9" + path.read_bytes()[1:])
    before = _content(tmp_path)
    with pytest.raises(DataSampleError, match=r"changed since data\.sample wrote them"):
        _write(tmp_path, seed=seed)
    assert _content(tmp_path) == before


def test_a_real_file_under_a_planned_name_is_kept(tmp_path: Path) -> None:
    """Real data can have the name of a sample file; without its hash in the marker it is not ours."""
    report = _write(tmp_path)
    name = report.files[0]
    for path in report.folder.iterdir():
        path.unlink()
    (report.folder / name).write_text("real\n")
    with pytest.raises(DataSampleError, match=f"{name} not written by data.sample"):
        _write(tmp_path)
    assert (report.folder / name).read_text() == "real\n"


def test_a_deleted_sample_file_is_made_again(tmp_path: Path) -> None:
    """If a sample file is missing, the same request writes it again."""
    report = _write(tmp_path)
    before = _content(tmp_path)
    (report.folder / report.files[0]).unlink()
    assert _write(tmp_path).wrote
    assert _content(tmp_path) == before


def test_files_of_version_control_are_ignored(tmp_path: Path) -> None:
    """A .gitkeep is kept and does not prevent a sample."""
    place = tmp_path / "data/raw/csv/pems/incident"
    place.mkdir(parents=True)
    (place / ".gitkeep").touch()
    assert _write(tmp_path).wrote
    assert (place / ".gitkeep").exists()


@pytest.mark.parametrize("text", ["", "{}", '{"request": 3}', '{"request": {}, "planned": [], "files": {}}'])
def test_an_invalid_marker_is_refused(tmp_path: Path, text: str) -> None:
    """While it is unknown which files are samples, none is removed."""
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
    with pytest.raises(DataSampleError, match=r"names '\.\./\.\./\.\./mine\.txt', which is not a file of this folder"):
        _write(tmp_path, seed=1)


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_a_killed_run_is_completed_by_running_again(tmp_path: Path, moment: int) -> None:
    """After `kill -9` in any file, the same request leaves the bytes of an uninterrupted run."""
    command = [sys.executable, "-c", _KILLED, str(tmp_path / "killed"), str(moment)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    for root in ("killed", "calm"):
        _write(tmp_path / root, size_bytes=1_500_000)
    assert _content(tmp_path / "killed") == _content(tmp_path / "calm")


_STEPS = [
    ("_remove", 1),
    *((name, n) for name in ("write_marker", "_write_temporary", "_rename") for n in (1, 2, 3)),
]


@pytest.mark.parametrize(("step", "calls"), _STEPS)
def test_a_run_may_stop_after_any_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, calls: int) -> None:
    """After an interruption at any step of a replacement, the next request finds only samples."""
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


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """If a file has the name of a parent folder, the error has the reason of the operating system."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/raw").write_text("")
    with pytest.raises(DataSampleError, match=r"^could not write the sample to .*/pems/incident: Not a directory"):
        _write(tmp_path)


def test_progress_is_reported(tmp_path: Path) -> None:
    """The callback receives the bytes since the previous call; their sum is the size of the sample."""
    reported: list[int] = []
    (report,) = write_samples(tmp_path, ["pems-incident"], size_bytes=SIZE, on_bytes=reported.append)
    assert len(reported) > 1
    assert min(reported) > 0
    assert sum(reported) == report.size_bytes


@pytest.mark.parametrize(
    ("datasets", "size_bytes", "seed", "message"),
    [
        (
            ["climate", "pems_detector"],
            SIZE,
            0,
            "unknown sample 'pems_detector'; did you mean 'pems-detector'? Known samples: climate, pems-detector,"
            " pems-incident",
        ),
        (["climate"], SIZE, -1, "seed -1 is not a whole number of at least 0; write for example 0"),
        (["climate"], 0, 0, "a sample of 0 bytes is not possible; choose a size from 1 B to 8.00 GB"),
        (
            ["climate"],
            8_000_000_001,
            0,
            "a sample of 8,000,000,001 bytes is not possible; choose a size from 1 B to 8.00 GB",
        ),
    ],
)
def test_wrong_input_is_refused(tmp_path: Path, datasets: list[str], size_bytes: int, seed: int, message: str) -> None:
    """The nearest name or a possible value is offered, the exit code is 2, and nothing is written."""
    with pytest.raises(DataSampleError) as caught:
        write_samples(tmp_path, datasets, size_bytes=size_bytes, seed=seed)
    assert (str(caught.value), caught.value.exit_code) == (message, 2)
    assert not list(tmp_path.iterdir())


def test_foreign_data_exits_with_1(tmp_path: Path) -> None:
    """A refusal to overwrite is not wrong input."""
    place = tmp_path / "data/raw/csv/climate"
    place.mkdir(parents=True)
    (place / "real.csv").write_text("")
    with pytest.raises(DataSampleError, match=r"it holds real\.csv not written by data\.sample") as caught:
        write_samples(tmp_path, ["climate"], size_bytes=SIZE)
    assert caught.value.exit_code == 1
