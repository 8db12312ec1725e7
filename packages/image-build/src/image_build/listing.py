"""The declared images and what of them is on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from image_build.engine import Engine
from image_build.plan import ImagePlan
from image_build.revision import FINGERPRINT_LABEL
from image_build.sizes import shown_bytes


@dataclass(frozen=True, kw_only=True)
class ListedImage:
    """One declared image.

    Attributes:
        state: `current`; `stale` if what is here was built for another fingerprint; `absent`.
        built_for: The fingerprint of what is here.
        age_days: Since the commit it was built from.
    """

    name: str
    groups: tuple[str, ...]
    fingerprint: str
    state: str
    built_for: str | None = None
    size_bytes: int | None = None
    age_days: float | None = None

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def list_images(engine: Engine, plans: Sequence[ImagePlan]) -> list[ListedImage]:
    """One row per image, with the newest that is here."""
    return [_listed(engine, plan) for plan in plans if plan.is_asked]


def shown_images(rows: Sequence[ListedImage]) -> str:
    """The rows as a table."""
    table = [("image", "groups", "fingerprint", "built?", "size", "age")]
    for row in rows:
        state = f"stale ({row.built_for})" if row.state == "stale" else row.state
        size = shown_bytes(row.size_bytes) if row.size_bytes is not None else "–"
        age = f"{row.age_days:.1f} days" if row.age_days is not None else "–"
        table.append((row.name, ", ".join(row.groups), row.fingerprint, state, size, age))
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) for line in table)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _listed(engine: Engine, plan: ImagePlan) -> ListedImage:
    names = [plan.reference, *(f"{plan.repository}:{tag}" for tag in engine.fingerprints(plan.repository))]
    image = next((found for found in map(engine.image, names) if found), None)
    if image is None:
        return ListedImage(name=plan.name, groups=plan.groups, fingerprint=plan.fingerprint, state="absent")
    built_for = image.labels.get(FINGERPRINT_LABEL)
    created = datetime.fromisoformat(image.created.replace("Z", "+00:00"))
    return ListedImage(
        name=plan.name,
        groups=plan.groups,
        fingerprint=plan.fingerprint,
        state="current" if built_for == plan.fingerprint else "stale",
        built_for=built_for,
        size_bytes=image.size_bytes,
        age_days=(datetime.now(UTC) - created).total_seconds() / 86400,
    )
