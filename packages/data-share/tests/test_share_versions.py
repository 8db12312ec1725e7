"""Which objects were overwritten or deleted, and the command that brings one back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from data_share import VersionReport, find_versions, versions_json, versions_text
from data_share.checks.versions import changed_objects
from data_share.errors import DataShareError
from data_share.remotes.remotes import Remote
from data_share.stores.s3 import ObjectVersion

from .tracked import Project

REMOTE = Remote(name="team", url="s3://acme/traffic", settings={"profile": "a steward"})


def version(key: str, number: int, **changed: Any) -> ObjectVersion:
    values: dict[str, Any] = {
        "key": key,
        "version_id": f"v{number}",
        "size_bytes": 1000 * number,
        "modified": datetime(2026, 11, number, 12, tzinfo=UTC),
        "is_latest": False,
        "is_delete_marker": False,
    }
    return ObjectVersion(**{**values, **changed})


VERSIONS = [
    version("k/deleted", 1),
    version("k/deleted", 2),
    version("k/deleted", 3, is_latest=True, is_delete_marker=True),
    version("k/overwritten", 4),
    version("k/overwritten", 5, is_latest=True),
    version("k/only", 6, is_latest=True),
    # Deleted, and put again: the marker has no content to bring back.
    version("k/again", 7, is_delete_marker=True),
    version("k/again", 8, is_latest=True),
    # The versions have expired, and the marker is left.
    version("k/expired", 9, is_latest=True, is_delete_marker=True),
]


def report(versions: list[ObjectVersion]) -> VersionReport:
    return VersionReport(remote=REMOTE, objects=changed_objects(versions))


def test_only_objects_with_an_older_content_are_reported() -> None:
    """The newest of the older versions is first, in any order of the listing."""
    for versions in (VERSIONS, VERSIONS[::-1]):
        found = {each.key: [old.version_id for old in each.older] for each in changed_objects(versions)}
        assert found == {"k/deleted": ["v2", "v1"], "k/overwritten": ["v4"]}


def test_the_report_has_the_command() -> None:
    """It copies the version over the object, with the profile of the remote."""
    assert versions_text(report(VERSIONS[3:5])) == (
        "1 object of s3://acme/traffic with older versions:\n"
        "  k/overwritten: overwritten\n"
        "    version v4: 4.00 kB, 2026-11-04 12:00 UTC\n"
        "    bring it back: aws s3api copy-object --bucket acme --key k/overwritten"
        " --copy-source 'acme/k/overwritten?versionId=v4' --profile 'a steward'"
    )
    (found,) = versions_json(report(VERSIONS[:3]))["objects"]
    assert found["state"] == "deleted"
    assert [older["version"] for older in found["older"]] == ["v2", "v1"]
    assert "versionId=v2" in found["command"]


def test_nothing_to_bring_back_is_a_sentence() -> None:
    """Versions expire, so an empty report does not prove that nothing was overwritten."""
    assert versions_text(report([])) == (
        "no object of s3://acme/traffic was overwritten or deleted, or its older versions have expired"
    )


def test_a_folder_keeps_no_versions(project: Project) -> None:
    """The error names the remote."""
    with pytest.raises(DataShareError, match=r"^remote 'box' is a folder, and only a bucket keeps versions$"):
        find_versions(project.root, remote="box")
