"""Builds an image twice without a cache and compares the results."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from env_spec import read_project
from image_build.building.archives import compare_archives, read_archive
from image_build.building.bake import archive_path, bake_definition
from image_build.building.build import build_settings
from image_build.building.builder import bake
from image_build.building.paths import write_paths
from image_build.clone import exclusive_build
from image_build.engine import OnLine, engine_failures
from image_build.engine.command import require_buildx
from image_build.errors import ImageBuildError
from image_build.planning.build_plan import BuildPlan, plan_build
from image_build.planning.image_plan import with_parents
from image_build.planning.request import BuildRequest
from terminal import note


@engine_failures()
def reproduce_image(root: Path, name: str, *, base: str | None = None, on_line: OnLine = note) -> str:
    """Build an image and its parents twice without a cache, and compare the results.

    Returns:
        The digest that both builds have.

    Raises:
        EnvSpecError: The image is not declared, or the project's files have mistakes.
        ImageBuildError: The builds differ; the message lists the differences. Or a build failed.
    """
    names = with_parents(read_project(root), [name])
    plan = plan_build(root, BuildRequest(images=names, base=base, is_forced=True, needs_current_lock=True))
    plan.engine.require_buildkit()
    require_buildx()
    with exclusive_build(root), tempfile.TemporaryDirectory(prefix="shrinkwrap-") as folder:
        archives = [_archive(plan, Path(folder), number, on_line) for number in (1, 2)]
        differences = compare_archives(*archives)
        if differences:
            raise ImageBuildError("\n".join([f"{name}: two builds differ:", *(f"  {line}" for line in differences)]))
        return read_archive(archives[0]).digest


def _archive(plan: BuildPlan, folder: Path, number: int, on_line: OnLine) -> Path:
    """Build the last image of a plan into an OCI archive."""
    name = plan.images[-1].name
    on_line(f"{name}: build {number} of 2, without cache")
    target = folder / str(number)
    target.mkdir()
    settings = replace(build_settings(plan), is_uncached=True, archive_folder=str(target), cache="none")
    write_paths(plan.engine.root, plan.images)
    bake(
        plan.engine.root,
        bake_definition(plan.images, settings),
        images=[name],
        settings=settings,
        on_line=on_line,
    )
    return Path(archive_path(str(target), name))
