"""Finds what a piece of HTML would load when the page opens, and replaces what only a network has."""

from __future__ import annotations

import base64
import binascii
import re
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bs4 import BeautifulSoup

from notebook_run.page.charts import map_in_script
from notebook_run.page.lacks import inline_box

# The attributes that load something, by tag; "*" is every other tag.
_LOADING: Final = {
    "link": ("href",),
    "object": ("data",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
    "*": ("src", "srcset", "poster", "background", "xlink:href"),
}
_NOT_LOADED: Final = ("a",)
_LINKS: Final = re.compile(r"stylesheet|icon|preload|prefetch|import", re.IGNORECASE)
_REMOTE: Final = re.compile(r"\s*(?:(?:https?|wss?|ftp):)?//", re.IGNORECASE)
_EMBEDDED: Final = re.compile(r"\s*(?:data|blob|about|javascript|mailto):|\s*#|\s*$", re.IGNORECASE)
_CSS_URL: Final = re.compile(r"""(?:url\(\s*|@import\s+)["']?\s*((?:(?:https?):)?//[^"')\s;]+)""", re.IGNORECASE)
_CODE_URL: Final = re.compile(r"""(?:(?:https?|wss?):)?//[\w.-]+\.[a-z]{2,}(?::\d+)?[^\s"'`<>\\)]*""", re.IGNORECASE)
# An address in a script is text, as that of a namespace, unless something about it says that it is loaded.
_LOADED: Final = re.compile(
    r"\.(?:m?js|css|json|geojson|topojson|csv|wasm|arrow|parquet|png|jpe?g)\b|cdn|unpkg|esm\.sh|\{[zxys]\}|@\d|/npm/|wss?:",
    re.IGNORECASE,
)
_FETCHES: Final = re.compile(r"\b(?:fetch|import|importScripts|XMLHttpRequest|WebSocket|EventSource|require)\b")
_REQUIRE: Final = re.compile(r"\brequire(?:js)?\s*\(\s*\[|\brequire(?:js)?\.config\s*\(")
# A longer script is a library, whose addresses are defaults that it rarely loads.
_LIBRARY_LENGTH: Final = 200_000
_PLOTLY: Final = re.compile(r"plotly[\w.-]*\.js$")
_PLOTLY_CDN: Final = "cdn.plot.ly/plotly"
_PLOT: Final = "Plotly.newPlot("


@dataclass(kw_only=True)
class Checked:
    """A piece of HTML.

    Attributes:
        markup: With a box in place of each picture or frame that is missing.
        missing: What it would load, in words.
        is_drawn_by_it: Whether a script would draw the content with it, so that there is nothing to show.
        libraries: The installed libraries that it needs.
    """

    markup: str
    missing: list[str] = field(default_factory=list)
    is_drawn_by_it: bool = False
    libraries: set[str] = field(default_factory=set)


def checked(markup: str, folder: Path, *, has_plotly: bool = False) -> Checked:
    """A piece of HTML, and what it lacks without a network.

    Args:
        folder: The folder of the page; relative paths are below it.
        has_plotly: Whether the page can have the library of Plotly.
    """
    found = Checked(markup=markup)
    soup = BeautifulSoup(markup, "html.parser")
    before = str(soup)
    for tag in soup.find_all(True):
        if tag.decomposed or tag.name in _NOT_LOADED:
            continue
        if tag.name == "script" and _is_replaced(tag, markup, has_plotly=has_plotly):
            tag.decompose()
        elif tag.name == "script" and not tag.get("src"):
            _check_script(tag, found)
        elif tag.name in ("iframe", "frame"):
            _check_frame(soup, tag, folder, found)
        elif sources := _sources(tag, folder):
            found.missing += sources
            found.is_drawn_by_it = found.is_drawn_by_it or tag.name == "script"
            _replace(soup, tag, sources)
    if has_plotly and _PLOT in markup:
        found.libraries.add("plotly")
    if (after := str(soup)) != before:
        found.markup = after
    return found


def _is_replaced(tag: Any, markup: str, *, has_plotly: bool) -> bool:
    """Whether a script only loads what the page has (Plotly), or what its figures can be without (MathJax)."""
    if _PLOT not in markup and _PLOTLY_CDN not in markup:
        return False
    path = urllib.parse.urlsplit(str(tag.get("src") or "")).path
    if "mathjax" in path.lower():
        return True
    code = tag.string or ""
    loads = _PLOTLY_CDN in code and _PLOT not in code and len(code) < _LIBRARY_LENGTH
    return has_plotly and (bool(_PLOTLY.search(path)) or loads)


def _check_frame(soup: Any, tag: Any, folder: Path, found: Checked) -> None:
    """Check the document in a frame, which gets the content policy of the page only if it is written into the page."""
    sources = _sources(tag, folder)
    markup = "" if sources else _inner_markup(tag, folder)
    inside = folder if tag.get("srcdoc") else (folder / _path(str(tag.get("src") or ""))).parent
    inner = checked(markup, inside) if markup else Checked(markup="")
    sources += inner.missing
    found.missing += sources
    if sources and (not inner.missing or inner.is_drawn_by_it):
        _replace(soup, tag, sources)
    elif inner.markup != markup:
        del tag["src"]
        tag["srcdoc"] = inner.markup


def _sources(tag: Any, folder: Path) -> list[str]:
    """What a tag loads and the page does not have."""
    if tag.name == "link" and not _LINKS.search(" ".join(tag.get("rel") or [])):
        return []
    names = _LOADING.get(tag.name, _LOADING["*"])
    values = [str(tag[name]) for name in names if tag.get(name)]
    if tag.name == "meta" and "refresh" in str(tag.get("http-equiv", "")).lower():
        values = re.findall(r"url=(\S+)", str(tag.get("content", "")), re.IGNORECASE)
    if tag.get("srcset"):
        values = [value for value in values if value != tag["srcset"]]
        values += [each.split()[0] for each in str(tag["srcset"]).split(", ") if each.split()]
    found = [value.strip() for value in values if _is_missing(value, folder)]
    style = f"{tag.get('style', '')} {tag.string or ''}" if tag.name == "style" else str(tag.get("style", ""))
    return found + _CSS_URL.findall(style)


def _is_missing(value: str, folder: Path) -> bool:
    if _REMOTE.match(value):
        return True
    if _EMBEDDED.match(value):
        return False
    return value.strip().lower().startswith("file:") or not (folder / _path(value)).exists()


def _path(address: str) -> str:
    return urllib.parse.unquote(urllib.parse.urlsplit(address.strip()).path)


def _inner_markup(tag: Any, folder: Path) -> str:
    """The document in a frame: its own, that of its address, or that of a file in the results."""
    source = str(tag.get("src") or "")
    if tag.get("srcdoc"):
        return str(tag["srcdoc"])
    if source.lower().startswith("data:text/html"):
        head, _, body = source.partition(",")
        try:
            content = base64.b64decode(body) if "base64" in head else urllib.parse.unquote_to_bytes(body)
        except binascii.Error:
            return ""
        return content.decode("utf-8", "replace")
    path = folder / _path(source)
    if path.suffix.lower() in (".html", ".htm", ".svg") and path.is_file():
        return path.read_text("utf-8", "replace")
    return ""


def _check_script(tag: Any, found: Checked) -> None:
    code = tag.string or ""
    if str(tag.get("type") or "").lower() in ("application/json", "text/plain", "application/ld+json"):
        return
    missing = script_sources(code)
    # The outlines of countries and the tiles of maps are never part of the library.
    if kind := map_in_script(code):
        missing = [f"https://cdn.plot.ly, the map of {kind}"]
    if missing:
        found.missing += missing
        found.is_drawn_by_it = True


def script_sources(code: str) -> list[str]:
    """What a script loads."""
    if len(code) > _LIBRARY_LENGTH:
        return []
    fetches = bool(_FETCHES.search(code))
    found = [url for url in _CODE_URL.findall(code) if "w3.org" not in url and (_LOADED.search(url) or fetches)]
    if not found and _REQUIRE.search(code):
        found = ["RequireJS"]
    return found


def _replace(soup: Any, tag: Any, sources: list[str]) -> None:
    """Put a box in place of a tag; without a place of its own in the page, remove it."""
    if tag.name in ("img", "iframe", "frame", "video", "audio", "embed", "object", "image"):
        host = tag.find_parent("svg") if tag.name == "image" else tag
        (host or tag).replace_with(BeautifulSoup(inline_box(missing_text(sources)), "html.parser"))
    elif tag.name in ("source", "track") and tag.parent is not None:
        del tag[next(name for name in ("src", "srcset") if tag.get(name))]
    elif tag.get("style") and _CSS_URL.search(str(tag["style"])):
        tag["style"] = _CSS_URL.sub("url(", str(tag["style"]))
    elif tag.name == "style":
        tag.string = _CSS_URL.sub("url(", tag.string or "")
    else:
        tag.decompose()


def missing_text(sources: list[str]) -> str:
    """What is missing, in words."""
    shown = list(dict.fromkeys(source if len(source) <= 80 else f"{source[:79]}…" for source in sources))
    remote = [source for source in shown if _REMOTE.match(source)]
    if remote:
        more = f" and {len(remote) - 1} more" if len(remote) > 1 else ""
        return f"it is loaded from a network ({remote[0]}{more})"
    if shown == ["RequireJS"]:
        return "its script needs RequireJS, which Jupyter's page loads from a network"
    more = f" and {len(shown) - 1} more" if len(shown) > 1 else ""
    return f"its file {shown[0]}{more} is not in the folder of the results"
