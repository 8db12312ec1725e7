"""A push or a pull from beginning to end: plan, move, put in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_share.errors import NothingRecordedError
from data_share.local import LocalObjects
from data_share.moving import Moved, pull_items, push_items
from data_share.plan import Item, Plan
from data_share.planning import pull_plan_of, push_items_of
from data_share.rates import Direction, Rate, RememberedRates, declared_rate, measured_down, measured_up
from data_share.records import recorded_outputs
from data_share.remotes import Remote, load_remotes
from data_share.repository import Repository
from data_share.s3_store import S3Store
from data_share.selection import chosen
from data_share.stores import FolderStore, Store


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What is known of the link before anything is measured.

    Attributes:
        up, down: Declared rates, such as `4Mbps`.
        is_measured: Measure both directions now, whatever is remembered.
    """

    up: str | None = None
    down: str | None = None
    is_measured: bool = False


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A plan, and what carries it out."""

    plan: Plan
    placing: int
    carry_out: Callable[[], Moved | None]


def store_of(remote: Remote, repository: Repository) -> Store:
    """The remote, ready to be used."""
    memory = repository.own_folder / "uploads.json"
    return S3Store(remote, memory=memory) if remote.is_s3 else FolderStore(Path(remote.url))


def local_objects(repository: Repository) -> LocalObjects:
    """DVC's cache of the repository."""
    return LocalObjects(repository.cache(repository.config()), repository.own_folder / "digests.json")


def planned(
    direction: Direction,
    repository: Repository,
    *,
    selections: Sequence[str] = (),
    remote_name: str | None = None,
    rates: Rates = Rates(),
) -> Planned:
    """Find out what a push or a pull has to do.

    Raises:
        DataShareError: It cannot be done: see the errors of `planning`, `selection`, `remotes` and `stores`.
    """
    outputs = recorded_outputs(repository.records())
    meant = chosen(outputs, selections)
    if not meant:
        raise NothingRecordedError
    remote = load_remotes(repository).remote(remote_name)
    declared = {"push": declared_rate(rates.up, "push"), "pull": declared_rate(rates.down, "pull")}
    local, store = local_objects(repository), store_of(remote, repository)
    datasets = list(dict.fromkeys(each.output.dataset for each in meant))

    def plan_of(items: Sequence[Item]) -> Plan:
        rate = declared[direction] or _rate(direction, repository, remote, store, items, rates.is_measured)
        return Plan(
            direction=direction,
            remote=remote.name,
            where=store.where,
            items=items,
            datasets=datasets,
            rate=rate,
            jobs=store.jobs,
        )

    if direction == "push":
        push = plan_of(push_items_of(meant, repository.root, local, store))
        local.remember()
        return Planned(
            plan=push,
            placing=0,
            carry_out=lambda: _told(push_items(push, store, local), push, repository, remote) if push.items else None,
        )
    pulled = pull_plan_of(meant, repository.root, local, store)
    pull = plan_of(pulled.items)
    local.remember()

    def fetch_and_place() -> Moved | None:
        moved = None
        if pull.items:
            moved = _told(pull_items(pull, store, local, pulled.lists), pull, repository, remote)
        if pulled.targets:
            repository.place(pulled.targets)
        return moved

    return Planned(plan=pull, placing=len(pulled.unplaced), carry_out=fetch_and_place)


def _rate(
    direction: Direction,
    repository: Repository,
    remote: Remote,
    store: Store,
    items: Sequence[Item],
    is_measured: bool,
) -> Rate | None:
    """The remembered rate, else a measured one; nothing is measured for nothing, unless it is asked for."""
    memory = RememberedRates(repository.own_folder / "rates.json")
    name = _link(remote)
    found: dict[Direction, Rate | None] = {"push": None, "pull": None}
    if not is_measured:
        if not items:
            return None
        if rate := memory.rate(name, direction):
            return rate
    if is_measured or direction == "push":
        found["push"] = measured_up(store)
    if is_measured or direction == "pull":
        sizes = {item.oid: item.size_bytes for item in items} if direction == "pull" and items else store.all_sizes()
        found["pull"] = measured_down(store, sizes)
    for each, rate in found.items():
        if rate:
            memory.keep(name, each, rate)
    return found[direction]


def _told(moved: Moved, plan: Plan, repository: Repository, remote: Remote) -> Moved:
    """What a real transfer did is the best measurement there is, if it was long enough."""
    if moved.seconds >= 2 and plan.rate is not None:
        rate = Rate(
            bits_per_second=moved.size_bytes * 8 / moved.seconds, latency_s=plan.rate.latency_s, source="measured"
        )
        RememberedRates(repository.own_folder / "rates.json").keep(_link(remote), plan.direction, rate)
    return moved


def _link(remote: Remote) -> str:
    return f"{remote.url} {remote.settings.get('endpointurl') or ''}".strip()
