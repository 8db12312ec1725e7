"""DVC's stage depends on the code that can change a part, and on no other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import data_convert

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = Path(data_convert.__file__).parent

# They are imported, but cannot change a part: the first only has names, the second only the texts of errors.
NO_INFLUENCE = {PACKAGE / "__init__.py", PACKAGE / "errors.py"}

SCRIPT = """
import sys
from data_convert.__main__ import main
assert main(argv=["convert", "--file", sys.argv[1], "--dataset", "a", "--metrics", sys.argv[2]]) == 0
print(*(module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "data_convert"), sep="\\n")
"""


def _dependencies() -> set[Path]:
    """Paths of the package that data/dvc.yaml declares."""
    text = (ROOT / "data/dvc.yaml").read_text("utf-8")
    paths = re.findall(r"- (\.\./packages/\S+)", text)
    return {(ROOT / "data" / path).resolve() for path in paths}


def _imported(tmp_path: Path) -> set[Path]:
    """Files of the package that a conversion with a row that does not fit imports."""
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv/x.csv").write_text('n,when,mark\n1,2024-01-01,2s\nx,2024-01-02,T\n"3",2024-01-03,1\n')
    (tmp_path / "datasets.toml").write_text(
        '[datasets.a]\nsource = "csv"\noutput = "parquet"\non_reject = "keep"\nmax_rejects = 1\ncolumns = ['
        '{ name = "n", type = "int8" }, { name = "when", type = "date", formats = ["%Y-%m-%d"] },'
        '{ name = "mark", type = "flagged_number" }]\n'
    )
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "datasets.toml"), str(tmp_path / "a.json")]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {Path(line) for line in output.splitlines() if line.endswith(".py")}


def test_everything_that_converts_is_a_dependency(tmp_path: Path) -> None:
    """Each module that the stage imports is in a declared folder or is a declared file."""
    dependencies = _dependencies()
    outside = {path for path in _imported(tmp_path) if not dependencies & {path, *path.parents}}
    assert outside == NO_INFLUENCE


def test_nothing_else_is_a_dependency(tmp_path: Path) -> None:
    """Each declared path exists and is imported by the stage; reports, inspections and verification are not."""
    imported = _imported(tmp_path)
    for path in _dependencies():
        assert path.exists()
        assert any(path in (file, *file.parents) for file in imported), path
    rooms = {path.relative_to(PACKAGE).parts[0] for path in imported}
    assert not rooms & {"inspection", "sizes", "verification", "conversion_preview.py"}
