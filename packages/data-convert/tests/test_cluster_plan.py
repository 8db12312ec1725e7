"""What a cluster needs before its first task: an address, tasks of parts, equal versions, and a sum of progress."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_convert.cluster import connection
from data_convert.cluster.batches import Capacity, batches
from data_convert.cluster.connection import check_scheduler
from data_convert.cluster.errors import ClusterError, Failure
from data_convert.cluster.versions import check_worker
from data_convert.cluster.work_progress import WorkProgress
from data_convert.conversion.part_job import PartJob
from data_convert.errors import DataConvertError, FailedWorkError
from data_convert.reading.sources import Source
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec, Dialect
from data_convert.storage.local_file import LocalFile
from data_convert.storage.opening import part_place, rejects_place

MB = 1_000_000


def job(name: str, size_bytes: int, *, ending: str = ".csv", escape: str | None = None) -> PartJob:
    """A part of one file of that size, which does not exist."""
    layout = (ColumnSpec(name="n", header="n", type="int32"),)
    spec = DatasetSpec(name="trees", source="raw", output="parts", layout=layout, dialect=Dialect(escape=escape))
    file = LocalFile(path=Path(f"raw/{name}{ending}"), size_bytes=size_bytes)
    return PartJob(
        spec=spec,
        name=f"{name}.parquet",
        sources=(Source(file=file, name=f"{name}{ending}"),),
        output=part_place(Path(), "parts"),
        rejects=rejects_place(Path(), "trees", "parts"),
    )


@pytest.mark.parametrize("text", ["HOST:8786", "tcp://host", "local:0", "local:two", "http://host:8786", ""])
def test_wrong_address(text: str) -> None:
    """A text that is no address is an error that shows the forms."""
    with pytest.raises(DataConvertError, match=r"this is no address .*tcp://HOST:8786, or local or local:N"):
        check_scheduler(text)


def test_group_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Dask, the error has the command that installs it."""
    monkeypatch.setattr(connection, "find_spec", lambda _: None)
    for address in ("tcp://host:8786", "local", "local:12"):
        with pytest.raises(DataConvertError, match=r"`\./run --with cluster invoke …`"):
            check_scheduler(address)
    monkeypatch.setattr(connection, "find_spec", lambda _: object())
    check_scheduler("local:12")


def test_small_parts_share_tasks() -> None:
    """Every part is in one task; large parts come first and are alone, small ones share tasks."""
    jobs = [job(f"s{number:03}", 10_000) for number in range(200)] + [job("large", 50 * MB)]
    found = batches(jobs, capacity=Capacity(workers=2), topic="t")
    assert [len(batch.jobs) for batch in found] == [1, 64, 64, 64, 8]
    assert sorted(job.name for batch in found for job in batch.jobs) == sorted(job.name for job in jobs)
    assert {batch.ahead for batch in found} == {0}


def test_few_small_parts_are_spread() -> None:
    """Each worker gets some, even if all of them fit into one task."""
    found = batches([job(f"s{number}", 1000) for number in range(16)], capacity=Capacity(workers=2), topic="t")
    assert len(found) == 8


@pytest.mark.parametrize(
    ("jobs", "workers", "split"),
    [
        ([job("a", 1000 * MB)], 2, ["a"]),
        ([job("a", 1000 * MB)], 1, []),
        ([job("a", 1000 * MB), job("b", 1000 * MB)], 2, []),
        ([job("a", 1000 * MB), job("b", 1000 * MB)], 4, ["a", "b"]),
        ([job("a", 100 * MB)], 2, []),
        ([job("a", 1000 * MB, ending=".csv.gz")], 2, []),
        ([job("a", 1000 * MB, escape="\\")], 2, []),
    ],
)
def test_a_file_is_split_if_workers_would_wait_for_it(jobs: list[PartJob], workers: int, split: list[str]) -> None:
    """Only a long, plain file that takes more than its share of the time is split."""
    found = batches(jobs, capacity=Capacity(workers=workers, machines=workers), topic="t")
    assert [batch.jobs[0].name.removesuffix(".parquet") for batch in found if batch.ahead] == split


def test_no_file_is_split_on_one_machine() -> None:
    """The part that takes longer than all others has the cores of its machine; with ranges, only rows would travel."""
    jobs = [job("long", 1000 * MB), job("short", 100 * MB)]
    found = batches(jobs, capacity=Capacity(workers=4, machine_tasks=4), topic="t")
    assert [(batch.jobs[0].name, batch.ahead, batch.machine_tasks) for batch in found] == [
        ("long.parquet", 0, 1),
        ("short.parquet", 0, 4),
    ]


def test_capacity_of_workers() -> None:
    """Workers of the same host share its cores."""
    workers = {
        "tcp://a:1": {"host": "a", "nthreads": 2},
        "tcp://a:2": {"host": "a", "nthreads": 1},
        "tcp://b:1": {"host": "b", "nthreads": 1},
    }
    assert Capacity.of(workers) == Capacity(workers=3, machines=2, machine_tasks=3)
    assert Capacity.of({}) == Capacity(workers=1, machines=1, machine_tasks=1)


def test_other_versions_are_refused() -> None:
    """The error names the worker, each difference and the fix; equal versions are none."""
    expected = {"Python": "3.13", "data_convert": "f" * 12, "pyarrow": "26.0"}
    check_worker("tcp://a:1", dict(expected), expected)
    other = {**expected, "pyarrow": "1.0", "data_convert": "0" * 12}
    with pytest.raises(ClusterError) as caught:
        check_worker("tcp://a:1", other, expected)
    assert str(caught.value) == (
        "worker tcp://a:1 runs other code than this client: data_convert 000000000000 instead of"
        " ffffffffffff, pyarrow 1.0 instead of 26.0. Start the scheduler and all"
        " workers from the same commit with `./run --with cluster`."
    )


def test_progress_counts_a_repeated_part_once() -> None:
    """A part whose worker died starts from zero; reports that come late change nothing."""
    steps: list[int] = []
    work = WorkProgress(on_bytes=steps.append, workers=lambda: 2)
    for report in ({"bytes": 50, "rows": 0}, {"bytes": 10, "rows": 0}):
        work.on_event((0.0, {"part": "a", **report}))
    work.finish("a", 100, 7)
    work.on_event((0.0, {"part": "a", "bytes": 60, "rows": 0}))
    assert (sum(steps), work.details()) == (100, "7 rows, 2 workers")
    work.end()
    work.on_event((0.0, {"part": "b", "bytes": 60, "rows": 0}))
    assert sum(steps) == 100


@pytest.mark.parametrize("error", [FailedWorkError("disk full"), DataConvertError("wrong header")])
def test_failure_keeps_text_and_exit_code(error: DataConvertError) -> None:
    """An error of a worker is the same error for the user of the client."""
    found = Failure.of(error).error()
    assert (str(found), found.exit_code) == (str(error), error.exit_code)
