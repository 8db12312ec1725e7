"""The program that runs a notebook inside an image: its outputs, their limits, and its pictures."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

PROGRAM = Path(__file__).resolve().parents[2] / "packages/notebook-run/src/notebook_run/run/program_text.py"
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
# The reader of a kernel's output tries to connect again only after seconds, when the kernel has long started.
LATE_READER = """
import zmq
new_socket = zmq.Context.socket
def late_socket(context, kind, *words, **options):
    socket = new_socket(context, kind, *words, **options)
    if kind == zmq.SUB:
        socket.setsockopt(zmq.RECONNECT_IVL, 3000)
    return socket
zmq.Context.socket = late_socket
"""


def program_text() -> str:
    """The program; this environment does not have its package."""
    spec = importlib.util.spec_from_file_location("program_text", PROGRAM)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module.program_text())


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A run: its events, its cells, its page and its folder."""

    out: Path
    events: list[dict[str, Any]]

    @property
    def cells(self) -> list[Any]:
        return list(nbformat.read(self.out / "trial.ipynb", as_version=4).cells)

    @property
    def html(self) -> str:
        return (self.out / "trial.html").read_text("utf-8")

    @property
    def body(self) -> str:
        """The page without its head."""
        return self.html.partition("<main>")[2]

    @property
    def failure(self) -> Any:
        assert self.events[-1]["event"] == "done"
        return self.events[-1]["failure"]

    def warnings(self, kind: str) -> list[str]:
        return [event["text"] for event in self.events if event["event"] == "warning" and event["kind"] == kind]


def run(folder: Path, *cells: Any, before: str = "", **order: Any) -> Ran:
    """Run a notebook whose cells are code, or cells of nbformat; see `run_order`."""
    made = [nbformat.v4.new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    for number, cell in enumerate(made, start=1):
        cell["id"] = f"cell-{number}"
    path, out = folder / "trial.ipynb", folder / "out"
    out.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=made), path)
    facts = {"name": "trial", "path": str(path), "out": str(out), "parameters": {}, "timeout_s": 60, **order}
    return run_order(facts, before=before)


def run_order(facts: dict[str, Any], *, before: str = "") -> Ran:
    """Run an order, next to whose folder of results is a folder for IPython.

    Args:
        before: Code that runs before the program.
    """
    out = Path(facts["out"])
    word = base64.b64encode(json.dumps(facts).encode()).decode()
    result = subprocess.run(
        [sys.executable, "-P", "-c", f"{before}\nexec({program_text()!r})", word],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "IPYTHONDIR": str(out.parent / "ipython")},
    )
    assert result.returncode == 0, result.stderr
    return Ran(out=out, events=[json.loads(line) for line in result.stdout.splitlines()])


def run_script(folder: Path, text: str, **order: Any) -> Ran:
    """Run a script."""
    path, out = folder / "trial.py", folder / "out"
    out.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return run_order({"name": "trial", "path": str(path), "out": str(out), "parameters": {}, "timeout_s": 60, **order})


def displayed(bundle: dict[str, Any]) -> str:
    """Code that displays a bundle of forms."""
    return f"from IPython.display import display\ndisplay({bundle!r}, raw=True)"


def text_of(cell: Any, name: str = "stdout") -> str:
    return "".join(output.text for output in cell.outputs if output.output_type == "stream" and output.name == name)


def test_a_relative_path_is_in_the_results(tmp_path: Path) -> None:
    """Whatever writes it."""
    ran = run(tmp_path, "open('a.txt', 'w').write('a')", "!echo b > b.txt", "%%writefile c.txt\nc")
    assert {path.name for path in ran.out.iterdir()} == {"a.txt", "b.txt", "c.txt", "trial.ipynb", "trial.html"}


def test_a_file_with_the_name_of_a_result_is_renamed(tmp_path: Path) -> None:
    """The notebook's own page is kept, under a name that is free."""
    code = "for name in ('trial.html', 'trial-1.html', 'figures'):\n    open(name, 'w').write(name)"
    ran = run(tmp_path, f"{code}\n{displayed({'image/png': PICTURE})}")
    assert (ran.out / "trial-2.html").read_text() == "trial.html"
    assert (ran.out / "figures-1").read_text() == "figures" and (ran.out / "figures/cell-1-0.png").is_file()
    assert ran.warnings("renamed")[0] == (
        "trial.html, which the notebook wrote, has the name of a result of the run; it is now trial-2.html"
    )


