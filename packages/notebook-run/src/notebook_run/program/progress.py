"""Reports when each cell begins, still runs, and ends."""

from __future__ import annotations

import threading
import time
from typing import Any, Final

from notebook_run.program.cells import described, is_run
from notebook_run.program.events import report

# A cell that runs longer is reported, and again at intervals.
_SILENCE_S: Final = 2.0
_REMINDER_S: Final = 15.0


class Progress:
    """The progress of a run.

    Attributes:
        current: The cell that runs, or ran last.
    """

    def __init__(self, notebook: Any) -> None:
        self._cells = notebook.cells
        self._began = 0.0
        self._timer: threading.Timer | None = None
        self.current: dict[str, Any] = {}

    def begin(self, cell: Any, cell_index: int) -> None:
        """Report that a cell begins."""
        if not is_run(cell):
            return
        self._began = time.monotonic()
        self.current = described(self._cells, cell_index)
        report("begin", **self.current)
        self._remind(_SILENCE_S)

    def end(self, cell: Any, cell_index: int, execute_reply: Any = None) -> None:
        """Report that a cell ended."""
        self.stop()
        is_ok = execute_reply is None or execute_reply["content"]["status"] == "ok"
        report("end", **self.current, seconds=self._seconds(), is_ok=is_ok)

    def stop(self) -> None:
        """Report no more that the cell still runs."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _remind(self, after_s: float) -> None:
        self._timer = threading.Timer(after_s, self._running)
        self._timer.daemon = True
        self._timer.start()

    def _running(self) -> None:
        report("running", **self.current, seconds=self._seconds())
        self._remind(_REMINDER_S)

    def _seconds(self) -> float:
        return round(time.monotonic() - self._began, 3)
