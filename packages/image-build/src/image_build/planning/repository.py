"""Which repository a folder is a checkout of, and the project's name."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from image_build.engine.process import output_of
from image_build.planning.revision import REPOSITORY_LABEL, web_url

# The name of earlier versions for every project without `[project] name`.
_NO_NAME: Final = "project"


def repository_ids(root: Path) -> tuple[str, ...]:
    """Ids of the project in this folder: the first is the label of new images, the others also mean this project.

    The first commit of the history and the project's folder in the repository identify it: they are the same in every
    clone and worktree, whatever its path, branch and remote. A shallow clone does not have that commit: there, the
    address of its remote does. A folder without commits and without a remote is identified by its path.
    """
    history = output_of(["git", "rev-list", "--first-parent", "--max-parents=0", "HEAD"], cwd=root) or ""
    facts = output_of(["git", "rev-parse", "--is-shallow-repository", "--show-prefix"], cwd=root) or ""
    shallow, _, folder = facts.partition("\n")
    remote = output_of(["git", "config", "--get", "remote.origin.url"], cwd=root) or ""
    origins = [f"commit {history.strip()}"] if history and shallow == "false" else []
    origins += [f"remote {_remote_address(root, remote.strip())}"] if remote.strip() else []
    ids = [_id(f"{origin} {folder.strip()}") for origin in origins]
    return tuple(ids) or (_id(f"path {root.resolve()}"),)


def is_built_elsewhere(labels: Mapping[str, str], repositories: Collection[str]) -> bool:
    """Whether an image's labels name another repository; those of earlier versions name none."""
    return labels.get(REPOSITORY_LABEL) not in (None, *repositories)


def project_name(root: Path) -> str:
    """The project's name, for users; two repositories can have the same."""
    data = _pyproject(root)
    name = data.get("project", {}).get("name") or data.get("tool", {}).get("poetry", {}).get("name")
    return str(name or root.resolve().name)


def former_names(root: Path) -> tuple[str, ...]:
    """Names of this project in the labels of earlier versions, which did not record the repository."""
    return tuple({project_name(root): None, str(_pyproject(root).get("project", {}).get("name", _NO_NAME)): None})


def _pyproject(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


def _remote_address(root: Path, remote: str) -> str:
    """One spelling for the addresses of a remote by https and by ssh; a relative path depends on the clone."""
    return web_url(remote) or (remote if ":" in remote else str((root / remote).resolve()))


def _id(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()[:16]
