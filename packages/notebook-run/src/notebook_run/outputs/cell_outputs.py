"""A cell's outputs in the form in which two runs are compared, and their hashes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from notebook_run.outputs.markup import markup_text
from notebook_run.outputs.pictures import Picture, decode_png

Kind = Literal["stdout", "stderr", "table", "html", "picture", "text", "data", "error"]

# The tag of a cell whose outputs may differ from run to run, such as measured times.
VOLATILE_TAG: Final = "volatile"

_COLOURS: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
# Each of these differs between two runs of the same code on the same data. Nothing else is replaced.
_RULES: Final[tuple[tuple[str, re.Pattern[str], str], ...]] = (
    ("memory address", re.compile(r"\b0x7f[0-9a-f]{10}\b|(?<=\bat )0x[0-9a-fA-F]{6,16}\b"), "0x…"),
    ("temporary path", re.compile(r"/tmp/[\w.@+-]+(?:/[\w.@+-]+)*"), "/tmp/…"),
    ("place of packages", re.compile(r"(?:/[\w.@+-]+)+/(?:site|dist)-packages/"), "…/site-packages/"),
    ("uuid", re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "uuid…"),
    ("time of a progress bar", re.compile(r"\[\d+:\d\d(?::\d\d)?<[^\]\n]*\]"), "[…]"),
)
# A display has the same content in several forms.
_PICTURES: Final = ("image/png", "image/jpeg")
_TEXTS: Final = ("text/markdown", "text/latex", "image/svg+xml", "text/plain")
# Only the plain text of a widget is the same in two runs.
_WIDGET: Final = "application/vnd.jupyter.widget-view+json"


@dataclass(frozen=True, kw_only=True)
class Output:
    """One output.

    Attributes:
        text: After replacements; empty for a picture.
        file: The picture's file; empty for text.
        picture: Its pixels, if they could be read.
    """

    kind: Kind
    text: str = ""
    file: bytes = b""
    picture: Picture | None = field(default=None, repr=False)

    @property
    def hash(self) -> str:
        """`KIND SHA256`; a picture's is that of its pixels."""
        digest = hashlib.sha256()
        if self.picture:
            digest.update(f"{self.picture.width}x{self.picture.height}\n".encode())
            for row in self.picture.rows:
                digest.update(row)
        else:
            digest.update(self.file or self.text.encode("utf-8", "surrogatepass"))
        return f"{self.kind} {digest.hexdigest()}"


@dataclass(frozen=True, kw_only=True)
class CellOutputs:
    """All outputs of a cell.

    Attributes:
        replaced: Number of replacements by rule.
    """

    outputs: tuple[Output, ...] = ()
    replaced: Mapping[str, int] = field(default_factory=dict)

    @property
    def hashes(self) -> tuple[str, ...]:
        """Kind and hash of each."""
        return tuple(output.hash for output in self.outputs)


def cell_outputs(outputs: Iterable[Mapping[str, Any]]) -> CellOutputs:
    """A cell's outputs from their form in nbformat.

    Printed text comes first, in one piece per stream: its division into pieces depends on the timing of the kernel.
    """
    counts: dict[str, int] = {}
    streams: dict[str, list[str]] = {}
    shown: list[Output] = []
    for output in outputs:
        kind = output.get("output_type")
        if kind == "stream":
            streams.setdefault(str(output.get("name", "stdout")), []).append(_joined(output.get("text", "")))
        elif kind == "error":
            text = f"{output.get('ename', '')}: {output.get('evalue', '')}\n"
            shown.append(Output(kind="error", text=normalised(text, counts)))
        elif kind in ("display_data", "execute_result"):
            shown.append(_displayed(output.get("data", {}), counts))
    printed = [
        Output(kind=cast("Kind", name), text=normalised(_overwritten("".join(streams[name])), counts))
        for name in ("stdout", "stderr")
        if name in streams
    ]
    return CellOutputs(outputs=(*printed, *shown), replaced=counts)


def normalised(text: str, counts: dict[str, int]) -> str:
    """The text after all replacements; adds their numbers to `counts`, by rule."""
    text = _COLOURS.sub("", text)
    for name, pattern, replacement in _RULES:
        text, count = pattern.subn(replacement, text)
        if count:
            counts[name] = counts.get(name, 0) + count
    return text


def picture_output(file: bytes) -> Output:
    """A picture's file as an output."""
    return Output(kind="picture", file=file, picture=decode_png(file))


def _displayed(bundle: Mapping[str, Any], counts: dict[str, int]) -> Output:
    """The form that a reader sees; the plain text of a display is often just the name of its type."""
    if form := next((form for form in _PICTURES if form in bundle), None):
        try:
            return picture_output(base64.b64decode(_joined(bundle[form])))
        except binascii.Error:
            return Output(kind="data", text=_joined(bundle[form]))
    if "text/html" in bundle:
        markup = markup_text(_joined(bundle["text/html"]))
        return Output(kind="table" if markup.has_table else "html", text=normalised(markup.text, counts))
    if data := {form: bundle[form] for form in bundle if form not in (*_TEXTS, _WIDGET)}:
        return Output(kind="data", text=normalised(json.dumps(data, indent=1, sort_keys=True), counts))
    form = next((form for form in _TEXTS if form in bundle), None)
    return Output(kind="text", text=normalised(_joined(bundle[form]) if form else "", counts))


def _overwritten(text: str) -> str:
    """The text as a terminal shows it in the end, without the text that a carriage return has overwritten."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def _joined(text: object) -> str:
    return "".join(str(piece) for piece in text) if isinstance(text, list) else str(text)
