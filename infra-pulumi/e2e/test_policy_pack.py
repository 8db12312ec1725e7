"""The policy pack under the real engine, which passes every resource of the real program to it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from proof.aws_in_memory import Cloud
from proof.engine import Engine

PACK = Path(__file__).resolve().parents[1] / "policy-pack"
BUCKET_FILE, ACCESS_FILE = "shrinkwrap_infra/bucket.py", "shrinkwrap_infra/access.py"


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The flag for the pack, as a script: the language host that the tests build cannot start a pack by itself."""
    program = tmp_path_factory.mktemp("pack") / "run"
    program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-u", str(PACK / "__main__.py")])} "$@"\n')
    program.chmod(0o755)
    return f"--policy-pack={program}"


@pytest.fixture
def program(engine: Engine) -> Iterator[Path]:
    """The engine's copy of the program, which a test may change; it is restored afterwards."""
    files = {engine.project / name: (engine.project / name).read_text("utf-8") for name in (BUCKET_FILE, ACCESS_FILE)}
    yield engine.project
    for file, text in files.items():
        file.write_text(text, "utf-8")


def run(engine: Engine, *command: str) -> tuple[int, str]:
    """Run a command; return its exit code and its output."""
    result = engine.run(*command, "--stack=test", "--non-interactive", "--suppress-progress", check=False)
    return result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("file", "before", "after", "rule", "message"),
    [
        (BUCKET_FILE, "block_public_policy=True", "block_public_policy=False", "bucket-public-access", "must be true"),
        (BUCKET_FILE, "enable_key_rotation=True", "enable_key_rotation=False", "key-rotation", "must be true"),
        (BUCKET_FILE, "protect=True", "protect=False", "protect", "`protect` must be true"),
        (BUCKET_FILE, "        self._audit(data, logs)\n", "", "bucket-trail", "no trail records the requests"),
        (ACCESS_FILE, "permissions_boundary=boundary.arn,", "", "user-boundary", "permissionsBoundary must be set"),
    ],
)
def test_a_violation_stops_the_engine(
    engine: Engine, cloud: Cloud, pack: str, program: Path, file: str, before: str, after: str, rule: str, message: str
) -> None:
    """A program that violates a rule fails, with the name of the rule and its message."""
    text = (program / file).read_text("utf-8")
    assert before in text
    (program / file).write_text(text.replace(before, after), "utf-8")
    code, output = run(engine, "preview", pack)
    assert code != 0
    assert f"[mandatory]  {rule}  " in output, output
    assert message in output
    assert cloud.resources == {}


def test_our_program_follows_every_rule(engine: Engine, cloud: Cloud, pack: str) -> None:
    """This holds in a preview, where some values are not known yet, and in an update, which evaluates every rule."""
    code, output = run(engine, "preview", pack)
    assert (code, "[mandatory]" in output) == (0, False), output
    code, output = run(engine, "up", "--yes", "--skip-preview", pack)
    assert code == 0, output
    assert "shrinkwrap@v0.0.1" in output
    assert "[mandatory]" not in output and "[advisory]" not in output
    assert len(cloud.resources) > 40
