"""The policy pack at work: the real engine asks it about every resource of the real program."""

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
    """What starts the pack: the engine takes a program for one, too, and the host that could be built starts none."""
    program = tmp_path_factory.mktemp("pack") / "run"
    program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-u", str(PACK / "__main__.py")])} "$@"\n')
    program.chmod(0o755)
    return f"--policy-pack={program}"


@pytest.fixture
def program(engine: Engine) -> Iterator[Path]:
    """The engine's copy of the program, to be changed; it is put back."""
    files = {engine.project / name: (engine.project / name).read_text("utf-8") for name in (BUCKET_FILE, ACCESS_FILE)}
    yield engine.project
    for file, text in files.items():
        file.write_text(text, "utf-8")


def asked(engine: Engine, *command: str) -> tuple[int, str]:
    answer = engine.run(*command, "--stack=test", "--non-interactive", "--suppress-progress", check=False)
    return answer.returncode, answer.stdout + answer.stderr


@pytest.mark.parametrize(
    ("file", "before", "after", "rule", "told"),
    [
        (BUCKET_FILE, "block_public_policy=True", "block_public_policy=False", "bucket-public-access", "must be true"),
        (BUCKET_FILE, "enable_key_rotation=True", "enable_key_rotation=False", "key-rotation", "must be true"),
        (BUCKET_FILE, "protect=True", "protect=False", "protect", "`protect` must be true"),
        (BUCKET_FILE, "        self._audit(data, logs)\n", "", "bucket-trail", "no trail records the requests"),
        (ACCESS_FILE, "permissions_boundary=boundary.arn,", "", "user-boundary", "permissionsBoundary must be set"),
    ],
)
def test_a_broken_rule_stops_the_engine(
    engine: Engine, cloud: Cloud, pack: str, program: Path, file: str, before: str, after: str, rule: str, told: str
) -> None:
    """A program that breaks a rule ends with a failure that names the rule and says what must be."""
    text = (program / file).read_text("utf-8")
    assert before in text
    (program / file).write_text(text.replace(before, after), "utf-8")
    code, said = asked(engine, "preview", pack)
    assert code != 0
    assert f"[mandatory]  {rule}  " in said, said
    assert told in said
    assert cloud.resources == {}


def test_our_program_breaks_no_rule(engine: Engine, cloud: Cloud, pack: str) -> None:
    """Not in a preview, where some values are not known yet, and not when all is made and every rule has been asked."""
    code, said = asked(engine, "preview", pack)
    assert (code, "[mandatory]" in said) == (0, False), said
    code, said = asked(engine, "up", "--yes", "--skip-preview", pack)
    assert code == 0, said
    assert "shrinkwrap@v0.0.1" in said
    assert "[mandatory]" not in said and "[advisory]" not in said
    assert len(cloud.resources) > 40
