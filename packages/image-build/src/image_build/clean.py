"""Removes the images that this repository built, and containers that interrupted tests left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from image_build.engine import Engine, engine_failures
from image_build.planning.repository import former_names, repository_ids
from image_build.planning.revision import PROJECT_LABEL, REPOSITORY_LABEL


@dataclass(frozen=True, kw_only=True)
class CleanedImage:
    """A name of an image that this repository built.

    Attributes:
        problem: Why the engine refused to remove it; None if it was removed or only listed.
    """

    name: str
    size_bytes: int
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class CleanedImages:
    """The result of `image.clean`.

    Attributes:
        images: Those of this repository.
        unlabelled: Names of images with this project's name that do not say which repository built them. They are kept.
    """

    images: tuple[CleanedImage, ...]
    unlabelled: tuple[str, ...]


@engine_failures()
def clean_images(root: Path, *, is_dry_run: bool = False) -> CleanedImages:
    """Remove the local images of this repository; list them only, if `is_dry_run`.

    Raises:
        EngineUnavailableError: No engine answers.
    """
    engine = Engine(root)
    if not is_dry_run:
        engine.remove_leftovers()
    named = [engine.images_with_label(PROJECT_LABEL, name) for name in former_names(root)]
    unlabelled = [name for found in named for name, image in found.items() if REPOSITORY_LABEL not in image.labels]
    found = [engine.images_with_label(REPOSITORY_LABEL, repository) for repository in repository_ids(root)]
    return CleanedImages(
        images=tuple(
            CleanedImage(name=name, size_bytes=image.size_bytes, problem=None if is_dry_run else engine.remove(name))
            for images in found
            for name, image in images.items()
        ),
        unlabelled=tuple(dict.fromkeys(unlabelled)),
    )


def unlabelled_text(names: tuple[str, ...]) -> str:
    """Which images are kept because they do not name their repository, and how to remove them."""
    return (
        f"kept {', '.join(names)}: an earlier version of Shrinkwrap built them for a project of this name, and did not"
        f" record the repository. If it is this one, remove them with `docker image rm {' '.join(names)}`."
    )
