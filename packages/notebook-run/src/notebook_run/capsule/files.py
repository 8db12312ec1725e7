"""The files of capsules: found, read and written, with the outputs that are kept next to them."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from notebook_run.capsule.record import (
    CAPSULES,
    SCHEMA,
    Capsule,
    CellRecord,
    capsule_text,
    invalid_capsule,
    parse_capsule,
)
from notebook_run.capsule.results import LARGEST_KEPT_BYTES, ResultFile, result_file
from notebook_run.errors import NotebookInputError, NotWrittenError
from notebook_run.outputs.cell_outputs import CellOutputs, Output, picture_output
from terminal import unknown_name_text

# The folder of kept result files, next to the kept outputs of cells.
_FILES: Final = "files"
_SUFFIXES: Final = {"table": ".tsv", "picture": ".png", "data": ".json"}


def find_capsule(root: Path, name_or_file: str, *, folder: Path | None = None) -> Path:
    """The file of a capsule.

    Args:
        name_or_file: Name of a notebook that was frozen, or path of a file.
        folder: The folder that a relative path starts from; None for the root.

    Raises:
        NotebookInputError: There is no such capsule.
    """
    names = capsule_names(root)
    if name_or_file in names:
        return root / CAPSULES / f"{name_or_file}.json"
    path = (folder or root) / name_or_file
    if path.suffix == ".json" and path.is_file():
        return path
    notebook = name_or_file.removesuffix(".json").rpartition("/")[2]
    raise NotebookInputError(
        f"{unknown_name_text('capsule', name_or_file, names)}. `invoke notebook.freeze {notebook}` creates it."
    )


def capsule_names(root: Path) -> tuple[str, ...]:
    """The notebooks that have a capsule."""
    names = sorted(path.stem for path in (root / CAPSULES).glob("*.json"))
    return tuple(name for name in names if name != SCHEMA.stem)


def read_capsule(root: Path, path: Path) -> Capsule:
    """The capsule in a file, checked against the project's schema.

    Raises:
        NotebookInputError: The file cannot be read or is not a capsule.
    """
    try:
        schema = json.loads((root / SCHEMA).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise invalid_capsule(str(SCHEMA), [f"the schema cannot be read: {error}"]) from None
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise invalid_capsule(str(path), [f"it cannot be read: {error}"]) from None
    return parse_capsule(text, schema, source=str(path))


def write_capsule(
    root: Path, capsule: Capsule, outputs: Mapping[str, CellOutputs], files: Mapping[str, ResultFile] | None = None
) -> Path:
    """Write a capsule, and next to it the outputs of its cells and small files of its results.

    An earlier one is replaced completely or not at all.

    Raises:
        NotWrittenError: The disk is full or cannot be written to.
    """
    path = root / CAPSULES / f"{capsule.name}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{capsule.name}-", dir=path.parent) as scratch:
            _write(Path(scratch), path, capsule, _kept(capsule, outputs, files or {}))
    except OSError as error:
        raise NotWrittenError(str(path), error) from None
    return path


def kept_outputs(path: Path, capsule: Capsule) -> dict[tuple[str, int], Output]:
    """The outputs that are kept next to a capsule, by cell and place.

    Outputs whose hash is not the recorded one are left out.
    """
    found = {}
    for cell in capsule.cells:
        for number, recorded in enumerate(cell.outputs):
            kind = recorded.partition(" ")[0]
            with suppress(OSError):
                content = (path.with_suffix("") / _kept_name(cell.id, number, kind)).read_bytes()
                output = (
                    picture_output(content)
                    if kind == "picture"
                    else Output(kind=kind, text=content.decode("utf-8", "replace"))  # type: ignore[arg-type]
                )
                if output.hash == recorded:
                    found[cell.id, number] = output
    return found


def kept_file(path: Path, capsule: Capsule, name: str) -> bytes | None:
    """The kept content of a result file; None if it was not kept, or is not the recorded one."""
    kept = path.with_suffix("") / _FILES / name
    try:
        if not kept.is_file() or result_file(kept).hash != (capsule.files or {}).get(name):
            return None
        return kept.read_bytes()
    except OSError:
        return None


def _write(scratch: Path, path: Path, capsule: Capsule, kept: Mapping[str, bytes]) -> None:
    new, written = scratch / "outputs", scratch / path.name
    new.mkdir()
    for name, content in kept.items():
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        (new / name).write_bytes(content)
    written.write_text(capsule_text(capsule), "utf-8")
    # The outputs first: if this is interrupted, their hashes differ from the old capsule, which then does not use them.
    shutil.rmtree(path.with_suffix(""), ignore_errors=True)
    if any(new.iterdir()):
        new.replace(path.with_suffix(""))
    written.replace(path)


def _kept(capsule: Capsule, outputs: Mapping[str, CellOutputs], files: Mapping[str, ResultFile]) -> Mapping[str, bytes]:
    """Content by file name: of the outputs of cells, and of the files that are compared."""
    kept: dict[str, bytes] = {}
    for cell in capsule.cells:
        kept |= _kept_outputs(cell, outputs.get(cell.id, CellOutputs()))
    for name, file in files.items():
        if file.content is not None and (capsule.files or {}).get(name) == file.hash:
            kept[f"{_FILES}/{name}"] = file.content
    return kept


def _kept_outputs(cell: CellRecord, outputs: CellOutputs) -> dict[str, bytes]:
    """Content by file name."""
    if cell.is_volatile:
        return {}
    contents = {
        _kept_name(cell.id, number, output.kind): output.file or output.text.encode("utf-8", "replace")
        for number, output in enumerate(outputs.outputs)
    }
    return {name: content for name, content in contents.items() if len(content) <= LARGEST_KEPT_BYTES}


def _kept_name(cell: str, number: int, kind: str) -> str:
    return f"{cell}-{number + 1}{_SUFFIXES.get(kind, '.txt')}"
