"""Moving the objects of a plan, several at a time, each completely or not at all."""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from data_share.errors import FailedError
from data_share.records.objects import digest_of
from data_share.repository.cache import LocalCache
from data_share.stores.store import OnSent, Store
from data_share.transfer.listing import damaged_on_remote
from data_share.transfer.plan import Group, Plan, TransferItem
from terminal import count_text, duration_text, progress, progress_if_slow, rate_text, size_text

_HASH_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What a transfer moved.

    Attributes:
        files: Objects that were moved completely.
        size_bytes: Bytes that crossed the link, counted where they did, to be compared with the plan.
        moving_s: From the first byte to the last.
        finishing_s: What followed: listing the remote again, or placing the files.
    """

    files: int
    size_bytes: int
    moving_s: float
    finishing_s: float = 0.0

    @property
    def seconds(self) -> float:
        return self.moving_s + self.finishing_s


class TransferInterrupted(KeyboardInterrupt):
    """Ctrl-C during a transfer.

    Attributes:
        moved: What was moved before.
    """

    def __init__(self, moved: Moved) -> None:
        self.moved = moved
        super().__init__(
            f"interrupted: {size_text(moved.size_bytes)} were moved, {count_text(moved.files, 'file')} completely;"
            " run it again and it continues"
        )


class _Stopped(BaseException):
    """Ends the work of a thread; no library that catches exceptions catches this one."""


class _Counter:
    """Counts moved bytes and objects from any thread, and stops the threads."""

    def __init__(self, on_bytes: OnSent) -> None:
        self._on_bytes = on_bytes
        self._lock = threading.Lock()
        self._started = time.perf_counter()
        self._files = 0
        self._size_bytes = 0
        self.stop = threading.Event()

    def add_bytes(self, size_bytes: int) -> None:
        self.check()
        with self._lock:
            self._size_bytes += size_bytes
        self._on_bytes(size_bytes)

    def add_file(self) -> None:
        with self._lock:
            self._files += 1

    def check(self) -> None:
        if self.stop.is_set():
            raise _Stopped

    def moved(self) -> Moved:
        seconds = time.perf_counter() - self._started
        return Moved(files=self._files, size_bytes=self._size_bytes, moving_s=seconds)


def push_items(plan: Plan, store: Store, cache: LocalCache) -> Moved:
    """Upload the objects of a plan. A folder's list is uploaded after its files: on the remote it promises them all.

    Raises:
        StoreError: The remote refuses an object or cannot be reached.
    """
    return _move(plan, lambda item, on_sent: store.put(item.oid, cache.path(item.oid), on_sent))


def require_pushed(oids: frozenset[str], store: Store) -> None:
    """List the remote again, and check that it has these objects.

    Raises:
        FailedError: It lost some of them since the push was planned.
    """
    with progress_if_slow(f"listing {store.where} again"):
        lost = len(oids - set(store.sizes(oids)))
    if lost:
        raise FailedError(
            f"{store.where} lost {count_text(lost, 'object')} during the push; a colleague may have run `data.gc`.\n"
            "  Run the push again: it uploads what is missing."
        )


def pull_items(plan: Plan, store: Store, cache: LocalCache, lists: Mapping[str, bytes]) -> Moved:
    """Download the objects of a plan into the cache; each is checked before it is kept.

    Args:
        lists: Lists of folders that were read for the plan, by object.

    Raises:
        FailedError: An object is damaged, or the disk is full.
        StoreError: The remote refuses an object or cannot be reached.
    """
    return _move(plan, lambda item, on_bytes: fetch(item, store, cache, lists.get(item.oid), on_bytes))


def _move(plan: Plan, move: Callable[[TransferItem, OnSent], None]) -> Moved:
    with progress("pushing" if plan.direction == "push" else "pulling", plan.size_bytes) as on_bytes:
        counter = _Counter(on_bytes)

        def work(item: TransferItem) -> None:
            counter.check()
            move(item, counter.add_bytes)
            counter.add_file()

        try:
            for group in plan.groups:
                _move_group(group, work, counter.stop)
        except KeyboardInterrupt:
            raise TransferInterrupted(counter.moved()) from None
        return counter.moved()


def _move_group(group: Group, work: Callable[[TransferItem], None], stop: threading.Event) -> None:
    with ThreadPoolExecutor(group.jobs) as pool:
        try:
            _finish([pool.submit(work, item) for item in group.items], stop)
        except BaseException:
            stop.set()
            with progress_if_slow("stopping after the requests that are on their way"):
                pool.shutdown()
            raise


def _finish(futures: list[Future[None]], stop: threading.Event) -> None:
    """Wait for all; the first one that fails stops the others, and its exception is raised."""
    # `concurrent.futures.wait` looks at all of them each time, which is most of the work if they are thousands.
    finished: queue.SimpleQueue[Future[None]] = queue.SimpleQueue()
    for future in futures:
        future.add_done_callback(finished.put)
    failure: BaseException | None = None
    for _ in futures:
        future = _next(finished)
        error = None if future.cancelled() else future.exception()
        if error is not None and failure is None and not isinstance(error, _Stopped):
            failure = error
            stop.set()
            for other in futures:
                other.cancel()
    if failure is not None:
        raise failure


def _next(finished: queue.SimpleQueue[Future[None]]) -> Future[None]:
    while True:
        # Without a timeout, a signal does not reach a main thread that waits for a lock.
        with suppress(queue.Empty):
            return finished.get(timeout=0.5)


def fetch(item: TransferItem, store: Store, cache: LocalCache, content: bytes | None, on_bytes: OnSent) -> None:
    """Download one object.

    Args:
        content: The object, if it was downloaded for the plan.
    """
    partial = cache.partial(item.oid)
    start = item.size_bytes - item.left_bytes
    with cache.writing(partial):
        partial.parent.mkdir(parents=True, exist_ok=True)
        hashed = hashlib.md5(usedforsecurity=False)
        with partial.open("r+b" if start else "wb") as file:
            for chunk in iter(lambda: file.read(_HASH_BYTES), b"") if start else ():
                hashed.update(chunk)
            chunks = store.chunks(item.oid, start) if content is None else iter([content])
            for chunk in chunks if item.left_bytes else ():
                on_bytes(len(chunk))
                file.write(chunk)
                hashed.update(chunk)
    if (found := hashed.hexdigest()) == digest_of(item.oid):
        cache.add_fetched(item.oid, partial)
        return
    partial.unlink()
    if not start:
        raise damaged_on_remote(item.path, store.describe(item.oid), found)
    # Perhaps the part that was left by an interruption is what is damaged: download all of it.
    fetch(replace(item, left_bytes=item.size_bytes), store, cache, content, on_bytes)


def moved_json(moved: Moved) -> dict[str, Any]:
    """What was moved, for programs."""
    return {
        "files": moved.files,
        "bytes": moved.size_bytes,
        "seconds": round(moved.seconds, 3),
        "moving_seconds": round(moved.moving_s, 3),
        "finishing_seconds": round(moved.finishing_s, 3),
    }


def moved_text(moved: Moved, plan: Plan) -> str:
    """What was moved and what was planned, for the user."""
    verb = "pushed" if plan.direction == "push" else "pulled"
    files = f"{moved.files:,} of {count_text(plan.files, 'file')}"
    text = f"{verb} {size_text(moved.size_bytes)} of {size_text(plan.size_bytes)} in {files};"
    text += f" {duration_text(moved.seconds)}"
    if plan.rate and plan.seconds is not None:
        rate = rate_text(moved.size_bytes * 8 / moved.moving_s) if moved.moving_s > 0 else "–"
        text += f" at {rate}, planned {duration_text(plan.seconds)}"
    return text
