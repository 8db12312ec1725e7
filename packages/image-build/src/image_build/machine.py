"""What this machine and this clone say of themselves: the repository's state, certificates, index, a running build."""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from image_build.errors import BuildRunningError
from image_build.revision import Revision, parse_revision

_LOCK = Path(".shrinkwrap/image-build.lock")
_CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_CA_FILES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
# What images are made from: a change anywhere else leaves the commit's name true.
_INPUTS = ("pyproject.toml", "poetry.lock", "tools-requirements.txt", "images", "packages", ".dockerignore")


def clone_name() -> str:
    """What tells this checkout from others that use the same engine: short, and the same at the next run."""
    return hashlib.sha256(f"{socket.gethostname()} {Path.cwd()}".encode()).hexdigest()[:8]


def read_revision() -> Revision:
    """The state of the repository in the working directory."""
    log = output_of(["git", "log", "-1", "--format=%H %ct"]) or ""
    branch = output_of(["git", "branch", "--show-current"]) or ""
    status = output_of(["git", "status", "--porcelain", "--", *(name for name in _INPUTS if Path(name).exists())]) or ""
    remote = output_of(["git", "config", "--get", "remote.origin.url"]) or ""
    return parse_revision(log, branch, status, remote, os.environ)


def certificates() -> str | None:
    """The file of this machine's certificates."""
    named = [os.environ[name] for name in _CA_VARIABLES if os.environ.get(name)]
    return next((path for path in (*named, *_CA_FILES) if Path(path).is_file()), None)


def package_index() -> str | None:
    """The package index this machine uses, as uv or pip are told; None for PyPI."""
    for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL"):
        if url := os.environ.get(name):
            return url
    tools = Path(".shrinkwrap/tools/bin/python")
    python = str(tools) if tools.exists() else sys.executable
    return (output_of([python, "-m", "pip", "config", "get", "global.index-url"]) or "").strip() or None


@contextmanager
def only_build() -> Iterator[None]:
    """Be the only build of this clone; the kernel ends this with the process, however that ends.

    Raises:
        BuildRunningError: There is another.
    """
    _LOCK.parent.mkdir(exist_ok=True)
    with _LOCK.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise BuildRunningError(file.read().strip() or "unknown", str(_LOCK)) from None
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        yield
        with suppress(OSError):
            file.truncate(0)


def output_of(command: Sequence[str]) -> str | None:
    """What a command prints; None if it is not there or fails."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return answer.stdout if answer.returncode == 0 else None
