"""Objects that were overwritten or deleted in a bucket that keeps versions, and how to bring one back."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_share.errors import DataShareError
from data_share.remotes.remotes import Remote, read_remotes
from data_share.repository.repository import Repository
from data_share.stores.opening import open_store
from data_share.stores.s3 import ObjectVersion, S3Store
from terminal import count_text, size_text


@dataclass(frozen=True, kw_only=True)
class ChangedObject:
    """An object whose present version is not its only one.

    Attributes:
        key: Its key in the bucket.
        is_deleted: The present version is a delete marker.
        older: The versions before the present one, newest first.
    """

    key: str
    is_deleted: bool
    older: tuple[ObjectVersion, ...]


@dataclass(frozen=True, kw_only=True)
class VersionReport:
    """The changed objects of a remote."""

    remote: Remote
    objects: tuple[ChangedObject, ...]


def find_versions(root: Path, *, remote: str | None = None) -> VersionReport:
    """Find the objects of a remote that were overwritten or deleted and have an older version.

    Raises:
        DataShareError: The remote does not exist or is no bucket.
        StoreError: The remote refuses or cannot be reached; only a steward may list versions.
    """
    repository = Repository(root)
    chosen = read_remotes(repository).remote(remote)
    store = open_store(chosen, repository)
    if not isinstance(store, S3Store):
        raise DataShareError(f"remote '{chosen.name}' is a folder, and only a bucket keeps versions")
    return VersionReport(remote=chosen, objects=changed_objects(store.versions()))


def versions_json(report: VersionReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "remote": report.remote.url,
        "objects": [
            {
                "key": changed.key,
                "state": _state(changed),
                "older": [
                    {"version": each.version_id, "bytes": each.size_bytes, "modified": each.modified.isoformat()}
                    for each in changed.older
                ],
                "command": _command(report.remote, changed.key, changed.older[0]),
            }
            for changed in report.objects
        ],
    }


def versions_text(report: VersionReport) -> str:
    """The report for the user, with the command that brings the newest of the older versions back."""
    if not report.objects:
        return f"no object of {report.remote.url} was overwritten or deleted, or its older versions have expired"
    lines = [f"{count_text(len(report.objects), 'object')} of {report.remote.url} with older versions:"]
    for changed in report.objects:
        lines.append(f"  {changed.key}: {_state(changed)}")
        lines += [
            f"    version {each.version_id}: {size_text(each.size_bytes)}, {each.modified:%Y-%m-%d %H:%M} UTC"
            for each in changed.older
        ]
        lines.append(f"    bring it back: {_command(report.remote, changed.key, changed.older[0])}")
    return "\n".join(lines)


def changed_objects(versions: Sequence[ObjectVersion]) -> tuple[ChangedObject, ...]:
    """The objects of which an older version has content, by key."""
    by_key: dict[str, list[ObjectVersion]] = {}
    for version in versions:
        by_key.setdefault(version.key, []).append(version)
    changed = []
    for key, group in sorted(by_key.items()):
        older = sorted((each for each in group if not each.is_latest), key=lambda each: each.modified, reverse=True)
        contents = tuple(each for each in older if not each.is_delete_marker)
        if contents:
            is_deleted = any(each.is_latest and each.is_delete_marker for each in group)
            changed.append(ChangedObject(key=key, is_deleted=is_deleted, older=contents))
    return tuple(changed)


def _state(changed: ChangedObject) -> str:
    return "deleted" if changed.is_deleted else "overwritten"


def _command(remote: Remote, key: str, version: ObjectVersion) -> str:
    """The command of the AWS CLI that makes a version the present one."""
    words = ["aws", "s3api", "copy-object", "--bucket", remote.bucket, "--key", key]
    words += ["--copy-source", f"{remote.bucket}/{key}?versionId={version.version_id}"]
    for option, setting in (("--endpoint-url", "endpointurl"), ("--profile", "profile")):
        if value := remote.settings.get(setting):
            words += [option, value]
    return shlex.join(words)
