"""Fixtures: the real engine, a cloud in memory, and a copy of the program for both."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from proof.aws_in_memory import Cloud, serve
from proof.engine import Engine, engine_environment
from proof.example import example_settings

INFRA = Path(__file__).resolve().parents[1]
BUILD = INFRA / "e2e" / "engine" / "build.sh"


@pytest.fixture(scope="session")
def pulumi_folder() -> Path:
    """The folder with the engine, built from its Go modules; without Go, tests that need it are skipped."""
    built = subprocess.run([str(BUILD)], capture_output=True, text=True, check=False)
    if built.returncode == 3:
        pytest.skip(built.stderr.strip().splitlines()[-1])
    assert built.returncode == 0, built.stderr
    return Path(built.stdout.strip())


@pytest.fixture(scope="module")
def cloud() -> Cloud:
    """An empty account."""
    return Cloud()


@pytest.fixture(scope="module")
def engine(pulumi_folder: Path, cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine, with the cloud as its AWS provider and its state in a folder."""
    work = tmp_path_factory.mktemp("engine")
    project, state = work / "project", work / "state"
    state.mkdir()
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "__main__.py"):
        project.mkdir(exist_ok=True)
        shutil.copy(INFRA / name, project / name)
    shutil.copytree(INFRA / "shrinkwrap_infra", project / "shrinkwrap_infra")
    # The environment of the tests has what the program needs; test_admin makes the program's own.
    python = project / "environment/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    with serve(cloud) as port:
        environment = engine_environment(pulumi_folder, port=port, home=work / "home", state=state)
        engine = Engine(project=project, environment=environment)
        engine.configure(example_settings())
        engine.run("stack", "init", "test")
        yield engine