def test_pictures_are_files(tmp_path: Path) -> None:
    """Each is named after its cell and the number of its output."""
    picture = displayed({"image/png": PICTURE})
    ran = run(tmp_path, f"print(1)\n{picture}\n{picture}", "1", picture)
    found = {path.name: path.read_bytes() for path in (ran.out / "figures").iterdir()}
    assert found == dict.fromkeys(("cell-1-1.png", "cell-1-2.png", "cell-3-0.png"), base64.b64decode(PICTURE))


@pytest.mark.parametrize("chunks", ["print(line, flush=True)", "sys.stdout.write(line + '\\n')"])
def test_long_text_is_cut_in_the_middle(tmp_path: Path, chunks: str) -> None:
    """Its first and its last lines are kept, with a note that has its size; the result has no traces of its pieces."""
    loop = f"import sys\nfor number in range(20_000):\n    line = f'line {{number:06}}'\n    {chunks}"
    ran = run(tmp_path, loop, "print('next')", max_text=10_000)
    text = text_of(ran.cells[0])
    assert text.startswith("line 000000\nline 000001\n") and text.endswith("\nline 019998\nline 019999\n")
    first, note, last = text.split("\n… ")[0], *text.split("\n… ")[1].split(" …\n")
    assert note == "cut here: this cell printed 240 kB in 20,000 lines, and max_text is 10 kB"
    assert (len(first), last.splitlines()[0]) == (5000, "line 019584")
    assert ran.warnings("cut") == [
        "cell 1 of 2 (import sys): printed 240 kB in 20,000 lines, and max_text is 10 kB; the middle is cut"
    ]
    assert text_of(ran.cells[1]) == "next\n"


@pytest.mark.parametrize("reader", ["early", "late"])
def test_no_text_is_dropped_while_its_reader_waits(tmp_path: Path, reader: str) -> None:
    """The queue of a kernel has no limit, whether its reader connects before or after the kernel has started.

    The reader is the parent of the kernel. It is stopped while the cell prints.
    """
    source = (
        "import os, signal\nreader = os.getppid()\nos.kill(reader, signal.SIGSTOP)\n"
        "for number in range(20_000):\n    print(f'line {number:06}', flush=True)\nos.kill(reader, signal.SIGCONT)"
    )
    ran = run(tmp_path, source, before=LATE_READER if reader == "late" else "", max_text=10_000)
    (warning,) = ran.warnings("cut")
    assert "printed 240 kB in 20,000 lines" in warning


def test_text_below_the_limit_is_whole(tmp_path: Path) -> None:
    """Also if it is longer than the half that is shown first; between two texts, an output keeps its place."""
    show = displayed({"text/plain": "shown"})
    ran = run(tmp_path, f"print('é' * 3000)\n{show}\nprint('b' * 3000)", max_text=10_000)
    assert text_of(ran.cells[0]) == "é" * 3000 + "\n" + "b" * 3000 + "\n"
    assert [output.output_type for output in ran.cells[0].outputs][:2] == ["stream", "display_data"]
    assert ran.warnings("cut") == []


def test_text_that_a_cell_clears_does_not_count(tmp_path: Path) -> None:
    """Only what it shows at the end does."""
    loop = "for i in range(20):\n    clear_output(wait=True)\n    print(i, 'x' * 900)"
    loop = f"from IPython.display import clear_output\n{loop}"
    ran = run(tmp_path, loop, max_text=2000)
    assert text_of(ran.cells[0]) == f"19 {'x' * 900}\n"
    assert ran.warnings("cut") == []


def test_large_outputs_are_left_out_with_a_note(tmp_path: Path) -> None:
    """The ones that fit are kept, further ones are counted once, and updates of one output do not add up."""
    html = "from IPython.display import HTML, display\nfor i in range(9):\n    display(HTML('x' * 4000))"
    update = "handle = display(HTML('y'), display_id=True)\nfor i in range(9):\n    handle.update(HTML(f'{i}' * 4000))"
    ran = run(tmp_path, html, update, max_output=10_000)
    kept, left_out = [output.data.get("text/html") for output in ran.cells[0].outputs][:2], ran.cells[0].outputs[2]
    assert kept == ["x" * 4000] * 2 and len(ran.cells[0].outputs) == 3
    assert left_out.data["text/plain"].startswith("… left out: an output of 4.03 kB")
    assert ran.warnings("cut") == [
        "cell 1 of 2 (from IPython.display import HTML, display): an output of 4.03 kB is left out, and max_output of a"
        " cell is 10 kB"
    ]
    assert [output.data["text/html"] for output in ran.cells[1].outputs] == ["8" * 4000]
    assert "left out: an output of" in ran.body


