"""Finds the place of a notebook: its image, or a local environment; each is made if it does not exist."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from env_spec import NotebookSpec, load_spec
from image_build import get_image
from notebook_run.engine import Engine
from notebook_run.local.environment import local_environment
from notebook_run.place import PlaceName
from notebook_run.run.in_environment import LocalPlace
from notebook_run.run.in_image import ImagePlace
from notebook_run.run.place import Place


class PlaceSearch:
    """A search for the places of a project's notebooks. It fails at once if a Docker Engine is needed and none answers.

    Args:
        root: The project.
        base: Base of an image, if it must be built.
    """

    def __init__(self, *, root: Path, name: PlaceName, base: str | None, on_line: Callable[[str], None]) -> None:
        self._root = root
        self._base = base
        self._on_line = on_line
        self._engine = Engine(root) if name == "docker" else None

    def found(self, notebook: NotebookSpec) -> Place:
        """The place of a notebook.

        Raises:
            NotebookRunError: The environment cannot be made.
            ImageBuildError: The image is neither available nor can be built.
        """
        if self._engine is None:
            environment = local_environment(self._root, notebook.image, store=self._root, on_line=self._on_line)
            return LocalPlace(environment=environment)
        image = get_image(self._root, notebook.image, base=self._base, on_line=self._on_line)
        has_selinux = load_spec(self._root / "pyproject.toml").has_selinux
        return ImagePlace(engine=self._engine, image=image.reference, has_selinux=has_selinux)
