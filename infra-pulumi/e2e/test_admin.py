"""An admin's and a colleague's way through the tasks' own code, with the real engine and the environment it makes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from proof.aws_in_memory import Cloud, serve
from proof.engine import engine_environment

ROOT = Path(__file__).resolve().parents[2]

Pulumi = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the program in it, made ready by ./run, and an empty home beside it."""
    root = tmp_path_factory.mktemp("admin") / "repository"
    (root / ".shrinkwrap").mkdir(parents=True)
    (root / ".shrinkwrap/tools").symlink_to(ROOT / ".shrinkwrap/tools")
    for name in ("poetry.lock", "pyproject.toml", "packages"):
        (root / name).symlink_to(ROOT / name)
    ignored = shutil.ignore_patterns("node_modules", "__pycache__", "tests", "e2e")
    shutil.copytree(ROOT / "infra-pulumi", root / "infra-pulumi", ignore=ignored)
    return root.parent


@pytest.fixture(scope="module")
def environment(home: Path, pulumi_folder: Path) -> Iterator[dict[str, str]]:
    """An admin's: the engine on PATH, the cloud attached; not logged in, and nothing of the tests' own environment."""
    with serve(Cloud()) as port:
        made = engine_environment(pulumi_folder, port=port, home=home / ".pulumi", state=home / "state")
        for name in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PYTHONPATH", "VIRTUAL_ENV"):
            made.pop(name, None)
        entries = [entry for entry in made["PATH"].split(os.pathsep) if not entry.startswith(str(ROOT / ".nox"))]
        yield {**made, "PATH": os.pathsep.join(entries), "HOME": str(home)}


@pytest.fixture(scope="module")
def infra(home: Path, environment: dict[str, str]) -> Pulumi:
    """Runs what the tasks `infra.*` run."""

    def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "infra-pulumi/run_pulumi.py", *words]
        return said(command, home / "repository", {**environment, **more})

    return run


def said(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def test_from_nothing_to_a_working_stack(home: Path, environment: dict[str, str], infra: Pulumi) -> None:
    """Each step is told when it is missing; with all of them, the stack is made and says what it is."""
    assert "Pulumi is not logged in anywhere" in infra("preview").stderr
    (home / "state").mkdir()
    login = said(["pulumi", "login", f"file://{home}/state"], home, environment)
    assert login.returncode == 0, login.stderr
    assert "there is no stack 'dev'" in infra("preview").stderr
    (home / "passphrase").write_text("only of this test\n")
    secret = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(home / "passphrase")}
    begun = said(["pulumi", "stack", "init", "dev", "--cwd=repository/infra-pulumi"], home, environment | secret)
    assert begun.returncode == 0, begun.stderr
    assert "neither PULUMI_CONFIG_PASSPHRASE nor PULUMI_CONFIG_PASSPHRASE_FILE is set" in infra("preview").stderr
    shipped = infra("preview", **secret)
    assert shipped.returncode == 2
    assert "these settings are as shipped; fill in your own" in shipped.stderr
    settings = home / "repository/infra-pulumi/Pulumi.dev.yaml"
    settings.write_text(settings.read_text("utf-8").replace("YOUR-TEAM", "acme"), "utf-8")

    preview = infra("preview", **secret)
    assert preview.returncode == 0, preview.stdout + preview.stderr
    assert "installing group infra of poetry.lock in .shrinkwrap/infra" in preview.stderr
    assert " to create" in preview.stdout
    assert "look at infra.preview, then add --yes" in infra("up", **secret).stderr
    up = infra("up", "--yes", **secret)
    assert up.returncode == 0, up.stdout + up.stderr
    assert "installing" not in up.stderr
    again = infra("preview", "--json", **secret)
    assert {step["op"] for step in json.loads(again.stdout)["steps"]} == {"same"}

    outputs = json.loads(infra("outputs", "--json", **secret).stdout)
    assert outputs["bucket"] == "acme-shrinkwrap-dev"
    assert outputs["initial_passwords"] == {"ada": "[secret]"} or outputs["initial_passwords"] == "[secret]"
    shown = json.loads(infra("outputs", "--json", "--show-secrets", **secret).stdout)
    assert shown["initial_passwords"]["ada"].startswith("first-password-of-")
    unknown = infra("outputs", "--stack=prod", **secret)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "the stack 'prod' has no settings" in unknown.stderr
