"""The shell steps of the workflow for images and of its action, run like a GitHub runner does."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROOT, SMALL, Clone, closed_registry, make_clone, registry_password

ACTION = yaml.safe_load((ROOT / ".github/actions/docker-publish/action.yml").read_text("utf-8"))
JOBS = yaml.safe_load((ROOT / ".github/workflows/images.yml").read_text("utf-8"))["jobs"]
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
RUN_ID = "4711"


@pytest.fixture
def checkout(engine: None, tmp_path: Path) -> Iterator[Clone]:
    """A checkout of a repository with two images, whose `run` uses the environment of this test."""
    made = make_clone(tmp_path / "checkout", f"e2e-workflow-{time.time_ns()}")
    made.write_images(*SMALL)
    (made.root / "run").write_text('#!/bin/sh\nexec "$@"\n')
    (made.root / "run").chmod(0o755)
    made.commit("All of it")
    yield made
    made.image("clean", check=False)


def run_step(checkout: Clone, script: str, **variables: str) -> tuple[int, str, dict[str, str]]:
    """Run the script of a step: exit code, output, and the step's outputs."""
    output = checkout.root.parent / "output"
    output.write_text("")
    github = {
        "GITHUB_OUTPUT": str(output),
        "GITHUB_REF_NAME": "main",
        "GITHUB_REF_TYPE": "branch",
        "GITHUB_RUN_ID": RUN_ID,
    }
    environment = checkout.environment(**{**github, **variables})
    result = subprocess.run(
        [*BASH, script], cwd=checkout.root, env=environment, capture_output=True, text=True, check=False
    )
    outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    return result.returncode, result.stdout + result.stderr, outputs


def publish(checkout: Clone, inputs: Mapping[str, str], **variables: str) -> tuple[int, str, dict[str, str]]:
    """Run the steps of the action up to the first one that fails."""
    given = {name: inputs.get(name, entry.get("default", "")) for name, entry in ACTION["inputs"].items()}
    outputs: dict[str, str] = {}
    printed = ""
    for step in ACTION["runs"]["steps"]:
        assert step.get("if") in (None, "inputs.docker_user != ''")
        if "if" in step and not given["docker_user"]:
            continue
        values = {name: value_of(text, given) for name, text in step.get("env", {}).items()}
        code, printed, outputs = run_step(checkout, step["run"], **values, **variables)
        if code:
            return code, printed, outputs
    return 0, printed, outputs


def value_of(expression: str, inputs: Mapping[str, str]) -> str:
    name = re.fullmatch(r"\$\{\{ inputs\.(\w+) \}\}", expression)
    assert name, f"this test does not support {expression}"
    return inputs[name[1]]


def test_the_action_pushes_latest_and_the_id_of_the_run(checkout: Clone, tmp_path: Path) -> None:
    """With a login it builds, tests and pushes every tag; the next run only adds its id, without a build."""
    store = tmp_path / "store"
    store.mkdir()
    (entry,) = (job for job in matrix(checkout) if job["image_name"] == "small")
    with closed_registry(store) as address:
        inputs = {name: entry[name] for name in ("image_name", "docker_file_path", "poetry_install_group")}
        inputs |= {"docker_user": "docker", "docker_password": registry_password(store), "registry": address}
        settings = {"DOCKER_CONFIG": str(tmp_path / "docker")}
        code, printed, first = publish(checkout, inputs, **settings)
        assert code == 0, printed
        assert (first["is_built"], first["repository"]) == ("true", f"{address}/docker/small")
        tags = store / "docker/registry/v2/repositories/docker/small/_manifests/tags"
        commit, date = checkout.run("git", "log", "-1", "--format=%H %cs").stdout.split()
        fingerprint = first["reference"].rpartition(":")[2]
        names = {fingerprint, commit[:12], date, RUN_ID, "latest"}
        assert {tag.name for tag in tags.iterdir()} == {*names, "cache"}
        code, printed, second = publish(checkout, inputs, **settings, GITHUB_RUN_ID="4712")
        assert code == 0, printed
        assert second == {**first, "is_built": "false"}
        links = {(tags / name / "current/link").read_text() for name in {*names, "4712"}}
        assert links == {first["digest"]}


def test_the_action_builds_without_a_login(checkout: Clone) -> None:
    """Without a login it builds and tests, but pushes nothing; its inputs must match the table."""
    inputs = {"image_name": "small", "poetry_install_group": "test"}
    code, printed, outputs = publish(checkout, inputs)
    assert (code, outputs["is_built"], outputs["repository"]) == (0, "true", "small"), printed
    code, printed, _ = publish(checkout, {**inputs, "poetry_install_group": "main,test"})
    assert code == 1 and "[tool.env-spec.images.small] has" in printed


def matrix(checkout: Clone, **variables: str) -> list[dict[str, Any]]:
    """The matrix that the job `plan` passes to the other jobs."""
    if shutil.which("jq") is None:
        pytest.skip("images: jq is missing; GitHub's runners have it")
    (step,) = (step for step in JOBS["plan"]["steps"] if step.get("id") == "plan")
    code, printed, outputs = run_step(checkout, step["run"], **{"SINCE": "", **variables})
    assert code == 0, printed
    jobs: list[dict[str, Any]] = json.loads(outputs["matrix"])["include"]
    assert outputs["count"] == str(len(jobs))
    return jobs


def test_the_plan_has_the_changed_images(checkout: Clone) -> None:
    """The plan has the images that changed since a commit; all images if there is no known commit to compare with."""
    assert [job["image_name"] for job in matrix(checkout)] == ["small", "small-more"]
    assert [job["image_name"] for job in matrix(checkout, SINCE="0" * 40)] == ["small", "small-more"]
    assert matrix(checkout, SINCE="HEAD") == []
    checkout.invoke("env.lock", "--add", "tabulate", "--group", "bench")
    checkout.commit("Add tabulate")
    assert [job["image_name"] for job in matrix(checkout, SINCE="HEAD~1")] == ["small-more"]


def test_the_weekly_job_fails_if_an_image_differs(checkout: Clone) -> None:
    """Every image is built twice, also after one that differs; a difference makes the job fail."""
    # Another test covers image.reproduce itself. This replacement only records the image, and fails for the first one.
    (checkout.root / "run").write_text(
        '#!/bin/sh\n[ "$2" = image.reproduce ] || exec "$@"\necho "$3" >>reproduced\n[ "$3" != small ]\n'
    )
    (step,) = (step for step in JOBS["reproduce"]["steps"] if "image.reproduce" in step.get("run", ""))
    script = step["run"].partition("sudo systemctl restart docker\n")[2]
    code, _, _ = run_step(checkout, script)
    assert (code, (checkout.root / "reproduced").read_text()) == (1, "small\nsmall-more\n")
