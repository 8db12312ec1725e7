"""The capsules that a change touches, and the inputs of a freeze, with this repository's own notebooks."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from capsule_example import CAPSULE

from env_spec import load_spec
from notebook_run.capsule.freeze import input_paths
from notebook_run.capsule.record import CAPSULES, capsule_text
from notebook_run.capsule.touched import capsules_matrix, list_capsules

ROOT = Path(__file__).resolve().parents[3]
LOCK = """\
schema: '2.0'
stages:
  compress@climate:
    outs:
    - path: raw/parquet/climate
      hash: md5
      md5: {}.dir
"""


@pytest.fixture(autouse=True)
def no_process() -> None:
    """Git is real in these tests."""


def git(*words: str, at: Path) -> None:
    command = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org", *words]
    subprocess.run(command, cwd=at, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The inputs of this repository's images and notebooks, committed with one capsule."""
    listed = ["git", "ls-files", "-z", "--", "pyproject.toml", "poetry.lock", "images", "notebooks", "packages",
              "data/datasets.toml"]  # fmt: skip
    for name in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    capsule = replace(CAPSULE, data={"climate": CAPSULE.data["climate"]})
    (tmp_path / CAPSULES / "traffic-eda.json").write_text(capsule_text(capsule), "utf-8")
    (tmp_path / "data/dvc.lock").write_text(LOCK.format("1" * 32))
    git("init", "--quiet", at=tmp_path)
    git("add", "--all", at=tmp_path)
    git("commit", "--quiet", "-m", "All", at=tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "old", "new", "why"),
    [
        ("notebooks/traffic-eda.ipynb", "SLOW_MPH = 40", "SLOW_MPH = 35", "notebooks/traffic-eda.ipynb"),
        ("notebooks/lib/experiment/style.py", "WIDTH = 9.0", "WIDTH = 8.0", "notebooks/lib/experiment/style.py"),
        ("pyproject.toml", "worst = 10", "worst = 9", "its table in pyproject.toml (traffic-eda)"),
        ("data/datasets.toml", 'sort = ["STATION", "DATE"]', 'sort = ["DATE"]', "dataset climate (its table)"),
        ("data/dvc.lock", "1" * 32, "2" * 32, "dataset climate (its parts)"),
        ("images/notebook/Dockerfile", "FROM ", "# changed\nFROM ", "image jupyter-notebook"),
    ],
)
def test_a_change_of_an_input_touches_the_capsule(project: Path, path: str, old: str, new: str, why: str) -> None:
    """It need not be committed; the reason is listed."""
    text = (project / path).read_text("utf-8")
    assert old in text
    (project / path).write_text(text.replace(old, new, 1), "utf-8")
    assert list_capsules(project, changed_since="HEAD") == {"traffic-eda": (why,)}


@pytest.mark.parametrize(
    "path", ["notebooks/climate-eda.ipynb", "notebooks/README.md", "packages/data-sample/README.md"]
)
def test_a_change_of_another_file_does_not(project: Path, path: str) -> None:
    """Then CI has nothing to reproduce; once a week it reproduces all."""
    (project / path).write_text("other\n")
    assert list_capsules(project, changed_since="HEAD") == {}
    assert list(list_capsules(project)) == ["traffic-eda"]


def test_the_matrix_of_a_job_has_names_and_reasons() -> None:
    """GitHub reads it as `include`."""
    assert capsules_matrix({"eda": ("image i", "data/datasets.toml")}) == {
        "include": [{"notebook": "eda", "why": "image i; data/datasets.toml"}]
    }


def test_the_inputs_of_a_notebook_must_be_committed() -> None:
    """These are the files that its result depends on, and no others."""
    assert set(input_paths(ROOT, load_spec(ROOT / "pyproject.toml").notebook("speed-model"))) == {
        "notebooks/speed-model.ipynb",
        "notebooks/lib",
        "data/datasets.toml",
        "data/dvc.lock",
        "pyproject.toml",
        "poetry.lock",
        "images/notebook",
    }
