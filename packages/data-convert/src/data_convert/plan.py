"""What a conversion would do: which parts there will be, which are finished already, and why the others are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from data_convert.parquet import rejects_path
from data_convert.provenance import FORMAT, Provenance, is_sound, read_provenance, same_sources
from data_convert.sources import Source, digest_of, find_sources, group_into_parts
from data_convert.spec import DatasetSpec


@dataclass(frozen=True, kw_only=True)
class PlannedPart:
    """One part that a conversion is to leave behind.

    Attributes:
        name: Its path below the dataset's output folder.
        why: Why it must be converted; None if it is finished.
        made: What its footer says, if it is finished.
    """

    name: str
    path: Path
    sources: tuple[Source, ...]
    why: str | None
    made: Provenance | None

    @property
    def raw_bytes(self) -> int:
        """Bytes of its sources on disk."""
        return sum(source.size_bytes for source in self.sources)


@dataclass(frozen=True, kw_only=True)
class ConversionPlan:
    """All parts of a dataset, and the parts of earlier runs whose sources are gone."""

    spec: DatasetSpec
    folder: Path
    parts: tuple[PlannedPart, ...]
    leftover: tuple[Path, ...]

    @property
    def todo(self) -> list[PlannedPart]:
        """Parts that must be converted."""
        return [part for part in self.parts if part.why is not None]


def plan_conversion(
    spec: DatasetSpec, root: Path, *, force: bool = False, jobs: int = 2, tick: Callable[[int], None] | None = None
) -> ConversionPlan:
    """Compare sources with parts. Reads every source and part that could be finished, writes nothing.

    `tick` is told the raw bytes of each part once its state is known.

    Raises:
        DataConvertError: No raw data, or the sources do not map to parts.
    """
    folder = root / spec.output
    groups = group_into_parts(spec, find_sources(root, spec))

    def plan(item: tuple[str, list[Source]]) -> PlannedPart:
        name, sources = item
        path = folder / name
        why, made = ("--force was given", None) if force else _state(path, spec, sources)
        part = PlannedPart(name=name, path=path, sources=tuple(sources), why=why, made=made)
        if tick is not None:
            tick(part.raw_bytes)
        return part

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        parts = tuple(pool.map(plan, groups.items()))
    wanted = {part.path for part in parts}
    return ConversionPlan(spec=spec, folder=folder, parts=parts, leftover=_leftover(folder, wanted))


def _state(path: Path, spec: DatasetSpec, sources: Sequence[Source]) -> tuple[str | None, Provenance | None]:
    if not path.exists():
        return "it is not there yet", None
    made = read_provenance(path)
    if made is None:
        return "what is there was not written by this tool, or is damaged", None
    if (made.format, made.writer) != (FORMAT, Provenance.writer):
        return "it was written by another version", None
    if made.spec != spec.digest:
        return "the dataset's description changed", None
    if [(s.name, s.size_bytes) for s in made.sources] != [(s.name, s.size_bytes) for s in sources]:
        return "its sources changed", None
    if not same_sources(made, [digest_of(source) for source in sources]):
        return "its sources changed", None
    if not is_sound(path, made, rejects_path(path)):
        return "what is there is damaged", None
    return None, made


def _leftover(folder: Path, wanted: set[Path]) -> tuple[Path, ...]:
    """Parts that this tool wrote and that no source stands for any more."""
    found = sorted(folder.rglob("*.parquet")) if folder.is_dir() else []
    return tuple(path for path in found if path not in wanted and read_provenance(path) is not None)
