"""A comparison as one self-contained page: no script, nothing fetched, the same bytes for the same comparison."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from typing import Final

from notebook_run.comparison import CellDifference, Comparison, InputDifference, VolatileCell, counted
from notebook_run.comparison_text import amount, picture_sentence, share
from notebook_run.differences import (
    Detail,
    LinesDiffer,
    NumberChange,
    NumbersDiffer,
    OnlyHashesDiffer,
    PicturesDiffer,
    named_kind,
)

_MOST_CHANGES: Final = 40
_KINDS: Final = {
    "cell": "Cell",
    "code": "Shared code",
    "parameter": "Parameter",
    "data": "Data",
    "package": "Package",
    "image": "Image",
}


def comparison_page(comparison: Comparison) -> str:
    """The page as HTML, light or dark as the reader's system, for screens of any width and for paper."""
    css = (files("notebook_run") / "templates" / "reproduction.css").read_text("utf-8")
    body = "\n".join(piece for piece in _blocks(comparison) if piece)
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>{escape(comparison.verdict)}</title>
<style>
{css}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def _blocks(comparison: Comparison) -> Iterator[str]:
    yield _hero(comparison)
    if comparison.failure is not None:
        yield _block("What ended it", "", f'<div class="card"><pre>{escape(comparison.failure)}</pre></div>')
    if comparison.inputs:
        yield _inputs(comparison)
    if comparison.cells:
        intro = "Every output that is not what the capsule recorded, in the order of the notebook."
        yield _block("What differs", intro, "\n".join(_cell(cell) for cell in comparison.cells))
    if comparison.volatile:
        yield _volatile(comparison.volatile)
    yield _footer(comparison)


def _hero(comparison: Comparison) -> str:
    recorded = comparison.recorded
    headline, _, count = comparison.verdict.partition(": ")
    if comparison.is_equal:
        lead = (
            "Inputs differ, no output does." if comparison.inputs else "Same data, same image, same code, same result."
        )
        lead = escape(f"{_sentence(count)} {lead}")
    else:
        head, colon, rest = comparison.blame.partition(": ")
        lead = f"{escape(_sentence(count))} <b>{escape(head + colon)}</b>{escape(rest)}"
    facts = [
        ("commit", recorded.commit[:12]),
        ("image", f"{recorded.image.name}:env-{recorded.image.fingerprint}"),
        ("outputs compared", f"{comparison.compared:,}"),
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
    intro = "The likeliest culprit first." if not comparison.is_equal else "None of these changed a result."
    rows = "".join(_input(difference, is_culprit=difference is comparison.culprit) for difference in comparison.inputs)
    head = "<thead><tr><th>Input</th><th>Recorded</th><th>Rerun</th></tr></thead>"
    return _block(
        "Which input differs",
        intro,
        f'<div class="card"><table class="inputs">{head}<tbody>{rows}</tbody></table></div>',
    )


def _input(difference: InputDifference, *, is_culprit: bool) -> str:
    tag = '<span class="tag">culprit</span>' if is_culprit else ""
    if difference.is_after:
        tag = '<span class="tag quiet">after the first difference</span>'
    name = f"{_KINDS[difference.kind]} {difference.name}"
    recorded, found = (_code(value) for value in (difference.recorded, difference.found))
    row = ' class="culprit"' if is_culprit else ""
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
        f"<h4>Output {output.number}, {escape(named_kind(output.kind))}"
        f" <span>{escape(_headline(output.detail))}</span></h4>"
        f"\n{_detail(output.detail)}"
        for output in cell.outputs
    )
    heading = f"Cell {cell.place} ({escape(cell.id)})<code>{escape(cell.first_line)}</code>"
    return f'<section class="card"><h3>{heading}</h3>\n{outputs}\n</section>'


def _headline(detail: Detail) -> str:
    if isinstance(detail, NumbersDiffer):
        return f"{counted(len(detail.changes) + detail.more, 'value')} changed"
    if isinstance(detail, PicturesDiffer):
        return picture_sentence(detail)
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
    size = "" if change.absolute is None else amount(change.absolute)
    relative = "" if change.relative is None else share(change.relative)
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


def _volatile(cells: tuple[VolatileCell, ...]) -> str:
    items = []
    for cell in cells:
        what = [f"{count} × {rule}" for rule, count in cell.replaced.items()]
        told = "tagged volatile, not compared" if cell.is_left_out else f"replaced: {', '.join(what)}"
        items.append(f"<li>Cell {cell.place} ({escape(cell.id)}): {escape(told)}</li>")
    intro = "What differs from run to run by its nature, and so was not compared as it is."
    return _block("Set aside", intro, f'<ul class="plain card">{"".join(items)}</ul>')


def _footer(comparison: Comparison) -> str:
    notes = "".join(f"<p>{escape(note)}</p>" for note in comparison.notes)
    return f"""\
<footer>
{notes}<p>Capsule of {escape(comparison.recorded.notebook)} at commit {comparison.recorded.commit}.
Pictures are compared pixel by pixel, tables value by value, text after what is listed above was set aside.</p>
</footer>"""


def _block(heading: str, intro: str, content: str) -> str:
    lead = f'<p class="intro">{escape(intro)}</p>' if intro else '<p class="intro"></p>'
    return f'<section class="block"><h2>{escape(heading)}</h2>{lead}\n{content}\n</section>'
