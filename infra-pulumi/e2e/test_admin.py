"""The commands `infra.*` as an admin runs them, with the real engine and the environment that they make."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from proof.aws_in_memory import Cloud, serve
from proof.engine import engine_environment

ROOT = Path(__file__).resolve().parents[2]

RunInfra = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty home folder that contains a fresh clone of the repository, in which ./run has made `.venv`."""
    root = tmp_path_factory.mktemp("an admin") / "repository"
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in tracked.splitlines():
        if name.startswith(("packages/", "infra-pulumi/", "notebooks/lib/")) or "/" not in name:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    made = subprocess.run([str(root / "run"), "true"], cwd=root, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return root.parent


@pytest.fixture(scope="module")
def environment(home: Path, pulumi_folder: Path) -> Iterator[dict[str, str]]:
    """The variables of an admin who has the engine and the cloud and is not logged in; no environment is active."""
    with serve(Cloud()) as port:
        variables = engine_environment(pulumi_folder, port=port, home=home / ".pulumi", state=home / "state")
        for name in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PYTHONPATH", "VIRTUAL_ENV"):
            variables.pop(name, None)
        entries = [entry for entry in variables["PATH"].split(os.pathsep) if not entry.startswith(str(ROOT / ".nox"))]
        yield {**variables, "PATH": os.pathsep.join(entries), "HOME": str(home)}


@pytest.fixture(scope="module")
def infra(home: Path, environment: dict[str, str]) -> RunInfra:
    """Run a command `infra.NAME` in the repository."""

    def run_infra(name: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [str(home / "repository/run"), "shrinkwrap", f"infra.{name}", *words]
        return run(command, home / "repository", {**environment, **more})

    return run_infra


def run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def test_from_an_empty_home_to_a_working_stack(home: Path, environment: dict[str, str], infra: RunInfra) -> None:
    """Each missing step is reported; after all of them, the stack is created and its outputs can be read."""
    assert "Pulumi is not logged in" in infra("preview").stderr
    (home / "state").mkdir()
    login = run(["pulumi", "login", f"file://{home}/state"], home, environment)
    assert login.returncode == 0, login.stderr
    assert "unknown stack 'dev'. Known stacks: none" in infra("preview").stderr
    (home / "passphrase").write_text("only of this test\n")
    secret = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(home / "passphrase")}
    created = run(["pulumi", "stack", "init", "dev", "--cwd=repository/infra-pulumi"], home, environment | secret)
    assert created.returncode == 0, created.stderr
    assert "neither PULUMI_CONFIG_PASSPHRASE nor PULUMI_CONFIG_PASSPHRASE_FILE is set" in infra("preview").stderr
    shipped = infra("preview", **secret)
    assert shipped.returncode == 2
    assert "these settings still contain the placeholders YOUR-TEAM, YOUR-OWNER-ID" in shipped.stderr
    settings = home / "repository/infra-pulumi/Pulumi.dev.yaml"
    filled = re.sub(r"YOUR-\w+-ID", "1", settings.read_text("utf-8")).replace("YOUR-TEAM", "acme")
    settings.write_text(filled, "utf-8")

    preview = infra("preview", **secret)
    assert preview.returncode == 0, preview.stdout + preview.stderr
    assert "installing group infra of poetry.lock in .shrinkwrap/infra" in preview.stderr
    assert " to create" in preview.stdout
    assert "run infra.preview, then add --yes" in infra("up", **secret).stderr
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
    assert "unknown stack 'prod'. Known stacks: dev" in unknown.stderr


@pytest.mark.parametrize("has_poetry", [False, True])
def test_plain_pulumi_in_the_clone(home: Path, environment: dict[str, str], has_poetry: bool) -> None:
    """Plain `pulumi` works with `.venv` active, before any command of ours, with and without a Poetry on PATH.

    The environment of the program is removed first, so it has to be made; `.venv` has no Pulumi and no pip.
    """
    repository = home / "repository"
    shutil.rmtree(repository / ".shrinkwrap/infra", ignore_errors=True)
    (home / "state").mkdir(exist_ok=True)
    entries = [str(repository / ".venv/bin"), environment["PATH"]]
    if has_poetry:
        entries.insert(0, str(repository / ".shrinkwrap/tools/bin"))
    variables = {
        **environment,
        "PATH": os.pathsep.join(entries),
        "VIRTUAL_ENV": str(repository / ".venv"),
        "PULUMI_BACKEND_URL": f"file://{home}/state",
        "PULUMI_CONFIG_PASSPHRASE": "only of this test",
    }
    assert (shutil.which("poetry", path=variables["PATH"]) is not None) is has_poetry
    stack = f"plain{'with' if has_poetry else 'without'}"
    settings = repository / f"infra-pulumi/Pulumi.{stack}.yaml"
    text = (ROOT / "infra-pulumi/Pulumi.dev.yaml").read_text("utf-8")
    # The account of the first stack has a provider for GitHub already.
    text = text.replace("# github_provider_arn:", "github_provider_arn:")
    settings.write_text(re.sub(r"YOUR-\w+-ID", "1", text).replace("YOUR-TEAM", f"acme-{stack}"), "utf-8")
    folder = repository / "infra-pulumi"
    created = run(["pulumi", "stack", "init", stack], folder, variables)
    assert created.returncode == 0, created.stderr
    up = run(["pulumi", "up", f"--stack={stack}", "--yes", "--non-interactive"], folder, variables)
    assert up.returncode == 0, up.stdout + up.stderr
    assert "created" in up.stdout
    assert (repository / ".shrinkwrap/infra/made-from").is_file()
    again = run(["pulumi", "preview", f"--stack={stack}", "--non-interactive", "--json"], folder, variables)
    assert {step["op"] for step in json.loads(again.stdout)["steps"]} == {"same"}


def test_an_update_makes_exactly_the_planned_changes(home: Path, environment: dict[str, str], infra: RunInfra) -> None:
    """A plan contains no secret in clear text, and a change that is not in it stops the update."""
    secret = {"PULUMI_BACKEND_URL": f"file://{home}/state", "PULUMI_CONFIG_PASSPHRASE_FILE": str(home / "passphrase")}
    settings = home / "repository/infra-pulumi/Pulumi.dev.yaml"
    before = settings.read_text("utf-8")
    settings.write_text(before.replace("noncurrent_days: 90", "noncurrent_days: 91"), "utf-8")
    planned = infra("preview", "--plan", "plan.json", **secret)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    plan = (home / "repository/plan.json").read_text("utf-8")
    assert "data-lifecycle" in plan and "first-password" not in plan

    settings.write_text(before.replace("noncurrent_days: 90", "noncurrent_days: 1"), "utf-8")
    other = infra("up", "--plan", "plan.json", "--yes", **secret)
    assert other.returncode == 1, other.stdout + other.stderr
    assert "violates plan" in other.stdout + other.stderr
    settings.write_text(before.replace("noncurrent_days: 90", "noncurrent_days: 91"), "utf-8")
    up = infra("up", "--plan", "plan.json", "--yes", **secret)
    assert up.returncode == 0, up.stdout + up.stderr
    assert json.loads(infra("preview", "--json", **secret).stdout)["changeSummary"].keys() == {"same"}
