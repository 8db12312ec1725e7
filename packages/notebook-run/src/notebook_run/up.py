"""A notebook in Jupyter: its data and its image fetched, its compose file rendered, started, waited for."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from env_spec import NotebookSpec
from image_build.ensure import ensure_image
from notebook_run import engine as door
from notebook_run import needs
from notebook_run.compose import TEMPLATE, project_name, rendered
from notebook_run.engine import Engine, Upped
from notebook_run.errors import (
    MissingDataError,
    MissingPathError,
    NotStartedError,
    NotWrittenError,
    SiblingFailedError,
)
from notebook_run.presence import lacking

Say = Callable[[str], None]

TOKEN_FILE: Final = "token.env"
_DEADLINE_S: Final = 120
_POLL_S: Final = 0.1
_REMINDER_S: Final = 5


@dataclass(frozen=True, kw_only=True)
class Up:
    """A notebook that is up.

    Attributes:
        url: With the token.
        was_up: It was already, just so.
    """

    notebook: str
    url: str
    port: int
    container: str
    image: str
    was_up: bool

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        return vars(self).copy()


def build_folder(root: Path, name: str) -> Path:
    """Where the compose file of a notebook is written."""
    return root / "build" / "notebooks" / name


def fetch_data(root: Path, notebook: NotebookSpec, say: Say) -> None:
    """Pull what is missing of a notebook's datasets; nothing is started where nothing is.

    Raises:
        MissingDataError: It is recorded nowhere, or not on the remote.
    """
    missing = lacking(root, notebook)
    if not missing:
        return
    if not (root / "data/dvc.lock").exists():
        raise MissingDataError(notebook.name, missing, because="and data/dvc.lock records no version of it")
    say(f"{notebook.name}: {', '.join(missing)} is not here; pulling it")
    flags = [word for selection in missing for word in ("--dataset", selection)]
    try:
        door.run_sibling("data_share", "pull", *flags, cwd=root, what=f"the pull of {', '.join(missing)}")
    except SiblingFailedError as error:
        if error.exit_code == 130:
            raise
        raise MissingDataError(notebook.name, missing, because="the pull failed, see above") from None


def fetch_image(notebook: NotebookSpec, say: Say, *, base: str | None) -> str:
    """Reference of the notebook's image, which is here then: here already, else pulled, else built."""
    return ensure_image(notebook.image, say=say, base=base).reference


def bring_up(root: Path, notebook: NotebookSpec, *, image: str, port: int | None, say: Say) -> Up:
    """Start Jupyter with a notebook and wait until its page answers.

    A notebook that is up just so is left as it is; one whose image, data or port is another now is started anew.

    Args:
        root: The repository, as an absolute path.
        image: Reference of an image that is here.
        port: Of 127.0.0.1; None for the one it has, else the first free one from 8888 on.

    Raises:
        NotebookRunError: Something is missing, the port is taken, or it does not come up. Then nothing is left running.
    """
    door.require_compose()
    engine = Engine()
    file, data = build_folder(root, notebook.name) / "compose.yaml", _checked_data(root, notebook)
    there = engine.upped(root).get(notebook.name)
    running = there if there and there.state == "running" else None
    own = running.port if running else None
    bound = own if own and port in (None, own) else door.chosen_port(port, engine.port_owner)
    user = needs.container_user(uid=os.getuid(), gid=os.getgid(), is_rootless=engine.is_rootless)
    text = rendered(_template(root), notebook, root=root, image=image, user=user, port=bound, data=data)
    token = read_token(root, notebook.name)
    if running and token and file.is_file() and file.read_text("utf-8") == text:
        # Whoever started it may have been killed before its page answered.
        return _up(notebook, _waited(engine, root, notebook, bound, token, say), token, was_up=True)
    if there:
        say(f"{notebook.name}: stopping the one that is there, which was started otherwise")
        bring_down(root, notebook.name)
    token = secrets.token_urlsafe(24)
    _write(file, text, token)
    say(f"{notebook.name}: starting {image}")
    try:
        door.compose_up(project_name(root, notebook.name), file, notebook=notebook.name)
        return _up(notebook, _waited(engine, root, notebook, bound, token, say), token, was_up=False)
    except BaseException:
        bring_down(root, notebook.name)
        raise


def bring_down(root: Path, name: str) -> None:
    """Stop and remove a notebook's container and network; its compose file stays, with which it can be started too."""
    door.compose_down(project_name(root, name), notebook=name)


def read_token(root: Path, name: str) -> str | None:
    """The token of the notebook's last start."""
    with suppress(OSError):
        return (build_folder(root, name) / TOKEN_FILE).read_text("utf-8").strip().partition("=")[2]
    return None


def url_of(root: Path, upped: Upped, path: str) -> str | None:
    """The address of a notebook that is up."""
    token = read_token(root, upped.notebook)
    return _url(upped.port, path, token) if upped.state == "running" and upped.port and token else None


def _url(port: int, path: str, token: str) -> str:
    return f"http://127.0.0.1:{port}/lab/tree/{path.removeprefix('notebooks/')}?token={token}"


def _up(notebook: NotebookSpec, upped: Upped, token: str, *, was_up: bool) -> Up:
    port = int(upped.port or 0)
    return Up(
        notebook=notebook.name,
        url=_url(port, notebook.path, token),
        port=port,
        container=upped.container,
        image=upped.image,
        was_up=was_up,
    )


def _checked_data(root: Path, notebook: NotebookSpec) -> list[needs.Mount]:
    """The data to mount, after a look at all else that the compose file mounts."""
    path = root / notebook.path
    if not path.is_file() or path.parts[: len(root.parts) + 1] != (*root.parts, "notebooks"):
        advice = "A notebook is a file below notebooks/, which is what its container gets."
        raise MissingPathError(str(path), what=f"the file of {notebook.name}", advice=advice)
    needs.mounts(root, notebook)
    needs.make_out_folder(needs.out_folder(root, notebook.name))
    return list(needs.data_mounts(root / "data", notebook))


def _template(root: Path) -> str:
    try:
        return (root / TEMPLATE).read_text("utf-8")
    except OSError:
        raise MissingPathError(str(root / TEMPLATE), what="the template", advice="Restore it with git.") from None


def _write(file: Path, text: str, token: str) -> None:
    secret = file.with_name(TOKEN_FILE)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        secret.unlink(missing_ok=True)
        with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as written:
            written.write(f"JUPYTER_TOKEN={token}\n")
    except OSError as error:
        raise NotWrittenError(str(error.filename or file), error) from None


def _waited(engine: Engine, root: Path, notebook: NotebookSpec, port: int, token: str, say: Say) -> Upped:
    """The container, as soon as its page answers."""
    began = told = time.monotonic()
    path = f"/lab/tree/{notebook.path.removeprefix('notebooks/')}"
    while True:
        if door.page_answers(port, path, token):
            return engine.upped(root)[notebook.name]
        now = time.monotonic()
        upped = engine.upped(root).get(notebook.name)
        if upped is None or upped.state != "running":
            lines = engine.last_lines(upped.container) if upped else []
            raise NotStartedError(notebook.name, "its container ended", last_lines=lines)
        if now - began > _DEADLINE_S:
            problem = f"its page does not answer after {_DEADLINE_S} s"
            raise NotStartedError(notebook.name, problem, last_lines=engine.last_lines(upped.container))
        if now - told > _REMINDER_S:
            told = now
            say(f"{notebook.name}: waiting for Jupyter ({now - began:.0f} s)")
        time.sleep(_POLL_S)
