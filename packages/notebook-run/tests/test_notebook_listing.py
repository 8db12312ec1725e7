"""The table of notebooks, and the lines of a container's output."""

from __future__ import annotations

import socket

import pytest

from notebook_run.columns import ColumnUse
from notebook_run.engine import joined_lines
from notebook_run.errors import NotebookInputError
from notebook_run.session.listing import ListedNotebook, notebooks_text, running_text
from notebook_run.session.ports import chosen_port
from terminal import render


def row(name: str, **changes: object) -> ListedNotebook:
    facts = {"path": f"notebooks/{name}.ipynb", "image": "i", "datasets": ("cars",), "missing_locally": ()}
    return ListedNotebook(name=name, **{**facts, "is_image_local": True, "url": None, **changes})  # type: ignore[arg-type]


def text(*rows: ListedNotebook) -> str:
    return "\n".join(render(thing) for thing in notebooks_text(rows))


def test_the_table_shows_what_is_local_and_what_runs() -> None:
    """Image and data each have a state; the URLs of running notebooks are below the table."""
    shown = text(
        row("eda", url="http://x"),
        row("model", datasets=("cars", "bikes"), missing_locally=("cars",), is_image_local=False),
        row("other", missing_locally=("cars",)),
    )
    lines = [line.split() for line in shown.splitlines() if line.strip(" ─")]
    assert lines == [
        ["notebook", "image", "state", "datasets", "state"],
        ["eda", "i", "local", "cars", "local"],
        ["model", "i", "missing", "cars,", "bikes", "missing:", "cars"],
        ["other", "i", "local", "cars", "missing"],
        ["eda", "runs", "at", "http://x"],
    ]


def test_what_is_read_of_each_dataset_is_below_the_table() -> None:
    """One line for each dataset with local parts."""
    use = ColumnUse(dataset="cars", declared=1, columns=4, read_bytes=1000, size_bytes=9000, largest=(("n", 5000),))
    assert text(row("eda", reads=(use,))).splitlines()[-1] == "eda reads cars: 1 of 4 columns, 1.00 kB of 9.00 kB"


def test_the_table_fits_a_terminal() -> None:
    """Long names of datasets continue on the next line."""
    rows = [row("traffic-eda", image="jupyter-notebook-models", datasets=("pems-detector", "climate/*_2024*"))]
    assert max(len(line) for line in text(*rows).splitlines()) <= 80


def test_without_an_engine_the_state_of_the_image_is_unknown() -> None:
    """The table does not show it as missing."""
    shown = text(row("eda", is_image_local=None, datasets=()))
    assert "no Docker" in shown and "missing" not in shown


def test_without_notebooks_the_list_shows_how_to_create_one() -> None:
    """There is no empty table."""
    assert text().startswith("no notebooks yet; `invoke notebook.new")


def test_running_notebooks_are_listed_with_their_urls() -> None:
    """The URL is below the table, where it is not broken into two lines."""
    running = {
        "notebook": "eda",
        "place": "local",
        "state": "running",
        "health": "healthy",
        "port": 8888,
        "image": "i",
        "url": "http://x",
    }
    shown = [render(thing) for thing in running_text([running])]
    assert shown[0].split()[-6:] == ["eda", "local", "running", "healthy", "8888", "i"]
    assert shown[1:] == ["eda: http://x"]
    assert running_text([]) == ["no notebook is running"]


def test_lines_are_joined_from_chunks() -> None:
    """Each stream is joined separately; a chunk may end anywhere, also within a character."""
    chunks = [(b"one\ntw", None), (None, b"noi"), (b"\xc3", b"se\n"), (b"\xb6\n", None), (b"end", None)]
    assert list(joined_lines(chunks)) == ["one", "noise", "twö", "end"]


def test_a_busy_port_is_not_chosen() -> None:
    """A port is busy if a program listens on it or a container publishes it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        busy = server.getsockname()[1]
        with pytest.raises(NotebookInputError, match=f"port {busy} of 127.0.0.1 is in use by another program"):
            chosen_port(busy, lambda port: None)
    with pytest.raises(NotebookInputError, match="is in use by the notebook eda"):
        chosen_port(busy, lambda port: "the notebook eda")
    assert chosen_port(None, lambda port: "another" if port < 8892 else None) >= 8892
