"""From bucket to bucket, on a real S3 server: the bytes of a local conversion, whole objects or none, and a record."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.httpsession import URLLib3Session

from data_convert.writing.provenance import FOOTER_KEY
from shrinkwrap.program import main

from ..throttle import ThrottledLink
from .conftest import BUCKET, LIMITED, WRITER, Project


def text_of(rows: int, seed: int = 1) -> bytes:
    """Rows that compression makes little smaller: about 38 bytes each, 18 in Parquet."""
    chance = random.Random(seed)
    return b"n,text\n" + b"".join(b"%d,%032x\n" % (number, chance.getrandbits(128)) for number in range(rows))


def footer(part: bytes) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(pq.read_metadata(io.BytesIO(part)).metadata[FOOTER_KEY.encode()])
    return facts


def without_etags(facts: dict[str, Any]) -> dict[str, Any]:
    sources = [{key: value for key, value in source.items() if key != "etag"} for source in facts["sources"]]
    return {**facts, "sources": sources}


def test_bytes_are_those_of_a_local_conversion(make_project: Callable[[str], Project]) -> None:
    """One job, four jobs and a folder give the same pages; two conversions of the same objects the same bytes."""
    raw = {"large.csv": text_of(1_100_000), "small.csv": text_of(10), "more/empty.csv": b"n,text\n"}
    local, one, four = (make_project(name) for name in ("local", "one", "four"))
    (local.root / "raw-files/more").mkdir(parents=True)
    for name, content in raw.items():
        one.put(name, content)
        path = local.root / "data/raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for project, jobs in ((one, "1"), (four, "4")):
        project.describe(output=project.url(f"out-{jobs}"))
        project.run("compress", "--jobs", jobs)
    local.describe(source="raw", output=local.url("out-local"))
    local.run("compress")
    parts = one.objects("out-1")
    assert sorted(parts) == ["large.parquet", "more/empty.parquet", "small.parquet"]
    # Long enough to be uploaded in parts.
    assert len(parts["large.parquet"]) > 16 << 20
    assert parts == four.objects("out-4")
    assert one.uploads() == []
    for name, part in local.objects("out-local").items():
        facts, found = footer(part), footer(parts[name])
        assert part[: facts["pages_bytes"]] == parts[name][: found["pages_bytes"]]
        assert without_etags(found) == facts
        assert all("etag" in source for source in found["sources"])


def test_nothing_to_do_is_two_listings(project: Project) -> None:
    """The second run converts nothing, and a clone that has only the lock knows it, too."""
    project.put("a.csv", text_of(5))
    first = project.run("compress")
    before = (project.root / "data/buckets.lock").read_bytes()
    assert "rows: 1 part converted, 0 finished before" in first.stdout
    second = project.run("compress")
    assert "converted" not in second.stdout
    assert (project.root / "data/buckets.lock").read_bytes() == before
    record = project.lock()["rows"]
    assert record["source"] == {**record["source"], "where": project.url("raw"), "files": 1, "bytes": len(text_of(5))}
    assert record["output"]["files"] == 1


def test_what_changed_is_converted(project: Project) -> None:
    """Of a new, a changed and a removed raw file, parts appear, change and disappear; the others stay."""
    for name in ("same", "changed", "removed"):
        project.put(f"{name}.csv", text_of(5))
    project.describe(more='on_reject = "keep"\nmax_rejects = 1.0\n')
    project.put("removed.csv", b"n,text\nx,reject\n")
    project.run("compress")
    before = project.objects()
    assert sorted(before) == ["_rejects/removed.csv", "changed.parquet", "removed.parquet", "same.parquet"]
    project.put("changed.csv", text_of(6))
    project.put("new.csv", text_of(7))
    project.remove("removed.csv")
    planned = json.loads(project.run("compress", "--dry-run", "--json").stdout)[0]
    assert [(each["part"], each["why"]) for each in planned["convert"]] == [
        ("changed.parquet", "its sources changed"),
        ("new.parquet", "it does not exist yet"),
    ]
    assert planned["remove"] == [f"{project.url('out')}/removed.parquet"]
    assert "rows: 2 parts converted, 1 finished before, 1 removed" in project.run("compress").stdout
    after = project.objects()
    assert sorted(after) == ["changed.parquet", "new.parquet", "same.parquet"]
    assert after["same.parquet"] == before["same.parquet"]
    assert after["changed.parquet"] != before["changed.parquet"]


def test_the_same_content_again_is_a_new_version(project: Project) -> None:
    """An object whose ETag stays is not converted again, although it was uploaded again."""
    project.put("a.csv", text_of(5))
    project.run("compress")
    project.put("a.csv", text_of(5))
    assert "converted" not in project.run("compress").stdout


def test_rejects_and_reports(project: Project) -> None:
    """Rejects are below the output; data.rejects and data.report read the bucket."""
    project.describe(more='on_reject = "keep"\nmax_rejects = 1.0\n')
    project.put("a.csv", b"n,text\n1,x\nno number,y\n")
    assert f"1 reject in {project.url('out')}/_rejects" in project.run("compress").stdout
    assert sorted(project.objects()) == ["_rejects/a.csv", "a.parquet"]
    shown = project.run("rejects", "rows").stdout
    assert "a.csv:3: no number,y" in shown
    assert shown.endswith(f"one file for each part: {project.url('out')}/_rejects\n")
    facts = json.loads(project.run("report", "--json").stdout)["datasets"][0]
    sizes = project.objects()
    assert (facts["rows"], facts["rejects"], facts["parquet_bytes"]) == (1, 1, len(sizes["a.parquet"]))
    # The rejects file is part of the output: without it, the part is stale.
    project.remove("_rejects/a.csv", prefix="out")
    planned = json.loads(project.run("compress", "--dry-run", "--json").stdout)[0]
    assert planned["convert"][0]["why"] == "its rejects file is missing or was changed"
    project.run("compress")
    assert project.objects() == sizes


def test_a_report_without_one_of_the_buckets(project: Project) -> None:
    """A bucket that cannot be read is an error and exit code 1; the other datasets are reported."""
    project.put("a.csv", b"n,text\n1,x\n")
    more = '[datasets.absent]\nsource = "s3://absent/raw"\noutput = "s3://absent/out"\n'
    more += 'columns = [{ name = "n", type = "int32" }]\n'
    project.describe(more=more)
    project.run("compress", "--dataset", "rows")
    answer = project.run("report", "--html", "page.html", code=1)
    assert f"rows: {project.url('out')}" in answer.stdout
    assert "error: absent is not reported: " in answer.stderr and "s3://absent/out" in answer.stderr
    page = (project.root / "page.html").read_text("utf-8")
    assert '<h2 id="unread">Not read</h2>' in page and "<h3>absent</h3>" in page
    facts = json.loads(project.run("report", "--json", code=1).stdout)
    assert [dataset["dataset"] for dataset in facts["datasets"]] == ["rows"]
    ((name, error),) = [(failure["dataset"], failure["error"]) for failure in facts["failures"]]
    assert name == "absent" and "s3://absent/out" in error
    assert json.loads(project.run("report", "--json", "--dataset", "rows").stdout)["failures"] == []


@pytest.mark.parametrize("foreign", ["notes.txt", "theirs.parquet", "a.parquet", "_rejects/notes.txt"])
def test_an_output_that_has_something_else(project: Project, foreign: str) -> None:
    """Objects that another program wrote are named, and neither they nor anything else is touched."""
    project.put("a.csv", text_of(5))
    project.put(foreign, b"not ours", prefix="out")
    if foreign == "theirs.parquet":
        project.put(foreign, _plain_parquet(), prefix="out")
    before = project.objects()
    for words in (["compress"], ["compress", "--force"]):
        failed = project.run(*words, code=2)
        assert f"{project.url('out')} has 1 object that this tool did not write: {foreign}." in failed.stderr
        assert project.objects() == before
    assert not (project.root / "data/buckets.lock").exists()


def _plain_parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"n": [1]}), sink)
    return sink.getvalue()


def test_a_denied_object_fails_alone(project: Project) -> None:
    """A raw file that may not be read, and a part that may not be written, fail; the others are converted."""
    for name in ("a", "b"):
        project.put(f"{name}.csv", text_of(5))
    project.put("secret.csv", text_of(6))
    failed = project.run("compress", code=1, environment=project.environment(LIMITED))
    assert "is not allowed to do s3:GetObject on bucket 'lake'" in failed.stderr
    assert f"{project.url('raw')}/secret.csv" in failed.stderr
    assert sorted(project.objects()) == ["a.parquet", "b.parquet"]
    assert not (project.root / "data/buckets.lock").exists()
    project.run("compress")
    assert sorted(project.objects()) == ["a.parquet", "b.parquet", "secret.parquet"]


def test_a_part_that_may_not_be_written(project: Project) -> None:
    """The error names the object and the permission; what was uploaded of the part is removed."""
    local = project.root / "data/raw"
    local.mkdir()
    (local / "a.csv").write_bytes(text_of(5))
    (local / "secret.csv").write_bytes(text_of(1_100_000))
    project.describe(source="raw")
    failed = project.run("compress", code=1, environment=project.environment(LIMITED))
    assert "is not allowed to do s3:PutObject on bucket 'lake'" in failed.stderr
    assert f"address: {project.url('out')}/secret.parquet" in failed.stderr
    assert (sorted(project.objects()), project.uploads()) == (["a.parquet"], [])


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_conversion(project: Project, signal_: signal.Signals) -> None:
    """No half object appears. Ctrl-C aborts the uploads; those of a killed run are aborted by the next one."""
    project.put("a.csv", text_of(1_100_000))
    with (
        ThrottledLink(project.server.url, up_bps=20e6) as link,
        project.start("compress", environment=project.environment(endpoint=link.url)) as process,
    ):
        deadline = time.monotonic() + 120
        while not project.uploads():
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        _signal_tree(process.pid, signal_)
        _, error = process.communicate(timeout=60)
    assert project.objects() == {}
    assert not (project.root / "data/buckets.lock").exists()
    if signal_ == signal.SIGKILL:
        assert project.uploads()
    else:
        # The process that converts ends both in the same way; its parent has no answer to SIGTERM.
        assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: -signal.SIGTERM}[signal_]
        assert "Traceback" not in error
        assert project.uploads() == []
    project.run("compress")
    assert project.uploads() == []
    parts = project.objects()
    project.describe(output=project.url("whole"))
    project.run("compress")
    assert parts == project.objects("whole")


def _family(pid: int) -> list[int]:
    """The process and its descendants."""
    children = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        children += [int(child) for child in (task / "children").read_text().split()]
    return [pid, *(each for child in children for each in _family(child))]


def _signal_tree(pid: int, signal_: signal.Signals) -> None:
    """Signal all processes of the command, as a terminal does for Ctrl-C."""
    for each in reversed(_family(pid)):
        os.kill(each, signal_)


def test_ten_thousand_objects(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing to do, the requests are the pages of the listings, and the plan reads footers of parts alone."""
    _git_and_dvc(project)
    project.describe(more='parts = "{group}"\npattern = "^(?P<group>[0-9])"\n')
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: project.put(f"{number:05}.csv", b"n,text\n%d,x\n" % number), range(10_000)))
    project.run("compress", "--jobs", "2")
    assert len(project.objects()) == 1
    sent: list[str] = []
    send = URLLib3Session.send

    def counting(self: Any, request: Any) -> Any:
        sent.append(f"{request.method} {request.url}")
        return send(self, request)

    monkeypatch.setattr(URLLib3Session, "send", counting)
    monkeypatch.chdir(project.root)
    for name, value in project.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    assert main(["data.compress"]) == 0
    listings = [each for each in sent if "list-type=2" in each]
    # Ten pages of raw files and one of parts.
    assert (len(sent), len(listings)) == (11, 11)
    sent.clear()
    assert main(["data.compress", "--dry-run"]) == 0
    # One more page shows that there are raw files, and one part is read.
    assert len(sent) <= 14


