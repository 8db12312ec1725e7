"""notebooks/dvc.yaml and notebooks/dvc.lock, from pyproject.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from notebook_run import recorded_notebooks, write_stage_file

LOCK = """\
schema: '2.0'
stages:
{stages}"""
STAGE = """\
  {name}:
    cmd: python -m notebook_run {name} --environment 449bd0564ab4a378
    deps:
    - path: {name}.ipynb
      hash: md5
      md5: '12345678901234567890123456789012'
      size: 3
    params:
      ../pyproject.toml:
        tool.env-spec.notebooks.{name}:
          path: notebooks/{name}.ipynb
          memory: 2GB
    outs:
    - path: metrics/{name}.json
      hash: md5
      md5: 99914b932bd37a50b983c5e7c90ae93b
      size: 2
    - path: out/{name}
      hash: md5
      md5: f886f0258b8e2ad4c2d0bf3fcfba6abf.dir
      size: 9
      nfiles: 2
"""
PROJECT = """\
[project]
name = "lab"
requires-python = ">=3.11"
[dependency-groups]
main = ["six"]
models = ["attrs"]
[tool.env-spec.images.small]
groups = ["main"]
[tool.env-spec.images.large]
groups = ["main", "models"]
"""
PACKAGE = """\
[[package]]
name = "{name}"
version = "{version}"
optional = false
python-versions = ">=3.9"
groups = ["{group}"]
files = [{{file = "{name}-{version}-py3-none-any.whl", hash = "sha256:{digest}"}}]

"""
LOCK_END = '[metadata]\nlock-version = "2.1"\npython-versions = ">=3.11"\ncontent-hash = "0"\n'


def lock_text(*names: str) -> str:
    return LOCK.format(stages="".join(STAGE.format(name=name) for name in names))


def poetry_lock(**versions: str) -> str:
    groups = {"six": "main", "attrs": "models"}
    packages = (
        PACKAGE.format(name=name, group=groups[name], version=version, digest=version.replace(".", "0").ljust(64, "0"))
        for name, version in versions.items()
    )
    return "".join(packages) + LOCK_END


def declare(root: Path, **images: str) -> None:
    """Write pyproject.toml with these notebooks."""
    tables = (
        f'[tool.env-spec.notebooks.{name}]\npath = "notebooks/{name}.ipynb"\nimage = "{image}"\n'
        for name, image in images.items()
    )
    (root / "pyproject.toml").write_text(PROJECT + "".join(tables))


def stages(root: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((root / "notebooks/dvc.yaml").read_text())["stages"]
    return content


@pytest.fixture
def lab(root: Path) -> Path:
    """A project whose notebooks `eda` and `model` are recorded; only `model` has the group `models`."""
    declare(root, eda="small", model="large")
    (root / "poetry.lock").write_text(poetry_lock(six="1.17.0", attrs="25.4.0"))
    (root / "images/notebook").mkdir(parents=True)
    (root / "images/notebook/Dockerfile").write_text("FROM scratch\n")
    (root / "notebooks/dvc.lock").write_text(lock_text("eda", "model"))
    (root / "notebooks/metrics").mkdir()
    for name in ("eda", "model"):
        (root / f"notebooks/metrics/{name}.json").write_text("{}\n")
    write_stage_file(root)
    return root


def test_only_recorded_and_pending_notebooks_have_a_stage(lab: Path) -> None:
    """A declared notebook that never ran has none."""
    declare(lab, eda="small", model="large", other="small")
    write_stage_file(lab)
    assert list(stages(lab)) == ["eda", "model"]
    write_stage_file(lab, ["other"])
    assert list(stages(lab)) == ["eda", "model", "other"]
    assert recorded_notebooks(lab) == {"eda", "model"}


def test_a_renamed_notebook_leaves_nothing(lab: Path) -> None:
    """Its old name loses stage, record and metrics; the record of the other notebook keeps every byte."""
    declare(lab, analysis="small", model="large")
    assert recorded_notebooks(lab) == {"model"}
    write_stage_file(lab)
    assert list(stages(lab)) == ["model"]
    assert (lab / "notebooks/dvc.lock").read_text() == lock_text("model")
    assert [path.name for path in (lab / "notebooks/metrics").iterdir()] == ["model.json"]


def test_without_notebooks_both_files_are_removed(lab: Path) -> None:
    """DVC does not read a lock without stages."""
    declare(lab)
    write_stage_file(lab)
    assert not (lab / "notebooks/dvc.yaml").exists() and not (lab / "notebooks/dvc.lock").exists()


def test_a_lost_stage_is_written_again(lab: Path) -> None:
    """A notebook whose stage a merge dropped keeps its record."""
    (lab / "notebooks/dvc.yaml").write_text("stages: {model: {cmd: x}}\n")
    write_stage_file(lab)
    assert list(stages(lab)) == ["eda", "model"]
    assert (lab / "notebooks/dvc.lock").read_text() == lock_text("eda", "model")


def test_one_package_changes_the_stages_that_have_it(lab: Path) -> None:
    """Another version of a package changes the command of exactly the notebooks whose slice of the lock has it."""
    before = {name: stage["cmd"] for name, stage in stages(lab).items()}
    changed = {}
    for versions in ({"six": "1.17.0", "attrs": "25.4.1"}, {"six": "1.17.1", "attrs": "25.4.0"}):
        (lab / "poetry.lock").write_text(poetry_lock(**versions))
        write_stage_file(lab)
        changed[versions["six"]] = [name for name, stage in stages(lab).items() if stage["cmd"] != before[name]]
    assert changed == {"1.17.0": ["model"], "1.17.1": ["eda", "model"]}
