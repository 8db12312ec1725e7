"""Times of rebuilds and pushed bytes of one image: ours, tested before the push, compared with a plain Dockerfile.

Needs what tests/e2e/engine.sh installs. Run it as `./run python benchmarks/images.py`; takes about ten minutes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGE, GROUPS = "jupyter-notebook-models", "main,notebook,models"
# A Dockerfile as in tutorials. It needs the plugin because the machine's index may be a mirror of PyPI.
PLAIN = """\
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
ENV REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
RUN --mount=type=secret,id=index PIP_INDEX_URL=$(cat /run/secrets/index) \\
    && export PIP_INDEX_URL && python3 -m venv /opt/poetry \\
    && /opt/poetry/bin/pip install -q poetry==2.5.1 poetry-plugin-pypi-mirror
WORKDIR /app
COPY . .
RUN --mount=type=secret,id=index POETRY_PYPI_MIRROR_URL=$(cat /run/secrets/index) \\
    && export POETRY_PYPI_MIRROR_URL && /opt/poetry/bin/poetry install --no-interaction --only GROUPS
CMD ["/opt/poetry/bin/poetry", "run", "jupyter", "lab", "--ip=0.0.0.0"]
""".replace("GROUPS", GROUPS)


@dataclass(frozen=True, kw_only=True)
class Registry:
    """A registry on this machine."""

    address: str
    folder: Path

    def stored_bytes(self) -> int:
        """The size of all blobs that it stores."""
        return sum(blob.stat().st_size for blob in self.folder.glob("data/**/blobs/**/data"))


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to build the image and to push it.

    Attributes:
        folder: Its clone of this repository.
        build: Builds with extra options of the build command.
    """

    name: str
    folder: Path
    repository: str
    build: Callable[..., None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="localhost/debian-python:bookworm", help="(%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shrinkwrap-bench-") as name:
        folder = Path(name)
        (folder / "index").write_text(_index())
        with _registry(folder / "registry") as registry:
            ways = [
                _ours(_clone(folder / "ours"), options.base, registry),
                _plain(_clone(folder / "plain"), options.base, registry, folder / "index"),
            ]
            try:
                _push_base(options.base, registry)
                _measure(ways, registry)
                _print_sizes(ways)
            finally:
                _remove_images(registry)


def _ours(folder: Path, base: str, registry: Registry) -> Way:
    environment = {**os.environ, "SHRINKWRAP_REGISTRY": f"{registry.address}/ours"}

    def build(*options: str) -> None:
        words = ["image.build", "--image", IMAGE, "--base", base, "--push", *options]
        _run([sys.executable, "-m", "invoke", *words], cwd=folder, env=environment)

    return Way(name="ours", folder=folder, repository=f"{registry.address}/ours/{IMAGE}", build=build)


def _plain(folder: Path, base: str, registry: Registry, index: Path) -> Way:
    repository = f"{registry.address}/plain/{IMAGE}"
    arguments = ["--provenance=false", "--build-arg", f"BASE_IMAGE={base}", "--tag", f"{repository}:latest"]

    def build(*options: str) -> None:
        secret = ["--secret", f"id=index,src={index}"]
        _run(["docker", "build", *options, *arguments, *secret, "-f", "Dockerfile", "."], cwd=folder)
        _run(["docker", "push", f"{repository}:latest"], cwd=folder)

    return Way(name="plain", folder=folder, repository=repository, build=build)


def _push_base(base: str, registry: Registry) -> None:
    """Push the base before the measurement, because both images need it."""
    reference = f"{registry.address}/team/base:1"
    _run(["docker", "tag", base, reference], cwd=ROOT)
    _run(["docker", "push", reference], cwd=ROOT)


def _measure(ways: Sequence[Way], registry: Registry) -> None:
    """Print the time and the pushed bytes of each way after each change."""
    print(f"{'change':24}{'ours':>10}{'plain':>10}{'ours pushed':>16}{'plain pushed':>16}")
    for name, change in (
        ("first build", None),
        ("no change", None),
        ("edit of a notebook", _edit_notebook),
        ("one package added", _add_package),
    ):
        times, sizes = "", ""
        for way in ways:
            if change:
                change(way.folder)
            before, start_s = registry.stored_bytes(), time.monotonic()
            way.build(*(["--no-cache"] if name == "first build" else []))
            times += f"{time.monotonic() - start_s:8.1f} s"
            sizes += f"{(registry.stored_bytes() - before) / 1e6:13.1f} MB"
        print(f"{name:24}{times}{sizes}", flush=True)


def _print_sizes(ways: Sequence[Way]) -> None:
    for way in ways:
        tag = _output("docker", "image", "ls", "--format", "{{.Tag}}", way.repository).split()[0]
        history = _output("docker", "history", "--human=false", "--format", "{{.Size}}", f"{way.repository}:{tag}")
        print(f"size of {way.name}, unpacked: {sum(map(int, history.split())) / 1e6:.0f} MB")


def _remove_images(registry: Registry) -> None:
    names = _output(
        "docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"--filter=reference={registry.address}/*/*"
    )
    for name in names.split():
        subprocess.run(["docker", "image", "rm", name], capture_output=True, check=False)


def _clone(target: Path) -> Path:
    _run(["git", "clone", "--quiet", str(ROOT), str(target)], cwd=ROOT)
    (target / ".shrinkwrap").mkdir()
    (target / ".shrinkwrap/tools").symlink_to(ROOT / ".shrinkwrap/tools")
    (target / "notebooks").mkdir(exist_ok=True)
    if target.name == "plain":
        (target / "Dockerfile").write_text(PLAIN)
        (target / ".dockerignore").write_text(".git\n.shrinkwrap\n")
    _commit(target)
    return target


def _edit_notebook(folder: Path) -> None:
    (folder / "notebooks/bench.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n')
    _commit(folder)


def _add_package(folder: Path) -> None:
    _run([sys.executable, "-m", "invoke", "env.lock", "--add", "tabulate", "--group", "models"], cwd=folder)
    _commit(folder)


def _commit(folder: Path) -> None:
    _run(["git", "add", "--all"], cwd=folder)
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    _run([*git, "commit", "--quiet", "--allow-empty", "-m", "A change"], cwd=folder)


def _index() -> str:
    """The package index of this machine."""
    configured = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL")
    command = [sys.executable, "-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"]
    tools = ROOT / ".shrinkwrap/tools/bin/python"
    command[0] = str(tools) if tools.exists() else sys.executable
    return configured or subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def _registry(folder: Path) -> Iterator[Registry]:
    program = shutil.which("docker-registry")
    if program is None:
        sys.exit("docker-registry is missing; tests/e2e/engine.sh installs it")
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "config.yml"
    storage = f"storage: {{filesystem: {{rootdirectory: {folder}/data}}}}"
    config.write_text(f"version: 0.1\nlog: {{level: error}}\n{storage}\nhttp: {{addr: '127.0.0.1:{port}'}}\n")
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=log) as process,
    ):
        time.sleep(1)
        try:
            yield Registry(address=f"127.0.0.1:{port}", folder=folder)
        finally:
            process.terminate()


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _run(command: list[str], *, cwd: Path, env: dict[str, str] | None = None) -> None:
    result = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{' '.join(command)}: {result.returncode}\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}")


if __name__ == "__main__":
    main()
