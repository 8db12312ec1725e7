"""Poetry updates the lock, with pip's package index if necessary; a failure changes no file."""

from __future__ import annotations

from pathlib import Path

import pytest

from env_make import MIRROR_VARIABLE
from env_spec import EnvSpecError, PoetryError, lock_project, report
from env_spec.lock.relock import add_package, relock, with_requirements

PYPROJECT = """\
# a comment
[dependency-groups]
main = [
    "numpy", # the first
]
models = ["scipy"]
[tool.env-spec.images.eda]
groups = ["main"]
"""
LOCK = '[[package]]\nname = "numpy"\nversion = "{}"\ngroups = ["main"]\n[metadata]\nlock-version = "2.1"\n'
# Replaces the Python of Poetry's environment: with -c it prints pip's index, otherwise it acts as Poetry.
FAKE = """\
#!/bin/sh
[ "$1" = -c ] && {{ echo "{index}"; exit; }}
echo "$* (${{POETRY_PYPI_MIRROR_URL-no mirror}})" >>calls
{does}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    (tmp_path / "images/notebook").mkdir(parents=True)
    (tmp_path / "images/notebook/Dockerfile").touch()
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "poetry.lock").write_text(LOCK.format("2.4"))
    return tmp_path


def fake_poetry(project: Path, does: str = "true", index: str = "") -> None:
    tools = project / ".shrinkwrap/tools"
    (tools / "bin").mkdir(parents=True)
    for name in ("python", "uv"):
        (tools / "bin" / name).write_text(FAKE.format(does=does, index=index))
        (tools / "bin" / name).chmod(0o755)
    for pinned in (project / "tools-requirements.txt", tools / "made-from"):
        pinned.write_text("# uv and Poetry\n")


def calls(project: Path) -> list[str]:
    return (project / "calls").read_text().splitlines()


def test_poetry_locks(project: Path) -> None:
    """Without a package it is `poetry lock`, with Poetry's own client."""
    fake_poetry(project)
    relock(project)
    assert calls(project) == ["-m poetry lock (no mirror)"]


def test_poetry_uses_the_index_of_pip(project: Path) -> None:
    """If Poetry's own client would fail, its plugin gets the URL in the environment; no file contains it."""
    fake_poetry(project, index="http://index.example/simple")
    relock(project)
    assert calls(project) == ["-m poetry lock (http://index.example/simple)"]
    assert "example" not in (project / "pyproject.toml").read_text() + (project / "poetry.lock").read_text()


def test_a_mirror_that_is_set_is_kept(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that the user set for the plugin's variable is kept."""
    monkeypatch.setenv(MIRROR_VARIABLE, "http://mine.example")
    fake_poetry(project, index="http://index.example/simple")
    relock(project)
    assert calls(project) == ["-m poetry lock (http://mine.example)"]


def test_a_package_is_added_to_a_group(project: Path) -> None:
    """Poetry finds the right table of any group but main; a package is never taken for an option."""
    fake_poetry(project)
    add_package(project, "--dry-run", "models")
    assert calls(project) == ["-m poetry add --lock --group=models -- --dry-run (no mirror)"]


def test_a_package_is_added_to_main(project: Path) -> None:
    """Poetry would write it into its own table; it is moved to where the group is declared, and comments are kept."""
    fake_poetry(
        project,
        '[ "$3" = lock ] || printf \'[dependency-groups]\\nshrinkwrap-added = ["six (>=1)"]\\n\' >pyproject.toml',
    )
    add_package(project, "six", "main")
    assert calls(project) == [
        "-m poetry add --lock --group=shrinkwrap-added -- six (no mirror)",
        "-m poetry lock (no mirror)",
    ]
    assert (project / "pyproject.toml").read_text() == PYPROJECT.replace(
        '    "numpy", # the first\n', '    "numpy", # the first\n    "six (>=1)",\n'
    )


def test_a_requirement_is_added_to_a_short_array() -> None:
    """An array on one line stays on one line."""
    assert with_requirements('[dependency-groups]\na = ["x"] # why\n', "a", ["y"]) == (
        '[dependency-groups]\na = ["x", "y"] # why\n'
    )


def test_a_failure_changes_nothing(project: Path) -> None:
    """Files that Poetry changed before it failed are restored."""
    fake_poetry(project, "echo broken >pyproject.toml; rm poetry.lock; exit 3")
    with pytest.raises(PoetryError) as caught:
        add_package(project, "six", "models")
    assert str(caught.value) == "Poetry failed (exit status 3, see above); no file was changed"
    assert (project / "pyproject.toml").read_text() == PYPROJECT
    assert (project / "poetry.lock").read_text() == LOCK.format("2.4")


def test_a_first_lock_that_fails_leaves_none(project: Path) -> None:
    """An incomplete first lock is removed."""
    (project / "poetry.lock").unlink()
    fake_poetry(project, "echo half >poetry.lock; exit 1")
    with pytest.raises(PoetryError):
        relock(project)
    assert not (project / "poetry.lock").exists()


def test_changes_by_a_new_lock_are_reported(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Poetry's output is on standard error; the result lists the images that must be built."""
    content_hash = "9ee7219d7956427a427d6a75e5340409cff007240b0af586b0b4304d194448ec"
    fake_poetry(
        project,
        f"echo locking; sed -i 's/2.4/2.5/; s/^lock-version/content-hash = \"{content_hash}\"\\n&/' poetry.lock",
    )
    diffs = lock_project(project)
    assert report.diffs_text(diffs, "before") == "eda: must be built\n  ~ numpy 2.4 -> 2.5"
    moved = "poetry.lock: numpy 2.4 → 2.5\npoetry.lock fits pyproject.toml now\n"
    assert capfd.readouterr() == ("", f"locking\n{moved}")
    assert not (project / ".shrinkwrap/lock-before").exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"package": "six"}, "--add needs --group: `env.lock --add PACKAGE --group NAME`"),
        ({"group": "main"}, "--group needs --add: `env.lock --add PACKAGE --group NAME`"),
        (
            {"package": "six", "group": "mian"},
            "unknown group 'mian'; did you mean 'main'? Known groups: main, models",
        ),
    ],
)
def test_what_cannot_be_added(project: Path, arguments: dict[str, str], problem: str) -> None:
    """Wrong input does not start Poetry: it would create a misspelt group."""
    with pytest.raises(EnvSpecError) as caught:
        lock_project(project, **arguments)
    assert (str(caught.value), caught.value.exit_code) == (problem, 2)
