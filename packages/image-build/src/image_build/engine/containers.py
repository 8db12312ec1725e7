"""Containers that the engine ran or is running."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docker.models.containers import Container


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The result of a container that has ended; `output` has both of its streams."""

    exit_code: int
    output: str


class ServedContainer:
    """A running container with one published port."""

    def __init__(self, address: str, container: Container) -> None:
        self.address = address
        self._container = container

    def has_exited(self) -> bool:
        """Whether its program has ended."""
        self._container.reload()
        return bool(self._container.status == "exited")

    def last_lines(self, count: int) -> str:
        """The end of its output."""
        return str(self._container.logs(tail=count).decode("utf-8", "replace").strip())
