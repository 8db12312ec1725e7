"""Which commit an image is built from, and what that gives it: tags, labels, the time it claims to be made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

NO_COMMIT_EPOCH_S = 315532800
"""1980, for a folder that is in no git repository: still the same image for the same content."""

PROJECT_LABEL = "io.shrinkwrap.project"
FINGERPRINT_LABEL = "io.shrinkwrap.fingerprint"
GROUPS_LABEL = "io.shrinkwrap.groups"


@dataclass(frozen=True, kw_only=True)
class Revision:
    """The state of the repository.

    Attributes:
        commit: Full hash; None outside of a repository.
        epoch_s: Time of the commit.
        branch: As CI or git names it; None when detached.
        is_clean: No file that images are made from differs from the commit.
        source: URL of the repository, for labels.
        run_id: Of the CI run.
    """

    commit: str | None = None
    epoch_s: int = NO_COMMIT_EPOCH_S
    branch: str | None = None
    is_clean: bool = True
    source: str | None = None
    run_id: str | None = None

    @property
    def created(self) -> str:
        return datetime.fromtimestamp(self.epoch_s, UTC).isoformat().replace("+00:00", "Z")


def image_tags(fingerprint: str, revision: Revision) -> tuple[str, ...]:
    """What an image of this fingerprint is called; `env-…` first, `latest` last.

    A commit, date or branch is only claimed if the files are as committed.
    """
    tags = [f"env-{fingerprint}"]
    if revision.commit and revision.is_clean:
        tags += [revision.commit[:12], revision.created[:10]]
    if revision.run_id:
        tags.append(revision.run_id)
    if revision.branch == "main" and revision.is_clean:
        tags.append("latest")
    return tuple(tags)


def image_labels(
    *, title: str, project: str, groups: tuple[str, ...], fingerprint: str, base: str, revision: Revision
) -> dict[str, str]:
    """OCI's annotations and ours; `base` is a reference, by digest if it is known."""
    name, _, digest = base.partition("@")
    labels = {
        "org.opencontainers.image.title": title,
        "org.opencontainers.image.created": revision.created,
        "org.opencontainers.image.revision": revision.commit or "",
        "org.opencontainers.image.source": revision.source or "",
        "org.opencontainers.image.base.name": name,
        "org.opencontainers.image.base.digest": digest,
        PROJECT_LABEL: project,
        GROUPS_LABEL: ",".join(groups),
        FINGERPRINT_LABEL: fingerprint,
    }
    return {key: value for key, value in labels.items() if value}


def web_url(remote: str) -> str | None:
    """The page of a git remote; None for one that has none, and without a user name or password in it."""
    scheme, separator, rest = remote.strip().removesuffix(".git").partition("://")
    if not separator:
        host, colon, path = scheme.rpartition("@")[2].partition(":")
        return f"https://{host}/{path}" if colon and not path.startswith("/") else None
    if scheme not in ("http", "https", "ssh"):
        return None
    return f"https://{rest.rpartition('@')[2]}"


def parse_revision(log: str, branch: str, status: str, remote: str, environment: Mapping[str, str]) -> Revision:
    """The revision from what git prints (`%H %ct`, a branch, porcelain status, a URL) and CI's variables."""
    commit, _, epoch = log.strip().partition(" ")
    server, repository = environment.get("GITHUB_SERVER_URL"), environment.get("GITHUB_REPOSITORY")
    is_pull_request = environment.get("GITHUB_EVENT_NAME") == "pull_request"
    ci_branch = environment.get("GITHUB_REF_NAME") if environment.get("GITHUB_REF_TYPE") == "branch" else None
    return Revision(
        commit=commit or None,
        epoch_s=int(epoch) if epoch else NO_COMMIT_EPOCH_S,
        branch=None if is_pull_request else ci_branch or branch.strip() or None,
        is_clean=not status.strip(),
        source=f"{server}/{repository}" if server and repository else web_url(remote),
        run_id=environment.get("GITHUB_RUN_ID"),
    )
