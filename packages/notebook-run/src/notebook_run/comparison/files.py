"""The files of a run that differ from those that a capsule records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from notebook_run.capsule.record import VOLATILE, Capsule, Rerun
from notebook_run.capsule.results import ResultFile, file_text
from notebook_run.comparison.differences import Detail, OnlyHashesDiffer, output_difference
from notebook_run.outputs.cell_outputs import Output, picture_output


@dataclass(frozen=True, kw_only=True)
class FileDifference:
    """A file that differs; `path` is relative to the folder for results."""

    path: str
    detail: Detail


def file_differences(recorded: Capsule, kept: Callable[[str], bytes | None], rerun: Rerun) -> Iterator[FileDifference]:
    """The files that differ; none if the capsule does not record files, or the run did not reach its end.

    Args:
        kept: The content of a file that is kept next to the capsule.
    """
    if recorded.files is None or rerun.failure is not None:
        return
    for path in sorted({*recorded.files, *rerun.files}):
        before, after = recorded.files.get(path), rerun.files.get(path)
        if before != VOLATILE and before != (after and after.hash):
            yield FileDifference(path=path, detail=_detail(before, kept(path), after))


def volatile_files(recorded: Capsule) -> tuple[str, ...]:
    """The files that differed between two runs when the capsule was frozen."""
    return tuple(path for path, recorded_hash in (recorded.files or {}).items() if recorded_hash == VOLATILE)


def _detail(before: str | None, kept: bytes | None, after: ResultFile | None) -> Detail:
    if before is None:
        return OnlyHashesDiffer(why="it is new")
    if after is None:
        return OnlyHashesDiffer(why="it is missing now")
    kinds = {before.partition(" ")[0], after.hash.partition(" ")[0]}
    if kinds == {"table"}:
        return OnlyHashesDiffer(why="its columns or values differ")
    if kept is None or after.content is None:
        return OnlyHashesDiffer(why="the hashes differ; it is too large to be kept next to the capsule")
    if kinds == {"picture"}:
        return output_difference(picture_output(kept), picture_output(after.content))
    texts = file_text(kept), file_text(after.content)
    if texts[0] is None or texts[1] is None:
        return OnlyHashesDiffer(why=f"its bytes differ ({len(kept):,} → {len(after.content):,})")
    return output_difference(Output(kind="text", text=texts[0]), Output(kind="text", text=texts[1]))
