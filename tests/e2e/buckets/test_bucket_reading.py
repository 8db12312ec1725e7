"""Raw files in a bucket, on a real S3 server: what is read, and what happens to objects and networks that change."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import zstandard

from data_convert.errors import SourceChangedError, SourceError
from data_convert.reading.sources import Source
from data_convert.reading.streams import digest_of, open_source
from data_convert.storage import bucket_object, patience, source_bucket
from data_convert.storage.bucket_object import BucketObject
from data_convert.storage.local_file import LocalFile
from data_convert.storage.object_listing import ListedObject, list_objects
from data_convert.storage.object_state import current_object
from data_convert.storage.objects_ahead import files_ahead
from data_convert.storage.source_bucket import SourceBucket
from s3_access import StoreError

from ..seaweed import Identity
from ..throttle import ThrottledLink
from .conftest import LIMITED, WRITER, Project

# More than the first range and a few of the next ones, and no multiple of their length.
LARGE = b"n,text\n" + b"".join(b"%d,oak\n" % number for number in range(3_200_000))


@pytest.fixture
def sign(project: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that sets the environment of this process to that of an identity, and optionally of another server."""

    def sign(identity: Identity = WRITER, endpoint: str = "") -> None:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in project.environment(identity, endpoint).items():
            if name.startswith("AWS_"):
                monkeypatch.setenv(name, value)

    sign()
    return sign


@pytest.fixture
def put(project: Project, sign: Callable[..., None]) -> Callable[[str, bytes], BucketObject]:
    """A function that puts an object and returns its present version."""

    def put(name: str, content: bytes) -> BucketObject:
        project.put(name, content)
        found = current_object(f"{project.url('raw')}/{name}")
        assert found is not None
        return found

    return put


