"""The page of an executed notebook: it loads nothing from a network, and says what it lacks."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "packages/notebook-run/src/notebook_run"
CDN = "https://cdn.example.org/lib.js"


@dataclass(frozen=True, kw_only=True)
class Made:
    """A page and what it lacks."""

    html: str
    lacks: list[Any]

    @property
    def body(self) -> str:
        """The page without its head."""
        return self.html.partition("<main>")[2]

    @property
    def warnings(self) -> list[str]:
        return [f"{lack.what}: {lack.reason}" for lack in self.lacks]


@pytest.fixture(autouse=True)
def rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an image, the package has only the rooms of the program."""
    package = ModuleType("notebook_run")
    package.__path__ = [str(PACKAGE)]
    monkeypatch.setitem(sys.modules, "notebook_run", package)


def page_of(folder: Path, *cells: Any) -> Made:
    """The page of a notebook with these cells; a bundle becomes a cell that has printed a line and shows the bundle."""
    from notebook_run.page.exporter import page

    notebook = nbformat.v4.new_notebook(cells=[_cell(cell) for cell in cells])
    made = page(notebook, "trial", folder=folder)
    return Made(html=made.html, lacks=list(made.lacks))


def _cell(cell: Any) -> Any:
    if not isinstance(cell, dict) or "cell_type" in cell:
        return cell
    outputs = [nbformat.v4.new_output("stream", text="1"), nbformat.v4.new_output("display_data", data=cell)]
    return nbformat.v4.new_code_cell("print(1)", outputs=outputs)


def test_the_page_refers_to_no_network(tmp_path: Path) -> None:
    """Neither its head nor its cells load a script, a style or a picture, and its policy forbids it."""
    made = page_of(
        tmp_path,
        {"text/html": "<table><tr><td>1</td></tr></table>"},
        nbformat.v4.new_markdown_cell("[a link](https://example.org)"),
    )
    assert not re.findall(r"<(?:script|img|iframe|link)[^>]*(?:src|href)=", made.html)
    assert not re.search(r"url\(\s*[\"']?https?:|import\([\"']http", made.html)
    assert "default-src 'self' file: data: blob:" in made.html.partition("<style")[0]
    assert '<a href="https://example.org">a link</a>' in made.body
    assert made.warnings == []


@pytest.mark.parametrize(
    ("tex", "element"),
    [
        ("energy $E = mc^2$ here", "<msup><mi>c</mi><mn>2</mn></msup>"),
        ("$$\\frac{a}{b}$$", 'display="block"'),
        ("\\begin{align}\na &= b \\\\\nc &= d \\label{eq}\n\\end{align}", "<mtable"),
        ("\\begin{equation}\\sum_{i=1}^n x_i\\end{equation}", "<munderover"),
        ("$a < b$", "&lt;"),
    ],
)
def test_formulas_are_mathml(tmp_path: Path, tex: str, element: str) -> None:
    """In Markdown cells and in outputs."""
    made = page_of(tmp_path, nbformat.v4.new_markdown_cell(tex), {"text/markdown": tex}, {"text/latex": tex})
    assert made.body.count(element) >= 3 and made.body.count("<math") == 3
    assert made.warnings == []


def test_a_formula_that_cannot_be_shown_is_named(tmp_path: Path) -> None:
    """Its TeX is shown in its place."""
    made = page_of(tmp_path, nbformat.v4.new_markdown_cell("## Model\n$\\nosuchcommand{x}$ and $x$"))
    assert "<code>\\nosuchcommand{x}</code>" in made.body and made.body.count("<math") == 1
    assert made.warnings == [
        "a part of the Markdown cell (## Model): a formula has \\nosuchcommand, which cannot be shown"
        " without MathJax; its TeX is shown"
    ]


@pytest.mark.parametrize(
    ("bundle", "reason"),
    [
        ({"application/vnd.jupyter.widget-view+json": {}, "text/plain": "W()"}, "it is an interactive widget"),
        (
            {"application/vnd.new+json": {}, "text/plain": "N"},
            "its form application/vnd.new+json is one that only Jupyter",
        ),
        ({"text/html": f"<div></div><script src='{CDN}'></script>"}, f"it is loaded from a network ({CDN})"),
        ({"text/html": f"<script>require.config({{paths: {{a: '{CDN}'}}}})</script>"}, "it is loaded from a network"),
        ({"text/html": "<script>require(['vega'], draw)</script>"}, "its script needs RequireJS"),
        ({"text/html": "<script>import('https://esm.sh/x@1')</script>"}, "it is loaded from a network"),
        ({"text/html": "<script>fetch('https://example.org/a')</script>"}, "it is loaded from a network"),
        ({"application/javascript": f"load('{CDN}')"}, "it is loaded from a network"),
        ({"application/vnd.holoviews_exec.v0+json": "", "text/html": "<div></div>"}, "Holoviews draws it"),
        ({"application/vnd.bokehjs_exec.v0+json": "", "application/javascript": "x"}, "Bokeh draws it"),
        ({"text/vnd.mermaid": "graph TD", "text/plain": "M"}, "a diagram of Mermaid"),
        ({"application/pdf": "JVBER", "text/plain": "PDF"}, "its form application/pdf"),
        ({"application/vnd.plotly.v1+json": {"data": [{"type": "scattermap"}]}}, "lotly"),
    ],
)
def test_an_output_that_the_page_lacks_is_a_box(tmp_path: Path, bundle: dict[str, Any], reason: str) -> None:
    """The box and the warning have the cell, the output and the reason; its plain text is shown."""
    made = page_of(tmp_path, bundle)
    (warning,) = made.warnings
    assert warning.startswith("output 2 of cell 1 of 1 (print(1)): ") and reason in warning
    assert made.body.count('class="page-lacks"') == 1
    assert "This page lacks output 2 of cell 1 of 1 (print(1)): " in made.body
    if text := bundle.get("text/plain"):
        assert f">{text}</pre>" in made.body
    assert [(lack.cell, lack.output) for lack in made.lacks] == [(0, 2)]


