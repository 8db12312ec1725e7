"""Stops notebooks in Jupyter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from env_spec import load_spec
from image_build.engine import engine_failures
from image_build.errors import EngineUnavailableError, ImageBuildError
from notebook_run.engine import Engine, RunningNotebook
from notebook_run.errors import NotebookRunError, indented
from notebook_run.local.server import forget_server, running_servers
from notebook_run.lost_files import lost_text
from notebook_run.processes import run_compose
from notebook_run.session.compose_file import project_name
from terminal import note


def bring_down(root: Path, name: str | None = None, *, on_line: Callable[[str], None] = note) -> tuple[str, ...]:
    """Stop a notebook, or all notebooks of a project, in containers and local ones.

    Args:
        on_line: Receives warnings about files that are lost with a container.

    Returns:
        The notebooks that were stopped; none if nothing was running.

    Raises:
        EnvSpecError: The name is not that of a notebook.
        NotebookRunError: A container could not be stopped.
    """
    local = stop_servers(root, name)
    if local and name is not None:
        return local
    try:
        return tuple(dict.fromkeys((*local, *_stop_containers(root, name, on_line))))
    except EngineUnavailableError:
        if name is not None:
            load_spec(root / "pyproject.toml").notebook(name)
        return local


def stop_servers(root: Path, name: str | None) -> tuple[str, ...]:
    """Stop a local notebook, or all of them; return those that were running."""
    servers = {each: server for each, server in running_servers(root).items() if name in (None, each)}
    for each, server in servers.items():
        server.stop()
        forget_server(root, each)
    return tuple(servers)


@engine_failures()
def _stop_containers(root: Path, name: str | None, on_line: Callable[[str], None]) -> tuple[str, ...]:
    engine = Engine(root)
    running = engine.running_notebooks(root)
    if name is not None and name not in running:
        load_spec(root / "pyproject.toml").notebook(name)
        return ()
    names = tuple(running) if name is None else (name,)
    for each in names:
        report_lost_files(engine, running[each], on_line)
        remove_container(root, each)
    return names


def report_lost_files(engine: Engine, running: RunningNotebook, on_line: Callable[[str], None]) -> None:
    """Report the files that a notebook wrote into its container, which are lost when it is removed."""
    try:
        lost = engine.lost_files(running.container)
    except ImageBuildError as error:
        # The notebook is stopped all the same.
        on_line(f"{running.notebook}: it is not known whether files are lost with the container: {error}")
        return
    if lost:
        on_line(f"{running.notebook}: {lost_text(lost, running.notebook)}")


def remove_container(root: Path, name: str) -> None:
    """Stop and remove a notebook's container and network, if they exist. Its compose file remains.

    Raises:
        NotebookRunError: Compose failed.
    """
    result = run_compose(project_name(root, name), "down", "--timeout", "5", "--remove-orphans")
    if result.exit_code:
        lines = [f"{name} could not be stopped; docker compose printed:", *indented(last_lines(result.stderr))]
        raise NotebookRunError("\n".join(lines))


def last_lines(text: str) -> list[str]:
    """The last lines of the output of docker compose."""
    return [line.strip() for line in text.splitlines() if line.strip()][-6:]
