"""The model of a transfer's duration, and the trial that measures what a small object costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from data_share.repository.cache import LocalCache
from data_share.transfer import trial
from data_share.transfer.duration import LinkRate, Load, deciding_term, moving_s
from data_share.transfer.finishing import NOTHING, Finishing
from data_share.transfer.link import Link
from data_share.transfer.moving import Moved
from data_share.transfer.plan import Plan, TransferItem
from data_share.transfer.rates import RememberedRates
from data_share.transfer.trial import measure

from .tracked import Project

RATE = LinkRate(bits_per_s=8e6, latency_s=0.1, source="measured", object_s=0.005, object_jobs=32)
MB = 1_000_000


@pytest.mark.parametrize(
    ("load", "seconds", "term"),
    [
        (Load(size_bytes=10 * MB, objects=2, jobs=8), 10.1, "bytes"),
        (Load(size_bytes=10, objects=20_001, jobs=32), 100.1, "objects"),
        (Load(size_bytes=10, objects=33, jobs=8), 0.5, "answers"),
        # The bytes of small objects are a part of what each of them costs.
        (Load(size_bytes=10 * MB, objects=201, jobs=32, is_small=True), 1.1, "objects"),
        (Load(size_bytes=10 * MB, objects=201, jobs=16, is_small=True), 10.1, "bytes"),
        (Load(size_bytes=0, objects=1, jobs=32), 0.1, "answers"),
        (Load(size_bytes=0, objects=0, jobs=8), 0.0, None),
    ],
)
def test_the_largest_term_is_the_duration(load: Load, seconds: float, term: str | None) -> None:
    """Bytes over the link, the cost of each object, or rounds of answers decide how long a group takes."""
    assert moving_s(RATE, load) == pytest.approx(seconds)
    assert deciding_term(RATE, [load]) == term


def test_groups_that_different_terms_decide_show_no_term() -> None:
    """A transfer that two terms decide measures neither of them."""
    loads = [Load(size_bytes=10 * MB, objects=1, jobs=8), Load(size_bytes=0, objects=2001, jobs=32)]
    assert deciding_term(RATE, loads) is None
    assert deciding_term(RATE, []) is None


def test_small_objects_move_first_and_many_at_a_time() -> None:
    """After a lost connection, what was half sent is sent again, so large objects move a few at a time."""
    items = [_item("l" * 32, 10**9), *(_item(f"{at:032}", 1000) for at in range(99)), _item("d" * 32 + ".dir", 10)]
    groups = _plan(items).groups
    assert [(len(group.items), group.jobs, group.is_small) for group in groups] == [
        (99, 32, True),
        (1, 8, False),
        (1, 32, False),
    ]
    middle = [_item(f"{at:032}", 250_000) for at in range(9)]
    assert [group.jobs for group in _plan(middle).groups] == [16]
    assert _plan([]).groups == ()


def test_the_lists_of_a_pull_do_not_move_again() -> None:
    """They were read for the plan, so that they cost no time; a push uploads them after the files."""
    items = [_item("a" * 32, 0), _item("d" * 32 + ".dir", 0)]
    assert _plan(items, direction="pull").moving_s == pytest.approx(0.1)
    assert _plan(items).moving_s == pytest.approx(0.2)


def test_the_times_of_the_datasets_add_up() -> None:
    """Each dataset has its share of the total, which includes what follows the moving."""
    items = [_item("a" * 32, 10 * MB, "climate"), *(_item(f"{at:032}", 10, "traffic") for at in range(1001))]
    finishing = Finishing(fixed_s=1.0, file_s=0.01, byte_s=0.001)
    plan = _plan(items, finishing=finishing, files_to_place=100, bytes_to_place=2000)
    assert plan.seconds == pytest.approx(10.1 + 5.1 + 4.0)
    assert sum(each.seconds or 0.0 for each in plan.dataset_plans()) == pytest.approx(plan.seconds)


@pytest.mark.parametrize(
    ("sizes", "moving_s", "changed"),
    [
        ([2 * MB] * 5, 20.0, {"bits_per_s": 4e6}),
        ([10] * 999, 9.99, {"object_s": 0.01}),
        # A round of answers with a latency of 2 s; at 400 kB/s, the next plan of large files would be far too long.
        ([200_000] * 6, 3.0, {"bits_per_s": 8e9, "object_s": 0.0}),
    ],
)
def test_a_transfer_corrects_the_term_that_decided_it(
    tmp_path: Path, sizes: list[int], moving_s: float, changed: dict[str, Any]
) -> None:
    """The rate of the link stays as measured if the number of objects or the latency decided how long it took."""
    memory = RememberedRates(tmp_path / "rates.json")
    store: Any = SimpleNamespace(is_link=True)
    cache: Any = None
    is_far = changed.get("bits_per_s") == 8e9
    rate = LinkRate(bits_per_s=8e9, latency_s=2.0, source="measured") if is_far else RATE
    plan = _plan([_item(f"{at:032}", size) for at, size in enumerate(sizes)], rate=rate)
    moved = Moved(files=plan.files, size_bytes=plan.size_bytes, moving_s=moving_s)
    Link("push", "s3://acme", store, cache, memory).remember(plan, moved)
    assert memory.find("s3://acme", "push") == replace(rate, source="remembered", **changed)


def test_a_declared_rate_is_not_remembered(tmp_path: Path) -> None:
    """It says nothing about the latency, and the user may declare another one the next time."""
    store: Any = SimpleNamespace(is_link=True)
    cache: Any = None
    memory = RememberedRates(tmp_path / "rates.json")
    declared = LinkRate(bits_per_s=4e6, latency_s=0.0, source="declared")
    link = Link("push", "s3://acme", store, cache, memory, declared=declared)
    assert link.rate([], save_rates=True) == declared
    assert link.listing_again(["a" * 32], declared, added=1) == NOTHING
    assert link.placing(declared, folder=tmp_path / "new", files=999, size_bytes=MB) == NOTHING
    link.remember(_plan([_item("a" * 32, MB)], rate=declared), Moved(files=1, size_bytes=MB, moving_s=9.0))
    assert list(tmp_path.iterdir()) == []


class _TrialStore:
    """A store that gets objects from a folder, and that remembers what a trial does."""

    is_link = True
    jobs = 8

    def __init__(self, cache: LocalCache) -> None:
        self.cache = cache
        self.gets: list[str] = []
        self.puts: list[str] = []

    def chunks(self, oid: str, offset: int) -> Iterator[bytes]:
        self.gets.append(oid)
        yield self.cache.path(oid).read_bytes()[offset:]

    @contextmanager
    def trial_puts(self) -> Iterator[Callable[[str, Path], None]]:
        yield lambda oid, path: self.puts.append(oid)


def test_a_trial_moves_a_part_of_the_objects_and_leaves_nothing(project: Project, tmp_path: Path) -> None:
    """Some rounds of different objects; a pull writes them and keeps none."""
    cache, items = _cached(project, tmp_path, 200)
    store: Any = _TrialStore(cache)
    assert measure("push", store, cache, items, rate=RATE, jobs=8) > 0
    assert len(set(store.puts)) == len(store.puts) == 64
    new = LocalCache(tmp_path / "new", tmp_path / "digests.json")
    assert measure("pull", store, new, items, rate=RATE, jobs=8) > 0
    assert len(set(store.gets)) == len(store.gets) == 64
    assert not new.folder.exists() and not list(project.root.parent.rglob("*trial*"))


def test_a_trial_is_made_only_if_it_is_short(project: Project, tmp_path: Path) -> None:
    """Few objects are moved sooner than measured; on a slow link their bytes decide, and a trial takes too long."""
    cache, items = _cached(project, tmp_path, 200)
    store: Any = _TrialStore(cache)
    slow = LinkRate(bits_per_s=500, latency_s=0.1, source="measured")
    assert measure("push", store, cache, items[:31], rate=RATE, jobs=8) == 0
    assert measure("push", store, cache, items, rate=slow, jobs=8) == 0
    assert store.puts == []
    assert measure("push", store, cache, items[:32], rate=RATE, jobs=8) > 0


def test_a_trial_ignores_the_first_rounds_and_a_pause(project: Project, tmp_path: Path) -> None:
    """The first rounds open connections. One slow round among many is other work, and not what an object costs."""
    cache, items = _cached(project, tmp_path, 64)
    now_s = [0.0]
    slow_rounds = {0: 9.0, 1: 3.0, 4: 5.0}

    class Store(_TrialStore):
        @contextmanager
        def trial_puts(self) -> Iterator[Callable[[str, Path], None]]:
            def put(oid: str, _: Path) -> None:
                self.puts.append(oid)
                now_s[0] += slow_rounds.get((len(self.puts) - 1) // 8, 1.0) / 8

            yield put

    store: Any = Store(cache)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trial, "_LONGEST_S", 99.0)
        patch.setattr(trial, "time", SimpleNamespace(perf_counter=lambda: now_s[0]))
        # The workers wait for each other, so that the clock above is that of one machine.
        patch.setattr(trial, "ThreadPoolExecutor", lambda _: ThreadPoolExecutor(1))
        fast = replace(RATE, bits_per_s=8e9)
        assert measure("push", store, cache, items, rate=fast, jobs=8) == pytest.approx(1 / 8)


def test_objects_of_another_size_are_tried_again(project: Project, tmp_path: Path) -> None:
    """What an object costs is remembered with its size; the cost of small objects says nothing about large ones."""
    cache, items = _cached(project, tmp_path, 200)
    store: Any = _TrialStore(cache)
    memory = RememberedRates(tmp_path / "rates.json")
    memory.save("s3://acme", "push", replace(RATE, object_jobs=8, object_bytes=9.0))
    link = Link("push", "s3://acme", store, cache, memory)
    rate = link.rate(items, save_rates=True)
    assert rate and (rate.object_s, store.puts) == (RATE.object_s, [])
    memory.save("s3://acme", "push", replace(RATE, object_jobs=8, object_bytes=90_000.0))
    rate = link.rate(items, save_rates=True)
    assert rate and rate.object_s != RATE.object_s and len(store.puts) == 64
    assert memory.find("s3://acme", "push") == replace(rate, source="remembered")


def _cached(project: Project, tmp_path: Path, count: int) -> tuple[LocalCache, list[TransferItem]]:
    """The project's cache with this many small objects, and the items that move them."""
    oids = [project.keep(f"content {at}".encode()) for at in range(count)]
    cache = LocalCache(project.root / ".dvc/cache", tmp_path / "digests.json")
    return cache, [_item(oid, project.cached(oid).stat().st_size) for oid in oids]


def _item(oid: str, size_bytes: int, dataset: str = "climate") -> TransferItem:
    return TransferItem(dataset=dataset, path=oid, oid=oid, size_bytes=size_bytes, left_bytes=size_bytes)


def _plan(items: list[TransferItem], **changes: Any) -> Plan:
    datasets = sorted({item.dataset for item in items})
    facts: dict[str, Any] = {"direction": "push", "remote": "team", "where": "s3://acme/x", "rate": RATE, "jobs": 32}
    return Plan(**{**facts, **changes}, items=items, datasets=datasets)
