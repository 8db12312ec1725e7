"""Plans for the repository in the working directory, made with what this machine's engine has."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Final

from env_spec import read_project
from image_build.bake import BuildSettings, Cache
from image_build.engine import Engine
from image_build.machine import certificates, clone_name, package_index, read_revision
from image_build.plan import ImagePlan, Where, Wishes, plan_images

BASE_VARIABLE: Final = "SHRINKWRAP_BASE"
"""The base that a machine starts from where none is named, because it cannot reach those of the tables."""

REGISTRY_VARIABLE: Final = "SHRINKWRAP_REGISTRY"
"""The registry, with the organisation, of images whose table names none: a fork pushes without an edit of tables."""


def machine_base() -> str | None:
    """The base that this machine's environment names."""
    return os.environ.get(BASE_VARIABLE) or None


def machine_registry() -> str | None:
    """The registry that this machine's environment names."""
    # GitHub keeps the capitals of an organisation's name, and a workflow has nothing to lower them with.
    return os.environ.get(REGISTRY_VARIABLE, "").lower() or None


def project_name() -> str:
    """What the images of this repository carry as a label, so that they are told from those of others."""
    return str(tomllib.loads(Path("pyproject.toml").read_text("utf-8")).get("project", {}).get("name", "project"))


def planned(wishes: Wishes) -> tuple[Engine, tuple[ImagePlan, ...], int]:
    """The engine, the plans, and the time that images built now claim to be made.

    Raises:
        EnvSpecError: An image that is not there, or files that cannot be read.
        ImageBuildError: No engine answers, or a plan cannot be made.
    """
    files, revision = read_project(Path()), read_revision()
    for name in wishes.names:
        files.spec.image(name)
    engine = Engine()

    def find(reference: str) -> Where:
        if wishes.is_pushed and engine.remote_digest(reference):
            return "registry"
        return "here" if engine.has(reference) else "nowhere"

    plans = plan_images(
        files,
        wishes,
        revision,
        project=project_name(),
        clone=clone_name(),
        find=find,
        base_digest=engine.local_digest,
    )
    return engine, plans, revision.epoch_s


def build_settings(
    engine: Engine, epoch_s: int, *, cache: Cache = "none", is_uncached: bool = False
) -> tuple[BuildSettings, str | None]:
    """How to build on this machine, and the package index that it is told to use."""
    index = package_index()
    settings = BuildSettings(
        epoch_s=epoch_s,
        cache=cache,
        is_uncached=is_uncached,
        ca_file=certificates(),
        has_index=index is not None,
        has_image_store=engine.has_image_store,
    )
    return settings, index