@pytest.mark.parametrize(
    "markup",
    [
        "before <img src='https://example.org/a.png'> after",
        "before <iframe src='//example.org'></iframe> after",
        "before <iframe srcdoc=\"<script src='https://example.org/a.js'></script>\"></iframe> after",
        "before <img src='missing.png'> after",
        "before <video><source src='https://example.org/a.mp4'></video> after",
        "<link rel='stylesheet' href='https://example.org/a.css'>before after",
        "<style>@import url(https://example.org/a.css);</style>before after",
        "before <p style='background: url(https://example.org/a.png)'> after",
        "before <svg><image href='https://example.org/a.png'/></svg> after",
    ],
)
def test_what_an_html_output_cannot_load_is_named(tmp_path: Path, markup: str) -> None:
    """The rest of the output is shown, and no address is left that the page would load."""
    made = page_of(tmp_path, {"text/html": markup}, nbformat.v4.new_markdown_cell(markup))
    output, markdown = made.warnings
    assert output.startswith("a part of output 2 of cell 1 of 1 (")
    assert markdown.startswith("a part of the Markdown cell (")
    shown = re.sub(r"(?s)<(?:span|div) class=\"page-lacks\".*?</", "</", made.body.partition("jp-OutputArea-output")[2])
    assert shown.count("before") == 2 and shown.count("after") == 2
    assert "example.org" not in shown and "missing.png" not in shown


@pytest.mark.parametrize("in_file", [False, True])
def test_a_document_in_a_frame_is_checked(tmp_path: Path, in_file: bool) -> None:
    """What it cannot load is replaced within it, whether it is a part of the output or a file of the results."""
    document = "INNER <img src='https://example.org/a.png'>"
    (tmp_path / "inner.html").write_text(document, "utf-8")
    source = 'src="inner.html"' if in_file else f'srcdoc="{document}"'
    made = page_of(tmp_path, {"text/html": f"<iframe {source}></iframe>"})
    assert len(made.warnings) == 1 and "src='https:" not in made.body and 'src="https:' not in made.body
    assert re.search("srcdoc=[\"']INNER", made.body) and 'src="inner.html"' not in made.body


@pytest.mark.parametrize(
    ("code", "is_shown"),
    [
        ('Plotly.newPlot("a", [{"type":"scatter"}], {"t": [{"type":"choropleth"}]})', True),
        ('Plotly.newPlot("a", [{"type": "scattergeo"}])', False),
    ],
)
def test_html_of_plotly_needs_no_mathjax(tmp_path: Path, code: str, is_shown: bool) -> None:
    """It names MathJax, which only formulas in labels need; a map needs a network in any case."""
    mathjax = "<script src='https://cdn.example.org/mathjax/tex-svg.js'></script>"
    made = page_of(tmp_path, {"text/html": f"{mathjax}<div id='a'></div><script>{code}</script>"})
    assert (made.warnings == []) == is_shown and (code in made.body) == is_shown
    assert "mathjax" not in made.body


@pytest.mark.parametrize(
    "bundle",
    [
        {"text/html": "<a href='https://example.org'>link</a> <svg xmlns='http://www.w3.org/2000/svg'></svg> SHOWN"},
        {"text/html": "<iframe src='site/a.html'></iframe> SHOWN"},
        {"text/html": "<img src='kept.png'> <img src='data:image/png;base64,AAAA'> SHOWN"},
        {"text/html": "<div id='a'>SHOWN</div><script>var ns = 'http://www.w3.org/2000/svg'</script>"},
        {"application/json": {"a": "SHOWN"}, "text/plain": "<JSON>"},
        {"image/gif": "SHOWN", "text/plain": "<Image>"},
        {"application/vnd.jupyter.widget-view+json": {}, "image/png": "SHOWN"},
        {"text/html": f"<script src='{CDN}'></script>", "image/png": "SHOWN"},
        {"application/vnd.dataresource+json": {}, "text/html": "<table>SHOWN</table>"},
        {"application/javascript": "const SHOWN = 1"},
        {"text/plain": "SHOWN"},
    ],
)
def test_an_output_that_needs_no_network_is_shown(tmp_path: Path, bundle: dict[str, Any]) -> None:
    """In the form that has its content."""
    (tmp_path / "kept.png").touch()
    (tmp_path / "site").mkdir()
    (tmp_path / "site/b.png").touch()
    (tmp_path / "site/a.html").write_text("<img src='b.png'>")
    made = page_of(tmp_path, bundle)
    assert made.warnings == []
    assert "SHOWN" in made.body.partition("jp-OutputArea-output")[2]
    assert "page-lacks" not in made.body