def zipped(content: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.csv", content)
    return sink.getvalue()


def text_of(source: Source) -> bytes:
    """All text of a source."""
    with open_source(source) as stream:
        return b"".join(iter(lambda: stream.read(1 << 22), b""))


@pytest.mark.parametrize(
    ("ending", "pack"),
    [
        ("", bytes),
        (".gz", lambda content: gzip.compress(content, 1)),
        (".bz2", lambda content: bz2.compress(content, 1)),
        (".xz", lambda content: lzma.compress(content, preset=0)),
        (".zst", lambda content: zstandard.compress(content, 1)),
        (".zip", zipped),
    ],
)
def test_every_kind_of_file(put: Any, tmp_path: Any, ending: str, pack: Callable[[bytes], bytes]) -> None:
    """An object gives the text and the digest of a local file, whatever its compression."""
    content, name = pack(LARGE), f"a.csv{ending}"
    (tmp_path / name).write_bytes(content)
    remote = Source(file=put(name, content), name=name)
    local = Source(file=LocalFile.of(tmp_path / name), name=name)
    assert text_of(remote) == LARGE
    found = digest_of(remote)
    assert found.etag == remote.file.version
    assert replace(found, etag=None) == digest_of(local)
    with open_source(remote) as stream:
        while stream.read(1 << 22):
            pass
        assert stream.facts().etag == remote.file.version
        assert stream.facts().sha256 == digest_of(local).sha256


def test_small_objects_are_requested_ahead(put: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four requests are under way at once; the contents are in order, also if an object is read twice."""
    (tmp_path / "local.csv").write_bytes(b"n\nlocal\n")
    contents = [b"n\n%d\n" % number for number in range(40)]
    objects = [put(f"{number}.csv", content) for number, content in enumerate(contents)]
    long, empty = put("long.csv", bytes(bucket_object.FIRST_BYTES + 1)), put("empty.csv", b"")
    put("3.csv", b"n\nreplaced\n")
    barrier, range_bytes = threading.Barrier(4), bucket_object.range_bytes

    def meeting(needed: Any, is_stopped: Any) -> bytes | None:
        if needed.key.endswith(("10.csv", "11.csv", "12.csv", "13.csv")) and not barrier.broken:
            barrier.wait(60)
        return range_bytes(needed, is_stopped)

    files = [*objects, long, empty, LocalFile.of(tmp_path / "local.csv")]
    monkeypatch.setattr(bucket_object, "range_bytes", meeting)
    read = []
    for file in files_ahead(files):
        source = Source(file=file, name="name.csv")
        try:
            read.append(text_of(source))
        except SourceChangedError as error:
            read.append(str(error).encode())
        if file.where.endswith("/20.csv"):
            assert text_of(source) == contents[20]
    replaced = f"{objects[3].where}: ".encode()
    assert read[3].startswith(replaced)
    del read[3], contents[3]
    assert read == [*contents, bytes(bucket_object.FIRST_BYTES + 1), b"", b"n\nlocal\n"]


def test_an_empty_object(put: Any) -> None:
    """No range of it can be requested."""
    with put("a.csv", b"").open() as opened:
        assert opened.raw.read(10) == b""


def test_reading_at_any_place(put: Any) -> None:
    """Readers of archives jump; each place has the bytes of the object."""
    with put("a.csv", LARGE).open() as opened:
        for place in (20 << 20, 0, len(LARGE) - 3, (1 << 20) - 2, 5, 17 << 20):
            opened.raw.seek(place)
            expected = LARGE[place : place + 10]
            found = b""
            while len(found) < len(expected):
                found += opened.raw.read(len(expected) - len(found)) or b""
            assert found == expected
        assert opened.raw.seek(-4, os.SEEK_END) == len(LARGE) - 4
        assert opened.raw.read() == LARGE[-4:]


@pytest.mark.parametrize("ending", ["", ".zst", ".gz"])
def test_an_object_that_is_replaced_while_it_is_read(put: Any, ending: str) -> None:
    """Bytes of two versions are never mixed."""
    pack = {"": bytes, ".zst": lambda text: zstandard.compress(text, -50), ".gz": lambda text: gzip.compress(text, 0)}
    name = f"a.csv{ending}"
    source = Source(file=put(name, pack[ending](LARGE)), name=name)
    with open_source(source) as stream:
        stream.read(1000)
        put(name, pack[ending](LARGE.replace(b"oak", b"elm")))
        with pytest.raises(SourceChangedError, match="the file changed while it was read"):
            while stream.read(1 << 22):
                pass


def test_an_object_that_is_removed_while_it_is_read(put: Any, project: Project) -> None:
    """It is the same error: what was read of it is not complete."""
    source = Source(file=put("a.csv", LARGE), name="a.csv")
    with open_source(source) as stream:
        stream.read(1000)
        project.remove("a.csv")
        with pytest.raises(SourceChangedError):
            while stream.read(1 << 22):
                pass


class Clock:
    """A clock that a sleeping thread advances, so that a test does not wait."""

    def __init__(self, on_sleep: Callable[[float], None] = lambda _: None) -> None:
        self.now = 1000.0
        self._on_sleep = on_sleep
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds
            self._on_sleep(self.now - 1000.0)


class PortLink(ThrottledLink):
    """A link that can be cut, and later opened again at the same port."""

    def __init__(self, target: str, port: int = 0) -> None:
        super().__init__(target)
        if port:
            self._server.close()
            self._server = socket.socket()
            self._server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._server.bind(("127.0.0.1", port))
            self._server.listen(64)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


def test_a_network_that_is_cut_for_30_seconds(
    put: Any, project: Project, sign: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading goes on where it was; nothing is read twice, and nothing is missing."""
    file = put("a.csv", LARGE)
    link = PortLink(project.server.url)
    opened_again: list[PortLink] = []

    def reopen(elapsed_s: float) -> None:
        if elapsed_s >= 30 and not opened_again:
            opened_again.append(PortLink(project.server.url, link.port))
            opened_again[0].__enter__()

    monkeypatch.setattr(patience, "time", Clock(reopen))
    with link:
        sign(endpoint=link.url)
        with open_source(Source(file=file, name="a.csv")) as stream:
            text = stream.read(1000)
            link.cut()
            while piece := stream.read(1 << 22):
                text += piece
            assert stream.facts().sha256 == digest_of(Source(file=file, name="a.csv")).sha256
    assert text == LARGE
    assert opened_again
    opened_again[0].cut()


def test_a_network_that_stays_cut(
    put: Any, project: Project, sign: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After more than a minute the error names the object and the server."""
    file = put("a.csv", LARGE)
    clock = Clock()
    monkeypatch.setattr(patience, "time", clock)
    with PortLink(project.server.url) as link:
        sign(endpoint=link.url)
        with open_source(Source(file=file, name="a.csv")) as stream:
            stream.read(1000)
            link.cut()
            with pytest.raises(StoreError) as caught:
                while stream.read(1 << 22):
                    pass
    assert caught.value.kind == "unreachable"
    assert file.where in str(caught.value)
    assert clock.now - 1000 > 60


def test_a_reader_that_is_closed_asks_no_more(
    put: Any, project: Project, sign: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted command does not wait for requests that nothing needs, even if the network never comes back."""
    file = put("a.csv", LARGE)
    has_failed, before = threading.Event(), set(threading.enumerate())
    clock = Clock(lambda _: has_failed.set())
    monkeypatch.setattr(clock, "monotonic", lambda: 1000.0)
    monkeypatch.setattr(patience, "time", clock)
    with PortLink(project.server.url) as link:
        sign(endpoint=link.url)
        opened = file.open()
        opened.raw.read(1000)
        link.cut()
        opened.raw.seek(2 << 20)
        reading = threading.Thread(target=opened.raw.read, args=(10,), daemon=True)
        reading.start()
        assert has_failed.wait(60)
        opened.raw.close()
        for thread in set(threading.enumerate()) - before:
            thread.join(60)
            assert not thread.is_alive()


class CuttingLink(ThrottledLink):
    """A link that closes each connection after some bytes from the server."""

    def __init__(self, target: str, *, bytes_per_connection: int) -> None:
        super().__init__(target)
        self._most = bytes_per_connection

    def _pass(self, source: Any, sink: Any, bucket: Any) -> None:
        if bucket is not self._down:
            return super()._pass(source, sink, bucket)
        left = self._most
        with suppress(OSError):
            while left > 0 and (chunk := source.recv(min(left, 65536))):
                bucket.wait(len(chunk))
                sink.sendall(chunk)
                left -= len(chunk)
        for each in (source, sink):
            # Closing alone would not end a receive in another thread.
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        return None


def test_connections_that_are_cut_again_and_again(
    put: Any, project: Project, sign: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each new connection continues behind the bytes that have arrived, however short it is."""
    file = put("a.csv", LARGE)
    monkeypatch.setattr(patience, "time", Clock())
    with CuttingLink(project.server.url, bytes_per_connection=1 << 20) as link:
        sign(endpoint=link.url)
        assert text_of(Source(file=file, name="a.csv")) == LARGE
        # Bytes that are read again would be many times the object, because each range has up to 8 MiB.
        assert link.down_bytes < 2 * len(LARGE)


def test_a_denied_object(put: Any, sign: Callable[..., None]) -> None:
    """The error names the object and the permission, and is not taken for a fault of the file."""
    file = put("secret.csv", b"n,text\n1,x\n")
    sign(LIMITED)
    with pytest.raises(StoreError) as caught:
        text_of(Source(file=file, name="secret.csv"))
    assert caught.value.kind == "denied"
    assert f"address: {file.where}" in str(caught.value)
    assert "missing: s3:GetObject" in str(caught.value)


def test_a_listing_of_several_pages(put: Any, project: Project) -> None:
    """Every object is listed once; folders of consoles and hidden folders are no raw files."""
    names = [f"{number:04}.csv" for number in range(1100)]
    for name in (*names, ".hidden/x.csv", "deep/er/y.csv"):
        project.put(name, b"n,text\n")
    project.put("folder/", b"")
    place = SourceBucket(project.url("raw"))
    assert sorted(place.names()) == sorted([*names, "deep/er/y.csv"])
    assert place.file("0007.csv").key == f"{project.prefix}/raw/0007.csv"


@pytest.mark.parametrize("name", ["../../a.csv", "x//a.csv", "/a.csv", "./a.csv", "a\0.csv"])
def test_keys_that_lead_out_of_a_folder(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The part of such an object would be written to another folder."""
    listed = [ListedObject(name=name, size_bytes=1, version="1")]
    monkeypatch.setattr(source_bucket, "list_objects", lambda _: iter(listed))
    place = SourceBucket("s3://bucket/raw")
    assert list(place.names()) == [name]
    with pytest.raises(SourceError, match="Rename it"):
        place.file(name)


Answer = Callable[[str], tuple[int, dict[str, str], bytes]]


@pytest.fixture
def fake(sign: Callable[..., None]) -> Iterator[Callable[[Answer], None]]:
    """A function that starts a server whose answer to a path is a status, headers and a body."""
    servers = []

    def start(answer: Answer) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, headers, body = answer(self.path)
                self.send_response_only(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        sign(endpoint=f"http://127.0.0.1:{server.server_address[1]}")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _page(token: str, *keys: str) -> bytes:
    contents = "".join(f'<Contents><Key>{key}</Key><Size>1</Size><ETag>"1"</ETag></Contents>' for key in keys)
    return (
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>true</IsTruncated>'
        f"<NextContinuationToken>{token}</NextContinuationToken>{contents}</ListBucketResult>"
    ).encode()


@pytest.mark.parametrize("kind", ["same token", "no token", "new tokens", "empty pages"])
def test_a_listing_that_never_ends(fake: Any, kind: str) -> None:
    """A server that repeats itself, or that never lists anything, is an error; it would be asked forever."""
    count = iter(range(1_000_000))

    def answer(_: str) -> tuple[int, dict[str, str], bytes]:
        number = next(count)
        token = {"same token": "t", "no token": ""}.get(kind, f"t{number}")
        keys = {"same token": [f"k{number}.csv"], "new tokens": ["a.csv", "b.csv"]}.get(kind, [])
        return 200, {}, _page(token, *keys)

    fake(answer)
    with pytest.raises(StoreError) as caught:
        list(list_objects("s3://bucket/raw"))
    assert caught.value.kind == "endless"
    assert "address: s3://bucket/raw" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "code", "kind", "text"),
    [
        (301, "PermanentRedirect", "region", "eu-west-1"),
        (404, "NoSuchBucket", "no-bucket", "does not exist"),
        (403, "AccessDenied", "denied", "s3:ListBucket"),
        (400, "ExpiredToken", "expired", "expired"),
    ],
)
def test_what_the_server_of_a_listing_refuses(fake: Any, status: int, code: str, kind: str, text: str) -> None:
    """A bucket in another region, a missing bucket, a missing permission, an expired session: each with its fix."""
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    fake(lambda _: (status, {"x-amz-bucket-region": "eu-west-1"}, body))
    with pytest.raises(StoreError) as caught:
        list(list_objects("s3://bucket/raw"))
    assert caught.value.kind == kind
    assert text in str(caught.value)
    assert "fix: " in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        # All of the object, from its start.
        ({"ETag": '"v1"'}, StoreError),
        ({"ETag": '"v1"', "Content-Range": "bytes 0-9/100"}, StoreError),
        ({"ETag": '"v2"', "Content-Range": "bytes {start}-{stop}/{size}"}, SourceChangedError),
    ],
)
def test_a_server_that_ignores_what_is_requested(fake: Any, headers: dict[str, str], error: type[Exception]) -> None:
    """Other bytes than the requested ones, or those of another version, are never taken for them."""
    size = 3 << 20
    fake(
        lambda _: (206, {n: v.format(start=1 << 20, stop=size - 1, size=size) for n, v in headers.items()}, bytes(size))
    )
    file = BucketObject(bucket="bucket", key="a.csv", size_bytes=size, version="v1")
    with file.open() as opened, pytest.raises(error):
        opened.raw.seek(2 << 20)
        opened.raw.read(10)


MEMORY = """
import resource, sys
from data_convert.storage.objects_ahead import files_ahead
from data_convert.storage.object_state import current_object
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
with current_object(sys.argv[1]).open() as opened:
    opened.raw.read(10)
    before, total = peak(), 10
    while piece := opened.raw.read(1 << 20):
        total += len(piece)
print(total, peak() - before)
"""


def test_memory_of_a_large_object(project: Project, put: Any) -> None:
    """However long an object is, a few ranges of it are in memory."""
    file = put("large.csv", bytes(300 << 20))
    output = subprocess.run(
        [sys.executable, "-c", MEMORY, file.where],
        env=project.environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    total, grown = map(int, output.split())
    assert total == 300 << 20
    assert grown < 100 << 20
