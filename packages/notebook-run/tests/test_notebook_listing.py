"""The table of notebooks, and the lines that a container says."""

from __future__ import annotations

import socket

import pytest

from notebook_run.engine import _lines, chosen_port
from notebook_run.errors import PortBusyError
from notebook_run.listing import ListedNotebook, shown_notebooks


def row(name: str, **changes: object) -> ListedNotebook:
    facts = {"path": f"notebooks/{name}.ipynb", "image": "i", "datasets": ("cars",), "missing": ()}
    return ListedNotebook(name=name, **{**facts, "is_image_here": True, "url": None, **changes})  # type: ignore[arg-type]


def test_the_table_says_what_is_here_and_what_runs() -> None:
    """Data and image each with a word of their own; where it runs stands below."""
    rows = [row("eda", url="http://x"), row("model", missing=("cars",), is_image_here=False)]
    assert shown_notebooks(rows) == (
        "notebook  image  here  datasets  here\n"
        "eda       i      yes   cars      yes\n"
        "model     i      no    cars      no: cars\n"
        "eda runs at http://x\n"
    )


def test_without_an_engine_nobody_knows_of_the_image() -> None:
    """It is not said to be missing."""
    assert "no Docker" in shown_notebooks([row("eda", is_image_here=None, datasets=())])


def test_without_notebooks_the_list_says_how_to_make_one() -> None:
    """Instead of an empty table."""
    assert shown_notebooks([]).startswith("no notebooks yet; `invoke notebook.new")


def test_lines_are_put_together_from_chunks() -> None:
    """Each stream for itself, wherever a chunk ends, a character's bytes included."""
    chunks = [(b"one\ntw", None), (None, b"noi"), (b"\xc3", b"se\n"), (b"\xb6\n", None), (b"end", None)]
    assert list(_lines(chunks)) == ["one", "noise", "twö", "end"]


def test_a_busy_port_is_not_taken() -> None:
    """Whether somebody listens on it here, or a container has it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        busy = server.getsockname()[1]
        with pytest.raises(PortBusyError, match=f"port {busy} of 127.0.0.1 is taken by another program"):
            chosen_port(busy, lambda port: None)
    with pytest.raises(PortBusyError, match="is taken by the notebook eda"):
        chosen_port(busy, lambda port: "the notebook eda")
    assert chosen_port(None, lambda port: "another" if port < 8892 else None) >= 8892
