"""Outputs in the form in which two runs are compared."""

from __future__ import annotations

from typing import Any

import pytest

from notebook_run.markup import markup_text
from notebook_run.outputs import cell_outputs


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
def test_what_differs_from_run_to_run_is_replaced_and_counted(text: str, expected: str, rule: str) -> None:
    """Each rule has a name, under which the report lists it."""
    found = cell_outputs([stream(text)])
    assert (found.outputs[0].text, dict(found.normalised)) == (expected, {rule: 1})


@pytest.mark.parametrize("text", ["0xdeadbeef", "mean 68.5 mph at 0.25", "see /data/raw/x.csv", "[1:2, 3]"])
def test_what_is_a_result_is_left_as_it_is(text: str) -> None:
    """A hexadecimal number, a number after "at", a path of the data and a slice are no noise."""
    found = cell_outputs([stream(text)])
    assert (found.outputs[0].text, dict(found.normalised)) == (text, {})


def test_printed_text_is_one_piece_however_it_arrived() -> None:
    """The kernel sends what is printed in pieces that depend on its timing."""
    whole = cell_outputs([stream("a\nb\n"), stream("warning\n", "stderr")])
    pieces = cell_outputs([stream("a\n"), stream(["warn", "ing\n"], "stderr"), stream(["b", "\n"])])
    assert pieces == whole
    assert [output.kind for output in whole.outputs] == ["stdout", "stderr"]


def test_progress_counts_as_it_stood_in_the_end() -> None:
    """What a carriage return went back over is gone, and colours too."""
    found = cell_outputs([stream("1 of 2\r2 of 2\r\n\x1b[31mdone\x1b[0m\n")])
    assert found.outputs[0].text == "2 of 2\ndone\n"


def test_table_counts_by_the_text_of_its_cells() -> None:
    """pandas' HTML, with and without styles and ids, is the same table; its plain form does not count."""
    plain = "<table><tr><th></th><th>speed</th></tr><tr><th>Mon</th><td>61.5</td></tr></table>"
    styled = plain.replace("<td>", '<td id="T_1f2e3_row0" class="a">').replace("<table>", "<style>a</style><table>")
    first, second = (cell_outputs([shown(text_html=html, text_plain="…")]) for html in (plain, styled))
    assert first == second
    assert (first.outputs[0].kind, first.outputs[0].text) == ("table", "\tspeed\nMon\t61.5\n")


def test_spanning_cells_keep_their_columns() -> None:
    """A row below a cell that reaches down has its values under their own heads."""
    html = '<table><tr><th rowspan="2">a</th><td>1</td></tr><tr><td>2</td></tr><tr><td colspan="2">3</td></tr></table>'
    assert markup_text(html).text == "a\t1\n\t2\n3\t\n"


def test_drawing_and_embedded_picture_in_html_count() -> None:
    """Two pages that look different have different text."""
    assert markup_text("<svg><path d='M0 0'/></svg>").text != markup_text("<svg><path d='M0 1'/></svg>").text
    assert markup_text("<img src='data:a'>").text != markup_text("<img src='data:b'>").text


def test_richest_form_of_an_output_counts() -> None:
    """Of a figure that is its picture, not the text that stands in for it."""
    found = cell_outputs([shown(image_png="iVBORw0KGgo=", text_plain="<Figure size 640x480 with 1 Axes>")])
    assert [output.kind for output in found.outputs] == ["picture"]


@pytest.mark.parametrize("form", ["text/markdown", "text/latex", "image/svg+xml"])
def test_plain_text_does_not_stand_in_for_what_is_shown(form: str) -> None:
    """`<IPython.core.display.Markdown object>` is the same for every text."""
    outputs = [
        cell_outputs([{"output_type": "display_data", "data": {form: text, "text/plain": "<object>"}}]).outputs[0]
        for text in ("**1** of 3", "**2** of 3")
    ]
    assert [output.text for output in outputs] == ["**1** of 3", "**2** of 3"]


def test_forms_that_no_rule_knows_count_as_data() -> None:
    """A chart that only its own library can draw, for one."""
    bundle = {"application/vnd.plotly.v1+json": {"y": [1, 2]}, "text/plain": "Figure()"}
    (output,) = cell_outputs([{"output_type": "display_data", "data": bundle}]).outputs
    assert output.kind == "data" and '"y": [' in output.text


def test_error_counts_by_its_name_and_message() -> None:
    """Its traceback is coloured and full of paths."""
    output = {"output_type": "error", "ename": "KeyError", "evalue": "'x'", "traceback": ["\x1b[31m…"]}
    assert cell_outputs([output]).outputs[0].text == "KeyError: 'x'\n"
