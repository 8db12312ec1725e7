"""Reproduces a capsule: gets the code, image and data that it names, runs the notebook again, and compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from data_share import share_configuration
from env_spec import EnvSpecError, NotebookSpec, load_spec
from image_build.engine import engine_failures
from notebook_run.capsule.checkout import clean_checkout
from notebook_run.capsule.data import LOCK_FILE, pull_data, require_recorded_data
from notebook_run.capsule.files import kept_file, kept_outputs, read_capsule
from notebook_run.capsule.git import committed_text, head_commit, require_commit
from notebook_run.capsule.places import RunPlaceSearch, place_note
from notebook_run.capsule.record import Capsule, Rerun, Sources
from notebook_run.capsule.recording import RecordedRun, run_and_record
from notebook_run.capsule.sources import source_cells
from notebook_run.comparison.compare import Comparison, compare
from notebook_run.comparison.html_page import write_page
from notebook_run.comparison.page import comparison_page
from notebook_run.container import mounts
from notebook_run.engine import Engine
from notebook_run.errors import NotebookInputError
from notebook_run.place import PlaceName, local_offered
from notebook_run.program.script import document
from notebook_run.project import out_folder
from terminal import note


@local_offered(has_default=False)
@engine_failures()
def reproduce(
    root: Path,
    path: Path,
    *,
    place: PlaceName | None = None,
    runs_working_tree: bool = False,
    base: str | None = None,
    on_line: Callable[[str], None] = note,
) -> Comparison:
    """Run a notebook again and compare the run with its capsule.

    Args:
        path: The capsule's file, as `find_capsule` returns it.
        place: None for the capsule's.
        runs_working_tree: Run the working tree instead of the capsule's commit.
        base: Base of the image, if it must be built.
        on_line: Receives lines of progress.

    Returns:
        The differences, which are no error.

    Raises:
        NotebookRunError: The notebook could not be run.
        ImageBuildError: No engine answers, or the image is neither available nor can be built.
    """
    capsule = read_capsule(root, path)
    engine = Engine(root) if (place or capsule.place) == "docker" else None
    reproduction = _Reproduction(root, capsule, engine, base=base, on_line=on_line)
    if runs_working_tree:
        rerun = reproduction.run_working_tree()
    else:
        require_commit(root, capsule.commit)
        rerun = reproduction.run_commit()
    rerun = replace(rerun, notes=(*place_note(capsule, rerun.capsule), *rerun.notes))
    return compare(
        capsule,
        kept_outputs(path, capsule),
        rerun,
        sources=_committed_sources(root, capsule),
        kept_file=lambda name: kept_file(path, capsule, name),
    )


class _Reproduction:
    """One reproduction of a capsule."""

    def __init__(
        self, root: Path, capsule: Capsule, engine: Engine | None, *, base: str | None, on_line: Callable[[str], None]
    ) -> None:
        self.root = root
        self.capsule = capsule
        self.base = base
        self.on_line = on_line
        self.engine = engine
        # Not in the folder of ordinary results, which the user may still need.
        self.out = out_folder(root, capsule.name) / "reproduction"

    def run_working_tree(self) -> Rerun:
        """Run the working tree, committed or not."""
        notebook = _notebook(self.root, self.capsule.name, commit=None)
        # Missing data is reported before an image is built.
        mounts(self.root, notebook)
        found = self._search(self.root).current(notebook.image)
        run = RecordedRun(
            project=self.root,
            notebook=notebook,
            commit=head_commit(self.root),
            place=found,
            parameters=notebook.parameters,
            out=self.out,
        )
        rerun = run_and_record(run, self.on_line)
        return replace(rerun, notes=("Run from the working tree, not from the capsule's commit.",))

    def run_commit(self) -> Rerun:
        """Run the capsule's commit with the image and the data that the capsule names."""
        root, capsule = self.root, self.capsule
        with clean_checkout(root, capsule.commit, name=capsule.name) as checkout:
            self.on_line(f"{capsule.name}: a clean checkout of {capsule.commit[:12]}")
            notebook = _notebook(checkout, capsule.name, commit=capsule.commit)
            lock_text = committed_text(root, capsule.commit, LOCK_FILE)
            require_recorded_data(notebook, checkout / "data", lock_text, commit=capsule.commit)
            found, sentence = self._search(checkout).recorded(capsule)
            self.on_line(sentence)
            share_configuration(root, checkout)
            pull_data(checkout, notebook, expected=capsule.data)
            run = RecordedRun(
                project=checkout,
                notebook=notebook,
                commit=capsule.commit,
                place=found,
                parameters=capsule.parameters,
                out=self.out,
            )
            rerun = run_and_record(run, self.on_line)
        return replace(rerun, notes=(sentence,))

    def _search(self, checkout: Path) -> RunPlaceSearch:
        return RunPlaceSearch(
            root=self.root, checkout=checkout, engine=self.engine, on_line=self.on_line, base=self.base
        )


def write_report(root: Path, comparison: Comparison) -> Path:
    """Write a comparison as a page; the previous page is replaced completely or not at all.

    Raises:
        NotWrittenError: The disk is full or cannot be written to.
    """
    path = out_folder(root, comparison.recorded.name) / "reproduction.html"
    write_page(path, comparison_page(comparison))
    return path


def _notebook(project: Path, name: str, *, commit: str | None) -> NotebookSpec:
    try:
        return load_spec(project / "pyproject.toml").notebook(name)
    except EnvSpecError as error:
        where = f"commit {commit[:12]}, which the capsule names," if commit else "the working tree"
        raise NotebookInputError(f"{where} cannot run {name}: {error}") from None


def _committed_sources(root: Path, capsule: Capsule) -> Sources:
    """The code of the capsule's commit, as far as this clone has it."""
    code = {path: committed_text(root, capsule.commit, path) for path in capsule.code}
    text = committed_text(root, capsule.commit, capsule.notebook)
    cells = source_cells(document(capsule.notebook, text)) if text else ()
    return Sources(
        cells={cell.id: cell.source for cell in cells},
        code={path: text for path, text in code.items() if text is not None},
    )
