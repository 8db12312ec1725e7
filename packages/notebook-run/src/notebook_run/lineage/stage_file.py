"""The stages of notebooks, `notebooks/dvc.yaml`, made from pyproject.toml."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from data_share import RecordedOutput, recorded_outputs, write_if_different
from env_spec import OWN_FOLDER, NotebookSpec, image_environment, load_spec, read_project
from notebook_run.datasets import notebook_tables, parts_in, selected_parts
from notebook_run.project import LIB

STAGES: Final = "notebooks/dvc.yaml"
LOCK: Final = "notebooks/dvc.lock"
METRICS: Final = "notebooks/metrics"
_STAGE: Final = re.compile(r"^ {2}([^\s#].*):(?=\n)", re.MULTILINE)
_HEAD: Final = """\
# `invoke run` writes this file from pyproject.toml: a stage for each notebook that dvc.lock records.
stages:
"""


def write_stage_file(root: Path, pending: Iterable[str] = ()) -> None:
    """Bring the stages up to date with pyproject.toml and notebooks/dvc.lock; an equal file stays untouched.

    A stage without a record makes `dvc pull` exit with 1, so only recorded notebooks have one. The record of a notebook
    that pyproject.toml no longer declares is removed, with its metrics; its results remain in notebooks/out.

    Args:
        pending: Notebooks that are about to run.

    Raises:
        EnvSpecError: pyproject.toml or poetry.lock has mistakes.
        DatasetSpecError: data/datasets.toml does not describe a dataset.
    """
    files, file = read_project(root), root / STAGES
    locked = _locked_notebooks(root)
    _remove_records(root, locked - set(files.spec.notebooks))
    names = locked.union(pending)
    notebooks = [notebook for name, notebook in files.spec.notebooks.items() if name in names]
    if not notebooks:
        file.unlink(missing_ok=True)
        return
    environments = {image: image_environment(files, image).fingerprint for image in {n.image for n in notebooks}}
    stages = "".join(_stage_text(root, notebook, environments[notebook.image]) for notebook in notebooks)
    figures = "".join(f"  - out/{notebook.name}/figures\n" for notebook in notebooks if _has_figures(root, notebook))
    text = f"{_HEAD}{stages}" + (f"plots:\n{figures}" if figures else "")
    write_if_different(file, text)


def recorded_results(root: Path, commit_texts: Mapping[str, str] | None = None) -> tuple[RecordedOutput, ...]:
    """The results that notebooks/dvc.lock records; none if it does not exist.

    Args:
        commit_texts: The two files as a commit has them; None for those of the working tree.

    Raises:
        RecordError: A file cannot be read.
    """
    texts = dict(commit_texts) if commit_texts is not None else _texts(root)
    outputs = recorded_outputs(texts) if LOCK in texts else ()
    return tuple(output for output in outputs if output.is_folder)


def recorded_notebooks(root: Path) -> set[str]:
    """The declared notebooks whose results notebooks/dvc.lock records.

    Raises:
        EnvSpecError: pyproject.toml has mistakes.
        RecordError: notebooks/dvc.lock cannot be read.
    """
    locked = _locked_notebooks(root)
    return locked & set(load_spec(root / "pyproject.toml").notebooks) if locked else locked


def stage_environment(root: Path, name: str) -> str:
    """The fingerprint of a notebook's image, which stands for its environment in both places.

    Raises:
        EnvSpecError: The notebook is not declared, or a file has mistakes.
    """
    return image_environment(read_project(root), load_spec(root / "pyproject.toml").notebook(name).image).fingerprint


def _locked_notebooks(root: Path) -> set[str]:
    """The notebooks in notebooks/dvc.lock, also those that are no longer declared."""
    # Without the stages: a file of stages that lacks one must not hide its record.
    texts = {path: text for path, text in _texts(root).items() if path == LOCK}
    return {PurePosixPath(output.path).name for output in recorded_results(root, texts)}


def _remove_records(root: Path, names: Iterable[str]) -> None:
    """Remove notebooks from notebooks/dvc.lock, and their metrics; a lock without any other stage is removed."""
    if not (removed := set(names)):
        return
    lock = root / LOCK
    text = _without_stages(lock.read_text("utf-8"), removed)
    if _STAGE.search(text):
        write_if_different(lock, text)
    else:
        lock.unlink()
    for name in removed:
        (root / METRICS / f"{name}.json").unlink(missing_ok=True)


def _without_stages(lock_text: str, names: set[str]) -> str:
    """The text of a dvc.lock without some of its stages; every other line stays the same.

    DVC has a stage from a line with two blanks until the next such line.
    """
    head, *stages = _STAGE.split(lock_text)
    # The pattern has one group, so names and bodies alternate.
    pairs = zip(stages[::2], stages[1::2], strict=True)
    return head + "".join(f"  {name}:{body}" for name, body in pairs if name.strip("'\"") not in names)


def _texts(root: Path) -> dict[str, str]:
    return {path: (root / path).read_text("utf-8") for path in (STAGES, LOCK) if (root / path).is_file()}


def _stage_text(root: Path, notebook: NotebookSpec, environment: str) -> str:
    # Texts of JSON are those of YAML, too.
    deps = "".join(f"      - {json.dumps(_from_notebooks(path))}\n" for path in _dependencies(root, notebook))
    name = notebook.name
    return (
        f"  {name}:\n"
        f"    cmd: python -m notebook_run {name} --environment {environment}\n"
        f"    deps:\n{deps}"
        f"    params:\n      - ../pyproject.toml:\n          - tool.env-spec.notebooks.{name}\n"
        f"    outs:\n      - out/{name}\n"
        f"    metrics:\n      - metrics/{name}.json:\n          cache: false\n"
    )


def _dependencies(root: Path, notebook: NotebookSpec) -> Iterator[str]:
    """The files and folders that a notebook reads, relative to the project."""
    yield notebook.path
    yield LIB
    if notebook.own:
        yield OWN_FOLDER
    data = root / "data"
    tables = notebook_tables(data, notebook)
    for dataset in notebook.datasets:
        folder = tables[dataset.name].output_path
        parts = selected_parts(parts_in(root / folder), dataset) if dataset.parts is not None else []
        yield from (f"{folder}/{part}" for part in parts)
        if not parts:
            yield folder


def _from_notebooks(path: str) -> str:
    return PurePosixPath(os.path.relpath(path, "notebooks")).as_posix()


def _has_figures(root: Path, notebook: NotebookSpec) -> bool:
    return (root / "notebooks/out" / notebook.name / "figures").is_dir()