def test_a_local_output_of_a_bucket_goes_through_dvc(project: Project, server: Any) -> None:
    """DVC records the raw files by their ETags. Other datasets do not need the server."""
    data = project.root / "data"
    (data / "raw/csv/other").mkdir(parents=True)
    (data / "raw/csv/other/a.csv").write_bytes(text_of(5))
    project.describe(output="raw/parquet/rows")
    table = (data / "datasets.toml").read_text()
    other = table.replace("datasets.rows", "datasets.other").replace(project.url("raw"), "raw/csv/other")
    (data / "datasets.toml").write_text(table + other.replace("raw/parquet/rows", "raw/parquet/other"))
    (data / "dvc.yaml").write_text(
        "vars: [datasets.toml]\nstages:\n  compress:\n    foreach: ${datasets}\n    do:\n"
        "      cmd: python -m data_convert convert --file datasets.toml --dataset ${key}"
        " --metrics reports/${key}.json\n"
        "      deps: ['${item.source}']\n      params: [{datasets.toml: ['datasets.${key}']}]\n"
        "      outs: [{'${item.output}': {persist: true}}]\n"
        "      metrics: [{'reports/${key}.json': {cache: false, persist: true}}]\n"
    )
    _git_and_dvc(project)
    project.put("a.csv", text_of(5))
    project.run("compress")
    # DVC's digest of the folder is made of the ETags, so it reads no object.
    lock = (data / "dvc.lock").read_text()
    assert f"path: {project.url('raw')}" in lock
    parts = data / "raw/parquet/rows"
    assert [path.name for path in parts.iterdir()] == ["a.parquet"]
    assert "converted" not in project.run("compress").stdout
    project.put("a.csv", text_of(6))
    project.put("b.csv", text_of(6))
    assert "rows: 2 parts converted" in project.run("compress").stdout
    assert sorted(path.name for path in parts.iterdir()) == ["a.parquet", "b.parquet"]
    away = project.environment(endpoint="http://127.0.0.1:9")
    (data / "raw/csv/other/b.csv").write_bytes(text_of(6))
    assert "other: 1 part converted" in project.run("compress", "--dataset", "other", environment=away).stdout
    project.remote()
    status = project.run("status", environment=away)
    assert f"rows: its raw files in {project.url('raw')} are not compared here" in status.stderr
    assert "other" in status.stdout and "rows" in status.stdout


