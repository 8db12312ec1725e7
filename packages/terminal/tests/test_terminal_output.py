"""Tables, JSON and standard output."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import PurePosixPath

import pytest

from terminal import Column, json_text, note, render, show, table, warn


def test_a_table_is_plain_text_of_80_columns() -> None:
    """Texts fold, and a number keeps its unit."""
    made = table(
        ["dataset", Column(heading="raw", align="right"), "about"],
        [["pems [x]", "64.4 MB", "word " * 20], ["climate", "1.54 GB", "short"]],
        footer=["total", "1.60 GB", ""],
    )
    text = render(made)
    assert max(map(len, text.splitlines())) <= 80
    assert "64.4 MB" in text and "pems [x]" in text and "1.60 GB" in text.splitlines()[-1]


def test_a_number_is_never_broken() -> None:
    """In a table too wide for its terminal, the text gives way and the number stays."""
    made = table(["name", Column(heading="size", align="right")], [["x" * 60, "64.4 MB"]])
    assert "64.4 MB" in render(made, width=30)


@dataclass(frozen=True)
class _Part:
    path: PurePosixPath
    rows: int


def test_json_text_handles_values_of_the_packages() -> None:
    """Dataclasses, paths, tuples and sets become JSON; text is not escaped."""
    document = {"parts": (_Part(PurePosixPath("a/b"), 3),), "names": {"ü", "a"}}
    assert json.loads(json_text(document)) == {"parts": [{"path": "a/b", "rows": 3}], "names": ["a", "ü"]}
    assert "ü" in json_text(document)
    assert json_text([1, 2], indent=None) == "[1, 2]"


def test_json_text_refuses_what_json_lacks() -> None:
    """A value without a form in JSON is an error of the program, not a text that looks right."""
    with pytest.raises(TypeError):
        json_text({"x": object()})


def test_show_prints_texts_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Text is neither wrapped nor interpreted."""
    text = "x" * 100 + " [bold]"
    show(text, table(["a"], [["b"]]), text)
    assert capsys.readouterr().out.splitlines() == [text, "a", "─", "b", text]


def test_remarks_and_warnings_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output is left to results."""
    note("pulling")
    warn("old")
    assert capsys.readouterr() == ("", "pulling\nwarning: old\n")


_PROGRAM = "from terminal import *; show(table([Column(heading='a', style='red')], [['b']]))"


def test_colour_appears_on_a_terminal_only() -> None:
    """The same table has escape codes on a terminal and none in a pipe."""
    piped = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, check=True).stdout
    ours, theirs = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | {"TERM": "xterm-256color"}
    subprocess.run([sys.executable, "-c", _PROGRAM], stdout=theirs, env=environment, check=True)
    os.close(theirs)
    on_terminal = os.read(ours, 10_000)
    os.close(ours)
    assert (b"\x1b[" in piped, b"\x1b[31m" in on_terminal) == (False, True)
