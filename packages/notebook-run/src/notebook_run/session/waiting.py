"""Waits until the page of a notebook that was started answers, in both places."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from notebook_run.errors import NotebookRunError, indented
from notebook_run.session.address import lab_path
from notebook_run.session.ports import page_answers

_DEADLINE_S: Final = 120
_POLL_S: Final = 0.1
_REMINDER_S: Final = 5


@dataclass(frozen=True, kw_only=True)
class StartingNotebook:
    """A notebook whose Jupyter was started.

    Attributes:
        path: Its file.
        end: Returns why its Jupyter does not run any more; None while it runs.
        last_lines: Returns the last lines of its output.
    """

    name: str
    path: str
    port: int
    token: str
    end: Callable[[], str | None]
    last_lines: Callable[[], list[str]]

    def wait(self, on_line: Callable[[str], None]) -> None:
        """Wait until its page answers.

        Raises:
            NotebookRunError: Its Jupyter ended, or the page does not answer in time.
        """
        path = lab_path(self.path)
        start_s = reminded_s = time.monotonic()
        while not page_answers(self.port, path, self.token):
            now_s = time.monotonic()
            if problem := self.end():
                raise not_started(self.name, problem, self.last_lines())
            if now_s - start_s > _DEADLINE_S:
                raise not_started(self.name, f"its page does not answer after {_DEADLINE_S} s", self.last_lines())
            if now_s - reminded_s > _REMINDER_S:
                reminded_s = now_s
                on_line(f"{self.name}: waiting for Jupyter ({now_s - start_s:.0f} s)")
            time.sleep(_POLL_S)


def not_started(name: str, problem: str, lines: list[str]) -> NotebookRunError:
    """The error for a notebook that did not start, with the last lines of its output."""
    output = ["Its last output:", *indented(lines)] if lines else []
    return NotebookRunError("\n".join([f"{name} did not start: {problem}.", *output]))
