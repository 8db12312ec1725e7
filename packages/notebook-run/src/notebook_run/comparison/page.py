"""A comparison as one self-contained page without scripts; the same comparison makes the same bytes."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from html import escape
from typing import Final

from notebook_run.comparison.cells import CellDifference
from notebook_run.comparison.compare import Comparison
from notebook_run.comparison.differences import (
    Detail,
    LinesDiffer,
    NumberChange,
    NumbersDiffer,
    OnlyHashesDiffer,
    PicturesDiffer,
    kind_text,
)
from notebook_run.comparison.files import FileDifference
from notebook_run.comparison.html_page import html_page
from notebook_run.comparison.inputs import InputDifference
from notebook_run.comparison.text import difference_text, percent_text, picture_text
from terminal import count_text

_MOST_CHANGES: Final = 40
_KINDS: Final = {
    "cell": "Cell",
    "code": "Shared code",
    "parameter": "Parameter",
    "data": "Data",
    "package": "Package",
    "platform": "Platform",
    "place": "Place",
    "image": "Image",
    "environment": "Environment",
}


def comparison_page(comparison: Comparison) -> str:
    """The page as HTML, for screens of any width and for paper; light or dark like the reader's system."""
    return html_page(comparison.verdict, "\n".join(piece for piece in _blocks(comparison) if piece))


def _blocks(comparison: Comparison) -> Iterator[str]:
    yield _hero(comparison)
    if comparison.failure is not None:
        yield _block("Why it stopped", "", f'<div class="card"><pre>{escape(comparison.failure)}</pre></div>')
    if comparison.inputs:
        yield _inputs(comparison)
    if comparison.cells:
        intro = "Every output that differs from the recorded one, in the order of the notebook."
        yield _block("What differs", intro, "\n".join(_cell(cell) for cell in comparison.cells))
    if comparison.files:
        intro = "Every file that the notebook wrote and that differs from the recorded one."
        yield _block("Which files differ", intro, "\n".join(_file(file) for file in comparison.files))
    if comparison.volatile or comparison.volatile_files:
        yield _volatile(comparison)
    yield _footer(comparison)


def _hero(comparison: Comparison) -> str:
    recorded = comparison.recorded
    headline, _, count = comparison.verdict.partition(": ")
    packages, kind = recorded.packages, "image" if recorded.image else "environment"
    if comparison.is_equal:
        lead = (
            "Inputs differ, but no result does."
            if comparison.inputs
            else f"Same data, same {kind}, same code, same results."
        )
        lead = escape(f"{_sentence(count)} {lead}")
    else:
        head, colon, rest = comparison.advice.partition(": ")
        lead = f"{escape(_sentence(count))} <b>{escape(head + colon)}</b>{escape(rest)}"
    facts = [
        ("commit", recorded.commit[:12]),
        (kind, f"{packages.name}:env-{packages.fingerprint}"),
        ("outputs compared", f"{comparison.compared:,}"),
        *([("files compared", f"{comparison.compared_files:,}")] if comparison.compared_files else []),
    ]
    strip = "".join(f"<li>{escape(name)} <b>{escape(value)}</b></li>" for name, value in facts)
    return f"""\
<header class="hero">
<div>
<p class="eyebrow">Shrinkwrap reproduction report</p>
<h1>{escape(headline)}</h1>
<p class="lead">{lead}</p>
<ul class="strip">{strip}</ul>
</div>
{_squares(comparison)}
</header>"""


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _squares(comparison: Comparison) -> str:
    """One square per code cell, in the order of the notebook."""
    differing = {cell.id for cell in comparison.cells}
    left_out = {cell.id for cell in comparison.volatile if cell.is_left_out}
    cells = comparison.found.cells or comparison.recorded.cells
    if not cells:
        return ""
    width = math.ceil(math.sqrt(len(cells)))
    shapes, kinds = [], set()
    for at, cell in enumerate(cells):
        kind = "other" if cell.id in differing else "volatile" if cell.id in left_out else "same"
        kinds.add(kind)
        shapes.append(
            f'<rect class="{kind}" x="{at % width + 0.06:.2f}" y="{at // width + 0.06:.2f}"'
            ' width="0.88" height="0.88" rx="0.08"/>'
        )
    words = {"same": "as recorded", "other": "differs", "volatile": "not compared"}
    legend = "<br>".join(f'<span class="key {kind}"></span>{words[kind]}' for kind in words if kind in kinds)
    return f"""\
<figure class="squares">
<svg viewBox="0 0 {width} {math.ceil(len(cells) / width)}" role="img" aria-label="One square per code cell">
{"".join(shapes)}
</svg>
<figcaption>One square is one code cell.<br>{legend}</figcaption>
</figure>"""


def _inputs(comparison: Comparison) -> str:
    intro = "The most likely cause first." if not comparison.is_equal else "None of these changed a result."
    is_only = comparison.culprit is not None
    rows = "".join(
        _input(difference, is_suspect=difference in comparison.suspects, is_only=is_only)
        for difference in comparison.inputs
    )
    head = "<thead><tr><th>Input</th><th>Recorded</th><th>Rerun</th></tr></thead>"
    return _block(
        "Which input differs",
        intro,
        f'<div class="card"><table class="inputs">{head}<tbody>{rows}</tbody></table></div>',
    )


