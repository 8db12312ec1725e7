"""Which capsules a change touches, so that CI reproduces only these."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from env_spec import ProjectFiles, image_diffs, read_project, read_revision
from notebook_run.capsule import CAPSULES, SCHEMA, Capsule, capsule_names, read_capsule
from notebook_run.capsule_data import DATASETS_FILE, LOCK_FILE, locked_folders, table_hash
from notebook_run.repository import changed_files, committed_text
from notebook_run.rerun import LIB


def all_capsules(root: Path) -> dict[str, tuple[str, ...]]:
    """Every capsule, touched or not."""
    return dict.fromkeys(capsule_names(root), ("all were asked for",))


def touched_capsules(root: Path, since: str) -> dict[str, tuple[str, ...]]:
    """The capsules that a change since a commit touches, each with what of it was changed.

    Raises:
        EnvSpecError: There is no such commit.
        CapsuleInvalidError: A capsule cannot be read.
    """
    before, now = read_revision(root, since), read_project(root)
    files = changed_files(root, since)
    rebuilt = {diff.image for diff in image_diffs(before, now) if diff.needs_build}
    found = {}
    for name in capsule_names(root):
        capsule = read_capsule(root, root / CAPSULES / f"{name}.json")
        reasons = [
            *_changed_files(capsule, files),
            *_changed_table(capsule, before, now),
            *(f"image {image}" for image in {_image(capsule, now)} & rebuilt),
            *_changed_data(root, capsule, since),
        ]
        if reasons:
            found[name] = tuple(reasons)
    return found


def _changed_files(capsule: Capsule, files: list[str]) -> Iterator[str]:
    own = f"{(CAPSULES / capsule.name).as_posix()}"
    for path in files:
        if path in (capsule.notebook, f"{own}.json", SCHEMA.as_posix()) or path.startswith((f"{LIB}/", f"{own}/")):
            yield path


def _changed_table(capsule: Capsule, before: ProjectFiles, now: ProjectFiles) -> Iterator[str]:
    if before.spec.notebooks.get(capsule.name) != now.spec.notebooks.get(capsule.name):
        yield f"its table in pyproject.toml ({capsule.name})"


def _image(capsule: Capsule, now: ProjectFiles) -> str:
    notebook = now.spec.notebooks.get(capsule.name)
    return notebook.image if notebook else capsule.image.name


def _changed_data(root: Path, capsule: Capsule, since: str) -> Iterator[str]:
    tables, old_tables = _tables(_text(root, DATASETS_FILE)), _tables(committed_text(root, since, DATASETS_FILE))
    locked = locked_folders(_text(root, LOCK_FILE))
    old_locked = locked_folders(committed_text(root, since, LOCK_FILE))
    for name in capsule.data:
        table, old_table = tables.get(name, {}), old_tables.get(name, {})
        if table_hash(table) != table_hash(old_table):
            yield f"dataset {name} (its table)"
        folder = table.get("output", f"raw/parquet/{name}")
        if locked.get(folder) != old_locked.get(folder):
            yield f"dataset {name} (its parts)"


def _tables(text: str | None) -> dict[str, dict[str, Any]]:
    tables: dict[str, dict[str, Any]] = tomllib.loads(text or "").get("datasets", {})
    return tables


def _text(root: Path, path: str) -> str | None:
    return (root / path).read_text("utf-8") if (root / path).is_file() else None
