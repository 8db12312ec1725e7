"""A lock is made by Poetry, led to the index of pip where it must be, and changed whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from env_spec import PoetryError
from env_spec.__main__ import main
from env_spec.relock import MIRROR_VARIABLE, relock, with_requirements

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
# Stands for the Python of Poetry's environment: with -c it is pip's index, else Poetry.
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
    python = project / ".shrinkwrap/tools/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(FAKE.format(does=does, index=index))
    python.chmod(0o755)


def calls(project: Path) -> list[str]:
    return (project / "calls").read_text().splitlines()


def test_poetry_locks(project: Path) -> None:
    """Without a package it is `poetry lock`, with Poetry's own client."""
    fake_poetry(project)
    relock(project)
    assert calls(project) == ["-m poetry lock (no mirror)"]


def test_poetry_is_led_to_the_index_of_pip(project: Path) -> None:
    """Where Poetry's client would not do, the plugin gets the address in its environment, and no file does."""
    fake_poetry(project, index="http://index.example/simple")
    relock(project)
    assert calls(project) == ["-m poetry lock (http://index.example/simple)"]
    assert "example" not in (project / "pyproject.toml").read_text() + (project / "poetry.lock").read_text()


def test_a_mirror_that_is_set_is_kept(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sets the plugin's variable knows better."""
    monkeypatch.setenv(MIRROR_VARIABLE, "http://mine.example")
    fake_poetry(project, index="http://index.example/simple")
    relock(project)
    assert calls(project) == ["-m poetry lock (http://mine.example)"]


def test_a_package_is_added_to_a_group(project: Path) -> None:
    """Poetry finds the right table of any group but main; a package cannot pass for an option."""
    fake_poetry(project)
    relock(project, package="--dry-run", group="models")
    assert calls(project) == ["-m poetry add --lock --group=models -- --dry-run (no mirror)"]


def test_a_package_is_added_to_main(project: Path) -> None:
    """Poetry would write it into its own table; it ends where the group is declared, and comments stay."""
    fake_poetry(
        project,
        '[ "$3" = lock ] || printf \'[dependency-groups]\\nshrinkwrap-added = ["six (>=1)"]\\n\' >pyproject.toml',
    )
    relock(project, package="six", group="main")
    assert calls(project) == [
        "-m poetry add --lock --group=shrinkwrap-added -- six (no mirror)",
        "-m poetry lock (no mirror)",
    ]
    assert (project / "pyproject.toml").read_text() == PYPROJECT.replace(
        '    "numpy", # the first\n', '    "numpy", # the first\n    "six (>=1)",\n'
    )


def test_a_requirement_is_added_to_a_short_array() -> None:
    """An array on one line stays on it."""
    assert with_requirements('[dependency-groups]\na = ["x"] # why\n', "a", ["y"]) == (
        '[dependency-groups]\na = ["x", "y"] # why\n'
    )


def test_a_failure_changes_nothing(project: Path) -> None:
    """What Poetry wrote before it failed is undone."""
    fake_poetry(project, "echo broken >pyproject.toml; rm poetry.lock; exit 3")
    with pytest.raises(PoetryError) as caught:
        relock(project, package="six", group="models")
    assert str(caught.value) == "Poetry could not do it (exit status 3, see above); nothing was changed"
    assert (project / "pyproject.toml").read_text() == PYPROJECT
    assert (project / "poetry.lock").read_text() == LOCK.format("2.4")


def test_a_first_lock_that_fails_leaves_none(project: Path) -> None:
    """Half a lock is none."""
    (project / "poetry.lock").unlink()
    fake_poetry(project, "echo half >poetry.lock; exit 1")
    with pytest.raises(PoetryError):
        relock(project)
    assert not (project / "poetry.lock").exists()


def test_no_poetry(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the front door and without Poetry on PATH the error says which door to take."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PoetryError, match=r"^there is no Poetry here; start this as `\./run invoke env\.lock`"):
        relock(project)


def test_what_a_new_lock_changes_is_told(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Poetry speaks on standard error; standard output says which images must be built."""
    content_hash = "9ee7219d7956427a427d6a75e5340409cff007240b0af586b0b4304d194448ec"
    fake_poetry(
        project,
        f"echo locking; sed -i 's/2.4/2.5/; s/^lock-version/content-hash = \"{content_hash}\"\\n&/' poetry.lock",
    )
    assert main(argv=["lock", "--project", str(project)]) == 0
    out, error = capfd.readouterr()
    assert out == "eda: must be built\n  ~ numpy 2.4 -> 2.5\n"
    assert error == "locking\n"


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--add", "six"], "--add goes with --group: `env.lock --add PACKAGE --group NAME`"),
        (["--group", "main"], "--group goes with --add: `env.lock --add PACKAGE --group NAME`"),
        (["--add", "six", "--group", "mian"], "there is no group 'mian'; did you mean 'main'? Groups: main, models"),
    ],
)
def test_what_cannot_be_added(
    project: Path, capsys: pytest.CaptureFixture[str], flags: list[str], problem: str
) -> None:
    """Wrong input starts no Poetry: a misspelt group is never made."""
    assert main(argv=["lock", *flags, "--project", str(project)]) == 2
    assert capsys.readouterr().err == f"error: {problem}\n"