def test_an_output_that_nbformat_forbids_is_kept(tmp_path: Path) -> None:
    """Objects in forms that must be text, as libraries display them, do not end the run."""
    ran = run(
        tmp_path, displayed({"application/vnd.vegalite.v6.json": {"a": 1}, "text/x": {"b": 2}, "text/plain": "c"})
    )
    (output,) = ran.cells[0].outputs
    assert output.data == {"application/vnd.vegalite.v6+json": {"a": 1}, "text/x": '{"b": 2}', "text/plain": "c"}


def test_a_long_error_is_cut(tmp_path: Path) -> None:
    """The message of an exception may be as long as its data."""
    ran = run(tmp_path, "raise ValueError('z' * 5_000_000)", max_text=10_000)
    assert ran.failure["kind"] == "error"
    assert (ran.out / "trial.ipynb").stat().st_size < 200_000


@pytest.mark.parametrize(
    ("death", "printed"),
    [("print('second')\nos._exit(3)", "second\n"), ("os.kill(os.getpid(), 11)", "")],
)
def test_a_kernel_that_dies_keeps_what_ran_until_then(tmp_path: Path, death: str, printed: str) -> None:
    """Its cell has an error, and the outputs before are in the results."""
    ran = run(tmp_path, "print('first')", f"import os\n{death}", "print('third')")
    assert (ran.failure["kind"], ran.failure["number"]) == ("dead", 2)
    assert text_of(ran.cells[0]) == "first\n"
    assert text_of(ran.cells[1]) == printed
    assert [output.ename for output in ran.cells[1].outputs if output.output_type == "error"] == ["DeadKernelError"]
    assert ran.cells[2].outputs == []
    assert "the kernel died in this cell" in ran.body


def test_a_script_runs_as_a_program(tmp_path: Path) -> None:
    """Each block is a cell; it is `__main__`, knows its file, has no arguments, and its text is on the page."""
    ran = run_script(
        tmp_path,
        "from __future__ import annotations\nimport sys\nimport argparse\n# %% [markdown]\n# # The *data*\n"
        "# %% Arguments\nargparse.ArgumentParser().parse_args()\nprint(__name__, __file__, sys.argv == [__file__])\n"
        "# %% Result\nopen('a.txt', 'w').write('é')\n",
    )
    assert ran.failure is None
    assert [(cell.id, cell.cell_type) for cell in ran.cells] == [
        ("start", "code"),
        ("cell-2", "markdown"),
        ("arguments", "code"),
        ("result", "code"),
    ]
    assert text_of(ran.cells[2]) == f"__main__ {tmp_path / 'trial.py'} True\n"
    assert [cell.execution_count for cell in ran.cells if cell.cell_type == "code"] == [1, 2, 3]
    assert (ran.out / "a.txt").read_text("utf-8") == "é"
    assert "The <em>data</em>" in ran.body
    assert {event["of"] for event in ran.events if event["event"] == "begin"} == {3}


def test_a_script_gets_parameters(tmp_path: Path) -> None:
    """They are set after the block tagged `parameters`, without which there is an event."""
    text = '# %% tags=["parameters"]\nworst = 5\n# %%\nprint(worst)\n'
    assert text_of(run_script(tmp_path, text, parameters={"worst": 7}).cells[2]) == "7\n"
    ran = run_script(tmp_path, "worst = 5\n", parameters={"worst": 7})
    assert [event["event"] for event in ran.events] == ["no-parameters-cell"]


def test_a_script_fails_at_a_block(tmp_path: Path) -> None:
    """The failure has the block and the traceback."""
    ran = run_script(tmp_path, "x = 1\n# %% Divide\nx / 0\n# %%\nprint('never')\n")
    assert (ran.failure["number"], ran.failure["of"], ran.failure["first_line"]) == (2, 3, "x / 0")
    assert "ZeroDivisionError" in ran.failure["traceback"]