def _input(difference: InputDifference, *, is_suspect: bool, is_only: bool) -> str:
    tag = f'<span class="tag">{"culprit" if is_only else "possible culprit"}</span>' if is_suspect else ""
    if difference.is_after:
        tag = '<span class="tag quiet">after the first difference</span>'
    name = f"{_KINDS[difference.kind]} {difference.name}"
    recorded, found = (_code(value) for value in (difference.recorded, difference.found))
    row = ' class="culprit"' if is_suspect else ""
    lines = f'<tr{row}><td colspan="3"><pre>{"".join(map(_line, difference.lines))}</pre></td></tr>'
    return (
        f'<tr{row}><th scope="row">{escape(name)}{tag}</th><td>{recorded}</td><td>{found}</td></tr>'
        f"{lines if difference.lines else ''}"
    )


def _code(value: str | None) -> str:
    if value is None:
        return "—"
    is_hash = len(value) >= 32 and " " not in value
    return f"<code>{escape(value.removeprefix('sha256:')[:12] + '…' if is_hash else value)}</code>"


def _cell(cell: CellDifference) -> str:
    outputs = "\n".join(
        f"<h4>Output {output.number}, {escape(kind_text(output.kind))}"
        f" <span>{escape(_headline(output.detail))}</span></h4>"
        f"\n{_detail(output.detail)}"
        for output in cell.outputs
    )
    heading = f"Cell {cell.place} ({escape(cell.id)})<code>{escape(cell.first_line)}</code>"
    return f'<section class="card"><h3>{heading}</h3>\n{outputs}\n</section>'


def _file(file: FileDifference) -> str:
    heading = f"<h3>{escape(file.path)}<code>{escape(_headline(file.detail))}</code></h3>"
    return f'<section class="card">{heading}\n{_detail(file.detail)}\n</section>'


def _headline(detail: Detail) -> str:
    if isinstance(detail, NumbersDiffer):
        return f"{count_text(len(detail.changes) + detail.more, 'value')} changed"
    if isinstance(detail, PicturesDiffer):
        return picture_text(detail)
    return detail.why if isinstance(detail, OnlyHashesDiffer) else ""


def _detail(detail: Detail) -> str:
    if isinstance(detail, NumbersDiffer):
        rows = "".join(_change(change) for change in detail.changes[:_MOST_CHANGES])
        rest = len(detail.changes) + detail.more - _MOST_CHANGES
        more = f'<p class="more">and {rest:,} more</p>' if rest > 0 else ""
        head = "<th>Where</th><th>Recorded</th><th>Rerun</th><th>Difference</th><th>Relative</th>"
        return f'<table class="changes"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}'
    if isinstance(detail, LinesDiffer):
        return f"<pre>{''.join(map(_line, detail.lines))}</pre>"
    if isinstance(detail, PicturesDiffer):
        shown = [("recorded", detail.recorded), ("rerun", detail.found)]
        if detail.mask is not None:
            shown.append(("pixels that differ, in red", detail.mask))
        return f'<div class="pictures">{"".join(_figure(name, file) for name, file in shown)}</div>'
    return ""


def _change(change: NumberChange) -> str:
    size = "" if change.absolute is None else difference_text(change.absolute)
    relative = "" if change.relative is None else percent_text(change.relative)
    return (
        f"<tr><td>{escape(change.place)}</td><td>{escape(change.recorded)}</td>"
        f'<td class="found">{escape(change.found)}</td>'
        f"<td>{size}</td><td>{relative}</td></tr>"
    )


def _line(line: str) -> str:
    tag = {"+": "ins", "-": "del"}.get(line[:1], "span")
    return f"<{tag}>{escape(line) or '&nbsp;'}</{tag}>"


def _figure(name: str, file: bytes) -> str:
    kind = "png" if file.startswith(b"\x89PNG") else "jpeg"
    source = f"data:image/{kind};base64,{base64.b64encode(file).decode()}"
    return f'<figure><img src="{source}" alt="{escape(name)}"><figcaption>{escape(name)}</figcaption></figure>'


def _volatile(comparison: Comparison) -> str:
    items = []
    for cell in comparison.volatile:
        note = f"{cell.why}, not compared" if cell.is_left_out else f"replaced: {cell.why}"
        items.append(f"<li>Cell {cell.place} ({escape(cell.id)}): {escape(note)}</li>")
    for path in comparison.volatile_files:
        items.append(f"<li>File {escape(path)}: different in each run when it was frozen, not compared</li>")
    intro = "These differ from run to run, so they were not compared, or only after replacements."
    return _block("Not compared", intro, f'<ul class="plain card">{"".join(items)}</ul>')


def _footer(comparison: Comparison) -> str:
    notes = "".join(f"<p>{escape(note)}</p>" for note in comparison.notes)
    return f"""\
<footer>
{notes}<p>Capsule of {escape(comparison.recorded.notebook)} at commit {comparison.recorded.commit}.
Pictures are compared pixel by pixel, tables value by value, text after the replacements that are listed above.</p>
</footer>"""


def _block(heading: str, intro: str, content: str) -> str:
    lead = f'<p class="intro">{escape(intro)}</p>' if intro else '<p class="intro"></p>'
    return f'<section class="block"><h2>{escape(heading)}</h2>{lead}\n{content}\n</section>'
