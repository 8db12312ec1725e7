"""The page of a run in a real browser without a network: charts of real libraries, formulas, and what it lacks."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest

from notebook_run.run.program_text import program_text

PLOTLY = """\
import plotly.express as px
figure = px.scatter(x=list(range(100)), y=[(7 * i) % 13 for i in range(100)])
figure.show()
figure"""
PLOTLY_HTML = 'from IPython.display import HTML\nHTML(figure.to_html(include_plotlyjs="cdn", full_html=False))'
PLOTLY_MAP = "px.scatter_map(lat=[38.0], lon=[-120.0])"
ALTAIR = """\
import altair as alt
import pandas as pd
chart = alt.Chart(pd.DataFrame({"a": ["</script>", "y"], "b": [1, 2]})).mark_bar().encode(x="a", y="b")
chart"""
ALTAIR_URL = 'alt.Chart("https://example.org/cars.json").mark_bar().encode(x="a:Q")'
BOKEH = """\
from bokeh.plotting import figure as bokeh_figure, output_notebook, show
output_notebook()
show(bokeh_figure(width=100, height=100))"""
WIDGET = "import ipywidgets\nipywidgets.IntSlider(3)"
FOLIUM = "import folium\nfolium.Map()"
FORMULA = "## Model\n\n$$\\\\hat{y} = \\\\sum_{i=1}^{n} w_i x_i$$\n\n![](https://example.org/logo.png)".replace(
    "\\\\", "\\"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a notebook with all of them."""
    folder = tmp_path_factory.mktemp("page")
    sources = [PLOTLY, PLOTLY_HTML, PLOTLY_MAP, ALTAIR, ALTAIR_URL, BOKEH, WIDGET, FOLIUM]
    cells = [nbformat.v4.new_markdown_cell(FORMULA), *map(nbformat.v4.new_code_cell, sources)]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "trial.ipynb")
    (folder / "out").mkdir()
    order = {"name": "trial", "path": str(folder / "trial.ipynb"), "out": str(folder / "out")}
    word = base64.b64encode(json.dumps({**order, "parameters": {}, "timeout_s": 120}).encode()).decode()
    variables = {**os.environ, "IPYTHONDIR": str(folder / "ipython")}
    command = [sys.executable, "-P", "-c", program_text(), word]
    result = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert events[-1] == {"event": "done", "failure": None}, events[-1]
    (folder / "events.json").write_text(json.dumps(events))
    return folder


@pytest.fixture(scope="module")
def opened_page(folder: Path, browser: ModuleType) -> Iterator[tuple[Any, list[str]]]:
    """The page in a browser that is offline, and everything that it has requested."""
    requested: list[str] = []
    with browser.opened(browser.find_browser()) as page:
        page.context.set_offline(True)
        page.on("request", lambda request: requested.append(request.url))
        page.goto((folder / "out/trial.html").as_uri())
        yield page, requested


def test_charts_are_drawn_without_a_network(opened_page: tuple[Any, list[str]]) -> None:
    """Three figures of Plotly, one of them HTML that names a CDN, and a chart of Altair; only the page is requested."""
    page, requested = opened_page
    page.locator(".vega-embed canvas, .vega-embed svg").first.wait_for()
    assert page.locator(".vega-embed canvas, .vega-embed svg").count() == 1
    for number in range(3):
        page.locator(".js-plotly-plot .scatterlayer").nth(number).wait_for()
    assert page.locator(".js-plotly-plot .scatterlayer .point").count() == 300
    page.wait_for_load_state("networkidle")
    assert [url for url in requested if not url.startswith(("data:", "blob:"))] == [page.url]


def test_a_formula_is_drawn(opened_page: tuple[Any, list[str]]) -> None:
    """The browser lays it out: the sum is taller than a line of text."""
    page, _ = opened_page
    assert page.locator("math").count() == 1
    assert page.locator("math").bounding_box()["height"] > 24


def test_what_the_page_lacks_is_visible(opened_page: tuple[Any, list[str]], folder: Path) -> None:
    """A box in each place, and a warning for each box."""
    page, _ = opened_page
    boxes = page.locator(".page-lacks")
    texts = [boxes.nth(number).inner_text() for number in range(boxes.count())]
    expected = ["logo.png", "scattermap", "cars.json", "Bokeh", "interactive widget", "leaflet"]
    assert len(texts) == len(expected)
    for text, name in zip(texts, expected, strict=True):
        assert name in text
    assert all(boxes.nth(number).is_visible() for number in range(boxes.count()))
    warned = [
        event["text"] for event in json.loads((folder / "events.json").read_text()) if event["event"] == "warning"
    ]
    assert len(warned) == len(expected)
    assert all(name in text for text, name in zip(warned, expected, strict=True))
