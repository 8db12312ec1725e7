"""The commit that an image is built from, and what follows from it: tags, labels, creation time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

# 1980, for a folder outside a git repository: the same content still builds the same image.
NO_COMMIT_EPOCH_S = 315532800

PROJECT_LABEL = "io.shrinkwrap.project"
REPOSITORY_LABEL = "io.shrinkwrap.repository"
FINGERPRINT_LABEL = "io.shrinkwrap.fingerprint"
GROUPS_LABEL = "io.shrinkwrap.groups"
TITLE_LABEL = "org.opencontainers.image.title"
BASE_DIGEST_LABEL = "org.opencontainers.image.base.digest"


@dataclass(frozen=True, kw_only=True)
class Revision:
    """The state of the repository.

    Attributes:
        commit: Full hash; None outside a repository.
        epoch_s: Time of the commit, in seconds since 1970.
        branch: From CI or git; None if HEAD is detached.
        is_clean: The inputs of images do not differ from the commit.
        source: URL of the repository, for labels.
        run_id: Number of the CI run.
    """

    commit: str | None = None
    epoch_s: int = NO_COMMIT_EPOCH_S
    branch: str | None = None
    is_clean: bool = True
    source: str | None = None
    run_id: str | None = None

    @property
    def created(self) -> str:
        """The time of the commit, in ISO 8601."""
        return datetime.fromtimestamp(self.epoch_s, UTC).isoformat().replace("+00:00", "Z")


def image_tags(fingerprint: str, revision: Revision) -> tuple[str, ...]:
    """The tags of an image with this fingerprint: `env-…` first, `latest` last.

    Tags with a commit, date or branch are only used if the inputs do not differ from the commit.
    """
    tags = [f"env-{fingerprint}"]
    if revision.commit and revision.is_clean:
        tags += [revision.commit[:12], revision.created[:10]]
    if revision.run_id:
        tags.append(revision.run_id)
    if revision.branch == "main" and revision.is_clean:
        tags.append("latest")
    return tuple(tags)


@dataclass(frozen=True, kw_only=True)
class LabelFacts:
    """What the labels of an image state, in addition to its revision.

    Attributes:
        title: The image's name.
        project: The project's name; two repositories can have the same.
        repository: The id of the repository.
        base: A reference, with a digest if it is known.
    """

    title: str
    project: str
    repository: str
    groups: tuple[str, ...]
    fingerprint: str
    base: str


def image_labels(facts: LabelFacts, revision: Revision) -> dict[str, str]:
    """The labels of an image: OCI's annotations and our own, without empty ones."""
    name, _, digest = facts.base.partition("@")
    labels = {
        TITLE_LABEL: facts.title,
        "org.opencontainers.image.created": revision.created,
        "org.opencontainers.image.revision": revision.commit or "",
        "org.opencontainers.image.source": revision.source or "",
        "org.opencontainers.image.base.name": name,
        BASE_DIGEST_LABEL: digest,
        PROJECT_LABEL: facts.project,
        REPOSITORY_LABEL: facts.repository,
        GROUPS_LABEL: ",".join(facts.groups),
        FINGERPRINT_LABEL: facts.fingerprint,
    }
    return {key: value for key, value in labels.items() if value}


def web_url(remote: str) -> str | None:
    """The web page of a git remote, without a user name or password; None if it has no page."""
    scheme, separator, rest = remote.strip().removesuffix(".git").partition("://")
    if not separator:
        host, colon, path = scheme.rpartition("@")[2].partition(":")
        return f"https://{host}/{path}" if colon and not path.startswith("/") else None
    if scheme not in ("http", "https", "ssh"):
        return None
    return f"https://{rest.rpartition('@')[2]}"


def parse_revision(log: str, branch: str, status: str, remote: str, environment: Mapping[str, str]) -> Revision:
    """The revision, from git's output (`%H %ct`, a branch, porcelain status, a URL) and CI's variables."""
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
