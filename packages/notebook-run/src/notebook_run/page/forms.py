"""The form of each output that the page shows: one that needs no network, or a box."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from notebook_run.page.charts import PLOTLY, Chart, has_plotly, plotly_chart, vega_chart
from notebook_run.page.lacks import Lack, box
from notebook_run.page.references import checked, missing_text, script_sources

_PICTURES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp")
_WIDGET: Final = "application/vnd.jupyter.widget-view+json"
# These only load a library for the outputs that follow.
_LOADERS: Final = re.compile(r"application/vnd\.\w+_load\.v\d+\+json")
# These say what draws the output, which stands in another form or output.
_DRAWN: Final = re.compile(r"application/vnd\.(?P<library>[a-z]+?)(?:js)?_exec\.v\d+\+json")
# A rich form of these has the same content as the HTML next to it.
_SAME_AS_HTML: Final = ("application/vnd.dataresource+json", "application/json", "text/csv")
_KNOWN: Final = ("text/plain", "text/html", "text/markdown", "text/latex", "image/svg+xml", "application/javascript")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the page shows of an output.

    Attributes:
        data: One form that Jupyter's template knows; empty for nothing.
        reason: Why something is missing; empty if all is shown.
        is_partial: Whether the rest of the output is shown, with a box in that place.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    is_partial: bool = False
    libraries: frozenset[str] = frozenset()


def shown(bundle: Mapping[str, Any], place: str, *, folder: Path, markdown: Callable[[str], str]) -> Shown:
    """What the page shows of an output.

    Args:
        bundle: The output in all its forms.
        place: An id that no other output has.
        folder: The folder of the page.
        markdown: Renders Markdown with formulas.
    """
    data: dict[str, Any] = {
        form: "".join(value) if isinstance(value, list) else value for form, value in bundle.items()
    }
    picture = _picture(data)
    if any(_LOADERS.fullmatch(form) for form in data):
        return Shown()
    chart = plotly_chart(data[PLOTLY], place) if PLOTLY in data else vega_chart(data, place)
    if chart:
        return _chart(chart) if not chart.problem else picture or Shown(reason=chart.problem)
    if drawn := next(filter(None, map(_DRAWN.fullmatch, data)), None):
        return picture or Shown(reason=f"{drawn['library'].capitalize()} draws it with a library from a network")
    if _WIDGET in data:
        return picture or Shown(reason="it is an interactive widget, which needs a running kernel")
    if "text/html" in data:
        return _html(data["text/html"], picture, folder)
    for form in ("text/markdown", "text/latex"):
        if form in data and not picture:
            return _html(markdown(data[form]), None, folder)
    if "image/svg+xml" in data:
        return _html(data["image/svg+xml"], picture, folder)
    if picture:
        return picture
    if "application/javascript" in data:
        return _script(data["application/javascript"])
    return _other(data)


def with_box(result: Shown, lack: Lack | None, bundle: Mapping[str, Any]) -> dict[str, Any]:
    """The one form of an output that Jupyter's template receives."""
    if lack and not result.is_partial:
        text = bundle.get("text/plain", "")
        return {"text/html": box(lack, "".join(text) if isinstance(text, list) else str(text))}
    return dict(result.data)


def _chart(chart: Chart) -> Shown:
    return Shown(data={"text/html": chart.markup}, libraries=frozenset({chart.library}))


def _picture(data: Mapping[str, Any]) -> Shown | None:
    form = next((form for form in _PICTURES if form in data), None)
    if form in ("image/png", "image/jpeg"):
        return Shown(data={form: data[form]})
    return Shown(data={"text/html": f'<img src="data:{form};base64,{data[form]}">'}) if form else None


def _html(markup: str, picture: Shown | None, folder: Path) -> Shown:
    found = checked(markup, folder, has_plotly=has_plotly())
    if not found.missing:
        return Shown(data={"text/html": found.markup}, libraries=frozenset(found.libraries))
    reason = missing_text(found.missing)
    if found.is_drawn_by_it:
        return picture or Shown(reason=reason)
    return Shown(data={"text/html": found.markup}, reason=reason, is_partial=True)


def _script(code: str) -> Shown:
    if missing := script_sources(code):
        return Shown(reason=missing_text(missing))
    return Shown(data={"application/javascript": code})


def _other(data: Mapping[str, Any]) -> Shown:
    rich = [form for form in data if form not in _KNOWN]
    if rich == ["application/json"] or (rich and set(rich) <= set(_SAME_AS_HTML) and "text/plain" not in data):
        text = (
            json.dumps(data[rich[0]], indent=2, ensure_ascii=False)
            if not isinstance(data[rich[0]], str)
            else data[rich[0]]
        )
        return Shown(data={"text/html": f"<pre>{html.escape(text)}</pre>"})
    rich = [form for form in rich if form not in _SAME_AS_HTML]
    if rich:
        return Shown(reason=f"its form {rich[0]} is one that only Jupyter or an extension of it can show")
    return Shown(data={"text/plain": data["text/plain"]} if "text/plain" in data else {})
