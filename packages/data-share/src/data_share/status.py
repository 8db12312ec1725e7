"""What is here of each dataset, what it was made from that changed since, and what the remote lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from data_share.check import Finding
from data_share.local import LocalObjects
from data_share.objects import digest_of, folder_entries
from data_share.planning import unrecorded_files
from data_share.records import Output
from data_share.selection import chosen

# By dataset, what changed of its inputs; None for one that cannot be made here.
Changes: TypeAlias = Mapping[str, Sequence[str] | None]

_MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class DatasetStatus:
    """How a dataset stands.

    Attributes:
        is_recorded: Whether a record has it; what was never compressed has raw data only.
        inputs: What it is made from and that is not any more as it was when it was recorded.
        is_known: Whether the list of its files is here; without it, nothing is known of them.
        files: How many files are recorded.
        missing: Paths of recorded files that are not in the working tree.
        changed: Paths of those that are, with other content.
        extra: Paths of files in its folder that are not recorded.
        lacking: Paths that the remote lacks; a folder's own, if its list is missing. None if it was not asked.
    """

    dataset: str
    is_recorded: bool = True
    inputs: tuple[str, ...] = ()
    is_known: bool = True
    files: int = 0
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    lacking: tuple[str, ...] | None = None


def asked_for(outputs: Sequence[Output], changes: Changes, names: Sequence[str]) -> tuple[tuple[Output, ...], Changes]:
    """Those of the datasets that are named, recorded or not; all, if none is.

    Raises:
        UnknownDatasetsError: One is neither recorded nor can it be made here.
    """
    recorded = {output.dataset for output in outputs}
    new = [name for name in names if name not in recorded and changes.get(name) is not None]
    old = [name for name in names if name not in new]
    kept = () if new and not old else tuple(each.output for each in chosen(outputs, old))
    wanted = {*new, *(output.dataset for output in kept)} if names else changes.keys()
    return kept, {name: inputs for name, inputs in changes.items() if name in wanted}


def statuses(outputs: Iterable[Output], changes: Changes, root: Path, local: LocalObjects) -> tuple[DatasetStatus, ...]:
    """How each dataset stands here: those that are recorded, then those that could be."""
    found: dict[str, DatasetStatus] = {}
    for output in outputs:
        before = found.get(output.dataset) or DatasetStatus(
            dataset=output.dataset, inputs=tuple(changes.get(output.dataset) or ())
        )
        found[output.dataset] = _with_output(before, output, root, local)
    new = [name for name, inputs in changes.items() if name not in found and inputs is not None]
    return (*found.values(), *(DatasetStatus(dataset=name, is_recorded=False) for name in new))


def with_remote(statuses: Iterable[DatasetStatus], finding: Finding) -> tuple[DatasetStatus, ...]:
    """The same, with what the remote lacks."""
    return tuple(
        replace(each, lacking=tuple(finding.missing.get(each.dataset, ()))) if each.is_recorded else each
        for each in statuses
    )


def _with_output(status: DatasetStatus, output: Output, root: Path, local: LocalObjects) -> DatasetStatus:
    recorded = {output.path: digest_of(output.oid)}
    if output.is_folder:
        content = local.folder_list(output.oid)
        if content is None:
            return replace(status, is_known=False)
        entries = folder_entries(content, output.oid)
        recorded = {f"{output.path}/{entry.path}": digest_of(entry.oid) for entry in entries}
    here = {path: local.digest(root / path) for path in recorded}
    return replace(
        status,
        files=status.files + len(recorded),
        missing=(*status.missing, *(path for path, digest in here.items() if digest is None)),
        changed=(*status.changed, *(path for path, digest in here.items() if digest not in (None, recorded[path]))),
        extra=(*status.extra, *sorted(unrecorded_files(root, output.path, recorded))),
    )


def status_facts(status: DatasetStatus) -> dict[str, Any]:
    """A dataset's status for programs."""
    return {
        "name": status.dataset,
        "recorded": status.is_recorded,
        "changed_inputs": list(status.inputs),
        "files": status.files if status.is_known else None,
        "missing": list(status.missing),
        "changed": list(status.changed),
        "not_recorded": list(status.extra),
        "remote_lacks": None if status.lacking is None else list(status.lacking),
    }


def status_text(status: DatasetStatus, remote: str) -> str:
    """A dataset's status for people: one line if all is well, else one for each thing to do."""
    if not status.is_recorded:
        return f"{status.dataset}: raw data, not compressed yet (`invoke data.compress`)\n"
    lines = []
    if status.inputs:
        lines.append(f"changed since the last data.compress (run it again): {', '.join(status.inputs)}")
    if not status.is_known or (status.files and len(status.missing) == status.files):
        lines.append("nothing of it is here (`invoke data.pull`)")
    elif status.missing:
        lines.append(f"{_named(status.missing, 'not here')} (`invoke data.pull`)")
    if status.changed:
        lines.append(_named(status.changed, "not as recorded"))
    if status.extra and status.is_known:
        lines.append(_named(status.extra, "not recorded"))
    if status.lacking:
        is_all = status.is_known and len(status.lacking) >= status.files
        lacking = f"nothing of it is on {remote}" if is_all else _named(status.lacking, f"not on {remote}")
        lines.append(f"{lacking} (`invoke data.push`)")
    if not lines:
        where = "" if status.lacking is None else f", here and on {remote}"
        return f"{status.dataset}: as recorded{where}\n"
    return f"{status.dataset}:\n" + "".join(f"  {line}\n" for line in lines)


def _named(paths: Sequence[str], what: str) -> str:
    more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
    return f"{what}: {', '.join(paths[:_MOST_NAMED])}{more}"
