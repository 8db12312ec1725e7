"""The metrics and figures of notebooks now and at a commit, side by side."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from data_share import RecordError, cache_folder, object_key, read_folder_list
from notebook_run.capsule.git import committed_text, require_commit
from notebook_run.comparison.html_page import html_page, write_page
from notebook_run.lineage.stage_file import LOCK, METRICS, STAGES, recorded_results
from notebook_run.project import out_folder
from terminal import table

if TYPE_CHECKING:
    from rich.console import RenderableType

PAGE: Final = Path("notebooks/out/comparison.html")
_MORE_CSS: Final = """\
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
.pair img { max-width: 100%; }
td, th { padding: 0.2rem 0.8rem 0.2rem 0; text-align: left; }
"""


@dataclass(frozen=True, kw_only=True)
class MetricChange:
    """A metric; None where one of the two has no such metric."""

    name: str
    before: float | None
    now: float | None


@dataclass(frozen=True, kw_only=True)
class ComparedNotebook:
    """A notebook at a commit and now.

    Attributes:
        before, figures: PNG by name, of the commit and of now.
        notes: What could not be compared.
    """

    name: str
    metrics: tuple[MetricChange, ...]
    before: Mapping[str, bytes] = field(repr=False)
    figures: Mapping[str, bytes] = field(repr=False)
    notes: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        changed = [name for name in sorted({*self.before, *self.figures}) if self._differs(name)]
        metrics = [asdict(metric) for metric in self.metrics]
        return {"name": self.name, "metrics": metrics, "changed_figures": changed, "notes": list(self.notes)}

    def _differs(self, name: str) -> bool:
        return self.before.get(name) != self.figures.get(name)


def compare_notebooks(root: Path, names: Sequence[str], revision: str) -> tuple[ComparedNotebook, ...]:
    """The notebooks as the working tree has their results, and as a commit records them.

    Raises:
        NotebookRunError: This clone does not have the commit.
        RecordError: The record of the commit cannot be read.
    """
    require_commit(root, revision)
    texts = {path: text for path in (STAGES, LOCK) if (text := committed_text(root, revision, path)) is not None}
    recorded = {output.path: output for output in recorded_results(root, texts)}
    return tuple(_compared(root, name, revision, recorded) for name in names)


def _compared(root: Path, name: str, revision: str, recorded: Mapping[str, Any]) -> ComparedNotebook:
    path = f"{METRICS}/{name}.json"
    text = committed_text(root, revision, path)
    before = _flat(text)
    now = _flat((root / path).read_text("utf-8") if (root / path).is_file() else None)
    notes = []
    if text is None:
        notes.append(f"{revision} has no metrics of {name}")
    output = recorded.get(f"notebooks/out/{name}")
    pictures = _recorded_pictures(root, output) if output else {}
    if pictures is None:
        notes.append(f"the results of {name} at {revision} are not in the cache: `git checkout` it and `data.pull`")
    elif output is None:
        notes.append(f"{revision} records no results of {name}")
    return ComparedNotebook(
        name=name,
        metrics=tuple(
            MetricChange(name=each, before=before.get(each), now=now.get(each)) for each in {**before, **now}
        ),
        before=pictures or {},
        figures={path.name: path.read_bytes() for path in sorted((out_folder(root, name) / "figures").glob("*.png"))},
        notes=tuple(notes),
    )


def comparison_lines(compared: Sequence[ComparedNotebook], revision: str) -> list[RenderableType]:
    """A table of the metrics, and the notes."""
    rows = [
        (notebook.name, metric.name, _number(metric.before), _number(metric.now), _difference(metric))
        for notebook in compared
        for metric in notebook.metrics
    ]
    notes = [f"note: {note}" for notebook in compared for note in notebook.notes]
    head = ("notebook", "metric", revision, "now", "difference")
    return [*([table(head, rows)] if rows else []), *notes]


def write_comparison(root: Path, compared: Sequence[ComparedNotebook], revision: str) -> Path:
    """Write the metrics and the pairs of figures as one page without scripts.

    Raises:
        NotWrittenError: It cannot be written.
    """
    path, title = root / PAGE, f"Results now and at {revision}"
    sections = "\n".join(_section(notebook, revision) for notebook in compared)
    write_page(path, html_page(title, f"<h1>{escape(title)}</h1>\n{sections}", more_css=_MORE_CSS))
    return path


def _section(notebook: ComparedNotebook, revision: str) -> str:
    rows = "".join(
        f"<tr><td>{escape(metric.name)}</td><td>{_number(metric.before)}</td><td>{_number(metric.now)}</td>"
        f"<td>{_difference(metric)}</td></tr>"
        for metric in notebook.metrics
    )
    head = f"<tr><th>metric</th><th>{escape(revision)}</th><th>now</th><th>difference</th></tr>"
    pairs = "".join(_pair(notebook, name, revision) for name in sorted({*notebook.before, *notebook.figures}))
    notes = "".join(f"<p>{escape(note)}</p>" for note in notebook.notes)
    numbers = f"<table>{head}{rows}</table>" if rows else "<p>It has no metrics.</p>"
    return f'<section class="card"><h2>{escape(notebook.name)}</h2>{notes}{numbers}{pairs}</section>'


def _pair(notebook: ComparedNotebook, name: str, revision: str) -> str:
    before, now = notebook.before.get(name), notebook.figures.get(name)
    state = "the same pixels and bytes" if before == now else "differs"
    shown = _picture(before, f"{name} at {revision}") + _picture(now, f"{name} now")
    return f'<h3>{escape(name)}: {state}</h3><div class="pair">{shown}</div>'


def _picture(content: bytes | None, title: str) -> str:
    if content is None:
        return f"<p>{escape(title)}: there is none</p>"
    return f'<img alt="{escape(title)}" src="data:image/png;base64,{base64.b64encode(content).decode()}">'


def _recorded_pictures(root: Path, output: Any) -> dict[str, bytes] | None:
    """The figures of recorded results; None if the cache does not have them."""
    entries = None
    with suppress(RecordError):
        entries = read_folder_list(root, output)
    if entries is None:
        return None
    cache = cache_folder(root)
    pictures = {}
    for entry in entries:
        if entry.path.startswith("figures/") and entry.path.endswith(".png"):
            try:
                pictures[entry.path.removeprefix("figures/")] = (cache / object_key(entry.oid)).read_bytes()
            except OSError:
                return None
    return pictures


def _flat(text: str | None) -> dict[str, float]:
    """The numbers of a metrics file by path: {"mae": {"model": 1}} has mae/model."""
    try:
        return dict(_numbers(json.loads(text or "{}")))
    except ValueError:
        return {}


def _numbers(content: Any, path: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(content, dict):
        for name, value in content.items():
            yield from _numbers(value, f"{path}/{name}" if path else name)
    elif isinstance(content, int | float) and not isinstance(content, bool):
        yield path, content


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"


def _difference(metric: MetricChange) -> str:
    if metric.before is None or metric.now is None:
        return ""
    return f"{metric.now - metric.before:+.4g}" if metric.now != metric.before else "0"
