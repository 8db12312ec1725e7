"""The declared images and what of them is on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from image_build.check import image_drift
from image_build.engine import Engine
from image_build.plan import ImagePlan
from image_build.revision import FINGERPRINT_LABEL
from image_build.sizes import shown_bytes

_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class ListedImage:
    """One declared image.

    Attributes:
        state: `current`; `stale` if what is here was built for another fingerprint; `absent`.
        built_for: The fingerprint of what is here.
        age_days: Since the commit it was built from.
        drift: What in it is not as locked now, a phrase per package; None if it is absent.
    """

    name: str
    groups: tuple[str, ...]
    fingerprint: str
    state: str
    built_for: str | None = None
    size_bytes: int | None = None
    age_days: float | None = None
    drift: tuple[str, ...] | None = None

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def list_images(engine: Engine, plans: Sequence[ImagePlan]) -> list[ListedImage]:
    """One row per image, with the newest that is here."""
    return [_listed(engine, plan) for plan in plans if plan.is_asked]


def shown_images(rows: Sequence[ListedImage]) -> str:
    """The rows as a table."""
    table = [("image", "groups", "fingerprint", "built?", "size", "age", "drift")]
    for row in rows:
        state = f"stale ({row.built_for})" if row.state == "stale" else row.state
        size = shown_bytes(row.size_bytes) if row.size_bytes is not None else "–"
        age = f"{row.age_days:.1f} days" if row.age_days is not None else "–"
        table.append((row.name, ", ".join(row.groups), row.fingerprint, state, size, age, _shown_drift(row)))
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) for line in table)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _shown_drift(row: ListedImage) -> str:
    if row.drift is None:
        return "–"
    if not row.drift:
        return "none" if row.state == "current" else "same packages; base, Dockerfile or sources differ"
    more = [f"and {len(row.drift) - _SHOWN} more"] if len(row.drift) > _SHOWN else []
    return ", ".join([*row.drift[:_SHOWN], *more])


def _listed(engine: Engine, plan: ImagePlan) -> ListedImage:
    names = [plan.reference, *engine.references(plan.repository)]
    images = ((name, image) for name in names if (image := engine.image(name)))
    # One without the label is somebody else's of that name.
    ours = ((name, image) for name, image in images if FINGERPRINT_LABEL in image.labels)
    reference, image = next(ours, ("", None))
    if image is None:
        return ListedImage(name=plan.name, groups=plan.groups, fingerprint=plan.fingerprint, state="absent")
    built_for = image.labels[FINGERPRINT_LABEL]
    is_current = built_for == plan.fingerprint
    created = datetime.fromisoformat(image.created.replace("Z", "+00:00"))
    return ListedImage(
        name=plan.name,
        groups=plan.groups,
        fingerprint=plan.fingerprint,
        state="current" if is_current else "stale",
        built_for=built_for,
        size_bytes=image.size_bytes,
        age_days=(datetime.now(UTC) - created).total_seconds() / 86400,
        # A current one passed its test before it got its name; another is looked into.
        drift=() if is_current else image_drift(engine, plan, reference),
    )
