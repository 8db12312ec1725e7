"""The build context with the packages of a repository that are outside of its folder `packages`."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from env_spec import is_hashed
from image_build.planning.image_plan import ImagePlan


def paths_folder(plan: ImagePlan) -> str:
    """The folder of this context, relative to the root."""
    return f".shrinkwrap/paths/{plan.name}"


def write_paths(root: Path, plans: Iterable[ImagePlan]) -> None:
    """Copy the files that count in the fingerprints to the context of each image, at the same paths, and no others."""
    for plan in plans:
        folder = root / paths_folder(plan)
        shutil.rmtree(folder, ignore_errors=True)
        for path in plan.paths:
            _copy(root / path, folder / path)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=_ignored, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)


def _ignored(_: str, names: list[str]) -> list[str]:
    return [name for name in names if not is_hashed(name) or name.startswith(".env")]
