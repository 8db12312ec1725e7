"""A lock that cannot be used does not lock the user out: real Poetry, real git, in a fresh clone."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from .conftest import Run, git


def _locked(clone: Path) -> dict[str, str]:
    lock = tomllib.loads((clone / "poetry.lock").read_text("utf-8"))
    return {package["name"]: package["version"] for package in lock["package"]}


def _declare(clone: Path, package: str) -> None:
    pyproject = clone / "pyproject.toml"
    text = pyproject.read_text("utf-8")
    pyproject.write_text(text.replace("\nmodels = [\n", f'\nmodels = [\n    "{package}",\n'), "utf-8")


def _commit(clone: Path, message: str) -> None:
    git("-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "--quiet", "-am", message, cwd=clone)


def test_a_stale_lock_a_conflict_and_no_lock(clone: Path, run: Run) -> None:
    """Each time `./run` names one command, that command works, and no version moves that need not."""
    _commit(clone, "the clone")
    before = _locked(clone)
    assert "humanfriendly" not in before
    git("checkout", "--quiet", "-b", "ours", cwd=clone)
    _declare(clone, "humanfriendly")
    stale = run("true", check=False)
    assert stale.returncode == 1
    fix = "fix: ./run invoke env.lock\n"
    assert stale.stderr.endswith(f"run: poetry.lock does not fit pyproject.toml; {fix}")
    locked = run("invoke", "env.lock", "--json")
    assert "run: poetry.lock: humanfriendly " in locked.stderr
    assert json.loads(locked.stdout)["must_build"] == ["jupyter-notebook-models"]
    assert {**_locked(clone), **before} == _locked(clone)
    _commit(clone, "ours")

    git("checkout", "--quiet", "-b", "theirs", "HEAD~1", cwd=clone)
    _declare(clone, "inflection")
    run("invoke", "env.lock")
    _commit(clone, "theirs")
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    git(*identity, "merge", "ours", cwd=clone, check=False)
    assert "<<<<<<<" in (clone / "poetry.lock").read_text("utf-8")
    in_both = run("invoke", "env.lock", check=False)
    assert in_both.returncode == 2
    assert "run: pyproject.toml has merge conflict markers (line " in in_both.stderr
    pyproject = clone / "pyproject.toml"
    lines = pyproject.read_text("utf-8").splitlines(keepends=True)
    pyproject.write_text("".join(line for line in lines if line[:7] not in ("<<<<<<<", "=======", ">>>>>>>")), "utf-8")
    in_lock = run("true", check=False)
    assert "run: poetry.lock has merge conflict markers (line " in in_lock.stderr and in_lock.stderr.endswith(fix)
    run("invoke", "env.lock")
    assert {"humanfriendly", "inflection"} < _locked(clone).keys()
    assert {**_locked(clone), **before} == _locked(clone)
    _commit(clone, "merged")

    (clone / "poetry.lock").unlink()
    missing = run("true", check=False)
    assert missing.stderr == f"run: poetry.lock is missing; {fix}"
    assert "models" in run("invoke", "env.lock").stdout
    assert {"humanfriendly", "inflection"} < _locked(clone).keys()
