"""The images as a matrix for a CI job: one entry per image that must be built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypedDict

from env_spec.errors import FileError, SpecErrors
from env_spec.image.base import with_base
from env_spec.image.diff import image_diffs
from env_spec.image.environment import image_environment
from env_spec.project.files import ProjectFiles, read_current_project
from env_spec.project.revision import read_revision
from terminal import note

OnLine: TypeAlias = Callable[[str], None]


class MatrixEntry(TypedDict):
    """One job; the first four keys are inputs of `docker-publish`. Lists are separated by commas."""

    image_name: str
    docker_file_path: str
    poetry_install_group: str
    platforms: str
    fingerprint: str
    base: str
    parent: str


class Matrix(TypedDict):
    """The form of GitHub's `strategy.matrix`, read with `fromJSON`."""

    include: list[MatrixEntry]


def matrix(now: ProjectFiles) -> Matrix:
    """A job for every image."""
    return {"include": [_entry(now, name) for name in now.spec.images]}


def matrix_of_changes(before: ProjectFiles | None, now: ProjectFiles) -> Matrix:
    """A job for every image that must be rebuilt since `before`; for all images if that is None."""
    return {"include": [_entry(now, diff.image) for diff in image_diffs(before, now) if diff.needs_build]}


def matrix_since(root: Path, revision: str, *, base: str | None = None, on_line: OnLine = note) -> Matrix:
    """A job for every image that must be rebuilt since a commit.

    If the images of that commit cannot be read, every image needs a build, and `on_line` receives the reason.

    Args:
        base: Overrides the bases of the tables.

    Raises:
        RevisionError: Git cannot read the commit.
        EnvSpecError: The project's files on disk have mistakes.
    """
    files = with_base(read_current_project(root), base)
    if not revision.strip("0"):
        return matrix(files)  # GitHub's name for the commit before the first one on a branch.
    try:
        before = with_base(read_revision(root, revision), base)
    except (FileError, SpecErrors) as error:
        on_line(f"every image counts as changed: {error}")
        return matrix(files)
    return matrix_of_changes(before, files)


def _entry(files: ProjectFiles, name: str) -> MatrixEntry:
    environment = image_environment(files, name)
    image = environment.image
    return {
        "image_name": name,
        "docker_file_path": f"{image.dockerfile}/Dockerfile",
        "poetry_install_group": ",".join(image.groups),
        "platforms": ",".join(image.platforms),
        "fingerprint": environment.fingerprint,
        "base": image.base or "",
        "parent": environment.parent or "",
    }
