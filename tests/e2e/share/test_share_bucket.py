"""Transfers through a real S3 server, as each role."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from ..seaweed import ADMIN, Identity, SeaweedFS
from ..throttle import ThrottledLink
from .conftest import BLIND, BUCKET, CONTRIBUTOR, HALF, READER, STEWARD, STRANGER

MB = 1_000_000


@pytest.fixture
def project(make_project: Callable[..., Any]) -> Any:
    """Two datasets; one file is uploaded in parts, and its name has spaces and a non-ASCII letter."""
    created = make_project()
    created.write("climate", {"mai 1 süd.parquet": os.urandom(20 * MB), "2024.parquet": os.urandom(MB)})
    created.write("traffic", {f"{number}.parquet": os.urandom(1000) for number in range(30)})
    created.commit("Data")
    return created


def failure(project: Any, identity: Identity, *words: str) -> str:
    """The error of a command that must exit with 1."""
    result = project.run(*words, **identity.environment)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    error: str = result.stderr
    return error


def test_each_role_does_what_it_may(project: Any, server: SeaweedFS, prefix: str) -> None:
    """A contributor pushes what was planned; a reader pulls the same bytes, and so does `dvc pull`."""
    before = project.data()
    plan = project.json("push", "--plan", **CONTRIBUTOR.environment)["plan"]
    assert server.objects(BUCKET, prefix) == {}
    # The plan measured the rate; it remembers nothing.
    assert not (project.root / ".dvc/tmp").exists()
    document = project.json("push", **CONTRIBUTOR.environment)
    objects = server.objects(BUCKET, prefix)
    assert plan["bytes"] == document["plan"]["bytes"] == document["moved"]["bytes"] == sum(objects.values())
    assert plan["files"] == len(objects) == 34
    assert server.uploads(BUCKET) == []  # neither of the probe nor of the file in parts
    assert "all 34 objects of its data are on" in project.run("check", **READER.environment).stdout
    project.forget()
    document = project.json("pull", **READER.environment)
    assert document["plan"]["bytes"] == document["moved"]["bytes"] == sum(objects.values())
    assert project.data() == before
    project.forget()
    dvc = [sys.executable, "-m", "dvc", "pull", "--quiet"]
    subprocess.run(dvc, cwd=project.root, env={**os.environ, **READER.environment}, check=True)
    assert project.data() == before


def test_a_pull_downloads_what_dvc_pushed_to_the_bucket(project: Any, server: SeaweedFS, prefix: str) -> None:
    """After `dvc push`, data.push has nothing to do, and data.pull downloads the same bytes."""
    before = project.data()
    dvc = [sys.executable, "-m", "dvc", "push", "--quiet"]
    subprocess.run(dvc, cwd=project.root, env={**os.environ, **CONTRIBUTOR.environment}, check=True)
    assert project.json("push", "--plan", **CONTRIBUTOR.environment)["plan"]["files"] == 0
    project.forget()
    document = project.json("pull", **READER.environment)
    assert document["moved"]["bytes"] == sum(server.objects(BUCKET, prefix).values())
    assert project.data() == before


def test_a_selection_limits_the_download(project: Any, server: SeaweedFS) -> None:
    """A pull of one dataset downloads the bytes of that dataset and little more."""
    project.run("push", **CONTRIBUTOR.environment)
    project.forget()
    with ThrottledLink(server.url) as link:
        project.configure(
            f"['remote \"team\"']\n    url = s3://{BUCKET}/{prefix_of(project)}\n    endpointurl = {link.url}\n", "team"
        )
        words = ("pull", "--dataset", "traffic", "--down", "25Mbps")
        document = project.json(*words, **READER.environment)
        assert 30_000 < document["moved"]["bytes"] <= link.down_bytes < 30_000 + 100_000
    assert {path.rpartition("/")[0] for path in project.data()} == {"parquet/traffic"}


def prefix_of(project: Any) -> str:
    config = (project.root / ".dvc/config").read_text()
    return config.partition(f"{BUCKET}/")[2].partition("\n")[0]


def test_a_reader_cannot_push(project: Any, server: SeaweedFS, prefix: str) -> None:
    """The refusal names the bucket, the missing permission and the fix; nothing is uploaded."""
    error = failure(project, READER, "push")
    assert f"is not allowed to do s3:PutObject on bucket '{BUCKET}'" in error
    assert "missing: s3:PutObject" in error
    assert "AWS_SESSION_TOKEN to a session of the role contributor, or ask an admin for that role" in error
    assert server.objects(BUCKET, prefix) == {}


def test_a_user_without_list_bucket_is_refused(project: Any) -> None:
    """For a user who may get and put but not list, the error names s3:ListBucket; DVC only reports "Forbidden"."""
    for words in (("push",), ("check",), ("pull",)):
        if words == ("pull",):
            project.forget(working_tree=False)
        error = failure(project, BLIND, *words)
        assert f"is not allowed to do s3:ListBucket on bucket '{BUCKET}'" in error


def test_a_push_that_is_refused_half_way_continues(project: Any, server: SeaweedFS, prefix: str) -> None:
    """After a refusal half-way, the remote has complete files without their list; the next push uploads the rest."""
    error = failure(project, HALF, "push", "--dataset", "traffic", "--up", "100Mbps")
    assert "missing: s3:PutObject" in error
    sent = server.objects(BUCKET, prefix)
    assert not any(key.endswith(".dir") for key in sent)
    document = project.json("push", "--dataset", "traffic", **CONTRIBUTOR.environment)
    assert document["moved"]["files"] == 31 - len(sent)


def test_unknown_and_missing_credentials(project: Any) -> None:
    """An unknown key and a missing key have different errors."""
    assert "the server does not accept these credentials (InvalidAccessKeyId)" in failure(project, STRANGER, "push")
    unsigned = {**READER.environment, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    project.forget()
    result = project.run("pull", **unsigned)
    assert (result.returncode, "no AWS credentials were found" in result.stderr) == (1, True)


def test_a_missing_bucket(make_project: Callable[..., Any]) -> None:
    """The error names the bucket and the command that changes it."""
    project = make_project(url="s3://gone/x")
    project.write("climate", {"a": b"1"})
    error = failure(project, ADMIN, "push")
    assert "the bucket 'gone' does not exist" in error
    assert "`invoke data.remote-add team s3://BUCKET/PREFIX --replace`" in error


def test_an_endpoint_that_does_not_answer(make_project: Callable[..., Any]) -> None:
    """A server that does not answer is an error without a traceback."""
    project = make_project(endpoint="http://127.0.0.1:9")
    project.write("climate", {"a": b"1"})
    assert "http://127.0.0.1:9 does not answer" in failure(project, CONTRIBUTOR, "push")


@pytest.mark.parametrize("direction", ["push", "pull"])
def test_a_transfer_continues_after_a_lost_connection(
    direction: str, make_project: Callable[..., Any], server: SeaweedFS, prefix: str
) -> None:
    """After a lost connection, only the rest is moved, and no object is damaged."""
    project = make_project()
    files = {f"{number}.parquet": os.urandom(500_000) for number in range(16)}
    project.write("climate", files)
    before = project.data()
    rates = ("--up", "40Mbps", "--down", "40Mbps")
    if direction == "pull":
        project.json("push", *rates, **CONTRIBUTOR.environment)
        project.forget()
    with ThrottledLink(server.url, up_bps=40e6, down_bps=40e6) as link:
        settings = f"['remote \"team\"']\n    url = s3://{BUCKET}/{prefix}\n    endpointurl = "
        project.configure(f"{settings}{link.url}\n", "team")
        with project.start(direction, *rates, **CONTRIBUTOR.environment) as process:
            deadline = time.monotonic() + 60
            # Eight files move at a time, so after five MB at least some of them are complete.
            while max(link.up_bytes, link.down_bytes) < 5 * MB:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            link.cut()
            _, error = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "does not answer" in error and "run it again: it continues" in error and "Traceback" not in error
    project.configure(f"{settings}{server.url}\n", "team")
    document = project.json(direction, *rates, **CONTRIBUTOR.environment)
    assert document["plan"]["bytes"] == document["moved"]["bytes"] < 7.5 * MB
    assert project.data() == before
    assert sum(server.objects(BUCKET, prefix).values()) > 8 * MB


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_pull_continues(
    make_project: Callable[..., Any], server: SeaweedFS, prefix: str, signal_: signal.Signals
) -> None:
    """Ctrl-C ends a pull at once with 130; after Ctrl-C or kill -9, the next pull downloads only the rest."""
    project = make_project()
    project.write("climate", {f"{number}.parquet": os.urandom(500_000) for number in range(12)})
    before = project.data()
    project.json("push", "--up", "40Mbps", **CONTRIBUTOR.environment)
    project.forget()
    with ThrottledLink(server.url, down_bps=16e6) as link:
        settings = f"['remote \"team\"']\n    url = s3://{BUCKET}/{prefix}\n    endpointurl = "
        project.configure(f"{settings}{link.url}\n", "team")
        with project.start("pull", "--down", "16Mbps", **READER.environment) as process:
            deadline = time.monotonic() + 60
            while link.down_bytes < 3 * MB:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            process.send_signal(signal_)
            _, error = process.communicate(timeout=30)
    if signal_ == signal.SIGINT:
        assert process.returncode == 130
        assert "run it again and it continues" in error and "Traceback" not in error
    project.configure(f"{settings}{server.url}\n", "team")
    document = project.json("pull", "--down", "16Mbps", **READER.environment)
    assert document["plan"]["bytes"] == document["moved"]["bytes"] < 4 * MB
    assert project.data() == before


def test_a_killed_push_of_a_large_file_continues(
    make_project: Callable[..., Any], server: SeaweedFS, prefix: str
) -> None:
    """A killed push leaves the complete parts of a large file; the next push uploads the other parts."""
    project = make_project()
    project.write("climate", {"large.parquet": os.urandom(40 * MB)})
    part = 16 * 1024 * 1024
    with ThrottledLink(server.url, up_bps=100e6) as link:
        settings = f"['remote \"team\"']\n    url = s3://{BUCKET}/{prefix}\n    endpointurl = "
        project.configure(f"{settings}{link.url}\n", "team")
        with project.start("push", "--up", "100Mbps", **CONTRIBUTOR.environment) as process:
            memory = project.root / ".dvc/tmp/share/uploads.json"
            deadline = time.monotonic() + 60
            while not memory.exists():
                assert time.monotonic() < deadline
                time.sleep(0.01)
            process.kill()
    project.configure(f"{settings}{server.url}\n", "team")
    document = project.json("push", "--up", "100Mbps", **CONTRIBUTOR.environment)
    lists = sum(size for key, size in server.objects(BUCKET, prefix).items() if key.endswith(".dir"))
    assert document["plan"]["bytes"] == document["moved"]["bytes"]
    assert document["moved"]["bytes"] in (40 * MB - part + lists, 40 * MB - 2 * part + lists)
    before = project.data()
    project.forget()
    project.json("pull", "--down", "100Mbps", **READER.environment)
    assert project.data() == before


def test_an_upload_that_the_server_aborted(make_project: Callable[..., Any], server: SeaweedFS, prefix: str) -> None:
    """If the bucket aborted a begun upload in the meantime, the file is uploaded from the beginning."""
    project = make_project()
    content = os.urandom(20 * MB)
    project.write("climate", {"large.parquet": content})
    oid = next(oid for oid in project.kept() if not oid.endswith(".dir"))
    upload = {
        "upload_id": "gone",
        "size_bytes": len(content),
        "part_bytes": 16 * 1024 * 1024,
        "etags": ['"x"'],
        "at": time.time(),
    }
    memory = project.root / ".dvc/tmp/share/uploads.json"
    memory.parent.mkdir(parents=True)
    memory.write_text(json.dumps({f"s3://{BUCKET}/{prefix}/files/md5/{oid[:2]}/{oid[2:]}": upload}))
    assert project.run("push", "--up", "100Mbps", **CONTRIBUTOR.environment).returncode == 0
    assert len(content) in server.objects(BUCKET, prefix).values()
    assert json.loads(memory.read_text()) == {}


def test_a_damaged_object_in_the_bucket(project: Any, server: SeaweedFS, prefix: str) -> None:
    """An object with other content is reported by a pull, and not kept."""
    project.run("push", "--dataset", "traffic", **CONTRIBUTOR.environment)
    key = next(key for key, size in server.objects(BUCKET, prefix).items() if size == 1000)
    server.client().put_object(Bucket=BUCKET, Key=key, Body=b"?" * 1000)
    project.forget()
    error = failure(project, READER, "pull", "--dataset", "traffic")
    assert "the object on the remote is damaged: s3://" in error and key in error
    assert project.data() == {}


def test_a_check_downloads_only_lists(project: Any, server: SeaweedFS, prefix: str) -> None:
    """data.check lists what the bucket does not have, exits with 1, and downloads no data."""
    project.run("push", **CONTRIBUTOR.environment)
    lost = next(key for key, size in server.objects(BUCKET, prefix).items() if size == MB)
    server.client().delete_object(Bucket=BUCKET, Key=lost)
    project.forget()
    with ThrottledLink(server.url) as link:
        project.configure(
            f"['remote \"team\"']\n    url = s3://{BUCKET}/{prefix}\n    endpointurl = {link.url}\n", "team"
        )
        result = project.run("check", "--rev", "main", "--json", **READER.environment)
        assert link.down_bytes < 200_000
    assert result.returncode == 1
    assert json.loads(result.stdout)["missing_on_remote"] == [
        {"dataset": "climate", "files": ["data/raw/parquet/climate/2024.parquet"]}
    ]
    assert project.data() == {} and not (project.root / ".dvc/cache/files").exists()


def test_gc_removes_what_it_planned(project: Any, server: SeaweedFS, prefix: str) -> None:
    """A steward removes exactly what was planned; for a contributor, the bucket keeps all of it and data.gc fails."""
    project.run("push", **CONTRIBUTOR.environment)
    everything = server.objects(BUCKET, prefix)
    project.write("climate", {"2024.parquet": b"new"})
    project.write("traffic", {"new.parquet": b"new"})
    project.run("push", **CONTRIBUTOR.environment)
    assert "nothing" in project.run("gc", "--plan", **STEWARD.environment).stdout
    # Only the last commit has the old version: after it is replaced, nothing needs that version.
    project.git("checkout", "--quiet", "--orphan", "other")
    project.commit("New data")
    project.git("branch", "-D", "main")
    plan = project.json("gc", "--plan", "--days", "0", **STEWARD.environment)["plan"]
    assert (plan["files"], plan["bytes"]) == (len(everything), sum(everything.values()))
    error = failure(project, CONTRIBUTOR, "gc", "--days", "0", "--yes")
    assert f"kept {len(everything)} objects that should be removed (0 were removed): AccessDenied" in error
    assert len(server.objects(BUCKET, prefix)) == len(everything) + 3
    document = project.json("gc", "--days", "0", "--yes", **STEWARD.environment)
    assert document["removed"] == len(everything)
    assert len(server.objects(BUCKET, prefix)) == 3
    assert "all 3 objects" in project.run("check", **READER.environment).stdout


def test_the_doctor_tries_each_permission(project: Any, server: SeaweedFS, prefix: str) -> None:
    """The doctor finds what each role may do with real requests, which leave nothing behind."""

    def states(identity: Identity) -> dict[str, str]:
        result = project.run("doctor", "--json", **identity.environment)
        return {step["name"]: step["state"] for step in json.loads(result.stdout)["steps"]}

    fine = {"remote": "ok", "who am I": "ok", "session": "unknown", "list": "ok", "get": "ok", "put": "ok"}
    assert states(CONTRIBUTOR) == fine
    assert states(READER) == {**fine, "put": "failed"}
    assert states(BLIND) == {**fine, "list": "failed"}
    assert list(states(STRANGER).values())[-1] == "failed"
    result = project.run("doctor", **READER.environment)
    assert result.returncode == 1
    lines = result.stdout.partition("failed  put:")[2].splitlines()[1:4]
    identity = f"access key …{READER.environment['AWS_ACCESS_KEY_ID'][-4:]}"
    assert [line.strip() for line in lines] == [f"as: {identity}", f"bucket: {BUCKET}", "missing: s3:PutObject"]
    assert "this server is not AWS" in result.stdout
    assert "get: allowed (the bucket has no object" in result.stdout
    assert server.objects(BUCKET, prefix) == {}
    assert server.uploads(BUCKET) == []
    project.run("push", "--dataset", "traffic", **CONTRIBUTOR.environment)
    assert "get: allowed (one byte of an object)" in project.run("doctor", **READER.environment).stdout
