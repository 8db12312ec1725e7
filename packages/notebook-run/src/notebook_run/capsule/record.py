"""The capsule's record: what it holds, as JSON and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from notebook_run.capsule.results import ResultFile
from notebook_run.errors import NotebookInputError, indented
from notebook_run.outputs.cell_outputs import CellOutputs
from notebook_run.place import PlaceName
from notebook_run.run.parameters import Parameter

CAPSULES: Final = Path("notebooks/capsules")
SCHEMA: Final = CAPSULES / "capsule.schema.json"
# Raise it when the same run would get other hashes than before.
FORM: Final = 1
# In place of the hash of a file that differs between two runs.
VOLATILE: Final = "volatile"
_UNSTABLE: Final = "differs between two runs"


@dataclass(frozen=True, kw_only=True)
class ImageRecord:
    """The image of a run; the schema describes each field."""

    name: str
    reference: str
    digest: str
    fingerprint: str
    base: str
    commit: str | None


@dataclass(frozen=True, kw_only=True)
class EnvironmentRecord:
    """The local environment of a run: the image whose groups it has, and its fingerprint."""

    name: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class DatasetRecord:
    """A dataset that the notebook reads: the hash of its table, and the MD5 of each part."""

    table: str
    parts: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class CellRecord:
    """A code cell: the hash of its source, and kind and hash of each of its outputs.

    Attributes:
        is_volatile: Its outputs are not compared: it is tagged so, or it is unstable.
        is_unstable: It differed between two runs when it was frozen.
    """

    id: str
    source: str
    outputs: tuple[str, ...] = ()
    is_volatile: bool = False
    is_unstable: bool = False


@dataclass(frozen=True, kw_only=True)
class Capsule:
    """One run of a notebook.

    Attributes:
        image: Of a run in a container; None for a local run.
        environment: Of a local run; None for a run in a container.
        platform: Operating system and processor, such as linux/x86_64; None in capsules that do not record it.
        files: The hash of each file that the run wrote, or `VOLATILE`; None in capsules that do not record them.
    """

    name: str
    notebook: str
    commit: str
    image: ImageRecord | None = None
    environment: EnvironmentRecord | None = None
    platform: str | None = None
    parameters: Mapping[str, Parameter]
    code: Mapping[str, str]
    data: Mapping[str, DatasetRecord]
    versions: Mapping[str, str]
    cells: tuple[CellRecord, ...]
    files: Mapping[str, str] | None = None

    @property
    def place(self) -> PlaceName:
        """Where the notebook ran."""
        return "local" if self.environment else "docker"

    @property
    def packages(self) -> ImageRecord | EnvironmentRecord:
        """The image or the environment.

        Raises:
            NotebookInputError: It has neither; the schema does not allow that.
        """
        found = self.image or self.environment
        if found is None:
            raise invalid_capsule(self.name, ["it has neither an image nor an environment"])
        return found


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Text of code: of cells by id, of shared files by path."""

    cells: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Rerun:
    """A run with the outputs of its cells.

    Attributes:
        outputs: By cell.
        files: That it wrote, by their path in the folder for results.
        sources: The code that ran.
        failure: Why it stopped before the last cell; None if every cell ran.
        unreached: Cells after the one that failed.
        notes: Remarks for the reader that are no difference.
    """

    capsule: Capsule
    outputs: Mapping[str, CellOutputs]
    sources: Sources
    files: Mapping[str, ResultFile] = field(default_factory=dict)
    failure: str | None = None
    unreached: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def capsule_text(capsule: Capsule) -> str:
    """The capsule as JSON: sorted, one hash per line, and without anything that every run changes, such as times."""
    document = {
        "$schema": SCHEMA.name,
        "form": FORM,
        "name": capsule.name,
        "notebook": capsule.notebook,
        "commit": capsule.commit,
        "place": capsule.place,
        **({"platform": capsule.platform} if capsule.platform else {}),
        ("image" if capsule.image else "environment"): vars(capsule.packages),
        "parameters": dict(capsule.parameters),
        "code": dict(capsule.code),
        "data": {name: {"table": data.table, "parts": dict(data.parts)} for name, data in capsule.data.items()},
        "versions": dict(capsule.versions),
        "cells": [_cell_json(cell) for cell in capsule.cells],
        **({} if capsule.files is None else {"files": dict(capsule.files)}),
    }
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def parse_capsule(text: str, schema: Mapping[str, Any], *, source: str) -> Capsule:
    """The capsule in the text of a file.

    Raises:
        NotebookInputError: The text is not JSON or does not match the schema; every mistake is listed.
    """
    from jsonschema import Draft202012Validator

    try:
        document = json.loads(text)
    except ValueError as error:
        raise invalid_capsule(source, [f"it is not JSON: {error}"]) from None
    errors = sorted(Draft202012Validator(schema).iter_errors(document), key=lambda error: [*map(str, error.path)])
    if errors:
        raise invalid_capsule(source, [f"{error.json_path}: {_shortened(error.message)}" for error in errors])
    return Capsule(
        name=document["name"],
        notebook=document["notebook"],
        commit=document["commit"],
        image=ImageRecord(**document["image"]) if "image" in document else None,
        environment=EnvironmentRecord(**document["environment"]) if "environment" in document else None,
        platform=document.get("platform"),
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
                is_unstable="reason" in cell,
            )
            for cell in document["cells"]
        ),
        files=document.get("files"),
    )


def invalid_capsule(source: str, mistakes: Sequence[str]) -> NotebookInputError:
    """The error for a file that is not a valid capsule."""
    advice = "  Restore it with `git checkout`, or write it again with `invoke notebook.freeze`."
    return NotebookInputError("\n".join([f"{source} is not a valid capsule:", *indented(mistakes), advice]))


def _cell_json(cell: CellRecord) -> dict[str, Any]:
    outputs: Sequence[str] = () if cell.is_volatile else cell.outputs
    document: dict[str, Any] = {"id": cell.id, "source": cell.source, "outputs": list(outputs)}
    reason = {"reason": _UNSTABLE} if cell.is_unstable else {}
    return {**document, "volatile": True, **reason} if cell.is_volatile else document


def _shortened(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:90]} … {message[-90:]}"