def test_what_dvc_does_not_transfer(project: Project) -> None:
    """data.status, data.push and data.pull say that they do not cover a dataset in a bucket."""
    _git_and_dvc(project)
    project.put("a.csv", text_of(5))
    project.run("compress")
    status = project.run("status", "--dataset", "rows")
    assert f"rows: not covered, because its Parquet is in {project.url('out')}" in status.stderr
    for command in ("push", "pull"):
        failed = project.run(command, "--dataset", "rows", code=2)
        assert f"rows: its Parquet is in {project.url('out')}" in failed.stderr


def test_the_settings_of_the_remote(project: Project) -> None:
    """Without variables, endpoint and keys are those of the DVC remote that has the same bucket."""
    project.put("a.csv", text_of(5))
    _git_and_dvc(project)
    (project.root / ".dvc/config").write_text(
        f"['remote \"team\"']\n    url = s3://{BUCKET}/dvc\n"
        f"    endpointurl = {project.server.url}\n    region = us-east-1\n"
    )
    (project.root / ".dvc/config.local").write_text(
        f"['remote \"team\"']\n    access_key_id = {WRITER.access_key}\n    secret_access_key = {WRITER.secret_key}\n"
    )
    bare = {
        name: value
        for name, value in project.environment().items()
        if name not in ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
    }
    assert "1 part converted" in project.run("compress", environment=bare).stdout
    assert sorted(project.objects()) == ["a.parquet"]


def _git_and_dvc(project: Project) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=project.root, check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=project.root, check=True)
