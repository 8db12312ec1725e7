"""Where a notebook runs: in a container of its image, or in a local environment with the same packages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from env_spec import EnvSpec
from image_build.errors import EngineUnavailableError
from notebook_run.errors import NotebookInputError, WithoutDockerError

PlaceName: TypeAlias = Literal["docker", "local"]
VARIABLE: Final = "SHRINKWRAP_NOTEBOOKS"
_NAMES: Final[tuple[PlaceName, ...]] = ("docker", "local")


@dataclass(frozen=True, kw_only=True)
class ProgramExit:
    """How the program that ran a notebook ended.

    Attributes:
        lost_files: Files that it wrote where nothing is kept.
    """

    exit_code: int
    is_out_of_memory: bool = False
    lost_files: tuple[str, ...] = ()


@contextmanager
def local_offered(*, has_default: bool = True) -> Iterator[None]:
    """Where no Docker Engine answers, the error offers the local place.

    Args:
        has_default: Whether the default of the project could be the local place.
    """
    try:
        yield
    except EngineUnavailableError as error:
        raise WithoutDockerError(str(error), has_default=has_default) from None


def chosen_place(spec: EnvSpec, requested: PlaceName | None = None) -> PlaceName:
    """The requested place, or that of the variable SHRINKWRAP_NOTEBOOKS, or the default of pyproject.toml.

    Raises:
        NotebookInputError: The variable has another value.
    """
    if requested:
        return requested
    value = os.environ.get(VARIABLE) or spec.default_place
    for name in _NAMES:
        if value == name:
            return name
    raise NotebookInputError(f"{VARIABLE} must be docker or local, not '{value}'")
