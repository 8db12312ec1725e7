"""Where a running notebook is: its URL, and the token in it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from notebook_run.engine import RunningNotebook
from notebook_run.project import build_folder

TOKEN_FILE: Final = "token.env"


def lab_path(path: str) -> str:
    """The path of a notebook's page in JupyterLab."""
    return f"/lab/tree/{path.removeprefix('notebooks/')}"


def notebook_url(port: int, path: str, token: str) -> str:
    """The URL of a notebook's page, with its token."""
    return f"http://127.0.0.1:{port}{lab_path(path)}?token={token}"


def read_token(root: Path, name: str) -> str | None:
    """The token of the notebook's last start; None if it was never started."""
    with suppress(OSError):
        return (build_folder(root, name) / TOKEN_FILE).read_text("utf-8").strip().partition("=")[2]
    return None


def running_url(root: Path, running: RunningNotebook | None, path: str) -> str | None:
    """The URL of a notebook; None if it does not run."""
    if running is None or running.state != "running" or not running.port:
        return None
    token = read_token(root, running.notebook)
    return notebook_url(running.port, path, token) if token else None
