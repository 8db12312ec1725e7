"""A push or a pull from beginning to end: plan it, move the objects, place the files."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from data_share.errors import files_text, nothing_recorded
from data_share.records.outputs import recorded_outputs
from data_share.records.selection import select_outputs
from data_share.remotes.remotes import read_remotes
from data_share.repository.cache import open_cache
from data_share.repository.git import record_texts
from data_share.repository.repository import Repository
from data_share.stores.opening import open_store
from data_share.transfer.duration import Direction
from data_share.transfer.link import Link
from data_share.transfer.listing import TrackedFile
from data_share.transfer.moving import Moved, moved_json, moved_text, pull_items, push_items, require_pushed
from data_share.transfer.placing import Placing
from data_share.transfer.plan import Plan, TransferItem, plan_json
from data_share.transfer.planning import FactReader
from data_share.transfer.rates import RememberedRates, declared_rate
from terminal import count_text, progress_if_slow

OnPlan: TypeAlias = Callable[[Plan], None]


@dataclass(frozen=True, kw_only=True)
class TransferRequest:
    """What to push or to pull.

    Attributes:
        selections: `NAME` or `NAME/GLOB` each; everything that is recorded, if empty.
        remote: Name of the remote; None for the default one.
        up, down: Declared rates, such as `4Mbps` or `12.5MB/s`; None for measured ones.
        measure_rates: Measure both directions now and remember the rates for an hour.
        is_repair: For a push: read the objects of the remote, and upload those that are damaged again.
    """

    selections: Sequence[str] = ()
    remote: str | None = None
    up: str | None = None
    down: str | None = None
    measure_rates: bool = False
    is_repair: bool = False


@dataclass(frozen=True, kw_only=True)
class TransferResult:
    """What a push or a pull did.

    Attributes:
        moved: None if there was nothing to move.
        placed_files: Files that were placed in the working tree, and whose content was read and is right.
        unrepaired: Files that stay damaged on the remote, because this machine has no intact copy.
    """

    plan: Plan
    moved: Moved | None
    placed_files: int = 0
    unrepaired: Sequence[TrackedFile] = ()


@dataclass(frozen=True, kw_only=True)
class _Work:
    """A plan with what carrying it out needs.

    Attributes:
        restored: Files to copy into the cache.
        lists: Lists that were read from the remote, by object.
        targets: What DVC is to place.
        to_place: The files among them that the working tree does not have as recorded.
        unrepaired: Files that stay damaged on the remote.
        promised: Objects that the remote must have after a push.
    """

    plan: Plan
    restored: Sequence[TrackedFile]
    lists: Mapping[str, bytes] = field(default_factory=dict)
    targets: Sequence[str] = ()
    to_place: Sequence[TrackedFile] = ()
    unrepaired: Sequence[TrackedFile] = ()
    promised: frozenset[str] = frozenset()


class _Transfer:
    """A request, with the repository and the remote that it concerns.

    Raises:
        DataShareError: The repository, the remote, a selection or a rate is not valid.
    """

    def __init__(self, direction: Direction, root: Path, request: TransferRequest) -> None:
        self.direction = direction
        self.request = request
        self.repository = Repository(root)
        self.selections = select_outputs(recorded_outputs(record_texts(self.repository)), request.selections)
        if not self.selections:
            raise nothing_recorded()
        self.remote = read_remotes(self.repository).remote(request.remote)
        # Both are checked, so that a typing error shows whatever the direction is.
        declared = {"push": declared_rate(request.up, "push"), "pull": declared_rate(request.down, "pull")}
        self.store = open_store(self.remote, self.repository)
        self.cache = open_cache(self.repository)
        self.link = Link(
            direction,
            self.remote.link,
            self.store,
            self.cache,
            RememberedRates(self.repository.own_folder / "rates.json"),
            declared=declared[direction],
            is_measured_again=request.measure_rates,
        )

    def plan(self, *, save_rates: bool) -> _Work:
        """Plan the transfer.

        Args:
            save_rates: Remember rates that are measured for the plan.
        """
        facts = FactReader(self.repository.root, self.cache, self.store)
        with progress_if_slow("comparing this machine with the remote"):
            if self.direction == "push":
                pushed = facts.push_plan(self.selections, is_repair=self.request.is_repair)
                plan = self._plan(pushed.items, save_rates=save_rates)
                finishing = self.link.listing_again(pushed.promised, plan.rate, added=plan.files)
                return _Work(
                    plan=replace(plan, finishing=finishing),
                    restored=pushed.restored,
                    unrepaired=pushed.unrepaired,
                    promised=pushed.promised,
                )
            pulled, listing = facts.pull_plan(self.selections)
            return _Work(
                plan=self._with_placing(self._plan(pulled.items, save_rates=save_rates), pulled.to_place),
                restored=pulled.restored,
                lists=listing.fetched,
                targets=pulled.targets,
                to_place=pulled.to_place,
            )

    def carry_out(self, work: _Work, environment: Mapping[str, str] | None) -> TransferResult:
        """Do what was planned."""
        self.cache.save_digests()
        for oid, file in {file.oid: file for file in work.restored}.items():
            self.cache.add_copy(oid, self.repository.root / file.path)
        plan, moved = work.plan, None
        if plan.items and self.direction == "push":
            moved = push_items(plan, self.store, self.cache)
        elif plan.items:
            moved = pull_items(plan, self.store, self.cache, work.lists)
        started_s = time.perf_counter()
        if moved and self.direction == "push":
            require_pushed(work.promised, self.store)
        self._place(work, environment)
        if moved:
            moved = replace(moved, finishing_s=time.perf_counter() - started_s)
            self.link.remember(plan, moved)
        return TransferResult(plan=plan, moved=moved, placed_files=len(work.to_place), unrepaired=work.unrepaired)

    def _place(self, work: _Work, environment: Mapping[str, str] | None) -> None:
        placing = Placing(self.repository, self.cache, environment)
        if work.targets and (wrong := placing.place(work.targets, work.to_place)):
            # The cache was damaged without a trace: fetch these objects again.
            again = self.plan(save_rates=False)
            if again.plan.items:
                pull_items(again.plan, self.store, self.cache, again.lists)
            placing.replace(wrong)

    def _with_placing(self, plan: Plan, files: Sequence[TrackedFile]) -> Plan:
        """The plan of a pull, with what placing these files costs."""
        to_pull = {item.oid: item.size_bytes for item in plan.items}
        size_bytes = sum(to_pull.get(file.oid) or self.cache.size_bytes(file.oid) or 0 for file in files)
        placing = self.link.placing(
            plan.rate, folder=self.repository.own_folder, files=len(files), size_bytes=size_bytes
        )
        return replace(plan, files_to_place=len(files), bytes_to_place=size_bytes, finishing=placing)

    def _plan(self, items: Sequence[TransferItem], *, save_rates: bool) -> Plan:
        return Plan(
            direction=self.direction,
            remote=self.remote.name,
            where=self.store.where,
            items=items,
            datasets=list(dict.fromkeys(selection.output.dataset for selection in self.selections)),
            rate=self.link.rate(items, save_rates=save_rates),
            jobs=self.store.jobs,
        )


def plan_push(root: Path, request: TransferRequest = TransferRequest()) -> Plan:
    """What a push would upload. Nothing is changed, except that `measure_rates` remembers the rates.

    Raises:
        DataShareError: The request is not valid.
        FailedError: An object to upload is missing or damaged, or the remote cannot be reached.
    """
    return _Transfer("push", root, request).plan(save_rates=request.measure_rates).plan


def plan_pull(root: Path, request: TransferRequest = TransferRequest()) -> Plan:
    """What a pull would download and place. Nothing is changed, except that `measure_rates` remembers the rates.

    Raises:
        DataShareError: The request is not valid.
        FailedError: The remote does not have an object, or cannot be reached.
    """
    return _Transfer("pull", root, request).plan(save_rates=request.measure_rates).plan


def push(root: Path, request: TransferRequest = TransferRequest(), *, on_plan: OnPlan | None = None) -> TransferResult:
    """Upload the recorded data that the remote does not have.

    Args:
        on_plan: Called with the plan before anything moves.

    Raises:
        DataShareError: The request is not valid.
        FailedError: An object is missing or damaged, or the remote refuses or cannot be reached.
        TransferInterrupted: The user pressed Ctrl-C.
    """
    return _transfer("push", root, request, on_plan)


def pull(
    root: Path,
    request: TransferRequest = TransferRequest(),
    *,
    on_plan: OnPlan | None = None,
    environment: Mapping[str, str] | None = None,
) -> TransferResult:
    """Download the recorded data that are missing locally, and place them in the working tree.

    Args:
        on_plan: Called with the plan before anything moves.
        environment: More variables for the `dvc` program that places the files.

    Raises:
        DataShareError: The request is not valid.
        FailedError: The remote does not have an object, refuses or cannot be reached; or the disk is full.
        TransferInterrupted: The user pressed Ctrl-C.
    """
    return _transfer("pull", root, request, on_plan, environment)


def _transfer(
    direction: Direction,
    root: Path,
    request: TransferRequest,
    on_plan: OnPlan | None,
    environment: Mapping[str, str] | None = None,
) -> TransferResult:
    transfer = _Transfer(direction, root, request)
    with transfer.cache.lock():
        work = transfer.plan(save_rates=True)
        if on_plan:
            on_plan(work.plan)
        return transfer.carry_out(work, environment)


def transfer_json(plan: Plan, result: TransferResult | None = None) -> dict[str, Any]:
    """A plan, and what was moved if it was carried out, for programs."""
    moved = moved_json(result.moved) if result and result.moved else None
    head = {"direction": plan.direction, "remote": plan.remote, "where": plan.where}
    document: dict[str, Any] = {**head, "plan": plan_json(plan), "moved": moved}
    if result and result.unrepaired:
        document["damaged_on_remote"] = [file.path for file in result.unrepaired]
    return document


def result_text(result: TransferResult) -> str:
    """What was moved and placed, for the user; empty if nothing was."""
    lines = [moved_text(result.moved, result.plan)] if result.moved else []
    if result.placed_files:
        lines.append(f"placed {count_text(result.placed_files, 'file')} in the working tree")
    if result.unrepaired:
        files: dict[str, list[str]] = {}
        for file in result.unrepaired:
            files.setdefault(file.dataset, []).append(file.path)
        lines.append(
            f"damaged on the remote {result.plan.where}, and this machine has no intact copy:{files_text(files)}\n"
            "  A colleague who has them runs `invoke data.push --repair`."
        )
    return "\n".join(lines)
