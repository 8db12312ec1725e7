"""What a conversion has to do: which parts are stale and why, and which are obsolete."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from data_convert.conversion.existing_output import ExistingOutput, existing_output
from data_convert.conversion.part_job import PartJob
from data_convert.reading.settled_spec import settled_spec
from data_convert.reading.sources import Source, find_raw_files, group_into_parts
from data_convert.reading.streams import digest_of
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.storage.opening import rejects_name
from data_convert.storage.output_place import OutputFile, OutputPlace
from data_convert.writing.provenance import FORMAT, Provenance, has_sources
from terminal import OnBytes

# Threads that wait for a server more than they work.
_BUCKET_THREADS: Final = 32


@dataclass(frozen=True, kw_only=True)
class PlannedPart:
    """One part that exists after the conversion.

    Attributes:
        name: Its path below the dataset's output.
        reason: Why it must be converted; None if it is finished.
        provenance: The content of its footer, if it is finished.
        size_bytes: Its size, if it is finished.
    """

    name: str
    sources: tuple[Source, ...]
    reason: str | None
    provenance: Provenance | None
    size_bytes: int = 0

    @property
    def raw_bytes(self) -> int:
        """Bytes of its sources on disk."""
        return sum(source.size_bytes for source in self.sources)


@dataclass(frozen=True, kw_only=True)
class ConversionPlan:
    """All parts of a dataset.

    Attributes:
        spec: The description that `drift` makes of the declared one for the files of today.
        output: Where the parts are.
        rejects: Where the rejects files are.
        obsolete: The names of the parts whose sources were removed.
        obsolete_rejects: Names of rejects files of obsolete parts, and of finished parts without rejects.
        drift: Which files differ from the declared description, and what to declare.
        remarks: What else the user should know of the files.
    """

    spec: DatasetSpec
    output: OutputPlace
    rejects: OutputPlace
    parts: tuple[PlannedPart, ...]
    obsolete: tuple[str, ...]
    obsolete_rejects: tuple[str, ...]
    drift: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know before the conversion."""
        return (*self.drift, *self.remarks)

    @property
    def stale(self) -> list[PlannedPart]:
        """Parts that must be converted."""
        return [part for part in self.parts if part.reason is not None]

    def job(self, part: PlannedPart) -> PartJob:
        """The conversion of one of the parts."""
        return PartJob(spec=self.spec, name=part.name, sources=part.sources, output=self.output, rejects=self.rejects)


def plan_conversion(
    spec: DatasetSpec,
    data_folder: Path,
    *,
    force: bool = False,
    jobs: int = 2,
    on_bytes: OnBytes | None = None,
) -> ConversionPlan:
    """Compare the sources with the parts; writes nothing.

    Files of a folder are read to compare their digests. Of a bucket, sources are compared by their ETags, and of a part
    that may be finished only the footer is read.

    Args:
        data_folder: Folder of datasets.toml.
        on_bytes: Called with the raw bytes of each part once its state is known.

    Raises:
        DataConvertError: There is no raw data, the sources cannot be grouped into parts, or an output in a bucket has
            objects that this tool did not write.
    """
    raw_files = find_raw_files(data_folder, spec)
    sources = list(raw_files.sources)
    groups = group_into_parts(spec, sources)
    settled = settled_spec(spec, sources)
    spec = settled.spec
    existing = existing_output(spec, data_folder)

    def plan(item: tuple[str, list[Source]]) -> PlannedPart:
        name, sources = item
        file = existing.parts.get(name)
        provenance = None if force and not existing.is_bucket else existing.provenance(name)
        reason = "--force was used" if force else _stale_reason(existing, file, spec, sources, provenance)
        if reason is None:
            reason = _rejects_reason(existing, name, spec, provenance)
        if on_bytes is not None:
            on_bytes(sum(source.size_bytes for source in sources))
        return PlannedPart(
            name=name,
            sources=tuple(sources),
            reason=reason,
            provenance=provenance if reason is None else None,
            size_bytes=file.size_bytes if file is not None and reason is None else 0,
        )

    with ThreadPoolExecutor(max_workers=max(jobs, _BUCKET_THREADS) if existing.is_bucket else jobs) as pool:
        obsolete = pool.submit(existing.obsolete, set(groups))
        parts = tuple(pool.map(plan, groups.items()))
    may_have_rejects = {rejects_name(p.name) for p in parts if p.provenance is None or p.provenance.rejects}
    return ConversionPlan(
        spec=spec,
        output=existing.output,
        rejects=existing.rejects,
        parts=parts,
        obsolete=obsolete.result(),
        obsolete_rejects=existing.obsolete_rejects(may_have_rejects),
        drift=settled.notes,
        remarks=tuple(raw_files.remarks(spec)),
    )


def _stale_reason(
    existing: ExistingOutput,
    file: OutputFile | None,
    spec: DatasetSpec,
    sources: Sequence[Source],
    provenance: Provenance | None,
) -> str | None:
    """Why the part must be converted, or None. The checks that read most come last."""
    if file is None:
        return "it does not exist yet"
    if provenance is None:
        return "the existing file was not written by this tool, or is damaged"
    if provenance.format != FORMAT:
        return f"it was written in format {provenance.format} of this tool's parts, and the current format is {FORMAT}"
    if provenance.writer != Provenance.writer:
        return f"it was written by {provenance.writer}, and the installed version is {Provenance.writer.split()[-1]}"
    if provenance.spec != spec.digest:
        return "the dataset's description changed"
    if [(s.name, s.size_bytes) for s in provenance.sources] != [(s.name, s.size_bytes) for s in sources]:
        return "its sources changed"
    if not _was_made_from(sources, provenance):
        return "its sources changed"
    if not existing.is_intact(file, provenance):
        return "the existing file is damaged"
    return None


def _was_made_from(sources: Sequence[Source], provenance: Provenance) -> bool:
    if all(source.file.version for source in sources):
        # Only a new version of an object has another ETag, so nothing is read.
        return [source.etag for source in provenance.sources] == [source.file.version for source in sources]
    return has_sources(provenance, [digest_of(source) for source in sources])


def _rejects_reason(
    existing: ExistingOutput, part: str, spec: DatasetSpec, provenance: Provenance | None
) -> str | None:
    """Why the rejects of an intact part require its conversion, or None."""
    if provenance is None or not provenance.rejects:
        return None
    if provenance.rejects > spec.max_rejects * (provenance.rows + provenance.rejects):
        return "more of its rows are rejected than `max_rejects` allows"
    found = existing.rejects_digests(part)
    return None if provenance.rejects_sha256 in found else "its rejects file is missing or was changed"
