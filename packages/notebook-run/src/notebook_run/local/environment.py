"""The local environment of a notebook: exactly the groups of its image, from the same slice of the lock."""

from __future__ import annotations

import platform
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from env_make import EnvMakeError, make_environment
from env_spec import OWN_FOLDER, ImageEnvironment, ProjectFiles, fingerprint, image_environment, read_current_project
from notebook_run.errors import NotebookInputError, NotebookRunError
from terminal import count_text

ENVIRONMENTS: Final = Path(".shrinkwrap/envs")
_NEEDED: Final = ("ipykernel", "jupyterlab", "nbclient", "nbconvert")
# env_make writes it last, so a folder that has it is complete.
COMPLETE: Final = "made-from"


@dataclass(frozen=True, kw_only=True)
class LocalEnvironment:
    """A complete environment.

    Attributes:
        image: The image whose groups it has.
        fingerprint: Of the packages, the version of Python and the platform.
        folder: The virtual environment.
        python: Version of its Python.
        platform: Of this machine, such as linux-x86_64.
    """

    image: str
    fingerprint: str
    folder: Path
    python: str
    platform: str

    @property
    def title(self) -> str:
        """The environment in messages."""
        return f"the local environment {self.fingerprint} ({self.image})"

    @property
    def interpreter(self) -> Path:
        """Its Python."""
        return self.folder / "bin/python"


def local_environment(project: Path, image: str, *, store: Path, on_line: Callable[[str], None]) -> LocalEnvironment:
    """The environment with the groups of an image; it is made if it does not exist. Hashes are checked.

    Args:
        project: The checkout whose lock is used.
        store: The project whose environments are used, so that a checkout needs none of its own.

    Raises:
        EnvSpecError: The image is not declared, or the lock is stale.
        NotebookInputError: The image has no Jupyter.
        NotebookRunError: The environment cannot be made.
    """
    files = read_current_project(project)
    packages = image_environment(files, image)
    _require_jupyter(packages)
    key = environment_key(files, packages)
    folder = store.resolve() / ENVIRONMENTS / key
    environment = LocalEnvironment(
        image=image,
        fingerprint=key,
        folder=folder,
        python=platform.python_version(),
        platform=sysconfig.get_platform(),
    )
    if not (folder / COMPLETE).is_file():
        on_line(f"{image}: making the local environment {key} with {count_text(len(packages.packages), 'package')}")
        try:
            make_environment(
                project,
                [group.rpartition(":")[2] for group in packages.groups],
                folder,
                lock_folder=files.spec.lock_folder(packages.groups) or ".",
                on_line=on_line,
            )
        except EnvMakeError as error:
            raise NotebookRunError(f"the local environment of {image} cannot be made: {error}") from None
    return environment


def environment_key(files: ProjectFiles, packages: ImageEnvironment) -> str:
    """The fingerprint of a local environment with the packages of an image."""
    # No Dockerfile and no base take part, and the project's own package is imported from its folder.
    return fingerprint(
        (package for package in packages.packages if package.path != OWN_FOLDER),
        folders={**files.folders, "": ""},
        dockerfile="",
        base=None,
        python=platform.python_version(),
        platform=sysconfig.get_platform(),
    )


def _require_jupyter(environment: ImageEnvironment) -> None:
    names = {package.name for package in environment.packages}
    if missing := [name for name in _NEEDED if name not in names]:
        raise NotebookInputError(
            f"the groups of {environment.image.name} have no {', '.join(missing)}, which run a notebook. Add them to"
            " one of its groups in pyproject.toml, and run `./run invoke env.lock`."
        )
