"""Runs all cells in a kernel, and finds the reason if one of them fails."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import zmq
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4 import new_output

from notebook_run.program.limits import CellLimits, Limits
from notebook_run.program.progress import Progress

# A kernel drops printed text that waits to be sent, unless its queue has no limit. Each reader has a queue of its own,
# which exists when the reader has connected: perhaps after the kernel has started, but before a cell runs. The kernel
# sends text with a delay, and the end of the process must not overtake that.
_KERNEL_START: Final = """
import os, sys, time, zmq
from ipykernel.kernelapp import IPKernelApp
sender = IPKernelApp.instance().iopub_thread
def remove_limit():
    sender.schedule(lambda: sender.socket.setsockopt(zmq.SNDHWM, 0))
IPKernelApp.instance().shell.events.register("pre_execute", remove_limit)
end, kernel = os._exit, os.getpid()
def flushed_exit(status):
    if os.getpid() == kernel:
        sys.stdout.flush()
        sys.stderr.flush()
        time.sleep(0.2)
    end(status)
os._exit = flushed_exit
"""
# To read what a cell printed faster than it can be read.
_QUEUE_TIMEOUT_S: Final = 60
_DISPLAYS: Final = ("display_data", "execute_result")
# What the page shows at the end of a cell that has no traceback.
_ENDS: Final = {
    "timeout": ("TimeoutError", "this cell ran longer than its time limit and was stopped"),
    "memory": ("MemoryError", "this cell used more memory than the limit, and the kernel was killed"),
    "dead": ("DeadKernelError", "the kernel died in this cell"),
}


# A program that reads its command line would find the kernel's.
_AS_SCRIPT: Final = "import sys; __file__ = {0!r}; sys.argv[:] = [__file__]; del sys"


class LimitedClient(NotebookClient):  # type: ignore[misc]
    """A client that cuts outputs as they arrive, so that its memory is bounded."""

    def __init__(self, notebook: Any, *, limits: Limits, **options: Any) -> None:
        super().__init__(notebook, **options)
        self.limits = limits
        self.cell_limits: dict[int, CellLimits] = {}

    def create_kernel_manager(self) -> Any:
        """The manager of the kernel, which queues printed text without a limit: by default, much of it is dropped."""
        manager = super().create_kernel_manager()
        manager.context.setsockopt(zmq.RCVHWM, 0)
        return manager

    def output(self, outs: list[Any], msg: dict[str, Any], display_id: str | None, cell_index: int) -> Any:
        """Add an output to a cell."""
        if self.output_hook_stack[msg["parent_header"].get("msg_id")]:
            return super().output(outs, msg, display_id, cell_index)
        limits = self._of(cell_index)
        if self.clear_before_next_output:
            limits.clear()
        content = msg["content"]
        if msg["msg_type"] == "stream":
            text = limits.printed(content["name"], content["text"])
            if not text:
                return None
            last = outs[-1] if outs and not self.clear_before_next_output else {}
            if last.get("output_type") == "stream" and last.get("name") == content["name"]:
                last["text"] += text
                return last
            content = {**content, "text": text}
        elif msg["msg_type"] in _DISPLAYS:
            data = limits.shown(content["data"])
            if data is None:
                return None
            content = {**content, "data": data}
        elif msg["msg_type"] == "error":
            content = limits.cut_error(content)
        return super().output(outs, {**msg, "content": content}, display_id, cell_index)

    def clear_output(self, outs: list[Any], msg: dict[str, Any], cell_index: int) -> None:
        """Remove the outputs of a cell, now or before its next one."""
        super().clear_output(outs, msg, cell_index)
        if not self.clear_before_next_output:
            self._of(cell_index).clear()

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        content = msg["content"]
        data = CellLimits(self.limits).shown(content["data"], is_update=True)
        super()._update_display_id(display_id, {**msg, "content": {**content, "data": data}})

    def complete(self) -> None:
        """Add the end of printed text to the cells whose text is longer than half of the limit."""
        for index, limits in self.cell_limits.items():
            outputs = self.nb.cells[index].outputs
            for name, rest in limits.rests():
                last = outputs[-1] if outputs else {}
                if last.get("output_type") == "stream" and last.get("name") == name:
                    last["text"] += rest
                else:
                    # A traceback stays last.
                    place = len(outputs) - (last.get("output_type") == "error")
                    outputs.insert(place, new_output("stream", name=name, text=rest))

    def _of(self, cell_index: int) -> CellLimits:
        return self.cell_limits.setdefault(cell_index, CellLimits(self.limits))


def execute(
    notebook: Any, progress: Progress, *, folder: str, script: str | None, timeout_s: int | None, limits: Limits
) -> tuple[dict[str, Any] | None, dict[int, list[str]]]:
    """Run all cells; the failure, or None, and what was cut, by the index of the cell.

    Args:
        script: The path of the script whose cells they are; it has `__file__`, and no arguments.
    """
    kills_before = memory_kills()
    client = LimitedClient(
        notebook,
        limits=limits,
        timeout=timeout_s,
        iopub_timeout=_QUEUE_TIMEOUT_S,
        # The kernel of the image: a notebook that was saved elsewhere may name a kernel that only exists there.
        kernel_name="python3",
        resources={"metadata": {"path": folder}},
        extra_arguments=[f"--IPKernelApp.exec_lines=exec({_KERNEL_START!r}, {{}})"],
        shutdown_kernel="immediate",
        store_widget_state=False,
        on_cell_execute=progress.begin,
        on_cell_executed=progress.end,
    )
    if script:
        client.on_notebook_start = lambda notebook: client.kc.execute(_AS_SCRIPT.format(script), silent=True)
    kind = None
    try:
        client.execute()
    except CellExecutionError as error:
        outputs = notebook.cells[progress.current["index"]].outputs
        traceback = [line for output in outputs if output.output_type == "error" for line in output.traceback]
        failure = {"kind": "error", "traceback": "\n".join(traceback) or f"{error.ename}: {error.evalue}"}
    except CellTimeoutError:
        kind = "timeout"
    except DeadKernelError:
        kind = "memory" if memory_kills() > kills_before else "dead"
    except RuntimeError as error:
        if "Kernel died" not in str(error) or not progress.current:
            raise
        kind = "memory" if memory_kills() > kills_before else "dead"
    else:
        failure = {}
    finally:
        progress.stop()
        client.complete()
    if kind:
        failure = {"kind": kind}
        _mark_end(notebook.cells[progress.current["index"]], kind)
    return failure or None, {index: each.notes for index, each in client.cell_limits.items() if each.notes}


def memory_kills() -> int:
    """The number of processes of this container that the system has killed for their memory so far."""
    for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        try:
            found = re.search(r"^oom_kill (\d+)$", Path(path).read_text(), flags=re.MULTILINE)
        except OSError:
            continue
        if found:
            return int(found[1])
    return 0


def _mark_end(cell: Any, kind: str) -> None:
    name, text = _ENDS[kind]
    if not any(output.output_type == "error" for output in cell.outputs):
        cell.outputs.append(new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"]))
