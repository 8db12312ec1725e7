"""Starts a notebook in Jupyter: data and image, compose file, container; waits until its page answers."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from env_spec import NotebookSpec, load_spec
from image_build import get_image
from image_build.engine import engine_failures
from notebook_run.container import Mount, container_user, data_mounts, mounts, own_mounts
from notebook_run.datasets import pull_missing_data
from notebook_run.engine import Engine, RunningNotebook
from notebook_run.errors import NotWrittenError
from notebook_run.local.environment import local_environment
from notebook_run.local.server import read_server
from notebook_run.place import PlaceName, chosen_place, local_offered
from notebook_run.processes import no_compose, run_compose
from notebook_run.project import (
    build_folder,
    check_in_notebooks,
    load_notebook,
    make_out_folder,
    missing_file,
    out_folder,
)
from notebook_run.session.address import TOKEN_FILE, notebook_url, read_token
from notebook_run.session.compose_file import TEMPLATE, ComposeSettings, compose_text, project_name
from notebook_run.session.local_start import LocalStart
from notebook_run.session.ports import check_port, chosen_port
from notebook_run.session.stop import last_lines, remove_container, report_lost_files
from notebook_run.session.waiting import StartingNotebook, not_started
from terminal import note


@dataclass(frozen=True, kw_only=True)
class StartedNotebook:
    """A notebook whose page answers.

    Attributes:
        place: Where it runs.
        url: With the token.
        container: Its container; empty for a local notebook.
        image: Reference of its image, or the name of the image whose groups its environment has.
        was_running: It was already running with the same settings.
    """

    notebook: str
    place: PlaceName
    url: str
    port: int
    container: str
    image: str
    was_running: bool

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


@local_offered()
@engine_failures()
def bring_up(
    root: Path,
    name: str,
    *,
    place: PlaceName | None = None,
    port: int | None = None,
    base: str | None = None,
    on_line: Callable[[str], None] = note,
) -> StartedNotebook:
    """Open a notebook in Jupyter; its data and its image or environment are fetched first.

    Args:
        place: None for the default of the project.
        port: On 127.0.0.1; None for the port that it has, or else the first free one from 8888 on.
        base: Base of its image, if the image must be built.
        on_line: Receives lines of progress.

    Raises:
        EnvSpecError: The project has mistakes, or no notebook of that name.
        ImageBuildError: No engine answers, or the image is neither available nor can be built.
        NotebookRunError: Something is missing, the port is in use, or Jupyter does not start.
    """
    check_port(port)
    notebook = load_notebook(root, name)
    if chosen_place(load_spec(root / "pyproject.toml"), place) == "local":
        return _local(root, notebook, port=port, on_line=on_line)
    # Without an engine, no data need be fetched.
    engine = Engine(root)
    pull_missing_data(root, notebook, on_line)
    image = get_image(root, notebook.image, base=base, on_line=on_line).reference
    return _Start(root, notebook, image=image, engine=engine, on_line=on_line).run(port)


def _local(root: Path, notebook: NotebookSpec, *, port: int | None, on_line: Callable[[str], None]) -> StartedNotebook:
    pull_missing_data(root, notebook, on_line)
    environment = local_environment(root, notebook.image, store=root, on_line=on_line)
    server, was_running = LocalStart(root, notebook, environment, on_line).run(port)
    return StartedNotebook(
        notebook=notebook.name,
        place="local",
        url=notebook_url(server.port, notebook.path, server.token),
        port=server.port,
        container="",
        image=server.image,
        was_running=was_running,
    )


@engine_failures()
def wait_until_stopped(root: Path, started: StartedNotebook) -> None:
    """Wait until a notebook's container or process ends."""
    if started.place == "docker":
        Engine(root).wait(started.container)
    elif server := read_server(root, started.notebook):
        server.wait()


