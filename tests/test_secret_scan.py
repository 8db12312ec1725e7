"""The secret scanner of `nox -s lint` finds secrets in files."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Split, so that the scanner accepts this file.
AWS_KEY = "AKIA" + "Q3EGRMZ2N7T5W4XK"
PRIVATE_KEY = "-----BEGIN RSA " + "PRIVATE KEY-----"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with our hooks and a stub of `run` that starts our tools."""
    subprocess.run([ROOT / "run", "true"], check=True)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    shutil.copy(ROOT / ".pre-commit-config.yaml", tmp_path)
    path = shlex.quote(f"{ROOT}/.venv/bin")
    (tmp_path / "run").write_text(f'#!/bin/sh\nPATH={path}:"$PATH" exec "$@"\n')
    (tmp_path / "run").chmod(0o755)
    return tmp_path


def scan(repository: Path, name: str, text: str) -> subprocess.CompletedProcess[str]:
    """Run the hook on a repository with this file."""
    (repository / name).write_text(text)
    subprocess.run(["git", "add", "--all"], cwd=repository, check=True)
    command = [ROOT / ".venv/bin/pre-commit", "run", "secrets", "--all-files"]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("deploy.py", f'client(key="{AWS_KEY}")\n', "AWS Access Key"),
        (".dvc-config", f"access_key_id = {AWS_KEY}\n", "AWS Access Key"),
        ("key.pem", f"{PRIVATE_KEY}\n", "Private Key"),
        ("Pulumi.dev.yaml", "password: " + "correct-horse-battery\n", "Secret Keyword"),
    ],
)
def test_a_secret_in_a_tracked_file_fails_the_hook(repository: Path, name: str, text: str, kind: str) -> None:
    """The hook reports the kind of secret, the file and the line, but not the secret itself."""
    answer = scan(repository, name, text)
    assert answer.returncode == 1, answer.stdout
    assert f"Secret Type: {kind}" in answer.stdout
    assert f"Location:    {name}:1" in answer.stdout
    assert AWS_KEY not in answer.stdout


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("poetry.lock", f'hash = "{AWS_KEY}"\n'),
        ("commit.py", 'revision = "08c6903cd8c0fde910a37f88322edcfb5dd907a8"\n'),
        ("example.py", f'key = "{AWS_KEY}"  # pragma: allowlist ' + "secret\n"),
    ],
)
def test_text_that_is_not_a_secret_passes(repository: Path, name: str, text: str) -> None:
    """Locks, digests, and lines that are marked as false alarms pass."""
    answer = scan(repository, name, text)
    assert answer.returncode == 0, answer.stdout
