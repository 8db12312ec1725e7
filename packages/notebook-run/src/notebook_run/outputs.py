"""What a cell put out, in the form in which two runs are compared, and its hash."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from notebook_run.markup import markup_text
from notebook_run.pictures import Picture, decode_png

Kind = Literal["stdout", "stderr", "table", "html", "picture", "text", "data", "error"]

VOLATILE_TAG: Final = "volatile"
"""The tag of a cell whose outputs are meant to differ from run to run, such as measured times."""

_COLOURS: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
# Everything here differs between two runs of the same code on the same data; nothing else is replaced.
_RULES: Final[tuple[tuple[str, re.Pattern[str], str], ...]] = (
    ("memory address", re.compile(r"\b0x7f[0-9a-f]{10}\b|(?<=\bat )0x[0-9a-fA-F]{6,16}\b"), "0x…"),
    ("temporary path", re.compile(r"/tmp/[\w.@+-]+(?:/[\w.@+-]+)*"), "/tmp/…"),
    ("place of packages", re.compile(r"(?:/[\w.@+-]+)+/(?:site|dist)-packages/"), "…/site-packages/"),
    ("uuid", re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "uuid…"),
    ("time of a progress bar", re.compile(r"\[\d+:\d\d(?::\d\d)?<[^\]\n]*\]"), "[…]"),
)
# A display offers the same thing in several forms.
_PICTURES: Final = ("image/png", "image/jpeg")
_TEXTS: Final = ("text/markdown", "text/latex", "image/svg+xml", "text/plain")
# Of a widget only its plain text says the same in two runs.
_WIDGET: Final = "application/vnd.jupyter.widget-view+json"


@dataclass(frozen=True, kw_only=True)
class Output:
    """One output.

    Attributes:
        text: Normalised; empty for a picture.
        file: The picture's file; empty for text.
        picture: Its pixels, where they could be read.
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
    """All that a cell put out.

    Attributes:
        normalised: How often each rule replaced something.
    """

    outputs: tuple[Output, ...] = ()
    normalised: Mapping[str, int] = field(default_factory=dict)


def cell_outputs(outputs: Iterable[Mapping[str, Any]]) -> CellOutputs:
    """A cell's outputs as nbformat has them, normalised.

    What was printed comes first, in one piece per stream: the pieces that reach a notebook depend on when the kernel
    sent them.
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
    return CellOutputs(outputs=(*printed, *shown), normalised=counts)


def normalised(text: str, counts: dict[str, int]) -> str:
    """The text with what differs from run to run replaced; adds to `counts` how often each rule did so."""
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
    """The form that a reader sees; the plain text that goes with each display is mostly only its type's name."""
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
    """The text as a terminal shows it in the end: what a carriage return went back over is gone."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def _joined(text: object) -> str:
    return "".join(str(piece) for piece in text) if isinstance(text, list) else str(text)
