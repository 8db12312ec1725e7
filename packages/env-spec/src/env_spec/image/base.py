"""The base image that a machine names for all images, in place of those of their tables."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Final

from env_spec.declaration.images import is_reference
from env_spec.errors import EnvSpecError
from env_spec.project.files import ProjectFiles

# For a machine that cannot reach the bases of the tables.
BASE_VARIABLE: Final = "SHRINKWRAP_BASE"


def machine_base() -> str | None:
    """The base image that this machine's environment names.

    Raises:
        EnvSpecError: It is not an image reference.
    """
    base = os.environ.get(BASE_VARIABLE) or None
    if base and not is_reference(base):
        raise EnvSpecError(
            f"'{base}' is not an image reference, like quay.io/jupyter/scipy-notebook:2026-10-20; it comes from"
            f" {BASE_VARIABLE}"
        )
    return base


def with_base(files: ProjectFiles, base: str | None) -> ProjectFiles:
    """The project with this base for every image; with those of the tables if it is None."""
    if base is None:
        return files
    images = {name: replace(image, base=base) for name, image in files.spec.images.items()}
    return replace(files, spec=replace(files.spec, images=images))
