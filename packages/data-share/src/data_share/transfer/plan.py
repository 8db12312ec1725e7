"""The plan of a transfer: which objects move, how many bytes they are, and how long they take."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from data_share.records.objects import is_list
from data_share.transfer.duration import Direction, LinkRate, Load, moving_s
from data_share.transfer.finishing import NOTHING, Finishing
from terminal import Column, duration_text, rate_text, render, size_text, table

if TYPE_CHECKING:
    from rich.table import Table

# What is half sent when a connection is lost is sent again, so that large objects move a few at a time.
_BYTES_AT_A_TIME: Final = 4_000_000
_FEWEST_AT_A_TIME: Final = 8


@dataclass(frozen=True, kw_only=True)
class TransferItem:
    """An object to move. Files with the same content share one object, which has the path of the first of them.

    Attributes:
        path: Path of the file, or of the folder for a folder's list, relative to the repository.
        left_bytes: What is still to move: less than the size if an interrupted transfer moved a part.
    """

    dataset: str
    path: str
    oid: str
    size_bytes: int
    left_bytes: int


@dataclass(frozen=True, kw_only=True)
class Group:
    """Objects that move together.

    Attributes:
        jobs: How many of them move at a time.
        is_small: Whether they are files that are so small that their number decides and not their size.
    """

    items: Sequence[TransferItem]
    jobs: int
    is_small: bool = False

    @property
    def has_lists(self) -> bool:
        return is_list(self.items[0].oid)

    @property
    def load(self) -> Load:
        size_bytes = sum(item.left_bytes for item in self.items)
        return Load(size_bytes=size_bytes, objects=len(self.items), jobs=self.jobs, is_small=self.is_small)


@dataclass(frozen=True, kw_only=True)
class DatasetPlan:
    """What moves of one dataset.

    Attributes:
        seconds: None if no rate is known.
    """

    dataset: str
    files: int
    size_bytes: int
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that a transfer moves.

    Attributes:
        remote: Name of the remote.
        where: Bucket and prefix, or folder.
        items: In the order in which they must be complete: a folder's list after its files.
        datasets: Every selected dataset, with or without something to move.
        rate: None if nothing moves, or if the remote is a folder.
        jobs: How many small objects move at a time.
        files_to_place: What a pull places in the working tree.
        bytes_to_place: What these files contain.
        finishing: What that costs, or the second listing of a push.
    """

    direction: Direction
    remote: str
    where: str
    items: Sequence[TransferItem]
    datasets: Sequence[str]
    rate: LinkRate | None
    jobs: int
    files_to_place: int = 0
    bytes_to_place: int = 0
    finishing: Finishing = NOTHING

    @property
    def size_bytes(self) -> int:
        return sum(item.left_bytes for item in self.items)

    @property
    def files(self) -> int:
        return len(self.items)

    @property
    def groups(self) -> tuple[Group, ...]:
        return groups(self.items, most_jobs=self.jobs)

    @property
    def loads(self) -> tuple[Load, ...]:
        """What moves over the link; the lists of a pull were read for the plan."""
        return tuple(group.load for group in self.groups if self.direction == "push" or not group.has_lists)

    @property
    def moving_s(self) -> float | None:
        """How long the objects move; None if no rate is known."""
        return sum(moving_s(self.rate, load) for load in self.loads) if self.rate else None

    @property
    def seconds(self) -> float | None:
        """How long the transfer takes from now to its end; None if no rate is known."""
        if not self.items:
            return 0.0
        if self.moving_s is None:
            return None
        return self.moving_s + self.finishing.seconds(self.files_to_place, self.bytes_to_place)

    def dataset_plans(self) -> tuple[DatasetPlan, ...]:
        """The plan of each dataset; their times add up to that of the plan."""
        plans = []
        shares = self._shares_s()
        whole = sum(shares.values())
        factor = (self.seconds or 0.0) / whole if whole else 0.0
        for dataset in self.datasets:
            items = [item for item in self.items if item.dataset == dataset]
            size_bytes = sum(item.left_bytes for item in items)
            seconds = None if self.seconds is None else shares.get(dataset, 0.0) * factor
            plans.append(DatasetPlan(dataset=dataset, files=len(items), size_bytes=size_bytes, seconds=seconds))
        return tuple(plans)

    def _shares_s(self) -> dict[str, float]:
        """What the objects of each dataset would take without those of the others."""
        shares: dict[str, float] = {}
        if self.rate is None:
            return shares
        for group in self.groups:
            for dataset in {item.dataset for item in group.items}:
                part = replace(group, items=[item for item in group.items if item.dataset == dataset])
                shares[dataset] = shares.get(dataset, 0.0) + moving_s(self.rate, part.load)
        return shares


