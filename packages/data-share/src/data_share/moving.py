"""Moving the objects of a plan, several at a time, each whole or not at all."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from data_share.errors import DamagedThereError
from data_share.local import LocalObjects
from data_share.objects import FOLDER_SUFFIX, digest_of
from data_share.plan import Item, Plan
from data_share.progress import Progress, said_if_slow
from data_share.stores import Store, Told
from data_share.units import duration_text, rate_text, size_text


class Interrupted(KeyboardInterrupt):
    """A transfer that somebody stopped.

    Attributes:
        moved: What had been moved by then.
    """

    def __init__(self, moved: Moved) -> None:
        self.moved = moved
        super().__init__()


class _Stopped(BaseException):
    """Ends a thread's work; no library that catches errors catches this."""


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What was moved.

    Attributes:
        files: Those that are through, whole.
        size_bytes: What went over the link, counted where it did; a plan is compared with it.
        seconds: From the first byte to the last.
    """

    files: int
    size_bytes: int
    seconds: float


def push_items(plan: Plan, store: Store, local: LocalObjects) -> Moved:
    """Send a plan's objects; the list of a folder only after its files, so that who sees the list finds the files."""
    return _moved(plan, lambda item, told: store.put(item.oid, local.path(item.oid), told))


def pull_items(plan: Plan, store: Store, local: LocalObjects, lists: Mapping[str, bytes]) -> Moved:
    """Fetch a plan's objects into the cache; each is checked before it is kept.

    Args:
        lists: Lists of folders that were fetched to make the plan.

    Raises:
        DamagedThereError: An object is not what its name says.
        DiskFullError: There is no room.
    """
    return _moved(plan, lambda item, told: _fetch(item, store, local, lists.get(item.oid), told))


def _moved(plan: Plan, move: Callable[[Item, Told], None]) -> Moved:
    progress = Progress(plan.size_bytes)
    stop = threading.Event()
    began = time.perf_counter()
    done: list[Item] = []

    def told(size_bytes: int) -> None:
        if stop.is_set():
            raise _Stopped
        progress.add(size_bytes)

    def work(item: Item) -> None:
        if stop.is_set():
            raise _Stopped
        move(item, told)
        done.append(item)

    def moved() -> Moved:
        return Moved(files=len(done), size_bytes=progress.moved_bytes, seconds=time.perf_counter() - began)

    try:
        with ThreadPoolExecutor(plan.jobs) as pool:
            try:
                for group in _in_order(plan):
                    _finish([pool.submit(work, item) for item in group], stop)
            except BaseException:
                stop.set()
                with said_if_slow("stopping; what is on its way is waited for"):
                    pool.shutdown()
                raise
    except KeyboardInterrupt:
        raise Interrupted(moved()) from None
    finally:
        progress.close()
    return moved()


def _in_order(plan: Plan) -> tuple[list[Item], list[Item]]:
    files = [item for item in plan.items if not item.oid.endswith(FOLDER_SUFFIX)]
    return files, [item for item in plan.items if item.oid.endswith(FOLDER_SUFFIX)]


def _finish(futures: list[Future[None]], stop: threading.Event) -> None:
    """Wait for all; the first that fails ends the others, and is raised."""
    waiting = set(futures)
    failure: BaseException | None = None
    while waiting:
        # Woken now and then: a signal is not delivered to a main thread that waits for a lock for good.
        finished, waiting = wait(waiting, timeout=0.5, return_when="FIRST_COMPLETED")
        for future in finished:
            error = None if future.cancelled() else future.exception()
            if error is not None and failure is None and not isinstance(error, _Stopped):
                failure = error
                stop.set()
                for other in waiting:
                    other.cancel()
    if failure is not None:
        raise failure


def _fetch(item: Item, store: Store, local: LocalObjects, content: bytes | None, told: Told) -> None:
    partial = local.partial(item.oid)
    with local.writing(partial):
        partial.parent.mkdir(parents=True, exist_ok=True)
        hashed = hashlib.md5(usedforsecurity=False)
        start = item.size_bytes - item.left_bytes
        with partial.open("r+b" if start else "wb") as file:
            for chunk in iter(lambda: file.read(1 << 20), b"") if start else ():
                hashed.update(chunk)
            if not item.left_bytes:
                chunks: Iterator[bytes] = iter(())  # all of it was here before
            else:
                chunks = store.chunks(item.oid, start) if content is None else iter([content])
            for chunk in chunks:
                told(len(chunk))
                file.write(chunk)
                hashed.update(chunk)
    found = hashed.hexdigest()
    if found != digest_of(item.oid):
        partial.unlink()
        if start:  # perhaps the part that was here before is what is wrong
            whole = Item(
                dataset=item.dataset,
                path=item.path,
                oid=item.oid,
                size_bytes=item.size_bytes,
                left_bytes=item.size_bytes,
            )
            return _fetch(whole, store, local, content, told)
        raise DamagedThereError(item.path, store.describe(item.oid), found)
    local.keep(item.oid, partial)
    return None


def moved_facts(moved: Moved) -> dict[str, Any]:
    """What was moved, for programs."""
    return {"files": moved.files, "bytes": moved.size_bytes, "seconds": round(moved.seconds, 3)}


def moved_text(moved: Moved, plan: Plan) -> str:
    """What was moved beside what was planned, for people."""
    word = "pushed" if plan.direction == "push" else "pulled"
    planned = f", planned {duration_text(plan.seconds)}" if plan.seconds is not None else ""
    files = f"{moved.files:,} of {plan.files:,} files" if plan.files > 1 else f"{moved.files} of 1 file"
    rate = rate_text(moved.size_bytes * 8 / moved.seconds) if moved.seconds > 0 else "–"
    return (
        f"{word} {size_text(moved.size_bytes)} of {size_text(plan.size_bytes)} in {files};"
        f" {duration_text(moved.seconds)} at {rate}{planned}\n"
    )
