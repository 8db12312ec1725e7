"""The capsules that a change touches, so that CI reproduces only these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from data_share import lock_outputs
from dataset_spec import DATASETS_FILE, parse_datasets
from env_spec import OWN_FOLDER, NotebookSpec, ProjectFiles, image_diffs, read_project, read_revision
from notebook_run.capsule.data import LOCK_FILE, folder_oids
from notebook_run.capsule.files import capsule_names, read_capsule
from notebook_run.capsule.git import changed_files, committed_text
from notebook_run.capsule.record import CAPSULES, SCHEMA, Capsule
from notebook_run.datasets import table_hash
from notebook_run.project import LIB


def list_capsules(root: Path, *, changed_since: str | None = None) -> dict[str, tuple[str, ...]]:
    """The capsules of a project, or those that a change since a commit touches, each with the reasons.

    Raises:
        EnvSpecError: There is no such commit.
        NotebookInputError: A capsule cannot be read.
    """
    if changed_since is None:
        return dict.fromkeys(capsule_names(root), ("all were requested",))
    return _touched_capsules(root, changed_since)


def capsules_matrix(capsules: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """The capsules as the matrix of a GitHub job."""
    return {"include": [{"notebook": name, "why": "; ".join(reasons)} for name, reasons in capsules.items()]}


def _touched_capsules(root: Path, since: str) -> dict[str, tuple[str, ...]]:
    before, now = read_revision(root, since), read_project(root)
    files = changed_files(root, since)
    rebuilt = {diff.image for diff in image_diffs(before, now) if diff.needs_build}
    found = {}
    for name in capsule_names(root):
        capsule = read_capsule(root, root / CAPSULES / f"{name}.json")
        reasons = [
            *_changed_files(capsule, files, now.spec.notebooks.get(name)),
            *_changed_table(capsule, before, now),
            *(f"image {image}" for image in {_image(capsule, now)} & rebuilt),
            *_changed_data(root, capsule, since),
        ]
        if reasons:
            found[name] = tuple(reasons)
    return found


def _changed_files(capsule: Capsule, files: Sequence[str], notebook: NotebookSpec | None) -> Iterator[str]:
    own = (CAPSULES / capsule.name).as_posix()
    folders = (f"{LIB}/", f"{own}/", *([f"{OWN_FOLDER}/"] if notebook and notebook.own else []))
    for path in files:
        if path in (capsule.notebook, f"{own}.json", SCHEMA.as_posix()) or path.startswith(folders):
            yield path


def _changed_table(capsule: Capsule, before: ProjectFiles, now: ProjectFiles) -> Iterator[str]:
    if before.spec.notebooks.get(capsule.name) != now.spec.notebooks.get(capsule.name):
        yield f"its table in pyproject.toml ({capsule.name})"


def _image(capsule: Capsule, now: ProjectFiles) -> str:
    notebook = now.spec.notebooks.get(capsule.name)
    return notebook.image if notebook else capsule.packages.name


def _changed_data(root: Path, capsule: Capsule, since: str) -> Iterator[str]:
    tables, old_tables = (
        parse_datasets(text or "", source=DATASETS_FILE)
        for text in (_text(root, DATASETS_FILE), committed_text(root, since, DATASETS_FILE))
    )
    oids, old_oids = (
        folder_oids(lock_outputs(text)) for text in (_text(root, LOCK_FILE), committed_text(root, since, LOCK_FILE))
    )
    for name in capsule.data:
        table, old_table = tables.get(name), old_tables.get(name)
        if table_hash(table.table if table else {}) != table_hash(old_table.table if old_table else {}):
            yield f"dataset {name} (its table)"
        folder = table.output_path if table else ""
        if oids.get(folder) != old_oids.get(folder):
            yield f"dataset {name} (its parts)"


def _text(root: Path, path: str) -> str | None:
    return (root / path).read_text("utf-8") if (root / path).is_file() else None
