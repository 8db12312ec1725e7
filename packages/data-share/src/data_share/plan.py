"""What a transfer will move, before it does: exactly these objects and bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from data_share.rates import Direction, Rate
from data_share.units import duration_text, rate_text, size_text


@dataclass(frozen=True, kw_only=True)
class Item:
    """An object to be moved; content that several files share is one object, of the first of them.

    Attributes:
        path: Of the file it is, relative to the repository; of the folder, for a folder's list.
        left_bytes: What is to be moved of it: less than its size if an interrupted fetch left a part of it here.
    """

    dataset: str
    path: str
    oid: str
    size_bytes: int
    left_bytes: int


@dataclass(frozen=True, kw_only=True)
class DatasetPlan:
    """What of one dataset will be moved."""

    dataset: str
    files: int
    size_bytes: int
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that a transfer will move.

    Attributes:
        where: Bucket and prefix, or folder.
        items: In the order in which they are to be complete: a folder's list after its files.
        datasets: One for each that was asked for, with or without something to move.
        jobs: How many objects move at a time.
    """

    direction: Direction
    remote: str
    where: str
    items: Sequence[Item]
    datasets: Sequence[str]
    rate: Rate | None
    jobs: int

    @property
    def size_bytes(self) -> int:
        return sum(item.left_bytes for item in self.items)

    @property
    def files(self) -> int:
        return len(self.items)

    @property
    def seconds(self) -> float | None:
        return self._seconds(self.size_bytes, self.files)

    def of_datasets(self) -> tuple[DatasetPlan, ...]:
        """The plan, dataset by dataset."""
        plans = []
        for dataset in self.datasets:
            items = [item for item in self.items if item.dataset == dataset]
            size = sum(item.left_bytes for item in items)
            seconds = self._seconds(size, len(items))
            plans.append(DatasetPlan(dataset=dataset, files=len(items), size_bytes=size, seconds=seconds))
        return tuple(plans)

    def _seconds(self, size_bytes: int, files: int) -> float | None:
        if not files:
            return 0.0
        return None if self.rate is None else self.rate.seconds(size_bytes, files, self.jobs)


def unique_items(items: Iterable[Item]) -> tuple[Item, ...]:
    """The first item of each object."""
    first: dict[str, Item] = {}
    for item in items:
        first.setdefault(item.oid, item)
    return tuple(first.values())


def plan_facts(plan: Plan) -> dict[str, Any]:
    """The plan for programs."""
    rate = plan.rate
    return {
        "files": plan.files,
        "bytes": plan.size_bytes,
        "seconds": _rounded(plan.seconds),
        "rate": None if rate is None else {"bits_per_second": round(rate.bits_per_second), "source": rate.source},
        "datasets": [
            {"name": each.dataset, "files": each.files, "bytes": each.size_bytes, "seconds": _rounded(each.seconds)}
            for each in plan.of_datasets()
        ],
    }


def plan_text(plan: Plan) -> str:
    """The plan for people."""
    to = "to" if plan.direction == "push" else "from"
    if not plan.items:
        whole = f"{plan.remote} ({plan.where}) has all of it" if plan.direction == "push" else "all of it is here"
        return f"{', '.join(plan.datasets)}: nothing to {plan.direction}, {whole}\n"
    rows = [("dataset", "files", "size", "time")]
    rows += [_row(each.dataset, each.files, each.size_bytes, each.seconds) for each in plan.of_datasets()]
    if len(plan.datasets) > 1:
        rows.append(_row("total", plan.files, plan.size_bytes, plan.seconds))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(row[column].rjust(widths[column]) for column in (1, 2, 3))]).rstrip()
        for row in rows
    ]
    head = f"to {plan.direction} {to} {plan.remote} ({plan.where}):"
    return "\n".join([head, *(f"  {line}" for line in lines), f"  {_rate_note(plan)}"]) + "\n"


def _row(name: str, files: int, size_bytes: int, seconds: float | None) -> tuple[str, str, str, str]:
    if not files:
        return name, "–", "–", "–"
    return name, f"{files:,}", size_text(size_bytes), "?" if seconds is None else duration_text(seconds)


def _rate_note(plan: Plan) -> str:
    files = "Files include DVC's list of each folder."
    if plan.rate is None:
        return files
    how = {"declared": "as declared", "measured": "measured just now", "remembered": "measured within the last hour"}
    return f"At {rate_text(plan.rate.bits_per_second)}, {how[plan.rate.source]}. {files}"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
