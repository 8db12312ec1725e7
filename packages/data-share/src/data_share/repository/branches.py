"""The branches and tags of git's remotes, and which of their commits this clone has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from data_share.errors import DataShareError, RevisionError
from data_share.repository.git import run_git
from data_share.repository.repository import Repository


@dataclass(frozen=True, kw_only=True)
class ServerBranches:
    """The branches and tags that git's remotes have now.

    Attributes:
        commits: Their commits, as far as this clone has them.
        unfetched: `REMOTE/BRANCH` of each branch or tag whose commit this clone does not have.
    """

    commits: tuple[str, ...] = ()
    unfetched: tuple[str, ...] = ()


def read_server_branches(repository: Repository) -> ServerBranches:
    """Ask every remote of git for its branches and tags.

    Raises:
        DataShareError: A remote does not answer.
    """
    tips = {
        f"{remote}/{name}": object_id
        for remote in run_git(repository, "remote").decode("utf-8", "surrogateescape").splitlines()
        for name, object_id in _listed(repository, remote).items()
    }
    kinds = object_kinds(repository, set(tips.values()))
    return ServerBranches(
        commits=tuple(dict.fromkeys(tip for tip in tips.values() if kinds[tip] == "commit")),
        unfetched=tuple(sorted(name for name, tip in tips.items() if kinds[tip] == "missing")),
    )


def object_kinds(repository: Repository, object_ids: Iterable[str]) -> dict[str, str]:
    """`commit`, `blob` and so on for each of git's objects; `missing` for one that this clone does not have."""
    object_ids = sorted(object_ids)
    answer = run_git(repository, "cat-file", "--batch-check", stdin="".join(f"{each}\n" for each in object_ids))
    return {each: line.split()[1] for each, line in zip(object_ids, answer.decode().splitlines(), strict=True)}


def _listed(repository: Repository, remote: str) -> Mapping[str, str]:
    # Without a terminal, a question for a password would wait for ever.
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        answer = run_git(repository, "ls-remote", "--heads", "--tags", "--", remote, environment=environment)
    except RevisionError as error:
        raise DataShareError(
            f"git's remote '{remote}' does not answer, so branches of colleagues may be unknown here; nothing was"
            f" removed.\n  {error}\n"
            "  Run it again when `git fetch` works. With --known-only, the data of unknown branches are removed."
        ) from error
    found = {}
    for line in answer.decode("utf-8", "replace").splitlines():
        object_id, _, name = line.partition("\t")
        # An annotated tag is listed twice; the second line, which ends in ^{}, has its commit.
        short = name.removeprefix("refs/heads/").removeprefix("refs/tags/").removesuffix("^{}")
        found[short] = object_id
    return found
