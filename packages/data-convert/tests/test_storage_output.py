"""Output places without a server: folders, names, patience; tests/e2e/buckets uses a real one."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_convert.conversion.dataset_conversion import convert_dataset
from data_convert.errors import InterruptedConversionError
from data_convert.storage import patience
from data_convert.storage.opening import part_place, rejects_name, rejects_place
from data_convert.storage.output_bucket import OutputBucket
from data_convert.storage.output_folder import OutputFolder
from data_convert.storage.patience import with_patience
from data_convert.writing import part_writer
from s3_access import StoreError


def test_the_places_of_a_dataset(tmp_path: Path) -> None:
    """A folder's rejects are outside of it, a bucket's below `_rejects`."""
    assert part_place(tmp_path, "out").where == str(tmp_path / "out")
    assert rejects_place(tmp_path, "trees", "out").where == str(tmp_path / "rejects/trees")
    assert part_place(tmp_path, "s3://lake/out/") == OutputBucket(url="s3://lake/out", suffix=".parquet")
    assert rejects_place(tmp_path, "trees", "s3://lake/out").where_is("a.csv") == "s3://lake/out/_rejects/a.csv"
    assert rejects_name("more/a.parquet") == "more/a.csv"


def folder_at(path: Path) -> OutputFolder:
    return OutputFolder(folder=path, suffix=".parquet", temporary_prefix=".part-")


def test_a_file_of_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    """Until then it is a temporary file, which is no file of the place."""
    place = folder_at(tmp_path / "out")
    assert place.files() == {}
    pending = place.pending("more/a.parquet")
    assert not (tmp_path / "out").exists()
    pending.write(b"abc")
    assert (place.files(), pending.size_bytes) == ({}, 3)
    pending.flush()
    assert place.files() == {}
    pending.complete()
    assert [(file.name, file.size_bytes) for file in place.files().values()] == [("more/a.parquet", 3)]
    pending.discard()
    with place.open(place.files()["more/a.parquet"]) as file:
        assert file.read() == b"abc"


def test_a_discarded_file_leaves_nothing(tmp_path: Path) -> None:
    """Later writes are ignored, and an earlier file of the name stays."""
    place = folder_at(tmp_path)
    (tmp_path / "a.parquet").write_bytes(b"before")
    pending = place.pending("a.parquet")
    pending.write(b"abc")
    pending.discard()
    assert pending.write(b"more") == 4
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]
    assert (tmp_path / "a.parquet").read_bytes() == b"before"


class Clock:
    """Time that passes only while the code sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, pause_s: float) -> None:
        self.now_s += pause_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(patience, "time", made)
    monkeypatch.setattr(patience, "_has_answered", threading.Event())
    # The server has answered before.
    assert with_patience(lambda: "answer") == "answer"
    return made


def fault(kind: str) -> StoreError:
    return StoreError(kind, "no answer", where="s3://lake", fix="wait")


@pytest.mark.parametrize("kind", ["unreachable", "busy"])
def test_a_short_cut_of_the_network_is_survived(clock: Clock, kind: str) -> None:
    """For a minute, a request is repeated until it succeeds; after that, its error is raised."""
    calls: list[float] = []

    def until(end_s: float) -> str:
        calls.append(clock.now_s)
        if clock.now_s < end_s:
            raise fault(kind)
        return "done"

    assert with_patience(lambda: until(60.0)) == "done"
    assert 60 <= clock.now_s < 65 and len(calls) < 25
    with pytest.raises(StoreError):
        with_patience(lambda: until(1e9))
    assert clock.now_s < 60 + 65 + 16


def test_a_server_that_never_answered(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong address is reported at once."""
    monkeypatch.setattr(patience, "_has_answered", threading.Event())

    def unreachable() -> None:
        raise fault("unreachable")

    with pytest.raises(StoreError):
        with_patience(unreachable)
    assert clock.now_s == 0


def test_a_refusal_is_final(clock: Clock) -> None:
    """What waiting does not change is raised at once."""

    def refused() -> None:
        raise fault("denied")

    with pytest.raises(StoreError):
        with_patience(refused)
    assert clock.now_s == 0


def test_an_interruption_ends_the_patience(clock: Clock) -> None:
    """Ctrl-C is not delayed by a server that does not answer."""

    def unreachable() -> None:
        raise fault("unreachable")

    def check_stop() -> None:
        if clock.now_s > 5:
            raise InterruptedConversionError(0, 1)

    with pytest.raises(InterruptedConversionError):
        with_patience(unreachable, check_stop)
    assert clock.now_s < 12


def test_a_part_is_converted_again_without_an_encoding(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values in a later row group that readers cannot decode: the bytes do not depend on where they are, or on jobs."""
    # Each file is a block, and each block a row group.
    monkeypatch.setattr(part_writer, "ROW_GROUP_BYTES", 1 << 10)
    chance = np.random.default_rng(1)
    small = np.cumsum(chance.integers(0, 50, 6000)).tolist()
    large = chance.integers(0, 1 << 40, 500).tolist()
    lab.raw("a1.csv", "n,flat,kind\nbad,1,x\n" + "".join(f"{n},{at},x\n" for at, n in enumerate(small)))
    lab.raw("a2.csv", "n,flat,kind\n" + "".join(f"{n},{at},x\n" for at, n in enumerate(large)))
    kinds = {"n": "int64", "flat": "int64", "kind": "string"}
    spec = lab.spec(kinds, on_reject="keep", parts="{name}", pattern="^(?P<name>a)")
    found = []
    for jobs in (1, 3):
        seen: list[int] = []
        report = convert_dataset(spec, data_folder=lab.root, jobs=jobs, force=True, on_bytes=seen.append)
        # Every attempt but the last is taken back, and leaves no rejects of its own.
        assert sum(seen) == report.raw_bytes
        assert any(step < 0 for step in seen)
        assert (report.rows, report.rejects) == (6500, 1)
        found.append((lab.part().read_bytes(), lab.rejects_file().read_bytes()))
    assert found[0] == found[1]
    group = pq.read_metadata(lab.part()).row_group(0)
    encodings = {group.column(place).path_in_schema: group.column(place).encodings for place in range(3)}
    assert "DELTA_BINARY_PACKED" not in encodings["n"]
    assert "DELTA_BINARY_PACKED" in encodings["flat"]
    assert pq.read_table(lab.part())["n"].to_pylist() == [*small, *large]
    assert pa.types.is_int64(pq.read_schema(lab.part()).field("n").type)
