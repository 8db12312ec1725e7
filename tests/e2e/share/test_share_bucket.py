"""Moving data through a real S3 server, as each role."""

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
    """A dataset of which one file is sent in parts, with a space and letters of its own in its names."""
    made = make_project()
    made.write("climate", {"mai 1 süd.parquet": os.urandom(20 * MB), "2024.parquet": os.urandom(MB)})
    made.write("traffic", {f"{number}.parquet": os.urandom(1000) for number in range(30)})
    made.commit("Data")
    return made


def told(project: Any, identity: Identity, *words: str) -> Any:
    """The error of a command that fails with code 1."""
    answer = project.run(*words, **identity.environment)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr
    return answer.stderr


def test_each_role_does_what_it_may(project: Any, server: SeaweedFS, prefix: str) -> None:
    """A contributor pushes what was planned; a reader pulls the same bytes; plain DVC agrees with both."""
    before = project.data()
    plan = project.json("push", "--plan", **CONTRIBUTOR.environment)["plan"]
    assert server.objects(BUCKET, prefix) == {}
    done = project.json("push", **CONTRIBUTOR.environment)
    there = server.objects(BUCKET, prefix)
    assert plan["bytes"] == done["plan"]["bytes"] == done["moved"]["bytes"] == sum(there.values())
    assert plan["files"] == len(there) == 34
    assert server.uploads(BUCKET) == []  # of the probe and the file in parts, nothing is left
    assert "all 34 objects of its data are on" in project.run("check", **READER.environment).stdout
    project.forget()
    done = project.json("pull", **READER.environment)
    assert done["plan"]["bytes"] == done["moved"]["bytes"] == sum(there.values())
    assert project.data() == before
    project.forget()
    dvc = [sys.executable, "-m", "dvc", "pull", "--quiet"]
    subprocess.run(dvc, cwd=project.root, env={**os.environ, **READER.environment}, check=True)
    assert project.data() == before


def test_what_plain_dvc_pushed_is_understood(project: Any, server: SeaweedFS, prefix: str) -> None:
    """Of what `dvc push` sent to the bucket, nothing is left to push, and data.pull gets the same bytes."""
    before = project.data()
    dvc = [sys.executable, "-m", "dvc", "push", "--quiet"]
    subprocess.run(dvc, cwd=project.root, env={**os.environ, **CONTRIBUTOR.environment}, check=True)
    assert project.json("push", "--plan", **CONTRIBUTOR.environment)["plan"]["files"] == 0
    project.forget()
    done = project.json("pull", **READER.environment)
    assert done["moved"]["bytes"] == sum(server.objects(BUCKET, prefix).values())
    assert project.data() == before


def test_a_selection_reads_nothing_else(project: Any, server: SeaweedFS) -> None:
    """Of the server, a pull of one dataset gets the bytes of that dataset and little more."""
    project.run("push", **CONTRIBUTOR.environment)
    project.forget()
    with ThrottledLink(server.url) as link:
        project.configure(
            f"['remote \"team\"']\n    url = s3://{BUCKET}/{prefix_of(project)}\n    endpointurl = {link.url}\n", "team"
        )
        words = ("pull", "--dataset", "traffic", "--down", "25Mbps")
        done = project.json(*words, **READER.environment)
        assert 30_000 < done["moved"]["bytes"] <= link.down_bytes < 30_000 + 100_000
    assert {path.rpartition("/")[0] for path in project.data()} == {"parquet/traffic"}


def prefix_of(project: Any) -> str:
    config = (project.root / ".dvc/config").read_text()
    return config.partition(f"{BUCKET}/")[2].partition("\n")[0]


def test_a_reader_may_not_push(project: Any, server: SeaweedFS, prefix: str) -> None:
    """The refusal names bucket, action and what mends it; nothing arrived."""
    said = told(project, READER, "push")
    assert f"may not do s3:PutObject on bucket '{BUCKET}'" in said
    assert "missing: s3:PutObject" in said
    assert "AWS_SESSION_TOKEN to a session of the role contributor, or ask an admin for that role" in said
    assert server.objects(BUCKET, prefix) == {}


def test_without_list_bucket(project: Any) -> None:
    """Who may get and put but not list is told that s3:ListBucket is missing, where DVC says "Forbidden"."""
    for words in (("push",), ("check",), ("pull",)):
        if words == ("pull",):
            project.forget(working_tree=False)
        said = told(project, BLIND, *words)
        assert f"may not do s3:ListBucket on bucket '{BUCKET}'" in said


