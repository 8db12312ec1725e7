"""The `env` commands print tables or JSON, and exit with 2 for wrong input and 1 for drift."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import pytest

from env_spec import SpecError, read_current_project, read_slice
from image_build import Engine, RunResult
from image_build.errors import EngineRefusedError
from shrinkwrap.program import main

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
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two images; the working directory is one of its subfolders."""
    (tmp_path / "images/jupyter").mkdir(parents=True)
    (tmp_path / "images/jupyter/Dockerfile").write_text("FROM debian:12\n")
    (tmp_path / "packages/own").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "poetry.lock").write_text(LOCK.replace("HASH", CONTENT_HASH))
    monkeypatch.chdir(tmp_path / "packages")
    return tmp_path


def rows(text: str) -> list[list[str]]:
    """The cells of a printed table, without its lines."""
    return [re.split("  +", line.strip()) for line in text.splitlines() if line.strip() and "─" not in line]


def test_images_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`env.list` prints a row for each image, then the bases and platforms."""
    assert main(["env.list"]) == 0
    out = capsys.readouterr().out
    found = rows(out)
    assert found[0] == ["image", "groups", "packages", "fingerprint", "parent"]
    assert found[1][:3] + found[1][4:] == ["jupyter", "main", "2", "–"]
    assert found[2][:3] + found[2][4:] == ["jupyter-dev", "main, dev, test", "4", "jupyter"]
    assert out.endswith("\nbase of jupyter, jupyter-dev:\n  debian:12 on linux/amd64\n")
    assert max(map(len, out.splitlines())) <= 80


def test_images_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`env.list --json` prints every fact of each image."""
    assert main(["env.list", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)["jupyter"]
    assert re.fullmatch("[0-9a-f]{16}", facts.pop("fingerprint"))
    assert list(facts.pop("fingerprints")) == ["linux/amd64"]
    assert facts == {
        "groups": ["main"],
        "package_count": 2,
        "parent": None,
        "unshared": [],
        "dockerfile": "images/jupyter",
        "base": "debian:12",
        "platforms": ["linux/amd64"],
        "repository": "r.example/jupyter",
        "max_size_bytes": 1000000000,
        "python": ">=3.11",
        "system": [],
        "snapshot": None,
        "without": [],
    }


def test_an_image_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`env.show` prints why each package is needed, and its marker if it is not needed everywhere."""
    assert main(["env.show", "jupyter-dev"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "jupyter-dev: 4 packages of groups main, dev, test"
    assert out.splitlines()[4] == "shares the layers of jupyter"
    assert ["numpy", "2.4", "–", "main: numpy", 'python_version < "3.13"'] in rows(out)
    assert ["pluggy", "1", "–", "test: pytest -> pluggy"] in rows(out)


def test_an_image_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`env.show --json` has the facts of the image and of each package; an unknown size is null."""
    assert main(["env.show", "jupyter-dev", "--json"]) == 0
    page = json.loads(capsys.readouterr().out)
    assert (page["image"], page["package_count"]) == ("jupyter-dev", 4)
    assert page["packages"][2] == {
        "name": "pluggy",
        "version": "1",
        "marker": None,
        "size_bytes": None,
        "why": {"group": "test", "packages": ["pytest", "pluggy"]},
    }


def test_the_size_of_an_installed_package_is_known(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A package that is installed in the locked version has a size."""
    lock = (folder / "poetry.lock").read_text()
    (folder / "poetry.lock").write_text(lock.replace('version = "9"', f'version = "{pytest.__version__}"'))
    assert main(["env.show", "jupyter-dev", "--json"]) == 0
    (found,) = [package for package in json.loads(capsys.readouterr().out)["packages"] if package["name"] == "pytest"]
    assert found["size_bytes"] > 100_000


def test_an_unknown_image_exits_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The error for a misspelt image contains the nearest name; standard output stays empty."""
    assert main(["env.sbom", "jupiter"]) == 2
    assert capsys.readouterr() == (
        "",
        "error: unknown image 'jupiter'; did you mean 'jupyter'? Known images: jupyter, jupyter-dev\n",
    )


def test_a_lock_older_than_pyproject_exits_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No command reports what a stale lock contains."""
    (folder / "pyproject.toml").write_text(PYPROJECT.replace('["pytest"]', '["pytest", "hypothesis"]'))
    assert main(["env.list"]) == 2
    assert capsys.readouterr().err == (
        f"error: {folder / 'poetry.lock'}: is older than pyproject.toml; update it with `./run invoke env.lock`\n"
    )


def test_a_missing_dockerfile_exits_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The error names the file and the image that needs it."""
    (folder / "images/jupyter/Dockerfile").unlink()
    assert main(["env.list"]) == 2
    path = folder / "images/jupyter/Dockerfile"
    assert capsys.readouterr().err == f"error: {path}: does not exist; image 'jupyter' is built from it\n"


def test_a_matrix_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`env.matrix` prints what a workflow passes to `fromJSON`; its lists are texts with commas."""
    assert main(["env.matrix"]) == 0
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


def test_every_image_is_in_the_matrix_of_a_new_branch(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GitHub passes a commit of zeros as the one before the first commit of a branch."""
    assert main(["env.matrix", "--changed-since", 40 * "0"]) == 0
    assert len(json.loads(capsys.readouterr().out)["include"]) == 2


def probe_output(**versions: str) -> str:
    """What the probe prints where these versions are installed."""
    environment = {"python_version": "3.11", "python_full_version": "3.11.7"}
    found = [{"name": name, "version": version, "path": "/lib"} for name, version in versions.items()]
    return json.dumps({"prefix": "/venv", "environment": environment, "distributions": found})


class FakeEngine(Engine):
    """An engine with one container and one image, in which the probe prints `output`."""

    output = ""
    exit_code = 0
    config: dict[str, object]
    changed: Mapping[str, str] = MappingProxyType({})
    names: tuple[str, ...] = ()
    run_references: list[str]

    def __init__(self, root: Path) -> None:
        self.root = root

    def run_inside(self, container: str, command: object) -> RunResult:
        if container != "c1":
            raise EngineRefusedError(f"running a command in the container {container}", "No such container")
        return RunResult(exit_code=self.exit_code, output=self.output)

    def inspect_container(self, name: str) -> dict[str, object]:
        return {"Config": self.config}

    def changed_paths(self, container: str) -> dict[str, Any]:
        return dict(self.changed)

    def references(self, repository: str) -> list[str]:
        assert repository == "r.example/jupyter"
        return list(self.names)

    def labels(self, reference: str) -> dict[str, str]:
        return {"io.shrinkwrap.repository": "another"} if "theirs" in reference else {}

    def run(self, reference: str, command: object, *, environment: object = None) -> RunResult:
        self.run_references.append(reference)
        return RunResult(exit_code=self.exit_code, output=self.output)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> type[FakeEngine]:
    class OneEngine(FakeEngine):
        config = {"Image": "r.example/jupyter:env-0", "Labels": None}  # noqa: RUF012
        run_references: list[str] = []  # noqa: RUF012

    monkeypatch.setattr("image_build.testing.verify.Engine", OneEngine)
    return OneEngine


def test_a_container_as_locked_exits_0(
    folder: Path, engine: type[FakeEngine], capsys: pytest.CaptureFixture[str]
) -> None:
    """`env.verify --container` compares with the image that the container was started from."""
    engine.output = probe_output(numpy="2.4", own="0.1")
    assert main(["env.verify", "--container", "c1"]) == 0
    assert capsys.readouterr().out == "jupyter: all 2 packages as locked, and no others\n"


def test_a_drifted_container_exits_1(
    folder: Path, engine: type[FakeEngine], capsys: pytest.CaptureFixture[str]
) -> None:
    """`env.verify` lists each package that differs, also those that pip installed outside the image's environment."""
    engine.output = probe_output(numpy="2.3", tabulate="0.9")
    engine.changed = {"/home/.local/six-1.17.dist-info": "added", "/usr/lib/old-1.dist-info": "deleted"}
    assert main(["env.verify", "--container", "c1"]) == 1
    assert rows(capsys.readouterr().out) == [
        ["jupyter: 4 packages not as locked"],
        ["problem", "package", "installed", "locked", "folder"],
        ["missing", "own", "–", "0.1"],
        ["changed", "numpy", "2.3", "2.4", "/lib"],
        ["extra", "six", "1.17", "–", "/home/.local/six-1.17.dist-info"],
        ["extra", "tabulate", "0.9", "–", "/lib"],
    ]
    assert main(["env.verify", "--container", "c1", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["is_as_locked"] is False


def test_damaged_files_exit_1(folder: Path, engine: type[FakeEngine], capsys: pytest.CaptureFixture[str]) -> None:
    """`env.verify` lists five files of each damaged package, and all of them with --json."""
    damaged = [["numpy", f"numpy/{number}.py", "is missing"] for number in range(7)]
    engine.output = json.dumps(
        {**json.loads(probe_output(numpy="2.4", own="0.1")), "damaged": damaged, "file_count": 9}
    )
    engine.changed = {"/opt/venv/lib/own-0.1.dist-info/RECORD": "modified"}
    assert main(["env.verify", "--container", "c1"]) == 1
    assert rows(capsys.readouterr().out) == [
        ["jupyter: 2 packages with missing or altered files"],
        ["package", "file", "problem"],
        *(["numpy", f"numpy/{number}.py", "is missing"] for number in range(5)),
        ["numpy", "and 2 more files", "--json lists all"],
        ["own", "own-0.1.dist-info/RECORD", "was replaced after the container started"],
    ]
    assert main(["env.verify", "--container", "c1", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (len(found["damaged"]), found["intact_files"], found["is_as_locked"]) == (8, 9, False)
    assert found["damaged"][0] == {"package": "numpy", "path": "numpy/0.py", "problem": "is missing"}


@pytest.mark.parametrize(
    ("names", "image", "reference"),
    [
        (("r.example/jupyter:env-0", "r.example/jupyter:env-1"), "jupyter", "r.example/jupyter:env-0"),
        (("r.example/jupyter:env-theirs", "r.example/jupyter:env-1"), "jupyter", "r.example/jupyter:env-1"),
        ((), "r.example/jupyter:old", "r.example/jupyter:old"),
    ],
    ids=["the newest", "the newest of this repository", "a reference"],
)
def test_an_image_runs_in_its_own_container(
    folder: Path, engine: type[FakeEngine], names: tuple[str, ...], image: str, reference: str
) -> None:
    """`env.verify --image` runs the newest local image of that name, or exactly the given reference."""
    engine.output = probe_output(numpy="2.4", own="0.1")
    engine.names = names
    assert main(["env.verify", "--image", image]) == 0
    assert engine.run_references == [reference]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--image", "jupyter"], "image 'jupyter' is not local; build it with `invoke image.build --image jupyter`"),
        (["--image", "jupiter"], "unknown image 'jupiter'; did you mean 'jupyter'? Known images: jupyter, jupyter-dev"),
        (
            ["--container", "c2"],
            "c2 cannot be verified: the Docker Engine reported an error while running a command in the container c2: "
            "No such container",
        ),
    ],
)
def test_what_cannot_be_compared_is_not_drift(
    folder: Path, engine: type[FakeEngine], capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    """A missing image or container exits with 2 and the engine's own words, never with 1."""
    assert main(["env.verify", *words]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_a_container_whose_python_fails_is_not_drift(
    folder: Path, engine: type[FakeEngine], capsys: pytest.CaptureFixture[str]
) -> None:
    """If the probe does not run, the error contains what its Python printed."""
    engine.exit_code, engine.output = 127, "exec: python: not found\n"
    assert main(["env.verify", "--container", "c1"]) == 2
    assert capsys.readouterr().err == "error: Python failed in c1 (exit status 127): exec: python: not found\n"


@pytest.mark.parametrize(
    "words",
    [["--image", "a", "--here"], ["--image", "a", "--container", "c"], ["--image", "a", "--group", "b"]],
    ids=["image and here", "image and container", "image and group"],
)
def test_only_one_environment_at_a_time(folder: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """Contradicting options are wrong input."""
    assert main(["env.verify", *words]) == 2
    assert "choose one of --image, --container and --here" in capsys.readouterr().err


def test_verify_here_compares_this_environment(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """This test's environment has pytest, in another version than this lock."""
    assert main(["env.verify", "--here", "--group", "dev"]) == 1
    assert f"pytest  {pytest.__version__}  9 " in re.sub("  +", "  ", capsys.readouterr().out)


def test_verify_of_no_group_exits_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty --group is wrong input, not an empty slice."""
    assert main(["env.verify", "--group", ","]) == 2
    assert capsys.readouterr().err == "error: --group names no group; it needs a name, like --group ops\n"


def test_an_unknown_group_exits_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The error for a misspelt group contains the nearest name."""
    assert main(["env.verify", "--group", "mian"]) == 2
    assert capsys.readouterr() == (
        "",
        "error: unknown group 'mian'; did you mean 'main'? Known groups: dev, main, test\n",
    )


def test_a_slice_has_the_packages_of_included_groups(folder: Path) -> None:
    """A slice contains the packages of the groups and of those that they include."""
    found = [(each.name, each.version, each.marker, each.path) for each in read_slice(folder, ["main", "dev"])]
    assert found == [
        ("numpy", "2.4", 'python_version < "3.13"', None),
        ("own", "0.1", None, "packages/own"),
        ("pluggy", "1", None, None),
        ("pytest", "9", None, None),
    ]
    assert [each.name for each in read_slice(folder, ["dev"])] == ["pluggy", "pytest"]


def test_a_project_without_images(tmp_path: Path) -> None:
    """The error contains the table to add."""
    (tmp_path / "pyproject.toml").touch()
    with pytest.raises(SpecError) as caught:
        read_current_project(tmp_path)
    assert str(caught.value) == (
        f"tool.env-spec.images: {tmp_path / 'pyproject.toml'} declares no image; "
        'add [tool.env-spec.images.NAME] with groups = ["main"]'
    )


def test_every_command_explains_itself(tasks: ModuleType) -> None:
    """Each command has a description, an example of itself, and a help text for every option."""
    for name, command in tasks.namespace.collections["env"].tasks.items():
        assert command.example.startswith(f"env.{name}"), name
        assert command.__doc__, name
        assert all(argument.help for argument in command.get_arguments()), name
