"""The frame of the pages that compare results, and how they are written."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from pathlib import Path

from notebook_run.errors import NotWrittenError


def html_page(title: str, body: str, *, more_css: str = "") -> str:
    """A self-contained page without scripts, for screens of any width and for paper; light or dark like the system.

    Args:
        title: Text.
        body: HTML.
    """
    css = (files("notebook_run") / "templates" / "reproduction.css").read_text("utf-8")
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>
{css}{more_css}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def write_page(path: Path, text: str) -> None:
    """Write a page; the previous one is replaced completely or not at all.

    Raises:
        NotWrittenError: The disk is full or cannot be written to.
    """
    partial = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, "utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise NotWrittenError(str(path), error) from None
