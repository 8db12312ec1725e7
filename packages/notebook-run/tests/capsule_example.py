"""A capsule and a rerun of it, which tests change."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from notebook_run.capsule.record import Capsule, CellRecord, DatasetRecord, ImageRecord, Rerun, Sources
from notebook_run.outputs.cell_outputs import CellOutputs, Output, picture_output
from notebook_run.outputs.pictures import Picture, encode_png

CAPSULE = Capsule(
    name="traffic-eda",
    notebook="notebooks/traffic-eda.ipynb",
    commit="0123456789" * 4,
    image=ImageRecord(
        name="jupyter-notebook",
        reference="jupyter-notebook:env-0123456789abcdef",
        digest=f"sha256:{'a' * 64}",
        fingerprint="0123456789abcdef",
        base="quay.io/jupyter/scipy-notebook:python-3.13",
        commit=None,
    ),
    parameters={"worst": 5},
    code={"notebooks/lib/experiment/__init__.py": "c" * 64},
    data={"climate": DatasetRecord(table="d" * 64, parts={"a.parquet": "1" * 32, "b.parquet": "2" * 32})},
    versions={"python": "3.13.1", "pandas": "3.1.1"},
    cells=(),
)


def frozen(**outputs: Sequence[Output]) -> tuple[Capsule, dict[tuple[str, int], Output], Rerun]:
    """A capsule with these cells, their kept outputs, and a rerun with the same outputs."""
    kept = {(cell, number): output for cell, found in outputs.items() for number, output in enumerate(found)}
    cells = tuple(
        CellRecord(id=cell, source="e" * 64, outputs=tuple(output.hash for output in found))
        for cell, found in outputs.items()
    )
    capsule = replace(CAPSULE, cells=cells)
    return capsule, kept, rerun_of(capsule, outputs)


def rerun_of(capsule: Capsule, outputs: Mapping[str, Sequence[Output]], **changes: Any) -> Rerun:
    """A rerun of the capsule with these outputs."""
    cells = tuple(
        replace(cell, outputs=tuple(output.hash for output in outputs.get(cell.id, ()))) for cell in capsule.cells
    )
    return Rerun(
        capsule=replace(capsule, **{"cells": cells, **changes}),
        outputs={cell: CellOutputs(outputs=tuple(found)) for cell, found in outputs.items()},
        sources=Sources(cells={cell.id: f"show('{cell.id}')" for cell in cells}),
    )


def text(value: str) -> Output:
    """Printed text."""
    return Output(kind="stdout", text=value)


def table(*rows: str) -> Output:
    """A table from rows whose cells are separated by spaces."""
    return Output(kind="table", text="".join("\t".join(row.split(" ")) + "\n" for row in rows))


def picture(*rows: Sequence[tuple[int, int, int]]) -> Output:
    """A picture from its pixels."""
    pixels = tuple(b"".join(bytes((*pixel, 255)) for pixel in row) for row in rows)
    return picture_output(encode_png(Picture(width=len(rows[0]), height=len(rows), rows=pixels)))


def png(colour: int, width: int, height: int, filtered_rows: Sequence[bytes], **more: bytes) -> bytes:
    """A PNG file from filtered rows, each of which begins with the number of its filter."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    extra = b"".join(chunk(kind.encode(), body) for kind, body in more.items())
    pixels = chunk(b"IDAT", zlib.compress(b"".join(filtered_rows)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + pixels + chunk(b"IEND", b"")
