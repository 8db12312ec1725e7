"""Freezing: run what the current commit holds, and write down all that it depended on and gave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from env_spec import NotebookSpec, image_environment, load_spec, read_project
from notebook_run.capsule import Capsule, write_capsule
from notebook_run.capsule_data import DATASETS_FILE, LOCK_FILE, pull, require_as_locked, require_locked, share_cache
from notebook_run.capsule_errors import CommittedOutputsError, FrozenRunError, UncommittedError
from notebook_run.needs import out_folder
from notebook_run.repository import clean_checkout, committed_text, head_commit, is_published, uncommitted
from notebook_run.rerun import LIB, Say, ensured_image, is_built_from, run_and_record, source_cells


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """A capsule that was written, and what whoever shares it should know."""

    path: Path
    capsule: Capsule
    notes: tuple[str, ...]


def freeze(root: Path, name: str, say: Say) -> Frozen:
    """Run a notebook from a clean checkout of the current commit, and write its capsule.

    Args:
        root: The repository.
        say: Gets lines of progress.

    Raises:
        UncommittedError: What it is made from is not as committed.
        CommittedOutputsError: Its file was committed with outputs.
        FrozenRunError: A cell fails.
    """
    from notebook_run.engine import Engine

    notebook = load_spec(root / "pyproject.toml").notebook(name)
    commit = head_commit(root)
    if changes := uncommitted(root, inputs(root, notebook)):
        raise UncommittedError(name, changes)
    refuse_outputs(notebook.path, committed_text(root, commit, notebook.path) or "")
    require_locked(notebook, root / DATASETS_FILE, committed_text(root, commit, LOCK_FILE), commit=commit)
    engine = Engine()
    with clean_checkout(root, commit, name=name) as checkout:
        say(f"{name}: a clean checkout of {commit[:12]}")
        image, _ = ensured_image(checkout, notebook.image, base=None, engine=engine)
        share_cache(root, checkout)
        pull(checkout, notebook)
        rerun = run_and_record(
            checkout,
            notebook,
            commit=commit,
            image=image,
            parameters=notebook.parameters,
            out=out_folder(root, name),
            say=say,
            engine=engine,
        )
        require_as_locked(checkout, notebook, rerun.capsule.data)
    if rerun.failure is not None:
        raise FrozenRunError(name, rerun.failure)
    path = write_capsule(root, rerun.capsule, rerun.outputs)
    return Frozen(path=path, capsule=rerun.capsule, notes=tuple(_notes(root, rerun.capsule)))


def _notes(root: Path, capsule: Capsule) -> Iterator[str]:
    image = capsule.image
    if not is_built_from(root, image):
        yield (
            "The image was built from no commit that is here as it is, so a rebuild would have another digest:"
            f" `invoke image.build --image {image.name} --force` builds it from this commit; then freeze again."
        )
    if not is_published(root, capsule.commit):
        yield f"No remote has commit {capsule.commit[:12]} yet: push it with the capsule."


def inputs(root: Path, notebook: NotebookSpec) -> tuple[str, ...]:
    """The paths that a notebook's result depends on, relative to the repository."""
    return tuple(dict.fromkeys(_inputs(root, notebook)))


def refuse_outputs(path: str, text: str) -> None:
    """See that a notebook was committed without outputs.

    Raises:
        CommittedOutputsError: It was not.
    """
    cells = [cell.id for cell in source_cells(json.loads(text)) if cell.has_outputs]
    if cells:
        raise CommittedOutputsError(path, cells)


def _inputs(root: Path, notebook: NotebookSpec) -> Iterator[str]:
    yield from (notebook.path, LIB)
    yield from (DATASETS_FILE, LOCK_FILE) if notebook.datasets else ()
    yield from ("pyproject.toml", "poetry.lock")
    environment = image_environment(read_project(root), notebook.image)
    yield environment.image.dockerfile
    yield from (package.path for package in environment.packages if package.path)
