"""A run of a notebook with the record of all that it depended on and all that it put out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from env_spec import EnvSpecError, NotebookSpec, image_environment, parse_installed, read_project, read_revision
from notebook_run.capsule import Capsule, CellRecord, ImageRecord, Parameter, Rerun, Sources
from notebook_run.capsule_data import recorded_data
from notebook_run.errors import ImageUnusableError, SiblingFailedError
from notebook_run.headless import RunRequest, run_notebook
from notebook_run.outputs import VOLATILE_TAG, CellOutputs, cell_outputs
from notebook_run.processes import told

if TYPE_CHECKING:
    from notebook_run.engine import Engine

Say = Callable[[str], None]
LIB: Final = "notebooks/lib"
_BASE_LABELS: Final = ("org.opencontainers.image.base.name", "org.opencontainers.image.base.digest")


@dataclass(frozen=True, kw_only=True)
class SourceCell:
    """A code cell as the notebook's file has it."""

    id: str
    source: str
    is_volatile: bool
    has_outputs: bool


def ensured_image(project: Path, name: str, *, base: str | None, engine: Engine) -> tuple[ImageRecord, str]:
    """The image of a project, made sure to be here, and how it came: `here`, `pulled` or `built`.

    Args:
        base: Instead of what the project's table names.

    Raises:
        SiblingFailedError: It could not be had; it said why.
    """
    words = ["ensure", name, "--json", *(["--base", base] if base else [])]
    said = told("image_build", *words, folder=project)
    if said.exit_code:
        raise SiblingFailedError(f"getting the image {name}", said.exit_code)
    facts = json.loads(said.output)
    image = engine.image(facts["reference"])
    labels = image.labels if image else {}
    base_name, base_digest = (labels.get(label, "") for label in _BASE_LABELS)
    record = ImageRecord(
        name=name,
        reference=facts["reference"],
        digest=facts["digest"],
        fingerprint=facts["fingerprint"],
        base=f"{base_name}@{base_digest}" if base_digest else base_name,
        commit=labels.get("org.opencontainers.image.revision"),
    )
    return record, facts["origin"]


def is_built_from(root: Path, image: ImageRecord) -> bool:
    """The commit that an image names gives an image of its fingerprint: it was not built from uncommitted changes."""
    if image.commit is None:
        return False
    try:
        files = read_revision(root, image.commit)
        # A base of the table counts as it is written, any other by its digest.
        found = {image_environment(files, image.name, base=base).fingerprint for base in (None, image.base)}
    except EnvSpecError:
        return False
    return image.fingerprint in found


def run_and_record(
    project: Path,
    notebook: NotebookSpec,
    *,
    commit: str,
    image: ImageRecord,
    parameters: Mapping[str, Parameter],
    out: Path,
    say: Say,
    engine: Engine,
) -> Rerun:
    """Run a notebook of a project, a checkout or the repository itself, in an image that is here.

    Args:
        commit: What the record names.
        out: The folder for what the run writes.

    Raises:
        NotebookRunError: It could not be run at all; a cell that fails is told in what is returned.
    """
    versions = installed_versions(project, image, engine)
    data = recorded_data(project, notebook)
    source = json.loads((project / notebook.path).read_text("utf-8"))
    cells = source_cells(source)
    request = RunRequest(root=project, image=image.reference, notebook=notebook, parameters=parameters, out=out)
    result = run_notebook(request, say, engine=engine)
    executed = json.loads(result.executed_path.read_text("utf-8"))
    outputs = outputs_by_cell(executed)
    reached = list(outputs)
    if result.failed is not None:
        before = [cell for cell in executed["cells"][: result.failed.index] if not _is_injected(cell)]
        failed = _cell_id(executed["cells"][result.failed.index], len(before))
        reached = reached[: reached.index(failed) + 1]
    records = tuple(
        CellRecord(
            id=cell.id,
            source=hashlib.sha256(cell.source.encode()).hexdigest(),
            outputs=tuple(output.hash for output in outputs.get(cell.id, CellOutputs()).outputs),
            is_volatile=cell.is_volatile,
        )
        for cell in cells
    )
    capsule = Capsule(
        name=notebook.name,
        notebook=notebook.path,
        commit=commit,
        image=image,
        parameters=dict(parameters),
        code=code_hashes(project),
        data=data,
        versions=versions,
        cells=records,
    )
    return Rerun(
        capsule=capsule,
        outputs=outputs,
        sources=Sources(cells={cell.id: cell.source for cell in cells}, code=code_texts(project)),
        failure=str(result.error) if result.error else None,
        unreached=frozenset(cell.id for cell in cells) - frozenset(reached) if result.failed else frozenset(),
    )


def source_cells(notebook: Mapping[str, Any]) -> tuple[SourceCell, ...]:
    """The code cells of a notebook's JSON."""
    return tuple(
        SourceCell(
            id=_cell_id(cell, index),
            source=_joined(cell["source"]),
            is_volatile=VOLATILE_TAG in cell.get("metadata", {}).get("tags", []),
            has_outputs=bool(cell.get("outputs")),
        )
        for index, cell in enumerate(notebook["cells"])
        if cell["cell_type"] == "code"
    )


def outputs_by_cell(executed: Mapping[str, Any]) -> dict[str, CellOutputs]:
    """What each code cell of an executed notebook put out; the one that sets parameters is no cell of the notebook."""
    cells = [cell for cell in executed["cells"] if not _is_injected(cell)]
    return {
        _cell_id(cell, index): cell_outputs(cell["outputs"])
        for index, cell in enumerate(cells)
        if cell["cell_type"] == "code"
    }


def code_files(project: Path) -> list[str]:
    """The files that a notebook may import, relative to the project."""
    paths = (path for path in sorted((project / LIB).rglob("*")) if path.is_file())
    relative = (path.relative_to(project) for path in paths)
    return [
        path.as_posix()
        for path in relative
        if not any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    ]


def code_hashes(project: Path) -> dict[str, str]:
    """Hashes of the files that a notebook may import."""
    return {path: hashlib.sha256((project / path).read_bytes()).hexdigest() for path in code_files(project)}


def code_texts(project: Path) -> dict[str, str]:
    """The same files as text."""
    return {path: (project / path).read_text("utf-8", "replace") for path in code_files(project)}


def installed_versions(project: Path, image: ImageRecord, engine: Engine) -> dict[str, str]:
    """Versions of Python and of the packages of the image's slice of the lock, as a container of it tells them."""
    from env_spec import PROBE

    said = engine.run(image.reference, ["python", "-c", PROBE])
    if said.exit_code:
        raise ImageUnusableError(image.reference, exit_code=said.exit_code, last_lines=said.output.splitlines()[-8:])
    installed = parse_installed(said.output)
    locked = {package.name for package in image_environment(read_project(project), image.name).packages}
    versions = {name: version for name, version in installed.versions.items() if name in locked}
    return {"python": str(installed.environment["python_full_version"]), **versions}


def _is_injected(cell: Mapping[str, Any]) -> bool:
    return "injected-parameters" in cell.get("metadata", {}).get("tags", [])


def _cell_id(cell: Mapping[str, Any], index: int) -> str:
    return str(cell.get("id") or f"cell-{index + 1}")


def _joined(source: object) -> str:
    return "".join(source) if isinstance(source, list) else str(source)
