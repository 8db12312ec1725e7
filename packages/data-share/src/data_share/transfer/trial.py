"""A trial of the work on small objects: what each costs while several move."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from data_share.repository.cache import LocalCache
from data_share.stores.store import Store
from data_share.transfer.duration import Direction, LinkRate
from data_share.transfer.moving import fetch
from data_share.transfer.plan import TransferItem

# Fewer objects are moved sooner than they are measured.
_FEWEST_OBJECTS = 32
# So many rounds of objects, if they take less than this time.
_ROUNDS, _LONGEST_S = 20, 2.0


def measure(
    direction: Direction, store: Store, cache: LocalCache, items: Sequence[TransferItem], *, rate: LinkRate, jobs: int
) -> float:
    """Seconds per small object, `jobs` at a time; 0 if they are too few, or too large for the link, to measure it.

    A trial push uploads objects as parts of an upload that is aborted, so it needs no permission to delete. A trial
    pull downloads them into a temporary folder on the cache's disk. Neither leaves anything behind.

    Args:
        items: Objects of the plan; a push uploads only those that are cached.
    """
    if direction == "push":
        items = [item for item in items if cache.size_bytes(item.oid) == item.size_bytes]
    if not items:
        return 0.0
    mean_bytes = sum(item.size_bytes for item in items) / len(items)
    affordable = int(rate.bits_per_s / 8 * _LONGEST_S / max(mean_bytes, 1))
    count = min(len(items) // 2, _ROUNDS * jobs, affordable)
    if 2 * count < _FEWEST_OBJECTS:
        return 0.0
    with _pushing(store, cache) if direction == "push" else _pulling(store, cache) as work:
        return _seconds_per_object(work, _sample(items, count), jobs)


def _sample(items: Sequence[TransferItem], count: int) -> list[TransferItem]:
    """Objects of every part of the plan."""
    return [items[at * len(items) // count] for at in range(count)]


@contextmanager
def _pushing(store: Store, cache: LocalCache) -> Iterator[Callable[[TransferItem], None]]:
    with store.trial_puts() as put:
        yield lambda item: put(item.oid, cache.path(item.oid))


@contextmanager
def _pulling(store: Store, cache: LocalCache) -> Iterator[Callable[[TransferItem], None]]:
    with _temporary_folder(cache) as name:
        trial_cache = LocalCache(Path(name), Path(name) / "digests.json")

        def pull(item: TransferItem) -> None:
            fetch(replace(item, left_bytes=item.size_bytes), store, trial_cache, None, lambda _: None)
            # If this process is killed, at most one round of small files is left.
            trial_cache.path(item.oid).unlink()

        yield pull


def _temporary_folder(cache: LocalCache) -> tempfile.TemporaryDirectory[str]:
    """A folder on the disk of the cache; elsewhere if this user may only read the cache."""
    nearest = next(folder for folder in (cache.folder, *cache.folder.parents) if folder.exists())
    try:
        return tempfile.TemporaryDirectory(prefix=".trial-", dir=nearest)
    except OSError:
        return tempfile.TemporaryDirectory(prefix="shrinkwrap-trial-")


def _seconds_per_object(work: Callable[[TransferItem], None], sample: Sequence[TransferItem], jobs: int) -> float:
    """The pace between the first round, which also opens connections, and the last one, which is not full."""
    until_s = time.perf_counter() + _LONGEST_S
    done_s: list[float] = []

    def timed(item: TransferItem) -> None:
        if time.perf_counter() < until_s:
            work(item)
            done_s.append(time.perf_counter())

    with ThreadPoolExecutor(jobs) as pool:
        for _ in pool.map(timed, sample):
            pass
    done_s.sort()
    edge = min(jobs, len(done_s) // 4)
    last = len(done_s) - 1 - edge
    return (done_s[last] - done_s[edge]) / (last - edge) if last > edge else 0.0
