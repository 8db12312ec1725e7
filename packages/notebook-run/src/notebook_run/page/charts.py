"""Interactive charts that the page draws with the library of the installed package: Plotly and Vega-Lite."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

PLOTLY: Final = "application/vnd.plotly.v1+json"
_VEGA: Final = re.compile(r"application/vnd\.vega(?:lite)?\.v\d+(?:\.\d+)*\+json")
# Plotly loads the outlines of countries and the tiles of maps from a network.
_MAPS: Final = re.compile(r"(?:scatter|choropleth|density)(?:geo|map|mapbox)|choropleth|(?:scatter|density)map")
_PLOT_CALL: Final = re.compile(r"""Plotly\.newPlot\(\s*["'][^"']+["']\s*,\s*(?=\[)""")
# Altair's own HTML loads Vega from a network, and calls a function with the chart and its options.
_ALTAIR: Final = re.compile(r"vega-?embed.*?\}\)\s*\(\s*(?=\{)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart.

    Attributes:
        markup: HTML that draws it, with a library of the page.
        library: The name of that library.
        problem: Why it cannot be drawn; empty if it can.
    """

    markup: str = ""
    library: str = ""
    problem: str = ""


def has_plotly() -> bool:
    """Whether Plotly is installed."""
    return importlib.util.find_spec("plotly") is not None


def plotly_chart(figure: Mapping[str, Any], place: str) -> Chart:
    """A figure of Plotly, in an element with the id `place`."""
    if not has_plotly():
        return Chart(problem="it is a figure of Plotly, and the package plotly is not installed in this environment")
    if kind := _map_kind(_traces(figure)):
        return Chart(problem=f"Plotly loads the map of {kind} from a network")
    if remote := next(_remote(figure.get("layout", {}).get("images", [])), None):
        return Chart(problem=f"its picture {remote} is loaded from a network")
    parts = {name: figure[name] for name in ("data", "layout", "frames") if figure.get(name) is not None}
    config = {"responsive": True, **figure.get("config", {}), "plotlyServerURL": ""}
    call = f"Plotly.newPlot({json.dumps(place)}, {_script_json({**parts, 'config': config})});"
    return Chart(markup=f'<div id="{place}"></div><script>{call}</script>', library="plotly")


def map_in_script(code: str) -> str | None:
    """The first kind of trace in a call of Plotly that needs a map; None if none does."""
    call = _PLOT_CALL.search(code)
    if call is None:
        return None
    try:
        traces, _ = json.JSONDecoder().raw_decode(code, call.end())
    except ValueError:
        return None
    return _map_kind(trace for trace in traces if isinstance(trace, dict))


def vega_chart(bundle: Mapping[str, Any], place: str) -> Chart | None:
    """A chart of Vega or Vega-Lite in one of its forms; None if there is none."""
    form = next((form for form in bundle if _VEGA.fullmatch(form)), None)
    if form:
        return _embedded(bundle[form], {}, place)
    if isinstance(bundle.get("text/html"), str) and (found := _ALTAIR.search(bundle["text/html"])):
        try:
            decoder, text = json.JSONDecoder(), bundle["text/html"]
            spec, end = decoder.raw_decode(text, found.end())
            rest = re.compile(r"\s*,\s*").match(text, end)
            options = decoder.raw_decode(text, rest.end())[0] if rest else {}
        except ValueError:
            return None
        return _embedded(spec, options, place)
    return None


def library_code(name: str) -> str:
    """The code of a library, for the head of a page."""
    if name == "plotly":
        from plotly.offline import get_plotlyjs

        return str(get_plotlyjs())
    from vl_convert import javascript_bundle

    return str(javascript_bundle())


def _embedded(spec: Mapping[str, Any], options: Mapping[str, Any], place: str) -> Chart:
    if importlib.util.find_spec("vl_convert") is None:
        return Chart(
            problem="it is a chart of Vega, and without a network, only the package vl-convert-python draws it; add it"
            " to a group of the image"
        )
    if source := next(_addresses(spec), None):
        return Chart(problem=f"it reads {source} when it is drawn")
    options = {"mode": "vega-lite" if "vega-lite" in str(spec.get("$schema", "vega-lite")) else "vega", **options}
    call = f"vegaEmbed({json.dumps('#' + place)}, {_script_json(spec)}, {_script_json({**options, 'actions': False})});"
    return Chart(markup=f'<div id="{place}"></div><script>{call}</script>', library="vega")


def _traces(figure: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from figure.get("data", [])
    for frame in figure.get("frames") or []:
        yield from frame.get("data", [])


def _map_kind(traces: Iterable[Mapping[str, Any]]) -> str | None:
    kinds = (str(trace.get("type", "scatter")) for trace in traces)
    return next(filter(_MAPS.fullmatch, kinds), None)


def _remote(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else []:
        if isinstance(item, Mapping) and str(item.get("source", "")).startswith(("http:", "https:", "//")):
            yield str(item["source"])


def _addresses(value: Any) -> Iterator[str]:
    """The files and addresses that a chart reads its data or pictures from."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "datasets":
                continue
            if key == "url" and isinstance(item, str) and not item.startswith("data:"):
                yield item
            elif key != "values":
                yield from _addresses(item)
    elif isinstance(value, list):
        for item in value:
            yield from _addresses(item)


def _script_json(value: Any) -> str:
    """JSON that may stand in a script: no text of it ends the script."""
    return json.dumps(value).replace("</", "<\\/").replace("<!--", "<\\!--")
