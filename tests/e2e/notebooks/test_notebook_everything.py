"""`invoke run` in a fresh clone with sample data: all datasets and all shipped notebooks, by DVC's own record."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import pytest

INVOKE = (sys.executable, "-m", "invoke")
NOTEBOOKS = ("traffic-eda", "climate-eda", "speed-model")
# The folder of each dataset below data/raw/parquet.
DATASETS = {"pems-detector": "pems/detector", "pems-incident": "pems/incident", "climate": "climate"}


@pytest.fixture(scope="module")
def built(sampled_project: Any) -> Any:
    """The clone after its first `invoke run`, which is complete."""
    datasets, notebooks = run(sampled_project)
    assert datasets == dict.fromkeys(DATASETS, "converted")
    assert notebooks == dict.fromkeys(NOTEBOOKS, "ran")
    return sampled_project


def run(project: Any, *names: str) -> tuple[dict[str, str], dict[str, str]]:
    """`invoke run`: the states of the datasets and of the notebooks."""
    found = json.loads(project.run(*INVOKE, "run", *names, "--local", "--json").stdout)
    return tuple({each["name"]: each["state"] for each in found[kind]} for kind in ("datasets", "notebooks"))  # type: ignore[return-value]


def status(project: Any) -> Any:
    """What DVC finds changed of all stages of notebooks."""
    return json.loads(project.run(sys.executable, "-m", "dvc", "status", "--json", "notebooks/dvc.yaml").stdout)


def test_one_command_builds_everything_once(built: Any) -> None:
    """Each dataset has parts, each notebook a page and figures; a second run does nothing, as DVC confirms."""
    for name, folder in DATASETS.items():
        assert list((built.root / "data/raw/parquet" / folder).rglob("*.parquet")), name
    for name in NOTEBOOKS:
        results = built.root / "notebooks/out" / name
        assert (results / f"{name}.html").is_file() and list((results / "figures").glob("*.png")), name
    recorded = (built.root / "notebooks/dvc.lock").read_bytes()
    assert run(built) == (dict.fromkeys(DATASETS, "up to date"), dict.fromkeys(NOTEBOOKS, "up to date"))
    assert status(built) == {}
    assert (built.root / "notebooks/dvc.lock").read_bytes() == recorded


@pytest.mark.parametrize(
    ("package", "changed"), [("threadpoolctl", ["speed-model"]), ("matplotlib", [*NOTEBOOKS])], ids=["models", "all"]
)
def test_one_package_changes_the_notebooks_that_have_it(built: Any, package: str, changed: list[str]) -> None:
    """Another version in poetry.lock is a changed command of exactly the notebooks whose slice has the package."""
    path = built.root / "poetry.lock"
    before = path.read_text("utf-8")
    pattern = rf'(name = "{package}"\nversion = ")[^"]+'
    text, count = re.subn(pattern, r"\g<1>99.0", before)
    assert count == 1
    built.write("poetry.lock", text)
    try:
        # A dataset needs no environment; the stages are brought up to date nevertheless.
        assert run(built, "climate") == ({"climate": "up to date"}, {})
        assert status(built) == {f"notebooks/dvc.yaml:{name}": ["changed command"] for name in changed}
    finally:
        built.write("poetry.lock", before)
    run(built, "climate")
    assert status(built) == {}
