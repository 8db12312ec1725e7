"""Outputs in the form in which two runs are compared."""

from __future__ import annotations

from typing import Any

import pytest

from notebook_run.outputs.cell_outputs import cell_outputs
from notebook_run.outputs.markup import markup_text


def stream(text: str | list[str], name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def shown(**data: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {form.replace("_", "/", 1): value for form, value in data.items()}}


@pytest.mark.parametrize(
    ("text", "expected", "rule"),
    [
        ("<object object at 0x7f12ab34cd56>", "<object object at 0x…>", "memory address"),
        ("<f at 0x55aa55aa>", "<f at 0x…>", "memory address"),
        ("/tmp/ipykernel_7/123.py:3: Warning", "/tmp/…:3: Warning", "temporary path"),
        ("/opt/venv/lib/python3.13/site-packages/a.py", "…/site-packages/a.py", "place of packages"),
        ("run 0b5a7c1e-8f5e-4c9a-9d7e-2f1c3b4a5d6e", "run uuid…", "uuid"),
        ("100%|█| 9/9 [00:01<00:00,  8.5it/s]", "100%|█| 9/9 […]", "time of a progress bar"),
    ],
)
def test_text_that_differs_from_run_to_run_is_replaced_and_counted(text: str, expected: str, rule: str) -> None:
    """Each rule has a name, which the report lists."""
    found = cell_outputs([stream(text)])
    assert (found.outputs[0].text, dict(found.replaced)) == (expected, {rule: 1})


@pytest.mark.parametrize("text", ["0xdeadbeef", "mean 68.5 mph at 0.25", "see /data/raw/x.csv", "[1:2, 3]"])
def test_a_result_is_not_replaced(text: str) -> None:
    """Hexadecimal numbers, numbers after "at", paths of data and slices are results."""
    found = cell_outputs([stream(text)])
    assert (found.outputs[0].text, dict(found.replaced)) == (text, {})


def test_printed_text_is_joined() -> None:
    """The kernel sends it in pieces that depend on its timing."""
    joined = cell_outputs([stream("a\nb\n"), stream("warning\n", "stderr")])
    pieces = cell_outputs([stream("a\n"), stream(["warn", "ing\n"], "stderr"), stream(["b", "\n"])])
    assert pieces == joined
    assert [output.kind for output in joined.outputs] == ["stdout", "stderr"]


def test_only_the_last_state_of_a_progress_bar_counts() -> None:
    """Text that a carriage return overwrites is removed, and so are colours."""
    found = cell_outputs([stream("1 of 2\r2 of 2\r\n\x1b[31mdone\x1b[0m\n")])
    assert found.outputs[0].text == "2 of 2\ndone\n"


def test_tables_are_compared_by_the_text_of_their_cells() -> None:
    """HTML of pandas with and without styles and ids is the same table; its plain text is ignored."""
    plain = "<table><tr><th></th><th>speed</th></tr><tr><th>Mon</th><td>61.5</td></tr></table>"
    styled = plain.replace("<td>", '<td id="T_1f2e3_row0" class="a">').replace("<table>", "<style>a</style><table>")
    first, second = (cell_outputs([shown(text_html=html, text_plain="…")]) for html in (plain, styled))
    assert first == second
    assert (first.outputs[0].kind, first.outputs[0].text) == ("table", "\tspeed\nMon\t61.5\n")


def test_spanning_cells_keep_their_columns() -> None:
    """In a row below a cell that spans rows, values stay under their headings."""
    html = '<table><tr><th rowspan="2">a</th><td>1</td></tr><tr><td>2</td></tr><tr><td colspan="2">3</td></tr></table>'
    assert markup_text(html).text == "a\t1\n\t2\n3\t\n"


def test_drawings_and_pictures_in_html_are_compared() -> None:
    """Two pages that look different have different text."""
    assert markup_text("<svg><path d='M0 0'/></svg>").text != markup_text("<svg><path d='M0 1'/></svg>").text
    assert markup_text("<img src='data:a'>").text != markup_text("<img src='data:b'>").text


def test_the_richest_form_of_an_output_is_compared() -> None:
    """For a figure, this is its picture, not its plain text."""
    found = cell_outputs([shown(image_png="iVBORw0KGgo=", text_plain="<Figure size 640x480 with 1 Axes>")])
    assert [output.kind for output in found.outputs] == ["picture"]


@pytest.mark.parametrize("form", ["text/markdown", "text/latex", "image/svg+xml"])
def test_plain_text_is_ignored_if_there_is_another_form(form: str) -> None:
    """`<IPython.core.display.Markdown object>` is the same for every text."""
    outputs = [
        cell_outputs([{"output_type": "display_data", "data": {form: text, "text/plain": "<object>"}}]).outputs[0]
        for text in ("**1** of 3", "**2** of 3")
    ]
    assert [output.text for output in outputs] == ["**1** of 3", "**2** of 3"]


def test_an_unknown_form_is_compared_as_data() -> None:
    """An example is a chart that only its own library can draw."""
    bundle = {"application/vnd.plotly.v1+json": {"y": [1, 2]}, "text/plain": "Figure()"}
    (output,) = cell_outputs([{"output_type": "display_data", "data": bundle}]).outputs
    assert output.kind == "data" and '"y": [' in output.text


def test_errors_are_compared_by_name_and_message() -> None:
    """A traceback has colours and paths."""
    output = {"output_type": "error", "ename": "KeyError", "evalue": "'x'", "traceback": ["\x1b[31m…"]}
    assert cell_outputs([output]).outputs[0].text == "KeyError: 'x'\n"
