"""Group notebook: Jupyter itself and plotting."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import nbclient
import nbformat
import pandas as pd

CELL = """\
import matplotlib
matplotlib.use("agg")
import pandas as pd
frame = pd.read_parquet("speeds.parquet")
frame.plot(x="hour", y="speed_mph").figure.savefig("speeds.png")
print(len(frame), frame.speed_mph.max())
"""


def test_notebook_reads_parquet_and_plots(tmp_path: Path) -> None:
    """A notebook run without a browser reads Parquet with pandas and draws it with matplotlib."""
    pd.DataFrame({"hour": [7, 8, 9], "speed_mph": [64.0, 31.5, 47.0]}).to_parquet(tmp_path / "speeds.parquet")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    nbclient.NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    assert [output.text for output in notebook.cells[0].outputs if output.name == "stdout"] == ["3 64.0\n"]
    assert (tmp_path / "speeds.png").read_bytes().startswith(b"\x89PNG")


def test_jupyterlab_starts() -> None:
    """The jupyter command of this environment knows JupyterLab."""
    jupyter = shutil.which("jupyter-lab")
    assert jupyter is not None
    answer = subprocess.run([jupyter, "--version"], capture_output=True, text=True, check=True)
    assert answer.stdout[0].isdigit()
