"""The command line prints images and slices as lines or JSON, and exits 2 on wrong input."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from env_spec.__main__ import main

PYPROJECT = """\
[dependency-groups]
main = ["numpy"]
dev = [{ include-group = "test" }]
test = ["pytest"]
[tool.env-spec.images]
jupyter.groups = ["main"]
jupyter-dev.groups = ["main", "dev"]
"""
LOCK = """\
[[package]]
name = "numpy"
version = "2.4"
groups = ["main"]
markers = "python_version < \\"3.13\\""
files = [{file = "numpy-2.4.whl", hash = "sha256:aa"}]
[[package]]
name = "own"
version = "0.1"
groups = ["main"]
develop = true
[package.source]
type = "directory"
url = "packages/own"
[[package]]
name = "pytest"
version = "9"
groups = ["test"]
[metadata]
lock-version = "2.1"
"""


@pytest.fixture
def project(tmp_path: Path) -> str:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "poetry.lock").write_text(LOCK)
    return str(tmp_path)


def test_images_are_listed_with_their_groups(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`images` prints one line per image."""
    assert main(argv=["images", "--project", project]) == 0
    assert capsys.readouterr().out == "jupyter      main\njupyter-dev  main, dev\n"


def test_images_as_json(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`images --json` prints a table of images by name."""
    assert main(argv=["images", "--json", "--project", project]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "jupyter": {"groups": ["main"]},
        "jupyter-dev": {"groups": ["main", "dev"]},
    }


@pytest.mark.parametrize("groups", [["--group", "main", "--group", "dev"], ["--group", "main,dev"]])
def test_a_slice_is_listed(project: str, capsys: pytest.CaptureFixture[str], groups: list[str]) -> None:
    """`slice` prints one line per package of the groups and of those they include."""
    assert main(argv=["slice", *groups, "--project", project]) == 0
    assert capsys.readouterr().out == ('numpy==2.4 ; python_version < "3.13"\nown==0.1 @ packages/own\npytest==9\n')


def test_a_slice_as_json(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`slice --json` holds the groups with those they include, and every fact of each package."""
    assert main(argv=["slice", "--group", "dev", "--json", "--project", project]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "groups": ["dev", "test"],
        "packages": [{"name": "pytest", "version": "9", "marker": None, "files": [], "source": None}],
    }


def test_an_unknown_group_exits_2(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong input is one error on stderr, nothing on stdout, exit status 2."""
    assert main(argv=["slice", "--group", "mian", "--project", project]) == 2
    assert capsys.readouterr() == (
        "",
        "error: there is no group 'mian'; did you mean 'main'? Groups: dev, main, test\n",
    )


def test_no_image_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A project that declares no image is told how to."""
    (tmp_path / "pyproject.toml").touch()
    assert main(argv=["images", "--project", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"error: tool.env-spec.images: {tmp_path / 'pyproject.toml'} has no image; "
        'declare [tool.env-spec.images.NAME] with groups = ["main"]\n'
    )


def test_a_slice_of_no_group_exits_2(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty --group is wrong input, not an empty slice."""
    with pytest.raises(SystemExit) as caught:
        main(argv=["slice", "--group", ",", "--project", project])
    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith("error: argument --group: names no group\n")


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` ends with commands that can be typed as they stand."""
    with pytest.raises(SystemExit) as caught:
        main(argv=["--help"])
    assert caught.value.code == 0
    assert "  python -m env_spec slice --group main --group notebook\n" in capsys.readouterr().out


def test_a_closed_pipe_is_no_traceback(project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that stops early, like `head`, ends the command with status 1."""
    reading_end, writing_end = os.pipe()
    os.close(reading_end)
    with os.fdopen(writing_end, "w") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        assert main(argv=["images", "--project", project]) == 1
