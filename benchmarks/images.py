"""Rebuild times and bytes pushed of one image: ours, tested before the push, and a plain Dockerfile, side by side.

Needs what tests/e2e/engine.sh sees to. Run it as `./run python benchmarks/images.py`; takes about ten minutes.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGE, GROUPS = "jupyter-notebook-models", "main,notebook,models"
# What tutorials show. The mirror's plugin is here because the index of the machine may not be PyPI itself.
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="localhost/debian-python:bookworm", help="(%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shrinkwrap-bench-") as folder:
        ours, plain = (_clone(Path(folder) / name) for name in ("ours", "plain"))
        index = _index()
        (Path(folder) / "index").write_text(index)
        with _registry(Path(folder) / "registry") as (address, stored):
            _measure(ours, plain, options.base, address, stored, Path(folder) / "index")


def _measure(ours: Path, plain: Path, base: str, address: str, stored: Callable[[], int], index: Path) -> None:
    environment = {**os.environ, "SHRINKWRAP_REGISTRY": f"{address}/ours"}
    reference = f"{address}/plain/{IMAGE}:latest"

    def build_ours(*options: str) -> None:
        words = ["build", "--image", IMAGE, "--base", base, "--push", *options]
        _run([sys.executable, "-m", "image_build", *words], cwd=ours, env=environment)

    def build_plain(*options: str) -> None:
        build = [
            "docker",
            "build",
            *options,
            "--provenance=false",
            "--build-arg",
            f"BASE_IMAGE={base}",
            "--tag",
            reference,
        ]
        _run([*build, "--secret", f"id=index,src={index}", "-f", "Dockerfile", "."], cwd=plain)
        _run(["docker", "push", reference], cwd=plain)

    try:
        _measure_changes(ours, plain, base, address, stored, build_ours, build_plain)
    finally:
        listed = [
            "docker",
            "image",
            "ls",
            "--format",
            "{{.Repository}}:{{.Tag}}",
            "--filter",
            f"reference={address}/*/*",
        ]
        for name in subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split():
            subprocess.run(["docker", "image", "rm", name], capture_output=True, check=False)


def _measure_changes(
    ours: Path,
    plain: Path,
    base: str,
    address: str,
    stored: Callable[[], int],
    build_ours: Callable[..., None],
    build_plain: Callable[..., None],
) -> None:
    # The base is in the registry before anything is measured: it is the same for both.
    seed = f"{address}/team/base:1"
    _run(["docker", "tag", base, seed], cwd=ours)
    _run(["docker", "push", seed], cwd=ours)
    print(f"{'change':24}{'ours':>10}{'plain':>10}{'ours pushed':>16}{'plain pushed':>16}")
    for name, change in (
        ("first build", None),
        ("no change", None),
        ("edit of a notebook", _edit_notebook),
        ("one package added", _add_package),
    ):
        row = []
        for folder, build in ((ours, build_ours), (plain, build_plain)):
            if change:
                change(folder)
            before, began_s = stored(), time.monotonic()
            build(*([] if change or name == "no change" else ["--no-cache"]))
            row.append((time.monotonic() - began_s, (stored() - before) / 1e6))
        (ours_s, ours_mb), (plain_s, plain_mb) = row
        print(f"{name:24}{ours_s:8.1f} s{plain_s:8.1f} s{ours_mb:13.1f} MB{plain_mb:13.1f} MB", flush=True)
    for label, repository in (("ours", f"{address}/ours/{IMAGE}"), ("plain", f"{address}/plain/{IMAGE}")):
        tag = subprocess.run(
            ["docker", "image", "ls", "--format", "{{.Tag}}", repository], capture_output=True, text=True, check=True
        ).stdout.split()[0]
        history = ["docker", "history", "--human=false", "--format", "{{.Size}}", f"{repository}:{tag}"]
        sizes = subprocess.run(history, capture_output=True, text=True, check=True).stdout.split()
        print(f"size of {label}, unpacked: {sum(map(int, sizes)) / 1e6:.0f} MB")


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
    _run([sys.executable, "-m", "env_spec", "lock", "--add", "tabulate", "--group", "models"], cwd=folder)
    _commit(folder)


def _commit(folder: Path) -> None:
    _run(["git", "add", "--all"], cwd=folder)
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    _run([*git, "commit", "--quiet", "--allow-empty", "-m", "A change"], cwd=folder)


def _index() -> str:
    told = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL")
    command = [sys.executable, "-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"]
    tools = ROOT / ".shrinkwrap/tools/bin/python"
    command[0] = str(tools) if tools.exists() else sys.executable
    return told or subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def _registry(folder: Path) -> Iterator[tuple[str, Callable[[], int]]]:
    """A registry on this machine: its address, and a function that says how many bytes it holds."""
    program = shutil.which("docker-registry")
    if program is None:
        sys.exit("there is no docker-registry; tests/e2e/engine.sh installs it")
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
            yield (
                f"127.0.0.1:{port}",
                lambda: sum(blob.stat().st_size for blob in folder.glob("data/**/blobs/**/data")),
            )
        finally:
            process.terminate()


def _run(command: list[str], *, cwd: Path, env: dict[str, str] | None = None) -> None:
    answer = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if answer.returncode:
        sys.exit(f"{' '.join(command)}: {answer.returncode}\n{answer.stdout[-2000:]}\n{answer.stderr[-4000:]}")


if __name__ == "__main__":
    main()
