"""What a conversion would do, for `data.compress --dry-run`; changes nothing."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from data_convert.reading.sources import with_raw_data
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.spec.spec_file import load_specs, select_specs
from dataset_spec import DATASETS_FILE
from terminal import count_text, progress, size_text

if TYPE_CHECKING:
    from data_convert.conversion.plan import ConversionPlan


def datasets_with_raw_data(root: Path, names: Sequence[str] | None = None, *, known: Collection[str] = ()) -> list[str]:
    """The named datasets, or all that have raw files; the others are named on standard error.

    Args:
        root: The project.
        known: Datasets that are known to have raw files, which are not looked for.

    Raises:
        ShrinkwrapError: datasets.toml is wrong, a name is unknown, or raw data are missing.
    """
    return [spec.name for spec in _specs(root, names, known=known)]


def plan_conversions(
    root: Path, names: Sequence[str] | None = None, *, force: bool = False, jobs: int | None = None
) -> list[ConversionPlan]:
    """The plans of the named datasets, or of all that have raw files.

    Args:
        root: The project.
        jobs: Threads; by default one per core.

    Raises:
        ShrinkwrapError: datasets.toml is wrong, a name is unknown, or raw data are missing.
    """
    from data_convert.conversion.plan import plan_conversion

    data_folder = (root / DATASETS_FILE).parent
    plans = []
    for spec in _specs(root, names):
        with progress(f"{spec.name}: looking for finished parts") as on_bytes:
            plans.append(
                plan_conversion(spec, data_folder, force=force, jobs=jobs or os.cpu_count() or 1, on_bytes=on_bytes)
            )
    return plans


def plan_text(plans: Sequence[ConversionPlan]) -> str:
    """Each part that would be converted or removed, with the reason."""
    return "\n".join(line for plan in plans for line in _plan_lines(plan))


def plan_json(plans: Sequence[ConversionPlan]) -> list[dict[str, Any]]:
    """The plans as plain data."""
    return [
        {
            "dataset": plan.spec.name,
            "convert": [{"part": p.name, "why": p.reason, "raw_bytes": p.raw_bytes} for p in plan.stale],
            "finished": [part.name for part in plan.parts if part.reason is None],
            "remove": [plan.output.where_is(name) for name in plan.obsolete],
            "drift": list(plan.drift),
            "remarks": list(plan.remarks),
        }
        for plan in plans
    ]


def _specs(root: Path, names: Sequence[str] | None, *, known: Collection[str] = ()) -> list[DatasetSpec]:
    specs = select_specs(load_specs(root / DATASETS_FILE), names)
    unknown = [spec for spec in specs if spec.name not in known]
    # With no dataset left, none that is required is missing.
    found = with_raw_data(unknown, (root / DATASETS_FILE).parent, is_each_required=bool(names)) if unknown else []
    present = {*known, *(spec.name for spec in found)}
    return [spec for spec in specs if spec.name in present]


def _plan_lines(plan: ConversionPlan) -> Iterator[str]:
    raw_bytes = sum(part.raw_bytes for part in plan.stale)
    yield (
        f"{plan.spec.name}: {len(plan.stale)} of {count_text(len(plan.parts), 'part')} to convert"
        f" ({size_text(raw_bytes)} raw), {len(plan.obsolete)} to remove"
    )
    for part in plan.stale:
        yield f"  {part.name}: {part.reason}"
    yield from (f"  {note}" for note in plan.notes)
    for name in plan.obsolete:
        yield f"  {PurePosixPath(name).name}: would be removed, because its sources were removed"