def unique_items(items: Iterable[TransferItem]) -> tuple[TransferItem, ...]:
    """The items without repeated objects."""
    first: dict[str, TransferItem] = {}
    for item in items:
        first.setdefault(item.oid, item)
    return tuple(first.values())


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan for programs."""
    rate = plan.rate
    return {
        "files": plan.files,
        "bytes": plan.size_bytes,
        "seconds": _rounded(plan.seconds),
        "moving_seconds": _rounded(plan.moving_s),
        "rate": None if rate is None else {"bits_per_second": _bits_per_second(rate), "source": rate.source},
        "datasets": [
            {"name": each.dataset, "files": each.files, "bytes": each.size_bytes, "seconds": _rounded(each.seconds)}
            for each in plan.dataset_plans()
        ],
    }


def plan_text(plan: Plan) -> str:
    """The plan for the user, as plain text."""
    return "\n".join(part if isinstance(part, str) else render(part) for part in plan_view(plan))


def plan_view(plan: Plan) -> tuple[str | Table, ...]:
    """The plan for the user, to be passed to `terminal.show`."""
    if not plan.items:
        state = f"{plan.remote} ({plan.where}) has all files" if plan.direction == "push" else "all files are local"
        return (f"{', '.join(plan.datasets)}: nothing to {plan.direction}, {state}",)
    numbers = ["files", "size", *(["time"] if plan.rate else [])]
    columns = [Column(heading="dataset"), *(Column(heading=heading, align="right") for heading in numbers)]
    total = DatasetPlan(dataset="total", files=plan.files, size_bytes=plan.size_bytes, seconds=plan.seconds)
    footer = _row(total, len(columns)) if len(plan.datasets) > 1 else None
    rows = [_row(each, len(columns)) for each in plan.dataset_plans()]
    preposition = "to" if plan.direction == "push" else "from"
    header = f"to {plan.direction} {preposition} {plan.remote} ({plan.where}):\n"
    return (header, table(columns, rows, footer=footer), f"\n{_note(plan)}")


def _row(plan: DatasetPlan, columns: int) -> list[str]:
    if not plan.files:
        return [plan.dataset, *["–"] * (columns - 1)]
    row = [plan.dataset, f"{plan.files:,}", size_text(plan.size_bytes)]
    return row if plan.seconds is None else [*row, duration_text(plan.seconds)]


def _note(plan: Plan) -> str:
    files = "Files include DVC's list of each folder."
    if plan.rate is None:
        return files
    if _bits_per_second(plan.rate) is None:
        return f"The files are too small to show the rate of the link. {files}"
    source = {"declared": "as declared", "measured": "measured just now", "remembered": "measured within the last hour"}
    return f"At {rate_text(plan.rate.bits_per_s)}, {source[plan.rate.source]}. {files}"


def _bits_per_second(rate: LinkRate) -> int | None:
    return round(rate.bits_per_s) if math.isfinite(rate.bits_per_s) else None


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def groups(items: Sequence[TransferItem], *, most_jobs: int) -> tuple[Group, ...]:
    """The objects in the order in which they move: small ones, large ones, then the lists that promise them all.

    Small objects wait for answers most of the time, so that many move at a time, and fewer large ones.

    Args:
        most_jobs: How many small objects move at a time.
    """
    small_bytes = _BYTES_AT_A_TIME // most_jobs
    files = [item for item in items if not is_list(item.oid)]
    small = [item for item in files if item.size_bytes <= small_bytes]
    large = [item for item in files if item.size_bytes > small_bytes]
    lists = [item for item in items if is_list(item.oid)]
    return tuple(
        Group(items=part, jobs=_objects_at_a_time(part, most_jobs), is_small=part is small)
        for part in (small, large, lists)
        if part
    )


def _objects_at_a_time(items: Sequence[TransferItem], most: int) -> int:
    mean_bytes = sum(item.size_bytes for item in items) // len(items)
    return min(most, max(_FEWEST_AT_A_TIME, _BYTES_AT_A_TIME // max(mean_bytes, 1)))
