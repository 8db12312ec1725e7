"""Promises that every workflow keeps."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from env_spec import MatrixEntry

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted(ROOT.glob(".github/**/*.yml"))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned(workflow: Path) -> None:
    """Each foreign action is pinned by its full commit, with its version in a comment."""
    uses = re.findall(r"uses: (?!\./)(.+)", workflow.read_text("utf-8"))
    assert [line for line in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", line)] == []


@pytest.mark.parametrize("workflow", sorted(ROOT.glob(".github/workflows/*.yml")), ids=lambda path: path.stem)
def test_workflow_starts_without_permissions(workflow: Path) -> None:
    """No job has a permission that it does not name."""
    assert "\npermissions: {}\n" in workflow.read_text("utf-8")


def test_the_action_takes_what_users_know() -> None:
    """docker-publish has the inputs of the contract, and both jobs fill them from the matrix that env_spec makes."""
    inputs = re.findall(
        r"^  (\w+):$",
        (ROOT / ".github/actions/docker-publish/action.yml").read_text("utf-8").split("\noutputs:")[0],
        re.MULTILINE,
    )
    assert {"image_name", "docker_file_path", "docker_user", "poetry_install_group"} <= set(inputs)
    workflow = (ROOT / ".github/workflows/images.yml").read_text("utf-8")
    uses = workflow.split("uses: ./.github/actions/docker-publish")[1:]
    assert len(uses) == 2
    for step in uses:
        given = dict(re.findall(r"^          (\w+): (.+)$", re.split(" {6}- | {8}env:", step)[0], re.MULTILINE))
        assert given.keys() <= set(inputs)
        of_matrix = {name for name, value in given.items() if value == f"${{{{ matrix.{name} }}}}"}
        assert (
            of_matrix == {"image_name", "docker_file_path", "poetry_install_group"} <= set(MatrixEntry.__annotations__)
        )


def test_images_are_compared_every_week() -> None:
    """A job that runs by the clock builds every image twice."""
    workflow = (ROOT / ".github/workflows/images.yml").read_text("utf-8")
    assert re.search(r'schedule:\n    - cron: "\d+ \d+ \* \* [0-6]"', workflow)
    assert "./run invoke image.reproduce" in workflow


def test_the_pulumi_of_the_workflow_is_the_locked_one() -> None:
    """CLI and Python package have one version, that of poetry.lock."""
    packages = tomllib.loads((ROOT / "poetry.lock").read_text("utf-8"))["package"]
    (locked,) = [package["version"] for package in packages if package["name"] == "pulumi"]
    used = re.findall(r"pulumi-version: (.+)", (ROOT / ".github/workflows/infra.yml").read_text("utf-8"))
    assert set(used) == {locked}


def test_infrastructure_is_changed_only_by_approval_on_main() -> None:
    """A preview never runs for a fork; an update only on main, in an environment; each has one of its own."""
    jobs = (ROOT / ".github/workflows/infra.yml").read_text("utf-8").split("\njobs:\n")[1]
    preview, up = jobs.split("\n  up:\n")
    assert "github.event.pull_request.head.repo.full_name == github.repository" in preview
    assert "infra.up" not in preview
    assert "environment: infra-preview" in preview
    assert "github.event_name != 'pull_request' && github.ref == 'refs/heads/main'" in up
    assert "environment: infra-up" in up


def test_data_are_checked_by_a_role_that_only_reads() -> None:
    """Each pull request of the repository, none of a fork: by OIDC, with the role `ci-read` and no key."""
    workflow = (ROOT / ".github/workflows/data.yml").read_text("utf-8")
    assert re.search(r"^on:\n  pull_request:$", workflow, re.MULTILINE)
    assert "github.event.pull_request.head.repo.full_name == github.repository" in workflow
    assert "role-to-assume: ${{ vars.DATA_CI_READ_ROLE }}" in workflow
    assert "run: ./run invoke data.check --rev HEAD" in workflow
    assert "ref: ${{ github.event.pull_request.head.sha }}" in workflow


@pytest.mark.parametrize("name", ["data", "infra"])
def test_workflows_hold_no_key(name: str) -> None:
    """AWS is reached by a token for which it gives a session; the only secret is the state's passphrase."""
    workflow = (ROOT / f".github/workflows/{name}.yml").read_text("utf-8")
    assert "id-token: write" in workflow
    assert "aws-access-key-id" not in workflow and "AWS_SECRET_ACCESS_KEY" not in workflow
    assert set(re.findall(r"secrets\.(\w+)", workflow)) <= {"PULUMI_CONFIG_PASSPHRASE"}


def test_the_environments_of_workflows_are_those_of_the_settings() -> None:
    """The roles trust the environments that the shipped settings name; the workflows run in these."""
    settings = (ROOT / "infra-pulumi/Pulumi.dev.yaml").read_text("utf-8")
    data = (ROOT / ".github/workflows/data.yml").read_text("utf-8")
    infra = (ROOT / ".github/workflows/infra.yml").read_text("utf-8")
    named = re.findall(r"(github|preview): {.*environment: ([\w-]+)", settings)
    assert dict(named) == {"github": "data-read", "preview": "infra-preview"}
    assert re.findall(r"^    environment: ([\w-]+)", data, re.MULTILINE) == ["data-read"]
    assert re.findall(r"^    environment: ([\w-]+)", infra, re.MULTILINE) == ["infra-preview", "infra-up"]
