"""What a run needs of a place: to check it, and to run a program there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from notebook_run.place import PlaceName, ProgramExit

if TYPE_CHECKING:
    from notebook_run.run.request import RunRequest


@dataclass(frozen=True, kw_only=True)
class Program:
    """The program that runs a notebook, and the paths that it sees there.

    Attributes:
        text: Its source.
        order: What it reads, without the paths.
    """

    text: str
    order: Mapping[str, Any]


class Place(Protocol):
    """Where a notebook runs."""

    @property
    def name(self) -> PlaceName:
        """Which of the two it is."""

    @property
    def title(self) -> str:
        """The image or the environment, for messages."""

    def check(self, request: RunRequest) -> None:
        """Check that it is complete and that everything the notebook needs exists.

        Raises:
            NotebookRunError: Something is missing.
        """

    def remove_runs(self, out: Path) -> int:
        """Remove what is left of runs that write to a folder and were killed; return their number."""

    def run(self, request: RunRequest, program: Program, on_line: Callable[[str], None]) -> ProgramExit:
        """Run a program and pass on each line of its output; nothing of it is left, however that ends."""
