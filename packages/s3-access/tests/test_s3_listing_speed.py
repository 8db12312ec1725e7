"""Moments in the answers of a server, which a listing has one of for each object."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import botocore.utils
import pytest
from botocore.awsrequest import AWSResponse

from s3_access import shared_session

MOMENT = datetime(2024, 2, 29, 12, 30, 1, tzinfo=UTC)


class Body:
    """The body of an answer."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: object, **__: object) -> list[bytes]:
        return [self._content]


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], datetime]:
    """A function that returns the moment of an object whose listing has this text."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    client = shared_session("s3://moments").client

    def listed(text: str) -> datetime:
        content = (
            f"<ListBucketResult><Contents><Key>k</Key><LastModified>{text}</LastModified></Contents></ListBucketResult>"
        )

        def answer(request: Any, **_: Any) -> AWSResponse:
            return AWSResponse(request.url, 200, {}, Body(content.encode()))

        client.meta.events.register("before-send.s3.ListObjectsV2", answer, unique_id="answer")
        try:
            found: datetime = client.list_objects_v2(Bucket="moments")["Contents"][0]["LastModified"]
            return found
        finally:
            client.meta.events.unregister("before-send.s3.ListObjectsV2", unique_id="answer")

    return listed


@pytest.mark.parametrize(
    "text", ["2024-02-29T12:30:01.000Z", "2024-02-29T12:30:01Z", "2024-02-29T14:30:01+02:00", format_datetime(MOMENT)]
)
def test_moments_of_all_formats(listed: Callable[[str], datetime], text: str) -> None:
    """Each server's format is read as the same moment, with its zone."""
    assert listed(text) == MOMENT


def test_the_usual_format_is_not_parsed_by_botocore(
    listed: Callable[[str], datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parser would take two thirds of the time of a listing."""
    monkeypatch.setattr(botocore.utils, "parse_timestamp", None)
    assert listed("2024-02-29T12:30:01.000Z") == MOMENT
