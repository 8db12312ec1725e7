"""A trial of the work on small objects: what each costs while several move."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import fmean

from data_share.repository.cache import LocalCache
from data_share.stores.store import Store
from data_share.transfer.duration import Direction, LinkRate
from data_share.transfer.moving import fetch
from data_share.transfer.plan import TransferItem

# In the first rounds, connections are opened and the server makes room; in the last one, fewer and fewer objects move.
_SKIPPED_ROUNDS, _LAST_ROUNDS = 2, 1
# Fewer rounds are moved sooner than they are measured.
_FEWEST_ROUNDS = _SKIPPED_ROUNDS + _LAST_ROUNDS + 1
# A trial moves this share of the objects, within limits, if it takes less than this time.
_SHARE, _GOOD_ROUNDS, _MOST_ROUNDS, _LONGEST_S = 1 / 8, 8, 20, 2.0


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
    affordable = min(len(items), rate.bits_per_s / 8 * _LONGEST_S / max(mean_bytes, 1))
    count = int(min(max(len(items) * _SHARE, _GOOD_ROUNDS * jobs), _MOST_ROUNDS * jobs, affordable))
    if count < _FEWEST_ROUNDS * jobs:
        return 0.0
    sample = _sample(items, count)
    with _pushing(store, cache) if direction == "push" else _pulling(store, cache) as work:
        return _seconds_per_object(work, sample, jobs)


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
    """The pace between the first rounds and the last one.

    The fastest and the slowest round do not count, because other work on this machine and on the server makes pauses.
    """
    until_s = time.perf_counter() + _LONGEST_S
    done_s: list[float] = []

    def timed(item: TransferItem) -> None:
        if time.perf_counter() < until_s:
            work(item)
            done_s.append(time.perf_counter())

    with ThreadPoolExecutor(jobs) as pool:
        for _ in pool.map(timed, sample):
            pass
    ends_s = sorted(done_s)[_SKIPPED_ROUNDS * jobs - 1 : -_LAST_ROUNDS * jobs + 1 : jobs]
    rounds_s = sorted(end_s - start_s for start_s, end_s in pairwise(ends_s))
    return fmean(rounds_s[1:-1] or rounds_s) / jobs if rounds_s else 0.0
