"""Freezes a notebook: runs it as the current commit holds it, and writes its capsule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from data_share import share_configuration
from dataset_spec import DATASETS_FILE
from env_spec import OWN_FOLDER, NotebookSpec, image_environment, load_spec, read_project
from image_build.engine import engine_failures
from notebook_run.capsule.checkout import clean_checkout
from notebook_run.capsule.data import LOCK_FILE, pull_data, require_recorded_data, require_recorded_parts
from notebook_run.capsule.files import write_capsule
from notebook_run.capsule.git import committed_text, head_commit, is_published, uncommitted_changes
from notebook_run.capsule.image import is_built_from_commit, with_commit
from notebook_run.capsule.places import RunPlaceSearch
from notebook_run.capsule.record import VOLATILE, Capsule, Rerun
from notebook_run.capsule.recording import RecordedRun, RunResults, run_and_record, run_results
from notebook_run.capsule.sources import source_cells
from notebook_run.capsule.stability import marked, unstable_error, unstable_results
from notebook_run.engine import Engine
from notebook_run.errors import NotebookInputError, NotebookRunError, indented
from notebook_run.place import PlaceName, chosen_place, local_offered
from notebook_run.program.script import document
from notebook_run.project import LIB, out_folder
from terminal import count_text, note

_Run = TypeVar("_Run", Rerun, RunResults)


@dataclass(frozen=True, kw_only=True)
class FrozenNotebook:
    """A capsule that was written.

    Attributes:
        path: The capsule's file, absolute if the root is.
        notes: Remarks for a user who shares the capsule.
    """

    path: Path
    capsule: Capsule
    notes: tuple[str, ...]


@local_offered()
@engine_failures()
def freeze_notebook(
    root: Path,
    name: str,
    *,
    place: PlaceName | None = None,
    marks_volatile: bool = False,
    on_line: Callable[[str], None] = note,
) -> FrozenNotebook:
    """Run a notebook twice from a clean checkout of the current commit, and write its capsule.

    Args:
        place: None for the default of the project.
        marks_volatile: Record results that differ between both runs as such, instead of refusing them.
        on_line: Receives lines of progress.

    Raises:
        EnvSpecError: The project has mistakes, or no notebook of that name.
        NotebookInputError: An input of the notebook is not committed, or its file was committed with outputs.
        NotebookRunError: A cell fails, results differ between both runs, or data cannot be pulled.
        ImageBuildError: No engine answers, or the image is neither available nor can be built.
    """
    spec = load_spec(root / "pyproject.toml")
    notebook = spec.notebook(name)
    commit = head_commit(root)
    if changes := uncommitted_changes(root, input_paths(root, notebook)):
        raise _uncommitted(name, changes)
    refuse_outputs(notebook.path, committed_text(root, commit, notebook.path) or "")
    require_recorded_data(notebook, root / "data", committed_text(root, commit, LOCK_FILE), commit=commit)
    engine = Engine(root) if chosen_place(spec, place) == "docker" else None
    with clean_checkout(root, commit, name=name) as checkout:
        on_line(f"{name}: a clean checkout of {commit[:12]}")
        search = RunPlaceSearch(root=root, checkout=checkout, engine=engine, on_line=on_line)
        found = search.current(notebook.image)
        built_from = found.image.commit if found.image else None
        if found.image:
            found = replace(found, image=with_commit(root, found.image, commit))
        share_configuration(root, checkout)
        pull_data(checkout, notebook)
        run = RecordedRun(
            project=checkout,
            notebook=notebook,
            commit=commit,
            place=found,
            parameters=notebook.parameters,
            out=out_folder(root, name),
        )
        rerun = _reached_end(name, run_and_record(run, on_line))
        require_recorded_parts(checkout, notebook, rerun.capsule.data)
        on_line(f"{name}: a second run, to find results that differ in each run")
        again = _reached_end(name, run_results(replace(run, out=out_folder(checkout, name)), on_line))
    if unstable := unstable_results(rerun, again):
        if not marks_volatile:
            raise unstable_error(rerun, unstable)
        rerun = marked(rerun, unstable)
    path = write_capsule(root, rerun.capsule, rerun.outputs, rerun.files)
    return FrozenNotebook(path=path, capsule=rerun.capsule, notes=tuple(_notes(root, rerun.capsule, built_from)))


def _reached_end(name: str, run: _Run) -> _Run:
    if run.failure is not None:
        raise NotebookRunError(f"{name} was not frozen, because it does not run to its end:\n{run.failure}")
    return run


def frozen_text(frozen: FrozenNotebook, root: Path) -> str:
    """What was written, with the notes."""
    cells = [cell for cell in frozen.capsule.cells if not cell.is_volatile]
    outputs = count_text(sum(len(cell.outputs) for cell in cells), "output")
    count = count_text(len(frozen.capsule.cells), "cell")
    files = [hash for hash in (frozen.capsule.files or {}).values() if hash != VOLATILE]
    if files:
        outputs += f", {count_text(len(files), 'file')}"
    line = f"{frozen.path.relative_to(root)}: {count}, {outputs}. Commit it with the outputs next to it."
    return "\n".join([line, *frozen.notes])


def frozen_json(frozen: FrozenNotebook, root: Path) -> dict[str, Any]:
    """For `--json`."""
    return {
        "capsule": str(frozen.path.relative_to(root)),
        "commit": frozen.capsule.commit,
        "place": frozen.capsule.place,
        ("image" if frozen.capsule.image else "environment"): vars(frozen.capsule.packages),
        "notes": list(frozen.notes),
    }


def input_paths(root: Path, notebook: NotebookSpec) -> tuple[str, ...]:
    """The paths that a notebook's result depends on, relative to the root."""
    return tuple(dict.fromkeys(_input_paths(root, notebook)))


