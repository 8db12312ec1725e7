"""Uploads of one object on a real S3 server, with faults between the client and the server."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

from data_convert.errors import InterruptedConversionError
from data_convert.storage.opening import part_place
from data_convert.storage.output_bucket import OutputBucket
from s3_access import StoreError

from .conftest import Project

LARGE = os.urandom(40 << 20)


@pytest.fixture
def place(project: Project, monkeypatch: pytest.MonkeyPatch) -> OutputBucket:
    """The output of the project, with the server's settings in the environment of this process."""
    for name, value in project.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    found = part_place(project.root / "data", project.url("out"))
    assert isinstance(found, OutputBucket)
    return found


def change_answers(monkeypatch: pytest.MonkeyPatch, change: Callable[[Any, Callable[[], Any]], Any]) -> None:
    """Let a function answer requests; it may send them."""
    send = URLLib3Session.send
    monkeypatch.setattr(URLLib3Session, "send", lambda self, request: change(request, lambda: send(self, request)))


@pytest.mark.parametrize("size_bytes", [0, 1, (8 << 20) - 1, 8 << 20, (32 << 20) + 5])
def test_an_object_appears_whole(project: Project, place: OutputBucket, size_bytes: int) -> None:
    """In one request or in parts: not before it is complete, and then with all bytes."""
    pending = place.pending("more/ü 1.parquet")
    for start in range(0, size_bytes, 3_000_000):
        pending.write(LARGE[start : min(start + 3_000_000, size_bytes)])
    pending.flush()
    assert project.objects() == {}
    pending.complete()
    pending.discard()
    assert project.objects() == {"more/ü 1.parquet": LARGE[:size_bytes]}
    assert project.uploads() == []
    (file,) = place.files().values()
    with place.open(file) as opened:
        assert opened.read(10) == LARGE[:size_bytes][:10]
        opened.seek(-min(7, size_bytes), os.SEEK_END)
        assert opened.read() == LARGE[:size_bytes][-7:]


def test_an_upload_that_is_refused_in_the_middle(
    project: Project, place: OutputBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the object; nothing of it stays."""

    def refuse_second_part(request: Any, send: Callable[[], Any]) -> Any:
        if "partNumber=2" in request.url:
            answer = AWSResponse(request.url, 403, {}, None)
            answer._content = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
            return answer
        return send()

    change_answers(monkeypatch, refuse_second_part)
    pending = place.pending("a.parquet")
    with pytest.raises(StoreError) as raised:
        pending.write(LARGE)
        pending.complete()
    assert (raised.value.kind, raised.value.where) == ("denied", f"{project.url('out')}/a.parquet")
    pending.discard()
    assert (project.objects(), project.uploads()) == ({}, [])


def test_an_answer_that_is_lost(project: Project, place: OutputBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server completed the upload, and the answer did not arrive: the object is recognized by its ETag."""
    lost: list[str] = []

    def lose_completion(request: Any, send: Callable[[], Any]) -> Any:
        answer = send()
        if request.method == "POST" and "uploadId=" in request.url and not lost:
            lost.append(request.url)
            raise ConnectionClosedError(endpoint_url=request.url)
        return answer

    change_answers(monkeypatch, lose_completion)
    pending = place.pending("a.parquet")
    pending.write(LARGE)
    pending.complete()
    assert len(lost) == 1
    assert project.objects() == {"a.parquet": LARGE}


def test_ctrl_c_while_a_part_is_uploaded(
    project: Project, place: OutputBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait for the server ends, and the upload is aborted."""

    def check_stop() -> None:
        raise InterruptedConversionError(0, 1)

    pending = place.pending("a.parquet", check_stop=check_stop)
    with pytest.raises(InterruptedConversionError):
        pending.write(LARGE + LARGE)
        pending.flush()
    pending.discard()
    assert (project.objects(), project.uploads()) == ({}, [])


def test_leftovers_of_a_killed_conversion(project: Project, place: OutputBucket) -> None:
    """Uploads below the prefix with names of parts are aborted; those of others stay."""
    for key in ("out/a.parquet", "out/notes.txt", "elsewhere/a.parquet"):
        project.client.create_multipart_upload(Bucket=place.address.bucket, Key=f"{project.prefix}/{key}")
    place.remove_leftovers()
    assert sorted(project.uploads()) == [f"{project.prefix}/elsewhere/a.parquet", f"{project.prefix}/out/notes.txt"]


def test_an_object_that_changes_is_not_read(project: Project, place: OutputBucket) -> None:
    """A reader gets one version of an object."""
    project.put("a.parquet", b"before", prefix="out")
    (file,) = place.files().values()
    project.put("a.parquet", b"after!", prefix="out")
    with place.open(file) as opened, pytest.raises(StoreError) as raised:
        opened.read()
    assert raised.value.kind == "changed"


def test_removed_objects(project: Project, place: OutputBucket) -> None:
    """More objects than one request can remove; those that do not exist are ignored."""
    for number in range(3):
        project.put(f"{number}.parquet", b"x", prefix="out")
    place.remove([*(f"{number}.parquet" for number in range(2)), *(f"none-{number}" for number in range(1500))])
    assert list(place.files()) == ["2.parquet"]
