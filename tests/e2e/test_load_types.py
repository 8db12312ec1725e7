"""The types of `shrinkwrap.load`, as mypy of the group dev sees them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """\
from shrinkwrap import load

reveal_type(load("cars"))
reveal_type(load("cars", ["n"], "a", where=[("n", "<", 3)], engine="polars"))
reveal_type(load("cars", engine="arrow"))
reveal_type(load("cars", engine="duckdb"))
load("cars", engine="excel")
"""
# Packages that mypy may not know here: what they name as their frames.
STUBS = {
    "pandas": "class DataFrame: ...",
    "polars": "class DataFrame: ...",
    "pyarrow": "class Table: ...",
    "duckdb": "class DuckDBPyRelation: ...",
}


def test_its_result_has_a_type(tmp_path: Path) -> None:
    """A type checker knows the frame of each engine, and refuses an unknown engine."""
    for package, text in STUBS.items():
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.pyi").write_text(text)
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "mypy.ini").write_text(
        "[mypy]\nfollow_imports = silent\n[mypy-pyarrow.*]\nignore_missing_imports = True\n"
    )
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), "script.py"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    lines = result.stdout.splitlines()
    assert [line.split('"')[1] for line in lines if "Revealed type" in line] == [
        "pandas.DataFrame",
        "polars.DataFrame",
        "pyarrow.Table",
        "duckdb.DuckDBPyRelation",
    ]
    assert [line.split(":")[1] for line in lines if ": error: " in line] == ["7"]