def test_put_denied_half_way(project: Any, server: SeaweedFS, prefix: str) -> None:
    """What was sent before a refusal stays, no list promises the rest, and the next push sends only that."""
    said = told(project, HALF, "push", "--dataset", "traffic", "--up", "100Mbps")
    assert "missing: s3:PutObject" in said
    sent = server.objects(BUCKET, prefix)
    assert not any(key.endswith(".dir") for key in sent)
    done = project.json("push", "--dataset", "traffic", **CONTRIBUTOR.environment)
    assert done["moved"]["files"] == 31 - len(sent)


def test_credentials_that_are_none(project: Any) -> None:
    """A key that the server does not know, and no key at all, are told apart."""
    assert "the server does not accept these credentials (InvalidAccessKeyId)" in told(project, STRANGER, "push")
    nobody = {**READER.environment, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    project.forget()
    answer = project.run("pull", **nobody)
    assert (answer.returncode, "there are no AWS credentials here" in answer.stderr) == (1, True)


def test_a_bucket_that_is_gone(make_project: Callable[..., Any]) -> None:
    """The bucket's name is told, and where it is set."""
    project = make_project(url="s3://gone/x")
    project.write("climate", {"a": b"1"})
    said = told(project, ADMIN, "push")
    assert "there is no bucket 'gone'" in said
    assert "`invoke data.remote-add team s3://BUCKET/PREFIX --replace`" in said


def test_an_endpoint_that_is_down(make_project: Callable[..., Any]) -> None:
    """A server that does not answer is named, without a traceback."""
    project = make_project(endpoint="http://127.0.0.1:9")
    project.write("climate", {"a": b"1"})
    assert "http://127.0.0.1:9 does not answer" in told(project, CONTRIBUTOR, "push")


@pytest.mark.parametrize("direction", ["push", "pull"])
def test_the_endpoint_goes_down_in_the_middle(
    direction: str, make_project: Callable[..., Any], server: SeaweedFS, prefix: str
) -> None:
    """What went before the line was cut is not moved again, and no damaged object is anywhere."""
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
            while max(link.up_bytes, link.down_bytes) < 4 * MB:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            link.cut()
            _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "does not answer" in said and "run it again: it continues" in said and "Traceback" not in said
    project.configure(f"{settings}{server.url}\n", "team")
    done = project.json(direction, *rates, **CONTRIBUTOR.environment)
    assert done["plan"]["bytes"] == done["moved"]["bytes"] < 7.5 * MB
    assert project.data() == before
    assert sum(server.objects(BUCKET, prefix).values()) > 8 * MB


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_killed_and_continued(
    make_project: Callable[..., Any], server: SeaweedFS, prefix: str, blow: signal.Signals
) -> None:
    """Ctrl-C ends a pull at once with code 130, no traceback; after it or kill -9, the next fetches only the rest."""
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
            process.send_signal(blow)
            _, said = process.communicate(timeout=30)
    if blow == signal.SIGINT:
        assert process.returncode == 130
        assert "run it again and it continues" in said and "Traceback" not in said
    project.configure(f"{settings}{server.url}\n", "team")
    done = project.json("pull", "--down", "16Mbps", **READER.environment)
    assert done["plan"]["bytes"] == done["moved"]["bytes"] < 4 * MB
    assert project.data() == before


def test_a_large_file_goes_on_where_it_was_cut(
    make_project: Callable[..., Any], server: SeaweedFS, prefix: str
) -> None:
    """Of a file that is sent in parts, a push that was killed leaves the whole parts: the next one sends the others."""
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
    done = project.json("push", "--up", "100Mbps", **CONTRIBUTOR.environment)
    lists = sum(size for key, size in server.objects(BUCKET, prefix).items() if key.endswith(".dir"))
    assert done["plan"]["bytes"] == done["moved"]["bytes"]
    assert done["moved"]["bytes"] in (40 * MB - part + lists, 40 * MB - 2 * part + lists)
    before = project.data()
    project.forget()
    project.json("pull", "--down", "100Mbps", **READER.environment)
    assert project.data() == before


def test_an_upload_that_the_server_gave_up(make_project: Callable[..., Any], server: SeaweedFS, prefix: str) -> None:
    """If the bucket aborted a begun upload in the meantime, the file is sent from its beginning."""
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


def test_a_damaged_object_of_the_bucket(project: Any, server: SeaweedFS, prefix: str) -> None:
    """Other content under an object's name is found when it is pulled, and not kept."""
    project.run("push", "--dataset", "traffic", **CONTRIBUTOR.environment)
    key = next(key for key, size in server.objects(BUCKET, prefix).items() if size == 1000)
    server.client().put_object(Bucket=BUCKET, Key=key, Body=b"?" * 1000)
    project.forget()
    said = told(project, READER, "pull", "--dataset", "traffic")
    assert "the object on the remote is damaged: s3://" in said and key in said
    assert project.data() == {}


def test_check_reads_only_lists(project: Any, server: SeaweedFS, prefix: str) -> None:
    """Of a commit's data, what the bucket lacks is listed with code 1, and no data are fetched."""
    project.run("push", **CONTRIBUTOR.environment)
    lost = next(key for key, size in server.objects(BUCKET, prefix).items() if size == MB)
    server.client().delete_object(Bucket=BUCKET, Key=lost)
    project.forget()
    with ThrottledLink(server.url) as link:
        project.configure(
            f"['remote \"team\"']\n    url = s3://{BUCKET}/{prefix}\n    endpointurl = {link.url}\n", "team"
        )
        answer = project.run("check", "--rev", "main", "--json", **READER.environment)
        assert link.down_bytes < 200_000
    assert answer.returncode == 1
    assert json.loads(answer.stdout)["missing"] == [
        {"dataset": "climate", "files": ["data/raw/parquet/climate/2024.parquet"]}
    ]
    assert project.data() == {} and not (project.root / ".dvc/cache/files").exists()


def test_gc_counts_what_went(project: Any, server: SeaweedFS, prefix: str) -> None:
    """A steward's gc removes exactly what it planned; a contributor's fails, as the store kept all of it."""
    project.run("push", **CONTRIBUTOR.environment)
    everything = server.objects(BUCKET, prefix)
    project.write("climate", {"2024.parquet": b"new"})
    project.write("traffic", {"new.parquet": b"new"})
    project.run("push", **CONTRIBUTOR.environment)
    assert "nothing" in project.run("gc", "--plan", **STEWARD.environment).stdout
    # The old version is only in the last commit: amending it leaves nothing that needs it.
    project.git("checkout", "--quiet", "--orphan", "other")
    project.commit("Data anew")
    project.git("branch", "-D", "main")
    plan = project.json("gc", "--plan", "--days", "0", **STEWARD.environment)["plan"]
    assert (plan["files"], plan["bytes"]) == (len(everything), sum(everything.values()))
    said = told(project, CONTRIBUTOR, "gc", "--days", "0", "--yes")
    assert f"kept {len(everything)} objects that should be gone (0 went): AccessDenied" in said
    assert len(server.objects(BUCKET, prefix)) == len(everything) + 3
    done = project.json("gc", "--days", "0", "--yes", **STEWARD.environment)
    assert done["removed"] == len(everything)
    assert len(server.objects(BUCKET, prefix)) == 3
    assert "all 3 objects" in project.run("check", **READER.environment).stdout


def test_doctor_tries_each_permission(project: Any, server: SeaweedFS, prefix: str) -> None:
    """What each role may do is found by trying it, and trying leaves nothing behind."""

    def states(identity: Identity) -> dict[str, str]:
        answer = project.run("doctor", "--json", **identity.environment)
        return {step["name"]: step["state"] for step in json.loads(answer.stdout)["steps"]}

    fine = {"remote": "ok", "who am I": "ok", "session": "unknown", "list": "ok", "get": "ok", "put": "ok"}
    assert states(CONTRIBUTOR) == fine
    assert states(READER) == {**fine, "put": "failed"}
    assert states(BLIND) == {**fine, "list": "failed"}
    assert list(states(STRANGER).values())[-1] == "failed"
    said = project.run("doctor", **READER.environment)
    assert said.returncode == 1
    told = said.stdout.partition("failed  put:")[2].splitlines()[1:4]
    who = f"access key …{READER.environment['AWS_ACCESS_KEY_ID'][-4:]}"
    assert [line.strip() for line in told] == [f"as: {who}", f"bucket: {BUCKET}", "missing: s3:PutObject"]
    assert "this server is not AWS" in said.stdout
    assert "get: allowed (there is no object yet" in said.stdout
    assert server.objects(BUCKET, prefix) == {}
    assert server.uploads(BUCKET) == []
    project.run("push", "--dataset", "traffic", **CONTRIBUTOR.environment)
    assert "get: allowed (one byte of an object)" in project.run("doctor", **READER.environment).stdout