class _Start:
    """One start of a notebook.

    Args:
        image: Reference of a local image.
    """

    def __init__(
        self, root: Path, notebook: NotebookSpec, *, image: str, engine: Engine, on_line: Callable[[str], None]
    ) -> None:
        self.root = root
        self.notebook = notebook
        self.image = image
        self.engine = engine
        self.on_line = on_line

    def run(self, requested_port: int | None) -> StartedNotebook:
        """Start the notebook and wait for its page.

        A notebook that runs with the same settings keeps running; one whose image, data or port changed is restarted.
        If the start fails, nothing is left running.
        """
        if run_compose("any", "version").exit_code:
            raise no_compose()
        name, file = self.notebook.name, build_folder(self.root, self.notebook.name) / "compose.yaml"
        data = self._checked_data()
        container = self._container()
        running = container if container and container.state == "running" else None
        port = self._port(running, requested_port)
        text = self._compose_text(port, data)
        token = read_token(self.root, name)
        if running and token and file.is_file() and file.read_text("utf-8") == text:
            # The process that started it may have been killed before the page answered.
            return self._started(self._wait(port, token), token, was_running=True)
        if container:
            self.on_line(f"{name}: restarting, because its settings changed")
            report_lost_files(self.engine, container, self.on_line)
            remove_container(self.root, name)
        token = secrets.token_urlsafe(24)
        _write(file, text, token)
        self.on_line(f"{name}: starting {self.image}")
        try:
            self._compose_up(file)
            return self._started(self._wait(port, token), token, was_running=False)
        except BaseException:
            remove_container(self.root, name)
            raise

    def _port(self, running: RunningNotebook | None, requested: int | None) -> int:
        own = running.port if running else None
        return own if own and requested in (None, own) else chosen_port(requested, self.engine.port_owner)

    def _checked_data(self) -> list[Mount]:
        """The mounts of the data, after a check of everything else that the compose file mounts."""
        check_in_notebooks(self.root, self.notebook)
        mounts(self.root, self.notebook)
        make_out_folder(out_folder(self.root, self.notebook.name))
        return [*own_mounts(self.root, self.notebook), *data_mounts(self.root / "data", self.notebook)]

    def _compose_text(self, port: int, data: list[Mount]) -> str:
        path = self.root / TEMPLATE
        try:
            template = path.read_text("utf-8")
        except OSError:
            raise missing_file(path, "the template", "Restore it with git.") from None
        user = container_user(uid=os.getuid(), gid=os.getgid(), is_rootless=self.engine.is_rootless)
        settings = ComposeSettings(
            root=self.root,
            image=self.image,
            user=user,
            port=port,
            data=data,
            has_selinux=load_spec(self.root / "pyproject.toml").has_selinux,
        )
        return compose_text(template, self.notebook, settings)

    def _compose_up(self, file: Path) -> None:
        name = self.notebook.name
        result = run_compose(project_name(self.root, name), "--file", str(file), "up", "--detach", "--quiet-pull")
        if result.exit_code:
            raise not_started(name, "docker compose failed", last_lines(result.stderr))

    def _wait(self, port: int, token: str) -> RunningNotebook:
        """Wait until the page answers; the container."""
        name, path = self.notebook.name, self.notebook.path
        StartingNotebook(name=name, path=path, port=port, token=token, end=self._end, last_lines=self._last_lines).wait(
            self.on_line
        )
        return self.engine.running_notebooks(self.root)[name]

    def _end(self) -> str | None:
        container = self._container()
        return None if container and container.state == "running" else "its container ended"

    def _last_lines(self) -> list[str]:
        container = self._container()
        return self.engine.last_lines(container.container) if container else []

    def _container(self) -> RunningNotebook | None:
        return self.engine.running_notebooks(self.root).get(self.notebook.name)

    def _started(self, running: RunningNotebook, token: str, *, was_running: bool) -> StartedNotebook:
        port = int(running.port or 0)
        return StartedNotebook(
            notebook=self.notebook.name,
            place="docker",
            url=notebook_url(port, self.notebook.path, token),
            port=port,
            container=running.container,
            image=running.image,
            was_running=was_running,
        )


def _write(file: Path, text: str, token: str) -> None:
    secret = file.with_name(TOKEN_FILE)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        secret.unlink(missing_ok=True)
        with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(f"JUPYTER_TOKEN={token}\n")
    except OSError as error:
        raise NotWrittenError(str(error.filename or file), error) from None
