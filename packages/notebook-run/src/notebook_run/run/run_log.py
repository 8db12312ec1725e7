"""The events of a run so far, and what they say about its failure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from notebook_run.errors import NotebookInputError, NotebookRunError, indented
from notebook_run.place import ProgramExit
from notebook_run.project import unwritable_results
from notebook_run.run.events import (
    CellRun,
    RunWarning,
    cell_run,
    event_text,
    failed_line,
    parse_event,
    plain_traceback,
    run_warning,
)
from notebook_run.run.request import RunRequest
from terminal import size_text

# 128 + SIGKILL, which is how the kernel ends a process for its memory.
_KILLED: Final = 137


@dataclass
class RunLog:
    """The lines of a container so far.

    Attributes:
        current: The cell that runs.
        ended: The cells that ended.
        last: The last event.
        other_lines: Lines that are no events, such as a warning of the kernel.
        warnings: What is lost or left out.
    """

    current: CellRun | None = None
    ended: list[CellRun] = field(default_factory=list)
    last: Mapping[str, Any] = field(default_factory=dict)
    other_lines: list[str] = field(default_factory=list)
    warnings: list[RunWarning] = field(default_factory=list)

    def add(self, line: str) -> str | None:
        """Record a line, and return the line of progress that the user should see."""
        event = parse_event(line)
        if event is None:
            # Remarks of the kernel about itself do not help the user.
            if line.strip() and "[IPKernelApp]" not in line:
                self.other_lines.append(line)
            return None
        self.last = event
        if event["event"] == "begin":
            self.current = cell_run(event)
        elif event["event"] == "end":
            self.current = None
            self.ended.append(cell_run(event))
        elif event["event"] == "warning":
            self.warnings.append(run_warning(event))
        return event_text(event)


def cell_error(request: RunRequest, failure: Mapping[str, Any], cell: CellRun, log: RunLog) -> NotebookRunError:
    """The error for a cell that ended a run whose results were written."""
    kept = f"Outputs until then: {request.out_folder / request.notebook.name}.ipynb"
    if failure["kind"] == "timeout":
        return NotebookRunError(
            f"{cell.where} ran longer than {request.cell_timeout_s} s and was stopped. If it needs longer, raise the"
            f" limit with --timeout SECONDS, or with timeout_s in [tool.env-spec.notebooks.{request.notebook.name}]."
            f"\n{kept}"
        )
    if failure["kind"] == "memory":
        return NotebookRunError(f"{_memory_text(request, cell.where)}\n{kept}")
    if failure["kind"] == "dead":
        output = ["Its last output:", *indented(log.other_lines[-5:])] if log.other_lines else []
        died = f"the kernel died in {cell.where}, but not for lack of memory."
        return NotebookRunError("\n".join([died, *output, kept]))
    return NotebookRunError("\n".join([*_raised_lines(cell, plain_traceback(failure["traceback"])), kept]))


def unfinished_error(request: RunRequest, log: RunLog, ended: ProgramExit) -> NotebookRunError:
    """The error for a container that ended without results."""
    path, event = request.notebook.path, log.last.get("event")
    if event == "bad-notebook":
        return NotebookInputError(f"{path} is not a notebook that can be run: {log.last['problem']}")
    if event == "no-parameters-cell":
        how = (
            'Begin the block that assigns the defaults with the line `# %% tags=["parameters"]`.'
            if path.endswith(".py")
            else "Tag the cell that assigns the defaults (JupyterLab: Property Inspector, Cell Tags)."
        )
        return NotebookInputError(
            f"{path} has no cell tagged `parameters`, so the values of {', '.join(request.parameters)} would have no"
            f" effect. {how}"
        )
    if event == "unwritten" and log.last["is_full"]:
        return NotebookRunError(
            f"no space is left for results in {request.out_folder}. Free some on that disk, and run it again."
        )
    if event == "unwritten":
        return unwritable_results(request.out_folder, log.last["problem"])
    if ended.is_out_of_memory or ended.exit_code == _KILLED:
        where = log.current.where if log.current else f"the run of {request.notebook.name}"
        return NotebookRunError(_memory_text(request, where))
    return unusable_place(request.place.title, ended.exit_code, log.other_lines)


def unusable_place(title: str, exit_code: int, output: list[str]) -> NotebookRunError:
    """The error for a place in which not even Python could do what it should."""
    lines = [f"nothing could be run in {title} (exit code {exit_code}):", *indented(output[-8:])]
    return NotebookRunError("\n".join(lines))


def _memory_text(request: RunRequest, where: str) -> str:
    limit = request.notebook.memory_bytes
    used = f"its limit of {size_text(limit)}" if limit else "the memory that Docker has on this machine"
    advice = f'raise memory = "…" in [tool.env-spec.notebooks.{request.notebook.name}]' if limit else "give Docker more"
    return (
        f"{where} used more memory than {used}, and the kernel was killed. Load fewer columns or parts at a time, or"
        f" {advice}."
    )


def _raised_lines(cell: CellRun, traceback: str) -> list[str]:
    line = failed_line(traceback)
    traceback_lines = traceback.rstrip().splitlines()
    lines = [f"{cell.where}{f', line {line}' if line else ''} failed:"]
    lines += indented(traceback_lines, most=len(traceback_lines))
    if "No space left on device" in traceback:
        lines.append("The disk that the cell writes to is full: free some space there, and run it again.")
    return lines
