"""Tags, labels and creation time follow from the commit and from CI's variables."""

from __future__ import annotations

import pytest

from image_build.planning.revision import (
    LabelFacts,
    Revision,
    image_labels,
    image_tags,
    parse_revision,
    web_url,
)


def test_a_commit_on_main_gets_every_tag() -> None:
    """Fingerprint, commit, its date, the CI run, and `latest` at the end."""
    revision = Revision(commit="a" * 40, epoch_s=1767225600, branch="main", run_id="42")
    assert image_tags("f00", revision) == ("env-f00", "a" * 12, "2026-01-01", "42", "latest")


@pytest.mark.parametrize(
    ("revision", "tags"),
    [
        (Revision(commit="a" * 40, epoch_s=0, branch="topic"), ("env-f", "a" * 12, "1970-01-01")),
        (Revision(commit="a" * 40, epoch_s=0, branch="main", is_clean=False), ("env-f",)),
        (Revision(), ("env-f",)),
    ],
    ids=["another branch", "edited files", "no repository"],
)
def test_tags_claim_only_what_is_true(revision: Revision, tags: tuple[str, ...]) -> None:
    """Only main moves `latest`; edited files get no tags of the commit."""
    assert image_tags("f", revision) == tags


def test_labels_come_from_the_commit() -> None:
    """The time is the commit's; unknown facts have no label."""
    groups = ("main", "notebook")
    facts = LabelFacts(title="eda", project="p", repository="r", groups=groups, fingerprint="f", base="base:1@sha256:1")
    assert image_labels(facts, Revision(commit="c", epoch_s=1767225600)) == {
        "org.opencontainers.image.title": "eda",
        "org.opencontainers.image.created": "2026-01-01T00:00:00Z",
        "org.opencontainers.image.revision": "c",
        "org.opencontainers.image.base.name": "base:1",
        "org.opencontainers.image.base.digest": "sha256:1",
        "io.shrinkwrap.project": "p",
        "io.shrinkwrap.repository": "r",
        "io.shrinkwrap.groups": "main,notebook",
        "io.shrinkwrap.fingerprint": "f",
    }


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("git@github.com:team/x.git\n", "https://github.com/team/x"),
        ("https://user:secret@example.org/x.git", "https://example.org/x"),  # pragma: allowlist secret
        ("ssh://git@example.org/x.git", "https://example.org/x"),
        ("/srv/x.git", None),
        ("file:///srv/x", None),
        ("", None),
    ],
)
def test_the_source_is_a_page_without_a_password(remote: str, url: str | None) -> None:
    """A remote becomes the URL of its web page; credentials in it never reach a label."""
    assert web_url(remote) == url


def test_git_is_read() -> None:
    """The log has commit and time, the status has edits."""
    assert parse_revision("abc 12\n", "main\n", " M poetry.lock\n", "", {}) == Revision(
        commit="abc", epoch_s=12, branch="main", is_clean=False
    )


def test_ci_overrides_git() -> None:
    """On a detached HEAD, branch, repository and run come from CI."""
    environment = {
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "team/x",
        "GITHUB_REF_NAME": "main",
        "GITHUB_REF_TYPE": "branch",
        "GITHUB_RUN_ID": "7",
    }
    found = parse_revision("abc 12", "", "", "", environment)
    assert (found.branch, found.source, found.run_id) == ("main", "https://github.com/team/x", "7")


def test_a_pull_request_has_no_branch() -> None:
    """A pull request from a branch called main does not move `latest`."""
    environment = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF_NAME": "main", "GITHUB_REF_TYPE": "branch"}
    assert parse_revision("abc 12", "main", "", "", environment).branch is None
