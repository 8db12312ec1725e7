"""data.inspect and data.verify of objects, on a real S3 server: the answers that files of a folder get."""

from __future__ import annotations

import gc
import gzip
import json
import threading
from typing import Any

import pytest

from data_convert import load_specs
from data_convert.verification import dataset_check
from data_convert.verification.part_check import PartCheck

from .conftest import LIMITED, Project

FIRST = b"n,text\n" + b"".join(b"%d,oak\n" % number for number in range(40_000))
SECOND = b"n,text\n" + b"".join(b"%d,elm\n" % number for number in range(50))


def facts_of(project: Project, what: str) -> dict[str, Any]:
    """The inspection as plain data, without its place."""
    facts: dict[str, Any] = json.loads(project.run("inspect", what, "--json").stdout)
    del facts["folder"]
    return facts


def test_an_inspection_is_that_of_the_same_files(project: Project) -> None:
    """A prefix gives what a folder gives, and one object what one file gives."""
    folder = project.root / "data/raw/csv/trees"
    (folder / "deep").mkdir(parents=True)
    for name, content in (("a.csv", FIRST), ("deep/b.csv.gz", gzip.compress(SECOND))):
        (folder / name).write_bytes(content)
        project.put(name, content)
    assert facts_of(project, project.url("raw")) == facts_of(project, "data/raw/csv/trees")
    assert facts_of(project, f"{project.url('raw')}/") == facts_of(project, "data/raw/csv/trees")
    assert facts_of(project, f"{project.url('raw')}/a.csv") == facts_of(project, "data/raw/csv/trees/a.csv")


def test_a_table_written_for_a_bucket(project: Project) -> None:
    """The described dataset has the inspected objects as its raw files, and a folder of the project as its output."""
    description = project.root / "data/datasets.toml"
    project.put("a.csv", FIRST)
    project.put("b.csv", SECOND)
    project.run("inspect", project.url("raw"), "--write", "trees")
    text = description.read_text("utf-8").partition("[datasets.trees]")[2]
    assert f'source = "{project.url("raw")}"\n' in text
    assert 'output = "raw/parquet/trees"\n' in text
    (plan,) = json.loads(project.run("compress", "--dataset", "trees", "--dry-run", "--json").stdout)
    assert [each["part"] for each in plan["convert"]] == ["a.parquet", "b.parquet"]
    project.run("inspect", f"{project.url('raw')}/b.csv", "--write", "one")
    assert 'files = "b.csv"\n' in description.read_text("utf-8").partition("[datasets.one]")[2]
    assert facts_of(project, "one")["files"] == ["b.csv"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("rew", "rew has no objects; did you mean 'raw'?"),
        ("raw/b.csv", "raw/b.csv has no objects; did you mean 'a.csv'?"),
        ("notes", "notes: no raw file found. Raw files end with .csv, .txt, .tsv, plain or compressed. It has 1 other"),
    ],
)
def test_nothing_to_inspect(project: Project, path: str, message: str) -> None:
    """The error says what there is instead, and which name is the nearest."""
    project.put("a.csv", FIRST)
    project.put("readme.md", b"x", prefix="notes")
    error = project.run("inspect", project.url(path), code=2).stderr
    assert f"{project.url('')}{message}" in error


def test_a_denied_object_of_an_inspection(project: Project) -> None:
    """It is not taken for a file of another shape."""
    project.put("a.csv", FIRST)
    project.put("secret.csv", SECOND)
    error = project.run("inspect", project.url("raw"), code=1, environment=project.environment(LIMITED)).stderr
    assert f"address: {project.url('raw')}/secret.csv" in error
    assert "missing: s3:GetObject" in error


def test_a_verification_from_bucket_to_bucket(project: Project) -> None:
    """Clean parts are clean with one process and with two; a changed, missing or obsolete part is found."""
    project.describe(more='on_reject = "keep"\nmax_rejects = 1.0\n')
    for name in ("a", "b", "c", "d"):
        project.put(f"{name}.csv", FIRST + b"no number,%s\n" % name.encode())
    project.run("compress")
    clean = project.run("verify", "--json", "--jobs", "2").stdout
    (facts,) = json.loads(clean)
    assert (facts["is_clean"], facts["parts"], facts["rows"], facts["rejects"]) == (True, 4, 160_000, 4)
    parts = project.objects()
    project.put("a.parquet", parts["b.parquet"], prefix="out")
    project.put("_rejects/b.csv", parts["_rejects/b.csv"].replace(b"no number", b"a number"), prefix="out")
    project.remove("c.parquet", prefix="out")
    project.remove("d.csv")
    text = project.run("verify", code=1).stdout
    assert "a.parquet: a.csv: was made from other content of this raw file" in text
    assert "a.parquet: b.csv: was made from a raw file that does not exist any more" in text
    assert "b.parquet: b.csv:40002: column 'n': is another row in the rejects file" in text
    assert "c.parquet: does not exist; create it with `invoke data.compress --dataset rows`" in text
    assert "d.parquet: the raw files of this part were removed" in text


def test_a_verification_with_a_denied_object(project: Project) -> None:
    """What cannot be read is a finding of its part; the other parts are compared."""
    for name in ("a", "secret"):
        project.put(f"{name}.csv", FIRST)
    project.run("compress")
    text = project.run("verify", code=1, environment=project.environment(LIMITED)).stdout
    assert "secret.parquet: cannot be compared: " in text
    assert "is not allowed to do s3:GetObject" in text
    assert "a.parquet" not in text


def test_rejects_that_are_gone_from_the_bucket(project: Project) -> None:
    """The text names their prefix, and no folder of the project."""
    project.describe(more='on_reject = "keep"\nmax_rejects = 0.5\n')
    project.put("a.csv", FIRST + b"no number,x\n")
    project.run("compress")
    project.remove("_rejects/a.csv", prefix="out")
    text = project.run("verify").stdout
    assert f"1 reject (1 not in {project.url('out')}/_rejects, so only their number was compared" in text
    assert "data/rejects" not in text


def test_small_parts_are_compared_at_the_same_time(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four of them are in progress at once, and the report is that of one after the other."""
    for number in range(8):
        project.put(f"{number}.csv", b"n,text\n%d,x\n" % number)
    project.put("8.csv", b"n,text\nno number,x\n")
    project.describe(more='on_reject = "keep"\nmax_rejects = 1.0\n')
    project.run("compress")
    project.put("7.csv", b"n,text\n70,x\n")
    for name, value in project.environment().items():
        monkeypatch.setenv(name, value)
    folder = project.root / "data"
    spec = load_specs(folder / "datasets.toml")["rows"]
    with monkeypatch.context() as one_by_one:
        one_by_one.setattr(dataset_check, "_SMALL_BYTES", 0)
        expected = dataset_check.verify_dataset(spec, data_folder=folder, jobs=1)
    barrier, verdict = threading.Barrier(4), PartCheck.verdict
    compared: list[int] = []

    def meeting(check: PartCheck, on_bytes: Any) -> Any:
        if check.name < "4":
            barrier.wait(60)
        return verdict(check, on_bytes)

    monkeypatch.setattr(PartCheck, "verdict", meeting)
    found = dataset_check.verify_dataset(spec, data_folder=folder, jobs=1, on_bytes=compared.append)
    assert found == expected
    assert (found.parts, found.rejects, found.is_clean) == (9, 1, False)
    assert sum(compared) == sum(map(len, project.objects("raw").values()))
    assert gc.isenabled()
