"""The command line prints lines or JSON, and exits with 2 on wrong input, 1 on drift."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from env_spec import PROBE
from env_spec.__main__ import main

PYPROJECT = """\
[dependency-groups]
main = ["numpy", "own"]
dev = [{ include-group = "test" }]
test = ["pytest"]
[tool.env-spec.images.jupyter]
groups = ["main"]
dockerfile = "images/jupyter"
base = "debian:12"
registry = "r.example"
max_size = "1GB"
[tool.env-spec.images]
jupyter-dev = { groups = ["main", "dev"], parent = "jupyter" }
"""
# Of [dependency-groups] above.
CONTENT_HASH = "0bf2922b0b80d5a6020d9baf69f4bc135dddfb550a9f96f26a48702a1af49874"
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
[package.dependencies]
pluggy = "*"
[[package]]
name = "pluggy"
version = "1"
groups = ["test"]
[metadata]
lock-version = "2.1"
python-versions = ">=3.11"
content-hash = "HASH"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images/jupyter").mkdir(parents=True)
    (tmp_path / "images/jupyter/Dockerfile").write_text("FROM debian:12\n")
    (tmp_path / "packages/own").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "poetry.lock").write_text(LOCK.replace("HASH", CONTENT_HASH))
    return tmp_path


@pytest.fixture
def project(folder: Path) -> str:
    return str(folder)


def test_images_are_listed(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`list` prints a line per image: what is in it, its fingerprint, and what it is made from."""
    assert main(argv=["list", "--project", project]) == 0
    lines = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    rows = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert rows[0] == ["image", "groups", "packages", "fingerprint", "platforms", "parent", "base"]
    assert rows[1][:3] + rows[1][4:] == ["jupyter", "main", "2", "linux/amd64", "-", "debian:12"]
    assert rows[2][:3] + rows[2][4:] == ["jupyter-dev", "main, dev, test", "4", "linux/amd64", "jupyter", "debian:12"]