def refuse_outputs(path: str, text: str) -> None:
    """Check that a notebook was committed without outputs.

    Raises:
        NotebookInputError: It was not.
    """
    cells = [cell.id for cell in source_cells(document(path, text)) if cell.has_outputs]
    if cells:
        raise NotebookInputError(
            f"{path} was committed with outputs (cells {', '.join(cells)}). Outputs belong in the capsule: run"
            f" `nbstripout --keep-id {path}` and commit the file; with `pre-commit install`, commits refuse outputs."
        )


def _input_paths(root: Path, notebook: NotebookSpec) -> Iterator[str]:
    yield from (notebook.path, LIB, *([OWN_FOLDER] if notebook.own else []))
    yield from (DATASETS_FILE, LOCK_FILE) if notebook.datasets else ()
    yield from ("pyproject.toml", "poetry.lock")
    files = read_project(root)
    environment = image_environment(files, notebook.image)
    if folder := files.spec.lock_folder(environment.groups):
        yield from (f"{folder}/pyproject.toml", f"{folder}/poetry.lock")
    yield environment.image.dockerfile
    yield from (package.path for package in environment.packages if package.path)


def _uncommitted(name: str, changes: list[str]) -> NotebookInputError:
    lines = [
        f"{name} cannot be frozen, because some of its inputs are not committed:",
        *indented(changes),
        "  Commit these (a capsule names a commit), or restore them with `git restore` or `git stash -u`.",
    ]
    return NotebookInputError("\n".join(lines))


def _notes(root: Path, capsule: Capsule, built_from: str | None) -> Iterator[str]:
    image = capsule.image
    unstable = [f"cell {place} ({cell.id})" for place, cell in enumerate(capsule.cells, start=1) if cell.is_unstable]
    unstable += [f"file {path}" for path, hash in (capsule.files or {}).items() if hash == VOLATILE]
    if unstable:
        yield f"Different in each run, so recorded as volatile and not compared: {', '.join(unstable)}."
    if image and image.commit != built_from:
        yield (
            f"The image was built from the same files before commit {capsule.commit[:12]}. A rebuilt image has the same"
            " fingerprint and packages; only its label with the commit differs, and so its digest."
        )
    elif image and not is_built_from_commit(root, image):
        yield (
            "The image was not built from a commit of this clone alone, so a rebuilt image would have another digest:"
            f" `invoke image.build --image {image.name} --force` builds it from this commit; then freeze again."
        )
    if not is_published(root, capsule.commit):
        yield f"No remote has commit {capsule.commit[:12]} yet: push it with the capsule."
