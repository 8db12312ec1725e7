"""Whether the remote has every object that a commit knows; nothing is fetched but lists of folders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_share.errors import listed
from data_share.local import LocalObjects
from data_share.objects import folder_entries
from data_share.planning import fetched_list
from data_share.records import Output
from data_share.stores import Store


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What of a commit's data the remote lacks.

    Attributes:
        revision: As it was asked for.
        files: How many objects the commit needs, lists of folders included; several files may share one.
        lacking: How many of them are not there.
        missing: Paths by dataset; a folder's own, if its list is missing (alone, if the list is not here either).
    """

    revision: str
    where: str
    files: int
    lacking: int
    missing: Mapping[str, Sequence[str]]


def finding_of(outputs: Iterable[Output], revision: str, local: LocalObjects, store: Store) -> Finding:
    """What the remote lacks of these outputs."""
    outputs = tuple(outputs)
    wanted: dict[tuple[str, str], str] = {}
    lost: dict[str, list[str]] = {}
    there = store.sizes({output.oid for output in outputs})
    for output in outputs:
        wanted[output.dataset, output.path] = output.oid
        if not output.is_folder:
            continue
        content = local.folder_list(output.oid)
        if content is None and output.oid in there:
            content = fetched_list(store, output.path, output.oid)
        for entry in folder_entries(content or b"[]", output.oid):
            wanted[output.dataset, f"{output.path}/{entry.path}"] = entry.oid
    there |= store.sizes(set(wanted.values()) - set(there))
    for (dataset, path), oid in wanted.items():
        if oid not in there:
            lost.setdefault(dataset, []).append(path)
    objects = set(wanted.values())
    return Finding(
        revision=revision, where=store.where, files=len(objects), lacking=len(objects - set(there)), missing=lost
    )


def finding_facts(finding: Finding) -> dict[str, Any]:
    """The finding for programs."""
    missing = [{"dataset": name, "files": list(paths)} for name, paths in finding.missing.items()]
    return {"revision": finding.revision, "remote": finding.where, "files": finding.files, "missing": missing}


def finding_text(finding: Finding) -> str:
    """The finding for people."""
    if not finding.missing:
        return f"{finding.revision}: all {finding.files:,} objects of its data are on {finding.where}\n"
    return (
        f"{finding.revision}: {finding.where} lacks {finding.lacking:,} of {finding.files:,} objects:"
        f"{listed(finding.missing)}\n  Who has them runs `invoke data.push`.\n"
    )
