"""A capsule is frozen and reproduced without Docker; differences are explained."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest

GIT = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org")
PARTS = "data/raw/parquet/pems/detector"
CELLS = (
    "import importlib.metadata\nimport experiment\n"
    "speeds = experiment.load('pems-detector', columns=['station', 'speed'])",
    "speeds.describe()",
    "print('pyparsing', importlib.metadata.version('pyparsing'))",
    "path = experiment.out('mean.csv')\n"
    "speeds[['speed']].mean().to_csv(path)\n"
    "import tempfile\nprint(path, path.parent, tempfile.gettempdir())",
)
SHAKY = (
    "import random\nprint('steady')",
    "print(random.random())",
    "from pathlib import Path\n_ = Path('draw.txt').write_text(str(random.random()))",
)
# Another version of one small package, for the lock.
WHEEL = "sha256:91d0fcde680d42cd031daf3a6ba20da3107e08a75de50da58360e7d94ab24d36"
OLDER = f"""\
version = "3.2.4"
description = "pyparsing module - Classes and methods to define and execute parsing grammars"
optional = false
python-versions = ">=3.9"
groups = ["notebook", "ops"]
files = [
    {{file = "pyparsing-3.2.4-py3-none-any.whl", hash = "{WHEEL}"}},
]
"""


@pytest.fixture(scope="module")
def project(local_project: Any) -> Iterator[Any]:
    """The clone with a committed notebook, its data, and its capsule."""
    local_project.write_notebook("steady", *CELLS, datasets=["pems-detector"])
    local_project.write_notebook("shaky", *SHAKY)
    commit(local_project, "Two notebooks and data")
    local_project.notebook("freeze", "steady", "--local")
    yield local_project
    for name in ("steady", "shaky"):
        (local_project.root / f"notebooks/{name}.ipynb").unlink()
        (local_project.root / f"notebooks/capsules/{name}.json").unlink(missing_ok=True)
        shutil.rmtree(local_project.root / f"notebooks/capsules/{name}", ignore_errors=True)
    text = (local_project.root / "pyproject.toml").read_text("utf-8")
    tables = r"^\[tool\.env-spec\.notebooks\.(?:steady|shaky)\]\n(?:(?!\[).*\n)*"
    local_project.write("pyproject.toml", re.sub(tables, "", text, flags=re.MULTILINE))
    commit(local_project, "Without them")


def commit(project: Any, message: str) -> None:
    project.run(*GIT, "add", "--all")
    project.run(*GIT, "commit", "--quiet", "-m", message)


def capsule(project: Any, name: str = "steady") -> dict[str, Any]:
    document: dict[str, Any] = json.loads((project.root / f"notebooks/capsules/{name}.json").read_text("utf-8"))
    return document


@contextmanager
def changed(project: Any, name: str, content: str | bytes) -> Iterator[None]:
    """Change a file of the clone for the duration of the block. The file is replaced, because it may be a link."""
    path: Path = project.root / name
    before = path.read_bytes() if path.exists() else None
    path.unlink(missing_ok=True)
    try:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.chown(path, project.uid, project.gid)
        yield
    finally:
        path.unlink()
        if before is not None:
            path.write_bytes(before)
            os.chown(path, project.uid, project.gid)


def docker_capsule(project: Any) -> str:
    """The same capsule as a run in a container would have written it."""
    document = capsule(project)
    del document["environment"]
    image = {
        "name": "jupyter-notebook",
        "reference": "jupyter-notebook:env-0123456789abcdef",
        "digest": f"sha256:{'a' * 64}",
        "fingerprint": "0123456789abcdef",
        "base": "debian:1",
        "commit": None,
    }
    return json.dumps({**document, "place": "docker", "image": image})


def test_the_capsule_names_the_environment_and_the_files(project: Any) -> None:
    """Paths of this machine are in none of its outputs."""
    found = capsule(project)
    assert found["place"] == "local" and found["environment"]["name"] == "jupyter-notebook"
    assert (project.root / ".shrinkwrap/envs" / found["environment"]["fingerprint"]).is_dir()
    assert re.fullmatch(r"linux/\w+|darwin/\w+", found["platform"]) and "image" not in found
    assert found["versions"]["python"] and found["versions"]["pandas"]
    folder = project.root / "notebooks/capsules/steady"
    assert "mean.csv" in found["files"] and (folder / "files/mean.csv").read_text("utf-8").startswith(",0\n")
    printed = (folder / "cell-4-1.txt").read_text("utf-8")
    assert printed == "/project/notebooks/out/steady/mean.csv /project/notebooks/out/steady /tmp\n"


def test_without_a_change_all_results_are_equal(project: Any) -> None:
    """The run leaves no checkout behind."""
    result = project.notebook("reproduce", "steady", check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    files = len(capsule(project)["files"])
    assert result.stdout.startswith("steady has the same results: 3 outputs and ")
    assert f"and {files} file" in result.stdout and "The local environment is identical: " in result.stdout
    assert list((project.root / ".shrinkwrap/checkouts").iterdir()) == []


def test_a_changed_package_is_the_culprit(project: Any) -> None:
    """Its version is printed by one cell; the fingerprint of the environment follows from it."""
    lock = (project.root / "poetry.lock").read_text("utf-8")
    (before,) = re.findall(r'name = "pyparsing"\nversion = "(.+)"', lock)
    older, count = re.subn(r'(?<=name = "pyparsing"\n)version = (?:.*\n)*?\]\n', OLDER, lock, count=1)
    assert count == 1
    with changed(project, "poetry.lock", older):
        result = project.notebook("reproduce", "steady", "--here", "--json", check=False)
    assert result.returncode == 1, result.stderr
    found = json.loads(result.stdout)
    assert found["culprit"]["sentence"] == f"package pyparsing: {before} → 3.2.4"
    assert [cell["id"] for cell in found["cells"]] == ["cell-3"] and found["files"] == []


def test_a_changed_part_is_the_culprit(project: Any) -> None:
    """The cells that show the data differ, and so does the file."""
    part = sorted((project.root / PARTS).glob("*.parquet"))[0]
    table = parquet.read_table(part)
    speeds = [speed and speed + 1 for speed in table.column("speed").to_pylist()]
    at = table.schema.names.index("speed")
    parquet.write_table(table.set_column(at, table.schema.field("speed"), [speeds]), project.root / "other.parquet")
    content = (project.root / "other.parquet").read_bytes()
    (project.root / "other.parquet").unlink()
    with changed(project, str(part.relative_to(project.root)), content):
        result = project.notebook("reproduce", "steady", "--here", "--json", check=False)
    assert result.returncode == 1, result.stderr
    found = json.loads(result.stdout)
    assert found["culprit"]["sentence"] == f"data pems-detector/{part.name} was changed"
    assert [cell["id"] for cell in found["cells"]] == ["cell-2"]
    assert [file["path"] for file in found["files"]] == ["mean.csv"]


def test_cells_that_differ_from_themselves_are_refused_or_marked(project: Any) -> None:
    """The error names them, and the file; with the flag, the capsule does."""
    refused = project.notebook("freeze", "shaky", "--local", check=False)
    assert refused.returncode == 1
    assert "  cell 2 (cell-2): print(random.random())\n  file draw.txt\n" in refused.stderr
    assert "volatile" in refused.stderr and not (project.root / "notebooks/capsules/shaky.json").exists()
    marked = project.notebook("freeze", "shaky", "--local", "--mark-volatile").stdout
    assert "recorded as volatile and not compared: cell 2 (cell-2), file draw.txt." in marked
    again = project.notebook("reproduce", "shaky", check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "cell 2 (cell-2): different in each run when it was frozen" in again.stdout


def test_a_capsule_of_a_container_can_be_reproduced_locally(project: Any) -> None:
    """Without Docker, the error offers it; the report says that the place is another one."""
    with changed(project, "elsewhere.json", docker_capsule(project)):
        failed = project.notebook("reproduce", "elsewhere.json", check=False)
        result = project.notebook("reproduce", "elsewhere.json", "--local", check=False)
    assert failed.returncode == 1
    assert failed.stderr.endswith("Or work without Docker, in an environment with the same packages: add --local.\n")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "This run was in a local environment; the capsule was frozen in a container of its image." in result.stdout
    page = (project.root / "notebooks/out/steady/reproduction.html").read_text("utf-8")
    assert "This run was in a local environment; the capsule was frozen in a container of its image." in page
