"""Lists the notebooks of a project, and those that run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from env_spec import load_spec
from image_build import local_images
from image_build.engine import engine_failures
from image_build.errors import EngineUnavailableError
from notebook_run.columns import ColumnUse, column_uses
from notebook_run.datasets import missing_locally
from notebook_run.engine import Engine, RunningNotebook
from notebook_run.errors import NotebookInputError
from notebook_run.local.server import LocalServer, log_file, running_servers
from notebook_run.project import load_project
from notebook_run.session.address import lab_path, notebook_url, running_url
from notebook_run.session.ports import page_answers
from terminal import Column, table

if TYPE_CHECKING:
    from rich.console import RenderableType

_POLL_S = 0.2
_STATUS_COLUMNS = ("notebook", "place", "state", "health", "port", "image")


@dataclass(frozen=True, kw_only=True)
class ListedNotebook:
    """A notebook, and whether it can be worked with now.

    Attributes:
        missing_locally: What of its datasets must be pulled first.
        is_image_local: Its image, as the lock describes it now; None if no Docker Engine answers.
        url: With the token; None if it does not run.
        reads: What it reads of the columns of its local datasets.
    """

    name: str
    path: str
    image: str
    datasets: tuple[str, ...]
    missing_locally: tuple[str, ...]
    is_image_local: bool | None
    url: str | None
    reads: tuple[ColumnUse, ...] = ()

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


@engine_failures()
def list_notebooks(root: Path, *, base: str | None = None) -> list[ListedNotebook]:
    """The notebooks of a project. Without a Docker Engine, nothing is known about images and running notebooks.

    Args:
        base: Base of the images, if it is not the one of their tables.
    """
    spec = load_project(root)
    images, running = _images_and_notebooks(root, base)
    local = running_servers(root)
    return [
        ListedNotebook(
            name=name,
            path=notebook.path,
            image=notebook.image,
            datasets=notebook.selections,
            missing_locally=missing_locally(root, notebook),
            is_image_local=images.get(notebook.image) if images is not None else None,
            url=_local_url(local.get(name), notebook.path) or running_url(root, running.get(name), notebook.path),
            reads=column_uses(root, notebook),
        )
        for name, notebook in spec.notebooks.items()
    ]


def _local_url(server: LocalServer | None, path: str) -> str | None:
    return notebook_url(server.port, path, server.token) if server else None


def _images_and_notebooks(root: Path, base: str | None) -> tuple[dict[str, bool] | None, dict[str, RunningNotebook]]:
    try:
        return local_images(root, base=base), Engine(root).running_notebooks(root)
    except EngineUnavailableError:
        return None, {}


def notebooks_text(notebooks: Sequence[ListedNotebook]) -> list[RenderableType]:
    """A table of the notebooks, and below it the URLs of those that run."""
    if not notebooks:
        return ["no notebooks yet; `invoke notebook.new NAME --image IMAGE --dataset DATASET` creates one"]
    rows = [
        (
            notebook.name,
            notebook.image,
            {True: "local", False: "missing", None: "no Docker"}[notebook.is_image_local],
            ", ".join(notebook.datasets) or "none",
            _data_state(notebook),
        )
        for notebook in notebooks
    ]
    urls = [f"{notebook.name} runs at {notebook.url}" for notebook in notebooks if notebook.url]
    names = (Column(heading=heading, is_folded=False) for heading in ("notebook", "image"))
    reads = [f"{notebook.name} reads {use.text}" for notebook in notebooks for use in notebook.reads]
    return [table((*names, "state", "datasets", "state"), rows), *reads, *urls]


def _data_state(notebook: ListedNotebook) -> str:
    missing = notebook.missing_locally
    if not missing:
        return "local"
    return "missing" if missing == notebook.datasets else f"missing: {', '.join(missing)}"


def running_notebooks(root: Path) -> list[dict[str, Any]]:
    """The notebooks that `bring_up` started: what the engine or the process reports, and their URLs.

    Without a Docker Engine, these are the local ones.
    """
    notebooks = load_spec(root / "pyproject.toml").notebooks
    paths = {name: notebook.path for name, notebook in notebooks.items()}
    local = [_local_facts(server, paths.get(name, "")) for name, server in running_servers(root).items()]
    try:
        return [*local, *_running_containers(root, paths)]
    except EngineUnavailableError:
        return local


def _local_facts(server: LocalServer, path: str) -> dict[str, Any]:
    answers = page_answers(server.port, lab_path(path), server.token)
    return {
        "notebook": server.notebook,
        "place": "local",
        "container": "",
        "state": "running",
        "health": "healthy" if answers else "starting",
        "port": server.port,
        "image": server.image,
        "started": datetime.fromtimestamp(server.created, UTC).isoformat(),
        "url": notebook_url(server.port, path, server.token),
    }


@engine_failures()
def _running_containers(root: Path, paths: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {**running.facts(), "place": "docker", "url": running_url(root, running, paths.get(name, ""))}
        for name, running in Engine(root).running_notebooks(root).items()
    ]


def running_text(rows: Sequence[dict[str, Any]]) -> list[RenderableType]:
    """A table of running notebooks, and below it their URLs."""
    if not rows:
        return ["no notebook is running"]
    cells = [[str(row[key] or "") for key in _STATUS_COLUMNS] for row in rows]
    return [table(_STATUS_COLUMNS, cells), *(f"{row['notebook']}: {row['url']}" for row in rows if row["url"])]


@engine_failures()
def follow_log(root: Path, name: str, write: Callable[[str], None], *, is_followed: bool = False) -> None:
    """Pass on the output of a notebook's Jupyter.

    Args:
        is_followed: Continue until the container ends.

    Raises:
        EnvSpecError: The name is not that of a notebook.
        NotebookInputError: The notebook does not run.
    """
    load_spec(root / "pyproject.toml").notebook(name)
    if server := running_servers(root).get(name):
        return _follow_file(log_file(root, name), server, write, is_followed=is_followed)
    engine = Engine(root)
    running = engine.running_notebooks(root)
    if name not in running:
        raise NotebookInputError(
            f"{name} is not running; running: {', '.join(running) or 'none'}. Start it with"
            f" `invoke notebook.up {name}`."
        )
    engine.follow(running[name].container, write, is_followed=is_followed)
    return None


def _follow_file(file: Path, server: LocalServer, write: Callable[[str], None], *, is_followed: bool) -> None:
    with file.open(encoding="utf-8", errors="replace") as stream:
        while True:
            was_running = server.is_running
            if text := stream.read():
                write(text)
            elif not (is_followed and was_running):
                return
            else:
                time.sleep(_POLL_S)
