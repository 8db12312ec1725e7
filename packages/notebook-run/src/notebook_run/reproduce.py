"""Reproducing: get exactly what a capsule names, run it again, and compare."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from env_spec import EnvSpecError, NotebookSpec, load_spec
from image_build.errors import ImageBuildError
from notebook_run.capsule import Capsule, ImageRecord, Rerun, Sources, find_capsule, kept_outputs, read_capsule
from notebook_run.capsule_data import DATASETS_FILE, LOCK_FILE, pull, require_locked, share_cache
from notebook_run.capsule_errors import GoneFromCommitError
from notebook_run.comparison import Comparison, compare
from notebook_run.comparison_page import comparison_page
from notebook_run.errors import NotWrittenError
from notebook_run.needs import mounts, out_folder
from notebook_run.repository import clean_checkout, committed_text, head_commit, require_commit, switch
from notebook_run.rerun import Say, ensured_image, is_built_from, run_and_record, source_cells

if TYPE_CHECKING:
    from notebook_run.engine import Engine


def reproduce(root: Path, wanted: str, say: Say, *, is_here: bool = False, base: str | None = None) -> Comparison:
    """Run a notebook again and compare with its capsule.

    Args:
        root: The repository.
        wanted: Name of a capsule, or its file.
        say: Gets lines of progress.
        is_here: Run what is in the working tree now instead of what the capsule names.
        base: Build the image on this one, if it must be built.

    Raises:
        NotebookRunError: It could not be run; a difference is told in what is returned.
    """
    from notebook_run.engine import Engine

    path = find_capsule(root, wanted)
    capsule = read_capsule(root, path)
    if is_here:
        rerun = _rerun_here(root, capsule, say, base=base, engine=Engine())
    else:
        require_commit(root, capsule.commit)
        rerun = _rerun_of_commit(root, capsule, say, base=base, engine=Engine())
    return compare(capsule, kept_outputs(path, capsule), rerun, sources=_committed_sources(root, capsule))


def _rerun_here(root: Path, capsule: Capsule, say: Say, *, base: str | None, engine: Engine) -> Rerun:
    """A run of what is in the working tree now."""
    notebook = _notebook(root, capsule.name, commit=None)
    # What is missing is told before an image is built for nothing.
    mounts(root, notebook)
    image, _ = ensured_image(root, notebook.image, base=base, engine=engine)
    rerun = run_and_record(
        root,
        notebook,
        commit=head_commit(root),
        image=image,
        parameters=notebook.parameters,
        out=_out(root, capsule),
        say=say,
        engine=engine,
    )
    return replace(rerun, notes=("Run from the working tree as it is now, not from the capsule's commit.",))


def _rerun_of_commit(root: Path, capsule: Capsule, say: Say, *, base: str | None, engine: Engine) -> Rerun:
    """A run of the capsule's commit with the image and the data that it names."""
    with clean_checkout(root, capsule.commit, name=capsule.name) as checkout:
        say(f"{capsule.name}: a clean checkout of {capsule.commit[:12]}")
        notebook = _notebook(checkout, capsule.name, commit=capsule.commit)
        lock_text = committed_text(root, capsule.commit, LOCK_FILE)
        require_locked(notebook, checkout / DATASETS_FILE, lock_text, commit=capsule.commit)
        image, note = recorded_image(root, checkout, capsule, base=base, engine=engine, say=say)
        say(note)
        share_cache(root, checkout)
        pull(checkout, notebook, wanted=capsule.data)
        rerun = run_and_record(
            checkout,
            notebook,
            commit=capsule.commit,
            image=image,
            parameters=capsule.parameters,
            out=_out(root, capsule),
            say=say,
            engine=engine,
        )
    return replace(rerun, notes=(note,))


def _out(root: Path, capsule: Capsule) -> Path:
    """Apart from the results of a run that its owner may still look at."""
    return out_folder(root, capsule.name) / "reproduction"


def report_path(root: Path, name: str) -> Path:
    """Where the page of a reproduction goes."""
    return out_folder(root, name) / "reproduction.html"


def write_report(root: Path, comparison: Comparison) -> Path:
    """Write the comparison as a page; replaces that of an earlier one, whole or not at all.

    Raises:
        NotWrittenError: The disk is full, or does not take it.
    """
    path = report_path(root, comparison.recorded.name)
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(comparison_page(comparison), "utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise NotWrittenError(str(path), error) from None
    return path


def recorded_image(
    root: Path, checkout: Path, capsule: Capsule, *, base: str | None, engine: Engine, say: Say
) -> tuple[ImageRecord, str]:
    """The image of a capsule, and a sentence on whether it is the very one.

    Looked for here, then in its registry by digest and by fingerprint; else it is built from the commit that it was
    built from, or from the capsule's. The checkout is left at the capsule's commit.
    """
    recorded = capsule.image
    if base is None and (reference := _exact(recorded, engine, say)):
        return replace(recorded, reference=reference), f"The image is the very one: {_short(recorded.digest)}."
    if recorded.commit and recorded.commit != capsule.commit and is_built_from(root, recorded):
        switch(checkout, recorded.commit)
    found, origin = ensured_image(checkout, recorded.name, base=base or _other_base(checkout, capsule), engine=engine)
    switch(checkout, capsule.commit)
    how = {"here": "was here", "pulled": "was pulled", "built": "was rebuilt from the commit"}[origin]
    if found.digest == recorded.digest:
        return found, f"The image {how}, and its digest came out the same: {_short(found.digest)}."
    same = "the same fingerprint" if found.fingerprint == recorded.fingerprint else "another fingerprint"
    digests = f"{_short(recorded.digest)} → {_short(found.digest)}"
    return found, f"The image {how}; it has {same}, but its digest came out different: {digests}."


def _exact(recorded: ImageRecord, engine: Engine, say: Say) -> str | None:
    """A reference of the image with the recorded digest, if it is here or its registry has it."""
    if engine.local_digest(recorded.reference) == recorded.digest:
        return recorded.reference
    repository = recorded.reference.rpartition(":")[0]
    exact = f"{repository}@{recorded.digest}"
    if "/" not in repository:
        return None
    if engine.has(exact):
        return exact
    try:
        engine.pull(exact, say)
    except ImageBuildError as error:
        say(f"{exact} cannot be pulled: {error}")
        return None
    return exact


def _other_base(checkout: Path, capsule: Capsule) -> str | None:
    """The base that the image was built on, where the commit's table names another."""
    named = load_spec(checkout / "pyproject.toml").image(capsule.image.name).base
    recorded = capsule.image.base
    return None if named in (recorded, recorded.partition("@")[0]) else recorded.partition("@")[0] or None


def _notebook(project: Path, name: str, *, commit: str | None) -> NotebookSpec:
    try:
        return load_spec(project / "pyproject.toml").notebook(name)
    except EnvSpecError as error:
        raise GoneFromCommitError(name, commit=commit, problem=str(error)) from None


def _committed_sources(root: Path, capsule: Capsule) -> Sources:
    """What was run when the capsule was made, as far as this clone knows."""
    code = {path: committed_text(root, capsule.commit, path) for path in capsule.code}
    text = committed_text(root, capsule.commit, capsule.notebook)
    cells = source_cells(json.loads(text)) if text else ()
    return Sources(
        cells={cell.id: cell.source for cell in cells},
        code={path: text for path, text in code.items() if text is not None},
    )


def _short(digest: str) -> str:
    return digest[:19]
