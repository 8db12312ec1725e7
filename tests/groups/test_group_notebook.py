"""Group notebook: Jupyter itself and plotting."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import matplotlib as mpl
import nbclient
import nbformat
import pandas as pd
import pytest

OWN_DATA = Path(__file__).resolve().parents[2] / "docs" / "own-data.md"
CELL = """\
import matplotlib
matplotlib.use("agg")
import pandas as pd
frame = pd.read_parquet("speeds.parquet")
frame.plot(x="hour", y="speed_mph").figure.savefig("speeds.png")
print(len(frame), frame.speed_mph.max())
"""


def test_notebook_reads_parquet_and_plots(tmp_path: Path) -> None:
    """A notebook that runs without a browser reads Parquet with pandas and draws it with matplotlib."""
    pd.DataFrame({"hour": [7, 8, 9], "speed_mph": [64.0, 31.5, 47.0]}).to_parquet(tmp_path / "speeds.parquet")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    nbclient.NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    assert [output.text for output in notebook.cells[0].outputs if output.name == "stdout"] == ["3 64.0\n"]
    assert (tmp_path / "speeds.png").read_bytes().startswith(b"\x89PNG")


def test_jupyterlab_starts() -> None:
    """The jupyter command of this environment knows JupyterLab."""
    jupyter = shutil.which("jupyter-lab")
    assert jupyter is not None
    result = subprocess.run([jupyter, "--version"], capture_output=True, text=True, check=True)
    assert result.stdout[0].isdigit()


def test_the_plot_of_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code in docs/own-data.md draws the means of a folder of parts."""
    folder = tmp_path / "data/raw/parquet/air"
    folder.mkdir(parents=True)
    for day in ("2024-01-01", "2024-01-03"):
        times = pd.date_range(day, periods=4, freq="6h", unit="ms")
        frame = pd.DataFrame({"Name": ["a", "b"] * 2, "Measured at": times, "PM10": [1.0, 2.0, 3.0, 4.0]})
        frame.to_parquet(folder / f"{day}.parquet")
    monkeypatch.chdir(tmp_path)
    mpl.use("agg")
    code = re.findall(r"```python\n(.*?)```", OWN_DATA.read_text("utf-8"), re.DOTALL)
    scope: dict[str, pd.DataFrame] = {}
    exec(code[0], scope)
    assert scope["daily"].shape == (3, 2)
    assert (tmp_path / "pm10.png").read_bytes().startswith(b"\x89PNG")
