"""Lists the declared images and their state on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from image_build.engine import Engine, engine_failures
from image_build.planning.build_plan import plan_build
from image_build.planning.image_plan import ImagePlan
from image_build.planning.repository import is_built_elsewhere, repository_ids
from image_build.planning.request import BuildRequest
from image_build.planning.revision import FINGERPRINT_LABEL
from image_build.testing.image_test import image_drift
from terminal import Column, size_text, table

if TYPE_CHECKING:
    from rich.table import Table

_LISTED_DIFFERENCES = 3
_UNKNOWN = "–"


@dataclass(frozen=True, kw_only=True)
class ListedImage:
    """The state of a declared image.

    Attributes:
        state: `current`; `stale` if the local image was built for another fingerprint; `absent`.
        built_for: The fingerprint of the local image.
        age_days: Since it was built or pulled on this machine; None if the engine does not know.
        drift: What differs from the lock, a phrase for each package; None if the image is absent.
    """

    name: str
    groups: tuple[str, ...]
    fingerprint: str
    state: str
    built_for: str | None = None
    size_bytes: int | None = None
    age_days: float | None = None
    drift: tuple[str, ...] | None = None


@engine_failures()
def list_images(root: Path, *, base: str | None = None) -> list[ListedImage]:
    """The declared images, each with its newest local version.

    Raises:
        EnvSpecError: The project's files have mistakes.
        ImageBuildError: No engine answers, or the images cannot be planned.
    """
    plan = plan_build(root, BuildRequest(base=base))
    ids = repository_ids(root)
    return [_listed(plan.engine, image, ids) for image in plan.requested]


def images_table(images: Sequence[ListedImage]) -> Table:
    """A row for each image; `drift_text` has the details of stale ones, which are too long for a column."""
    columns = [
        Column(heading="image", is_folded=False),
        Column(heading="groups"),
        Column(heading="fingerprint", is_folded=False),
        Column(heading="state", is_folded=False),
        Column(heading="size", align="right"),
        Column(heading="age", align="right"),
    ]
    rows = []
    for image in images:
        size = size_text(image.size_bytes) if image.size_bytes is not None else _UNKNOWN
        age = f"{image.age_days:.1f} days" if image.age_days is not None else _UNKNOWN
        rows.append((image.name, ", ".join(image.groups), image.fingerprint, image.state, size, age))
    return table(columns, rows)


def drift_text(images: Sequence[ListedImage]) -> str:
    """A line for each stale image: which version is local, and how it differs from the lock."""
    return "\n".join(_drift_line(image) for image in images if image.state == "stale")


def _drift_line(image: ListedImage) -> str:
    drift = image.drift or ()
    count = len(drift) - _LISTED_DIFFERENCES
    differences = ", ".join([*drift[:_LISTED_DIFFERENCES], *([f"and {count} more"] if count > 0 else [])])
    same = "has the same packages; base, Dockerfile or sources differ"
    return f"{image.name}: local is env-{image.built_for}, which {f'differs: {differences}' if drift else same}"


def _listed(engine: Engine, plan: ImagePlan, repositories: Sequence[str]) -> ListedImage:
    names = [plan.reference, *engine.references(plan.repository)]
    images = ((name, image) for name in names if (image := engine.image(name)))
    # An image without the label has the same name but was not built by Shrinkwrap.
    # Another repository can have an image of this name; with the fingerprint of ours, its content is the same.
    ours = (
        (name, image)
        for name, image in images
        if FINGERPRINT_LABEL in image.labels
        and (name == plan.reference or not is_built_elsewhere(image.labels, repositories))
    )
    reference, image = next(ours, ("", None))
    if image is None:
        return ListedImage(name=plan.name, groups=plan.groups, fingerprint=plan.fingerprint, state="absent")
    built_for = image.labels[FINGERPRINT_LABEL]
    is_current = built_for == plan.fingerprint and plan.found != "moved"
    return ListedImage(
        name=plan.name,
        groups=plan.groups,
        fingerprint=plan.fingerprint,
        state="current" if is_current else "stale",
        built_for=built_for,
        size_bytes=image.size_bytes,
        age_days=(datetime.now(UTC) - image.placed).total_seconds() / 86400 if image.placed else None,
        # A current image passed its test before it got its name.
        drift=() if is_current else image_drift(engine, plan, reference),
    )
