"""The shell steps of the workflow for images and of its action, as a runner of GitHub would start them."""

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
    """A checkout of a repository with two images, whose front door opens at once."""
    made = make_clone(tmp_path / "checkout", f"e2e-workflow-{time.time_ns()}")
    made.write_images(*SMALL)
    (made.root / "run").write_text('#!/bin/sh\nexec "$@"\n')
    (made.root / "run").chmod(0o755)
    made.commit("All of it")
    yield made
    made.image("clean", check=False)


def said(checkout: Clone, script: str, **variables: str) -> tuple[int, str, dict[str, str]]:
    """Exit code, what is printed, and the outputs of one step."""
    output = checkout.root.parent / "output"
    output.write_text("")
    github = {
        "GITHUB_OUTPUT": str(output),
        "GITHUB_REF_NAME": "main",
        "GITHUB_REF_TYPE": "branch",
        "GITHUB_RUN_ID": RUN_ID,
    }
    environment = checkout.environment(**{**github, **variables})
    answer = subprocess.run(
        [*BASH, script], cwd=checkout.root, env=environment, capture_output=True, text=True, check=False
    )
    outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    return answer.returncode, answer.stdout + answer.stderr, outputs


def published(checkout: Clone, inputs: Mapping[str, str], **variables: str) -> tuple[int, str, dict[str, str]]:
    """The action: its steps one after the other, up to one that fails."""
    given = {name: inputs.get(name, entry.get("default", "")) for name, entry in ACTION["inputs"].items()}
    outputs: dict[str, str] = {}
    printed = ""
    for step in ACTION["runs"]["steps"]:
        assert step.get("if") in (None, "inputs.docker_user != ''")
        if "if" in step and not given["docker_user"]:
            continue
        values = {name: value_of(text, given) for name, text in step.get("env", {}).items()}
        code, printed, outputs = said(checkout, step["run"], **values, **variables)
        if code:
            return code, printed, outputs
    return 0, printed, outputs


def value_of(expression: str, inputs: Mapping[str, str]) -> str:
    name = re.fullmatch(r"\$\{\{ inputs\.(\w+) \}\}", expression)
    assert name, f"this test cannot read {expression}"
    return inputs[name[1]]


def test_the_action_pushes_latest_and_the_runs_id(checkout: Clone, tmp_path: Path) -> None:
    """Logged in, it builds, tests and pushes with every tag; the next run only adds its id, without a build."""
    store = tmp_path / "store"
    store.mkdir()
    (entry,) = (job for job in matrix(checkout) if job["image_name"] == "small")
    with closed_registry(store) as address:
        inputs = {name: entry[name] for name in ("image_name", "docker_file_path", "poetry_install_group")}
        inputs |= {"docker_user": "docker", "docker_password": registry_password(store), "registry": address}
        settings = {"DOCKER_CONFIG": str(tmp_path / "docker")}
        code, printed, first = published(checkout, inputs, **settings)
        assert code == 0, printed
        assert (first["is_built"], first["repository"]) == ("true", f"{address}/docker/small")
        tags = store / "docker/registry/v2/repositories/docker/small/_manifests/tags"
        commit, date = checkout.run("git", "log", "-1", "--format=%H %cs").stdout.split()
        fingerprint = first["reference"].rpartition(":")[2]
        names = {fingerprint, commit[:12], date, RUN_ID, "latest"}
        assert {tag.name for tag in tags.iterdir()} == {*names, "cache"}
        code, printed, second = published(checkout, inputs, **settings, GITHUB_RUN_ID="4712")
        assert code == 0, printed
        assert second == {**first, "is_built": "false"}
        links = {(tags / name / "current/link").read_text() for name in {*names, "4712"}}
        assert links == {first["digest"]}


def test_the_action_builds_without_a_login(checkout: Clone) -> None:
    """On a pull request it builds and tests, and sends nothing; what it is asked must be what the table says."""
    inputs = {"image_name": "small", "poetry_install_group": "test"}
    code, printed, outputs = published(checkout, inputs)
    assert (code, outputs["is_built"], outputs["repository"]) == (0, "true", "small"), printed
    code, printed, _ = published(checkout, {**inputs, "poetry_install_group": "main,test"})
    assert code == 1 and "[tool.env-spec.images.small] says" in printed


def matrix(checkout: Clone, **variables: str) -> list[dict[str, Any]]:
    """What the job `plan` hands to the others."""
    if shutil.which("jq") is None:
        pytest.skip("images: there is no jq, which a runner has")
    (step,) = (step for step in JOBS["plan"]["steps"] if step.get("id") == "plan")
    code, printed, outputs = said(checkout, step["run"], **{"SINCE": "", **variables})
    assert code == 0, printed
    jobs: list[dict[str, Any]] = json.loads(outputs["matrix"])["include"]
    assert outputs["count"] == str(len(jobs))
    return jobs


def test_the_plan_holds_what_changed(checkout: Clone) -> None:
    """Since a commit only images that changed; all where there is nothing to compare with, or nothing that is known."""
    assert [job["image_name"] for job in matrix(checkout)] == ["small", "small-more"]
    assert [job["image_name"] for job in matrix(checkout, SINCE="0" * 40)] == ["small", "small-more"]
    assert matrix(checkout, SINCE="HEAD") == []
    checkout.run("python", "-m", "env_spec", "lock", "--add", "tabulate", "--group", "bench")
    checkout.commit("Add tabulate")
    assert [job["image_name"] for job in matrix(checkout, SINCE="HEAD~1")] == ["small-more"]


def test_the_weekly_job_fails_if_an_image_differs(checkout: Clone) -> None:
    """Every image is built twice, also after one that differs; that one makes the job fail."""
    # What image.reproduce itself does is tested elsewhere: here it only notes for which image, and fails for the first.
    (checkout.root / "run").write_text(
        '#!/bin/sh\n[ "$2" = image.reproduce ] || exec "$@"\necho "$3" >>reproduced\n[ "$3" != small ]\n'
    )
    (step,) = (step for step in JOBS["reproduce"]["steps"] if "image.reproduce" in step.get("run", ""))
    script = step["run"].partition("sudo systemctl restart docker\n")[2]
    code, _, _ = said(checkout, script)
    assert (code, (checkout.root / "reproduced").read_text()) == (1, "small\nsmall-more\n")
