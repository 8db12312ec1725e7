"""Rules that every workflow follows."""

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
    """Each third-party action is pinned by its full commit hash, with its version in a comment."""
    uses = re.findall(r"uses: (?!\./)(.+)", workflow.read_text("utf-8"))
    assert [line for line in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", line)] == []


@pytest.mark.parametrize("workflow", sorted(ROOT.glob(".github/workflows/*.yml")), ids=lambda path: path.stem)
def test_workflow_has_no_default_permissions(workflow: Path) -> None:
    """A job has only the permissions that it declares."""
    assert "\npermissions: {}\n" in workflow.read_text("utf-8")


def test_the_action_has_the_documented_inputs() -> None:
    """docker-publish has the documented inputs, and both jobs fill them from the matrix of env_spec."""
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
        passed = dict(re.findall(r"^          (\w+): (.+)$", re.split(" {6}- | {8}env:", step)[0], re.MULTILINE))
        assert passed.keys() <= set(inputs)
        from_matrix = {name for name, value in passed.items() if value == f"${{{{ matrix.{name} }}}}"}
        assert (
            from_matrix
            == {"image_name", "docker_file_path", "poetry_install_group"}
            <= set(MatrixEntry.__annotations__)
        )


def test_images_are_compared_every_week() -> None:
    """A scheduled job builds every image twice and compares."""
    workflow = (ROOT / ".github/workflows/images.yml").read_text("utf-8")
    assert re.search(r'schedule:\n    - cron: "\d+ \d+ \* \* [0-6]"', workflow)
    assert "./run invoke image.reproduce" in workflow


def test_workflow_uses_the_locked_version_of_pulumi() -> None:
    """The CLI and the Python package have the version of poetry.lock."""
    packages = tomllib.loads((ROOT / "poetry.lock").read_text("utf-8"))["package"]
    (locked,) = [package["version"] for package in packages if package["name"] == "pulumi"]
    used = re.findall(r"pulumi-version: (.+)", (ROOT / ".github/workflows/infra.yml").read_text("utf-8"))
    assert set(used) == {locked}


def infra_jobs() -> dict[str, str]:
    """The text of each job of the workflow `infra`."""
    jobs = (ROOT / ".github/workflows/infra.yml").read_text("utf-8").split("\njobs:\n")[1]
    names = re.findall(r"^  (\w+):$", jobs, re.MULTILINE)
    return dict(zip(names, re.split(r"^  \w+:$", jobs, flags=re.MULTILINE)[1:], strict=True))


def test_infrastructure_changes_only_after_approval_on_main() -> None:
    """A preview never runs for a fork; an update runs only on main. Each has a GitHub environment of its own."""
    jobs = infra_jobs()
    assert "github.event.pull_request.head.repo.full_name == github.repository" in jobs["preview"]
    assert [name for name, text in jobs.items() if "infra.up" in text] == ["up"]
    assert "environment: infra-preview" in jobs["preview"]
    assert "github.event_name != 'pull_request' && github.ref == 'refs/heads/main'" in jobs["plan"]
    assert "environment: infra-up" in jobs["up"]


def test_an_approval_is_of_the_plan_that_is_then_made() -> None:
    """The plan comes first, in an environment that only reads; the update needs it, and makes exactly its changes."""
    jobs = infra_jobs()
    assert "environment: infra-plan" in jobs["plan"]
    assert '--plan "$RUNNER_TEMP/plan.json"' in jobs["plan"] and '--plan "$RUNNER_TEMP/plan.json"' in jobs["up"]
    assert "needs: plan\n" in jobs["up"] and "if:" not in jobs["up"]
    assert "infra.preview" not in jobs["up"]
    # The reader of the approval sees the plan.
    assert "GITHUB_STEP_SUMMARY" in jobs["plan"]
    # Both jobs have the same commit, and the file is passed on.
    assert jobs["plan"].count("name: plan\n") == jobs["up"].count("name: plan\n") == 1


def test_changed_verdicts_are_in_the_pull_request() -> None:
    """The job that runs a pull request's code has no access; the job that may write runs none of its code."""
    jobs = infra_jobs()
    assert "nox -s verdict_changes" in jobs["verdicts"]
    assert re.findall(r"^      [\w-]+: (?:read|write)", jobs["verdicts"], re.MULTILINE) == ["      contents: read"]
    assert re.findall(r"^      [\w-]+: (?:read|write)", jobs["comment"], re.MULTILINE) == ["      pull-requests: write"]
    assert "checkout" not in jobs["comment"] and "./run" not in jobs["comment"]
    assert "secrets." not in jobs["verdicts"] + jobs["comment"]


def test_data_is_checked_by_a_read_only_role() -> None:
    """Pull requests are checked, except those of forks: by OIDC with the role `ci-read`, without a key."""
    workflow = (ROOT / ".github/workflows/data.yml").read_text("utf-8")
    assert re.search(r"^on:\n  pull_request:$", workflow, re.MULTILINE)
    assert "github.event.pull_request.head.repo.full_name == github.repository" in workflow
    assert "role-to-assume: ${{ vars.DATA_CI_READ_ROLE }}" in workflow
    assert "run: ./run invoke data.check --rev HEAD" in workflow
    assert "ref: ${{ github.event.pull_request.head.sha }}" in workflow


@pytest.mark.parametrize("name", ["data", "infra"])
def test_workflows_have_no_key(name: str) -> None:
    """The workflow logs in to AWS by OIDC; the only secret is the passphrase of Pulumi's state."""
    workflow = (ROOT / f".github/workflows/{name}.yml").read_text("utf-8")
    assert "id-token: write" in workflow
    assert "aws-access-key-id" not in workflow and "AWS_SECRET_ACCESS_KEY" not in workflow
    assert set(re.findall(r"secrets\.(\w+)", workflow)) <= {"PULUMI_CONFIG_PASSPHRASE"}


def test_workflows_use_the_environments_of_the_settings() -> None:
    """The roles trust the GitHub environments named in the shipped settings, and the workflows run in these."""
    settings = (ROOT / "infra-pulumi/Pulumi.dev.yaml").read_text("utf-8")
    data = (ROOT / ".github/workflows/data.yml").read_text("utf-8")
    used = {name: re.findall(r"^    environment: ([\w-]+)", text, re.MULTILINE) for name, text in infra_jobs().items()}
    assert re.findall(r"^ +environment: ([\w-]+)", settings, re.MULTILINE) == ["data-read"]
    (preview,) = re.findall(r"preview: {.*environment: ([\w-]+), plan_environment: ([\w-]+)", settings)
    assert preview == ("infra-preview", "infra-plan")
    assert re.findall(r"^    environment: ([\w-]+)", data, re.MULTILINE) == ["data-read"]
    assert {name: names for name, names in used.items() if names} == {
        "preview": ["infra-preview"],
        "plan": ["infra-plan"],
        "up": ["infra-up"],
    }


def test_environments_allow_the_refs_that_use_them() -> None:
    """Jobs of pull requests run on refs/pull/N/merge, so a rule of branches alone would refuse all of them."""
    readme = (ROOT / "infra-pulumi/README.md").read_text("utf-8")
    for environment, refs in {
        "data-read": "`main`, `refs/pull/*/merge`",
        "infra-preview": "`refs/pull/*/merge`",
        "infra-plan": "`main`",
        "infra-up": "`main`",
    }.items():
        assert re.search(rf"\| `{environment}` \| {re.escape(refs)} \|", readme), environment
