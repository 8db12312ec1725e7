"""Compares the packages in a container or an image with the lock: `env.verify --container` and `--image`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from env_spec import (
    PROBE,
    UnknownNameError,
    Verification,
    added_distributions,
    image_environment,
    load_spec,
    machine_base,
    read_project,
    replaced_records,
    verify_installed,
    with_base,
)
from image_build.engine import Engine, RunResult, engine_failures
from image_build.errors import ImageBuildError, ImageRequestError
from image_build.planning.repository import is_built_elsewhere, repository_ids
from image_build.planning.revision import TITLE_LABEL
from image_build.registry.references import image_name


def verify_container(root: Path, container: str) -> Verification:
    """Compare the packages and files in a running container with the slice of the image that it was started from.

    Args:
        container: Id or name of the container.

    Raises:
        ImageRequestError: The packages cannot be listed, because the engine or the container is missing.
        UnknownNameError: The container was started from an image that is not declared.
        EnvSpecError: The project's files have mistakes.
    """
    spec = load_spec(root / "pyproject.toml")
    with _comparison(container):
        engine = Engine(root)
        result = engine.run_inside(container, ["python", "-c", PROBE, "files"])
        inspected = engine.inspect_container(container)
        changed = engine.changed_paths(container)
    image = declared_image(inspected, spec.images)
    return verify_installed(
        root,
        spec.image(image).groups,
        _successful(result, container),
        what=image,
        source=f"the container {container}",
        added=added_distributions(path for path, kind in changed.items() if kind == "added"),
        damaged=replaced_records(path for path, kind in changed.items() if kind == "modified"),
    )


def verify_image(root: Path, image: str) -> Verification:
    """Compare the packages and files in a local image with its slice of the lock.

    Args:
        image: A declared name, which selects the version that the lock describes, or else the newest one; or a
            reference.

    Raises:
        ImageRequestError: The image is not local, or the packages cannot be listed.
        UnknownNameError: The image is not declared.
        EnvSpecError: The project's files have mistakes.
    """
    is_reference = bool({":", "@"} & set(image))
    name = image_name(image)
    spec = load_spec(root / "pyproject.toml")
    with _comparison(image):
        reference = image if is_reference else _local_reference(root, name)
        result = Engine(root).run(reference, ["python", "-c", PROBE, "files"])
    output = _successful(result, reference)
    return verify_installed(root, spec.image(name).groups, output, what=name, source=f"the image {reference}")


def declared_image(inspected: Mapping[str, Any], declared: Collection[str]) -> str:
    """The declared image of a container: by the label with its title, else by the reference it was started with.

    Args:
        inspected: The document that `docker container inspect` prints.

    Raises:
        UnknownNameError: The container was started from another image.
    """
    config = inspected["Config"]
    title = str((config.get("Labels") or {}).get(TITLE_LABEL, ""))
    name = image_name(config["Image"])
    for candidate in (title, name):
        if candidate in declared:
            return candidate
    raise UnknownNameError("image", [title or name], known=declared)


def chosen_reference(references: list[str], current: str) -> str | None:
    """The reference of the current version if it is local, else of the newest; None if there is none.

    Args:
        references: Of the local, finished images, the newest first.
    """
    return current if current in references else next(iter(references), None)


def _local_reference(root: Path, name: str) -> str:
    environment = image_environment(with_base(read_project(root), machine_base()), name)
    engine, repositories = Engine(root), repository_ids(root)
    references = [
        reference
        for reference in engine.references(environment.image.repository)
        if reference == environment.reference or not is_built_elsewhere(engine.labels(reference) or {}, repositories)
    ]
    reference = chosen_reference(references, environment.reference)
    if reference is None:
        raise ImageRequestError(f"image '{name}' is not local; build it with `invoke image.build --image {name}`")
    return reference


def _successful(result: RunResult, what: str) -> str:
    if result.exit_code:
        lines = result.output.strip()
        raise ImageRequestError(f"Python failed in {what} (exit status {result.exit_code}): {lines[-400:]}")
    return result.output


@contextmanager
def _comparison(what: str) -> Iterator[None]:
    """Report a failure to compare as wrong input (exit 2): exit 1 means that the packages differ."""
    try:
        with engine_failures():
            yield
    except ImageRequestError:
        raise
    except ImageBuildError as error:
        raise ImageRequestError(f"{what} cannot be verified: {error}") from None
