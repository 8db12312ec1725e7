"""What the output of a dataset has before a conversion: parts, rejects files, and what does not belong there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from data_convert.errors import DataConvertError
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.storage.opening import BUCKET_REJECTS, part_place, rejects_name, rejects_place
from data_convert.storage.output_bucket import OutputBucket
from data_convert.storage.output_folder import OutputFolder
from data_convert.storage.output_place import OutputFile, OutputPlace
from data_convert.writing.provenance import Provenance, is_intact, read_provenance
from data_convert.writing.rejects_file import (
    digest_of_open_rejects,
    digest_of_rejects,
    former_rejects_path,
    has_rejects_header,
)
from terminal import count_text

_SHOWN_FOREIGN: Final = 3


@dataclass(frozen=True, kw_only=True)
class ExistingOutput:
    """The listings of the two places of a dataset, each made once.

    Attributes:
        parts: Name -> the file with the name of a part, whether this tool wrote it or not.
        rejects_files: The same for rejects files.
    """

    output: OutputPlace
    rejects: OutputPlace
    parts: Mapping[str, OutputFile]
    rejects_files: Mapping[str, OutputFile]

    @property
    def is_bucket(self) -> bool:
        """Whether the parts are objects."""
        return isinstance(self.output, OutputBucket)

    def provenance(self, name: str) -> Provenance | None:
        """The footer's record of a part; None if it does not exist, or this tool did not write it.

        Raises:
            DataConvertError: It is an object that this tool did not write, which must not be overwritten.
        """
        if (file := self.parts.get(name)) is None:
            return None
        try:
            with self.output.open(file) as opened:
                found = read_provenance(opened)
        except OSError:
            return None
        if found is None and self.is_bucket:
            raise _foreign_error(self.output, [name])
        return found

    def is_intact(self, file: OutputFile, provenance: Provenance) -> bool:
        """Whether the pages of the part are those that were written.

        An object appears whole and cannot be changed without another ETag, so it is not read again.
        """
        if self.is_bucket:
            return True
        with self.output.open(file) as opened:
            return is_intact(opened, provenance)

    def rejects_digests(self, part: str) -> set[str | None]:
        """The digests of the rejects files that the part may have."""
        digests: set[str | None] = set()
        if (file := self.rejects_files.get(rejects_name(part))) is not None:
            with self.rejects.open(file) as opened:
                digests.add(digest_of_open_rejects(opened))
        if isinstance(self.output, OutputFolder):
            digests.add(digest_of_rejects(former_rejects_path(self.output.path(part))))
        return digests

    def obsolete(self, current: Collection[str]) -> tuple[str, ...]:
        """Parts without sources. In a folder, a file that this tool did not write is the user's and stays."""
        return tuple(name for name in self.parts if name not in current and self.provenance(name) is not None)

    def obsolete_rejects(self, may_exist: Collection[str]) -> tuple[str, ...]:
        """Rejects files whose part has none or is obsolete."""
        return tuple(
            name for name, file in self.rejects_files.items() if name not in may_exist and self._is_rejects(file)
        )

    def _is_rejects(self, file: OutputFile) -> bool:
        try:
            with self.rejects.open(file) as opened:
                return has_rejects_header(opened)
        except OSError:
            return False


def existing_output(spec: DatasetSpec, data_folder: Path) -> ExistingOutput:
    """List the output of a dataset.

    Raises:
        DataConvertError: It is a prefix with objects that are neither parts nor rejects files.
        StoreError: The server refuses the listing, or cannot be reached.
    """
    output = part_place(data_folder, spec.output)
    rejects = rejects_place(data_folder, spec.name, spec.output)
    if not isinstance(output, OutputBucket):
        return ExistingOutput(output=output, rejects=rejects, parts=output.files(), rejects_files=rejects.files())
    # One listing has both, and everything else.
    found = output.all_files()
    start = f"{BUCKET_REJECTS}/"
    in_rejects = {name.removeprefix(start): file for name, file in found.items() if name.startswith(start)}
    parts = {n: f for n, f in found.items() if n.endswith(output.suffix)}
    kept = {n: OutputFile(name=n, size_bytes=f.size_bytes, version=f.version) for n, f in in_rejects.items()}
    known = {*parts, *(f"{start}{name}" for name in kept if name.endswith(".csv"))}
    if foreign := [name for name in found if name not in known]:
        raise _foreign_error(output, foreign)
    return ExistingOutput(
        output=output,
        rejects=rejects,
        parts=parts,
        rejects_files={name: file for name, file in kept.items() if name.endswith(".csv")},
    )


def _foreign_error(output: OutputPlace, names: Sequence[str]) -> DataConvertError:
    shown = ", ".join(names[:_SHOWN_FOREIGN])
    more = f" and {len(names) - _SHOWN_FOREIGN:,} more" if len(names) > _SHOWN_FOREIGN else ""
    return DataConvertError(
        f"{output.where} has {count_text(len(names), 'object')} that this tool did not write: {shown}{more}."
        " An output in a bucket must have a prefix of its own: move them away, or choose another `output` in"
        " data/datasets.toml."
    )
