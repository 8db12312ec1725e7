"""The images as a matrix for a CI job: one entry per image that must be built."""

from __future__ import annotations

from typing import TypedDict

from env_spec.diff import image_diffs
from env_spec.environment import image_environment
from env_spec.project import ProjectFiles


class MatrixEntry(TypedDict):
    """One job; the first four are what `docker-publish` takes, lists with commas."""

    image_name: str
    docker_file_path: str
    poetry_install_group: str
    platforms: str
    fingerprint: str
    base: str
    parent: str


class Matrix(TypedDict):
    """As GitHub's `strategy.matrix` takes it with `fromJSON`."""

    include: list[MatrixEntry]


def matrix(now: ProjectFiles) -> Matrix:
    """All images."""
    return {"include": [_entry(now, name) for name in now.spec.images]}


def matrix_of_changes(before: ProjectFiles | None, now: ProjectFiles) -> Matrix:
    """The images that must be built since `before`; all if there is no such state."""
    return {"include": [_entry(now, diff.image) for diff in image_diffs(before, now) if diff.needs_build]}


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
