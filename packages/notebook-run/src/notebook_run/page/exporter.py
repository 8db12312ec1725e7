"""Makes the page of an executed notebook with nbconvert."""

from __future__ import annotations

import copy
import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import pass_context
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from notebook_run.page.charts import library_code
from notebook_run.page.forms import Shown, shown, with_box
from notebook_run.page.formulas import formula
from notebook_run.page.lacks import Lack, inline_box
from notebook_run.page.references import checked, missing_text
from notebook_run.program.cells import cell_name

# Libraries of charts are long, and nbconvert parses the page again: they are inserted afterwards.
_LIBRARIES: Final = "<!-- libraries of charts -->"
# Without the scripts that Jupyter's template loads from a network. The policy makes the browser refuse any other.
_TEMPLATE: Final = """\
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}
<meta http-equiv="Content-Security-Policy"
  content="default-src 'self' file: data: blob: 'unsafe-inline' 'unsafe-eval'; base-uri 'self'; form-action 'none'">
LIBRARIES
{%- endblock html_head_js -%}
{%- block jupyter_widgets -%}{%- endblock jupyter_widgets -%}
{%- block html_head_js_mathjax -%}{%- endblock html_head_js_mathjax -%}
{%- block html_head_js_mermaidjs -%}{%- endblock html_head_js_mermaidjs -%}
""".replace("LIBRARIES", _LIBRARIES)
_MERMAID: Final = "text/vnd.mermaid"


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page.

    Attributes:
        html: It loads nothing from a network.
        lacks: What it does not show, in the order of the notebook.
    """

    html: str
    lacks: tuple[Lack, ...]


def page(notebook: Any, name: str, *, folder: Path) -> Page:
    """The page of a notebook.

    Args:
        folder: The folder of the page, which has the files that the notebook wrote.
    """
    return _PageMaker(notebook, folder).page(name)


class _Renderer(IPythonRenderer):  # type: ignore[misc]
    """Renders Markdown with formulas as MathML."""

    def __init__(self, problems: list[str], **options: Any) -> None:
        super().__init__(escape=False, anchor_link_text="¶", **options)
        self.problems = problems

    def block_math(self, body: str) -> str:
        return self._formula(body, is_block=True)

    def inline_math(self, body: str) -> str:
        return self._formula(body, is_block=False)

    def latex_environment(self, name: str, body: str) -> str:
        return self._formula(rf"\begin{{{name}}}{body}\end{{{name}}}", is_block=True)

    def block_mermaidjs(self, code: str) -> str:
        self.problems.append("a diagram of Mermaid is drawn with a library from a network")
        return f"<pre>{html.escape(code.strip())}</pre>{inline_box(self.problems[-1])}"

    def _formula(self, tex: str, *, is_block: bool) -> str:
        made = formula(tex, is_block=is_block)
        if made.unknown:
            self.problems.append(
                f"a formula has {made.unknown}, which cannot be shown without MathJax; its TeX is shown"
            )
        return made.markup


class _Exporter(HTMLExporter):  # type: ignore[misc]
    """Jupyter's exporter with another renderer of Markdown."""

    def __init__(self, maker: _PageMaker) -> None:
        self.maker = maker
        super().__init__(raw_template=_TEMPLATE)

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        return self.maker.markdown_cell(context.get("cell", {}), source)


class _PageMaker:
    def __init__(self, notebook: Any, folder: Path) -> None:
        self.notebook = copy.deepcopy(notebook)
        self.folder = folder
        self.lacks: list[Lack] = []
        self.libraries: set[str] = set()
        for index, cell in enumerate(self.notebook.cells):
            cell.metadata["page_index"] = index

    def page(self, name: str) -> Page:
        """The page."""
        for index, cell in enumerate(self.notebook.cells):
            for number, output in enumerate(cell.get("outputs", []), start=1):
                if "data" in output:
                    self._show(index, number, output)
            if cell.cell_type == "code":
                cell.outputs = [output for output in cell.outputs if output.get("data") != {}]
            if cell.cell_type == "raw":
                cell.source = self._checked(index, cell.source, [])
        text, _ = _Exporter(self).from_notebook_node(self.notebook, resources={"metadata": {"name": name}})
        codes = [f"<script>{library_code(library)}</script>" for library in sorted(self.libraries)]
        self.lacks.sort(key=lambda lack: (lack.cell, lack.output or 0))
        return Page(html=str(text).replace(_LIBRARIES, "\n".join(codes), 1), lacks=tuple(self.lacks))

    def markdown_cell(self, cell: Any, source: str) -> str:
        """The HTML of a Markdown cell."""
        problems: list[str] = []
        markup = self._markdown(source, problems, cell.get("attachments", {}))
        return self._checked(cell.get("metadata", {}).get("page_index", 0), markup, problems)

    def _markdown(self, source: str, problems: list[str], attachments: Any) -> str:
        renderer = _Renderer(problems, attachments=attachments)
        return str(MarkdownWithMath(renderer=renderer).render(source))

    def _checked(self, index: int, markup: str, problems: list[str]) -> str:
        """The HTML of a cell without what only a network has; all that is missing is recorded."""
        found = checked(markup, self.folder)
        if found.missing:
            problems = [*problems, missing_text(found.missing)]
        what = f"a part of {cell_name(self.notebook.cells, index)}"
        self.lacks += [Lack(cell=index, output=None, what=what, reason=problem) for problem in dict.fromkeys(problems)]
        return found.markup

    def _show(self, index: int, number: int, output: Any) -> None:
        problems: list[str] = []
        result = shown(
            output.data,
            f"output-{index}-{number}",
            folder=self.folder,
            markdown=lambda source: self._markdown(source, problems, {}),
        )
        if _MERMAID in output.data and result.reason:
            result = Shown(reason="a diagram of Mermaid is drawn with a library from a network")
        reason = result.reason or "; ".join(dict.fromkeys(problems))
        lack = None
        if reason:
            part = "a part of " if result.is_partial or not result.reason else ""
            what = f"{part}output {number} of {cell_name(self.notebook.cells, index)}"
            lack = Lack(cell=index, output=number, what=what, reason=reason)
            self.lacks.append(lack)
        self.libraries |= result.libraries
        output["data"] = with_box(result, lack if result.reason else None, output.data)
        output["metadata"] = output.get("metadata", {}) if "image/png" in output.data else {}
