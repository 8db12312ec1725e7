"""A slow link: a TCP proxy on 127.0.0.1 that limits the bits per second in each direction."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from types import TracebackType

# Small, so that no burst hides the limit; a real link buffers some packets, too.
_CHUNK_BYTES = 8 * 1024
_BUFFER_BYTES = 64 * 1024
_REQUEST = re.compile(rb"(GET|HEAD|PUT|POST|DELETE) (/\S*) HTTP/1\.1\r\n")


class ThrottledLink:
    """The proxy, running during a `with` block.

    All connections share one link; up is from the client to the server.

    Args:
        target: `HOST:PORT` or `http://HOST:PORT` of the server.
        up_bps, down_bps: Bits per second; 0 for no limit.

    Attributes:
        url: `http://127.0.0.1:PORT` of the proxy.
        up_bytes, down_bytes: Bytes that passed, headers included.
        requests: Method and target of each HTTP request that passed.
    """

    def __init__(self, target: str, *, up_bps: float = 0, down_bps: float = 0) -> None:
        host, _, port = target.removeprefix("http://").partition(":")
        self._target = (host, int(port))
        self._up, self._down = _Bucket(up_bps), _Bucket(down_bps)
        self.requests: list[tuple[str, str]] = []
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._server = _with_small_buffer(socket.socket())
        self._server.bind(("127.0.0.1", 0))
        self._server.listen(64)
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def up_bytes(self) -> int:
        return self._up.passed_bytes

    @property
    def down_bytes(self) -> int:
        return self._down.passed_bytes

    def __enter__(self) -> ThrottledLink:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()

    def cut(self) -> None:
        """Close every connection, and refuse new ones."""
        # A thread that waits in accept() keeps the port open.
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for each in sockets:
            _close(each)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            try:
                server = _with_small_buffer(socket.create_connection(self._target, timeout=10))
                server.settimeout(None)
            except OSError:
                _close(client)
                continue
            with self._lock:
                self._sockets |= {client, server}
            for source, sink, bucket in ((client, server, self._up), (server, client, self._down)):
                threading.Thread(target=self._pass, args=(source, sink, bucket), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, bucket: _Bucket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(_CHUNK_BYTES):
                bucket.wait(len(chunk))
                # A client sends the head of a request at once, and waits for the answer to the one before.
                if bucket is self._up and (head := _REQUEST.match(chunk)):
                    self.requests.append((head[1].decode(), head[2].decode()))
                sink.sendall(chunk)
        with self._lock:
            self._sockets -= {source, sink}
        _close(source)
        _close(sink)


class _Bucket:
    """Delays bytes of all connections so that together they keep a rate."""

    def __init__(self, bits_per_second: float) -> None:
        self._bytes_per_second = bits_per_second / 8
        self._free_at = 0.0
        self._lock = threading.Lock()
        self.passed_bytes = 0

    def wait(self, size_bytes: int) -> None:
        with self._lock:
            self.passed_bytes += size_bytes
            if not self._bytes_per_second:
                return
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + size_bytes / self._bytes_per_second
            left = self._free_at - now
        time.sleep(left)


def _with_small_buffer(each: socket.socket) -> socket.socket:
    """Keep the system from buffering much more than the link lets through."""
    each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return each


def _close(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