def test_images_as_json(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`list --json` prints every fact of each image by its name."""
    assert main(argv=["list", "--json", "--project", project]) == 0
    facts = json.loads(capsys.readouterr().out)["jupyter"]
    assert re.fullmatch("[0-9a-f]{16}", facts.pop("fingerprint"))
    assert list(facts.pop("fingerprints")) == ["linux/amd64"]
    assert facts == {
        "groups": ["main"],
        "package_count": 2,
        "parent": None,
        "dockerfile": "images/jupyter",
        "base": "debian:12",
        "platforms": ["linux/amd64"],
        "repository": "r.example/jupyter",
        "max_size_bytes": 1000000000,
        "python": ">=3.11",
    }


def test_an_image_is_shown(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`show` says of each package why it is there, and where it is needed if not everywhere."""
    assert main(argv=["show", "jupyter-dev", "--project", project]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "jupyter-dev: 4 packages of groups main, dev, test"
    assert lines[3] == "shares the layers of jupyter"
    assert re.sub("  +", "|", lines[6]) == 'numpy|2.4|-|main: numpy|python_version < "3.13"'
    assert re.sub("  +", "|", lines[8]) == "pluggy|1|-|test: pytest -> pluggy"


def test_an_image_as_json(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`show --json` has the facts of the image and of each package; a size that is not known is null."""
    assert main(argv=["show", "jupyter-dev", "--json", "--project", project]) == 0
    page = json.loads(capsys.readouterr().out)
    assert (page["image"], page["package_count"]) == ("jupyter-dev", 4)
    assert page["packages"][2] == {
        "name": "pluggy",
        "version": "1",
        "marker": None,
        "size_bytes": None,
        "why": {"group": "test", "packages": ["pytest", "pluggy"]},
    }


def test_the_size_of_what_is_installed_is_known(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A package that is installed here in the locked version has a size."""
    lock = (folder / "poetry.lock").read_text()
    (folder / "poetry.lock").write_text(lock.replace('version = "9"', f'version = "{pytest.__version__}"'))
    assert main(argv=["show", "jupyter-dev", "--json", "--project", str(folder)]) == 0
    (found,) = [package for package in json.loads(capsys.readouterr().out)["packages"] if package["name"] == "pytest"]
    assert found["size_bytes"] > 100_000


def test_an_unknown_image_exits_2(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt image gets the nearest name."""
    assert main(argv=["sbom", "jupiter", "--project", project]) == 2
    assert capsys.readouterr().err == (
        "error: there is no image 'jupiter'; did you mean 'jupyter'? Images: jupyter, jupyter-dev\n"
    )


def test_a_lock_older_than_pyproject_exits_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a stale lock says of an image is not told."""
    (folder / "pyproject.toml").write_text(PYPROJECT.replace('["pytest"]', '["pytest", "hypothesis"]'))
    assert main(argv=["list", "--project", str(folder)]) == 2
    assert capsys.readouterr().err == (
        f"error: {folder / 'poetry.lock'}: is older than pyproject.toml; make it anew with `invoke env.lock`\n"
    )


def test_a_missing_dockerfile_exits_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file and the image that needs it are named."""
    (folder / "images/jupyter/Dockerfile").unlink()
    assert main(argv=["list", "--project", str(folder)]) == 2
    path = folder / "images/jupyter/Dockerfile"
    assert capsys.readouterr().err == f"error: {path}: there is no such file; image 'jupyter' is built from it\n"


def test_a_matrix_is_one_line(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`matrix` prints what a workflow hands to `fromJSON`; its lists are texts with commas."""
    assert main(argv=["matrix", "--project", project]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    entry = json.loads(out)["include"][1]
    assert re.fullmatch("[0-9a-f]{16}", entry.pop("fingerprint"))
    assert entry == {
        "image_name": "jupyter-dev",
        "docker_file_path": "images/jupyter/Dockerfile",
        "poetry_install_group": "main,dev",
        "platforms": "linux/amd64",
        "base": "debian:12",
        "parent": "jupyter",
    }


def test_every_image_is_in_the_matrix_of_a_new_branch(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A hosted CI gives a commit of zeros where there was none before."""
    assert main(argv=["matrix", "--changed-since", 40 * "0", "--project", project]) == 0
    assert len(json.loads(capsys.readouterr().out)["include"]) == 2


def probe_answer(folder: Path, **versions: str) -> str:
    environment = {"python_version": "3.11", "python_full_version": "3.11.7"}
    found = [{"name": name, "version": version, "path": "/lib"} for name, version in versions.items()]
    path = folder / "installed.json"
    path.write_text(json.dumps({"prefix": "/venv", "environment": environment, "distributions": found}))
    return str(path)


def test_a_container_as_locked_exits_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`verify` with what the probe printed says so in one line."""
    installed = probe_answer(folder, numpy="2.4", own="0.1")
    assert main(argv=["verify", "--image", "jupyter", "--installed", installed, "--project", str(folder)]) == 0
    assert capsys.readouterr().out == "jupyter: all 2 packages are as locked, and nothing else is there\n"


def test_a_drifted_container_exits_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`verify` names each package; which image it is can come from what was inspected."""
    installed = probe_answer(folder, numpy="2.3", tabulate="0.9")
    inspected, changes = folder / "inspected", folder / "changes"
    inspected.write_text('[{"Config": {"Image": "r.example/jupyter:env-0", "Labels": null}}]')
    changes.write_text("A /home/.local/six-1.17.dist-info\n")
    argv = ["verify", "--inspected", str(inspected), "--changes", str(changes), "--installed", installed]
    assert main(argv=[*argv, "--project", str(folder)]) == 1
    out = capsys.readouterr().out
    assert [re.sub("  +", "|", line) for line in out.splitlines()] == [
        "jupyter: not as locked (4 packages)",
        "missing|own|0.1 is locked",
        "other|numpy|2.3 is installed, 2.4 is locked|/lib",
        "extra|six|1.17 is installed|/home/.local/six-1.17.dist-info",
        "extra|tabulate|0.9 is installed|/lib",
    ]
    assert main(argv=[*argv, "--json", "--project", str(folder)]) == 1
    assert json.loads(capsys.readouterr().out)["is_as_locked"] is False


def test_verify_here_looks_at_this_environment(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What this test runs in has pytest, in another version than this lock."""
    assert main(argv=["verify", "--here", "--group", "dev", "--project", project]) == 1
    assert f"pytest  {pytest.__version__} is installed, 9 is locked" in re.sub("  +", "  ", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--here"], "name either the image or the groups that should be installed there"),
        (["--here", "--image", "jupyter", "--group", "dev"], "name either the image or the groups"),
        (["--image", "jupyter"], "say where to look: --here, or --installed FILE with what the probe printed"),
        (["--image", "jupyter", "--installed", "nowhere"], "nowhere: cannot be read: No such file or directory"),
    ],
)
def test_verify_needs_a_place_and_a_slice(
    project: str, capsys: pytest.CaptureFixture[str], flags: list[str], problem: str
) -> None:
    """What cannot be compared is wrong input, never drift."""
    assert main(argv=["verify", *flags, "--project", project]) == 2
    assert problem in capsys.readouterr().err


def test_the_probe_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """`probe` gives the program that `verify` needs run elsewhere."""
    assert main(argv=["probe"]) == 0
    assert capsys.readouterr().out == PROBE


@pytest.mark.parametrize("groups", [["--group", "main", "--group", "dev"], ["--group", "main,dev"]])
def test_a_slice_is_listed(project: str, capsys: pytest.CaptureFixture[str], groups: list[str]) -> None:
    """`slice` prints one line per package of the groups and of those they include."""
    assert main(argv=["slice", *groups, "--project", project]) == 0
    assert capsys.readouterr().out == (
        'numpy==2.4 ; python_version < "3.13"\nown==0.1 @ packages/own\npluggy==1\npytest==9\n'
    )


def test_a_slice_as_json(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`slice --json` holds the groups with those they include, and every fact of each package."""
    assert main(argv=["slice", "--group", "dev", "--json", "--project", project]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "groups": ["dev", "test"],
        "packages": [
            {"name": name, "version": version, "marker": None, "files": [], "source": None}
            for name, version in (("pluggy", "1"), ("pytest", "9"))
        ],
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
    assert main(argv=["list", "--project", str(tmp_path)]) == 2
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
        assert main(argv=["list", "--project", project]) == 1
