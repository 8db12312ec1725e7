"""The capsule: the record that lets someone else rerun a notebook and see whether it gives the same."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from notebook_run.capsule_errors import CapsuleInvalidError, UnknownCapsuleError
from notebook_run.errors import NotWrittenError
from notebook_run.outputs import CellOutputs, Output, picture_output

CAPSULES: Final = Path("notebooks/capsules")
SCHEMA: Final = CAPSULES / "capsule.schema.json"
FORM: Final = 1
"""Raise it when the same run would give other hashes than before."""

LARGEST_KEPT_BYTES: Final = 500_000
"""A larger output counts by its hash alone: what is kept goes into git."""

Parameter: TypeAlias = str | int | float | bool
_SUFFIXES: Final = {"table": ".tsv", "picture": ".png", "data": ".json"}


@dataclass(frozen=True, kw_only=True)
class ImageRecord:
    """The image it ran in; see the schema for what each is."""

    name: str
    reference: str
    digest: str
    fingerprint: str
    base: str
    commit: str | None


@dataclass(frozen=True, kw_only=True)
class DatasetRecord:
    """A dataset it may read: the hash of its table, and the MD5 of each part."""

    table: str
    parts: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class CellRecord:
    """A code cell: the hash of its source, and kind and hash of each of its outputs."""

    id: str
    source: str
    outputs: tuple[str, ...] = ()
    is_volatile: bool = False


@dataclass(frozen=True, kw_only=True)
class Capsule:
    """One run of a notebook."""

    name: str
    notebook: str
    commit: str
    image: ImageRecord
    parameters: Mapping[str, Parameter]
    code: Mapping[str, str]
    data: Mapping[str, DatasetRecord]
    versions: Mapping[str, str]
    cells: tuple[CellRecord, ...]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Text of code: of cells by id, of shared files by path."""

    cells: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Rerun:
    """A run with what its cells put out.

    Attributes:
        outputs: By cell.
        sources: What was run.
        failure: What ended it before its last cell; None if nothing did.
        unreached: Cells behind the one that ended it.
        notes: What a reader should know and what is no difference.
    """

    capsule: Capsule
    outputs: Mapping[str, CellOutputs]
    sources: Sources
    failure: str | None = None
    unreached: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def capsule_text(capsule: Capsule) -> str:
    """The capsule as JSON: sorted, one hash per line, nothing in it that a second run would change by itself."""
    document = {
        "$schema": SCHEMA.name,
        "form": FORM,
        "name": capsule.name,
        "notebook": capsule.notebook,
        "commit": capsule.commit,
        "image": vars(capsule.image),
        "parameters": dict(capsule.parameters),
        "code": dict(capsule.code),
        "data": {name: {"table": data.table, "parts": dict(data.parts)} for name, data in capsule.data.items()},
        "versions": dict(capsule.versions),
        "cells": [_cell_facts(cell) for cell in capsule.cells],
    }
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def parse_capsule(text: str, schema: Mapping[str, Any], *, source: str) -> Capsule:
    """The capsule of a file.

    Raises:
        CapsuleInvalidError: It is not JSON, or does not fit the schema; every mistake is told.
    """
    from jsonschema import Draft202012Validator

    try:
        document = json.loads(text)
    except ValueError as error:
        raise CapsuleInvalidError(source, [f"it is not JSON: {error}"]) from None
    errors = sorted(Draft202012Validator(schema).iter_errors(document), key=lambda error: [*map(str, error.path)])
    if errors:
        raise CapsuleInvalidError(source, [f"{error.json_path}: {_told(error.message)}" for error in errors])
    return Capsule(
        name=document["name"],
        notebook=document["notebook"],
        commit=document["commit"],
        image=ImageRecord(**document["image"]),
        parameters=document["parameters"],
        code=document["code"],
        data={name: DatasetRecord(**data) for name, data in document["data"].items()},
        versions=document["versions"],
        cells=tuple(
            CellRecord(
                id=cell["id"],
                source=cell["source"],
                outputs=tuple(cell["outputs"]),
                is_volatile=cell.get("volatile", False),
            )
            for cell in document["cells"]
        ),
    )


def find_capsule(root: Path, wanted: str) -> Path:
    """The file of a capsule that is named, or given as a file.

    Raises:
        UnknownCapsuleError: There is none.
    """
    names = capsule_names(root)
    if wanted in names:
        return root / CAPSULES / f"{wanted}.json"
    if Path(wanted).suffix == ".json" and Path(wanted).is_file():
        return Path(wanted)
    raise UnknownCapsuleError(wanted, known=names)


def capsule_names(root: Path) -> tuple[str, ...]:
    """Notebooks that have a capsule."""
    found = sorted(path.stem for path in (root / CAPSULES).glob("*.json"))
    return tuple(name for name in found if name != SCHEMA.stem)


def read_capsule(root: Path, path: Path) -> Capsule:
    """The capsule of a file, checked against the schema of the repository.

    Raises:
        CapsuleInvalidError: It is none.
    """
    try:
        schema = json.loads((root / SCHEMA).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CapsuleInvalidError(str(SCHEMA), [f"the schema cannot be read: {error}"]) from None
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CapsuleInvalidError(str(path), [f"it cannot be read: {error}"]) from None
    return parse_capsule(text, schema, source=str(path))


def write_capsule(root: Path, capsule: Capsule, outputs: Mapping[str, CellOutputs]) -> Path:
    """Write the capsule, and beside it what its cells put out; replaces what was there, whole or not at all.

    Raises:
        NotWrittenError: The disk is full, or does not take it.
    """
    path = root / CAPSULES / f"{capsule.name}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{capsule.name}-", dir=path.parent) as scratch:
            _write(Path(scratch), path, capsule, outputs)
    except OSError as error:
        raise NotWrittenError(str(path), error) from None
    return path


def _write(scratch: Path, path: Path, capsule: Capsule, outputs: Mapping[str, CellOutputs]) -> None:
    new, written = scratch / "outputs", scratch / path.name
    new.mkdir()
    for cell in capsule.cells:
        for name, content in _kept(cell, outputs.get(cell.id, CellOutputs())).items():
            (new / name).write_bytes(content)
    written.write_text(capsule_text(capsule), "utf-8")
    # The outputs first: those that do not fit the hashes of a capsule are known not to be its own.
    shutil.rmtree(path.with_suffix(""), ignore_errors=True)
    if any(new.iterdir()):
        new.replace(path.with_suffix(""))
    written.replace(path)


def kept_outputs(path: Path, capsule: Capsule) -> dict[tuple[str, int], Output]:
    """The outputs kept beside a capsule, by cell and place; those that are not the ones it recorded are left out."""
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


def _kept(cell: CellRecord, outputs: CellOutputs) -> dict[str, bytes]:
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


def _cell_facts(cell: CellRecord) -> dict[str, Any]:
    outputs: Sequence[str] = () if cell.is_volatile else cell.outputs
    facts: dict[str, Any] = {"id": cell.id, "source": cell.source, "outputs": list(outputs)}
    return {**facts, "volatile": True} if cell.is_volatile else facts


def _told(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:90]} … {message[-90:]}"
