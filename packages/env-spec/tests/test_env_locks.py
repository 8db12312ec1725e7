"""Further locks of a project: groups that exclude each other, in one table of images."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

import pytest

from env_make.lock_state import _content_hash
from env_spec import (
    LockError,
    SpecErrors,
    group_sets,
    image_diffs,
    image_environment,
    load_spec,
    matrix,
    read_current_project,
    read_project,
    read_revision,
    read_slice,
)
from env_spec.lock.why import dependency_paths

PYPROJECT = """\
[dependency-groups]
main = ["torch"]
[tool.env-spec.locks.gpu]
path = "locks/gpu"
[tool.env-spec.images]
cpu = { groups = ["main"] }
cuda = { groups = ["gpu:main"] }
cuda-more = { groups = ["gpu:Main", "gpu:more"] }
"""
GPU = """\
[dependency-groups]
main = ["torch", "own"]
more = [{ include-group = "main" }, "six"]
"""
PACKAGE = """\
[[package]]
name = "{}"
version = "{}"
groups = {}
files = [{{ file = "{}.whl", hash = "sha256:aa" }}]
{}
"""
OWN = '[package.source]\ntype = "directory"\nurl = "../../packages/own"'


def lock(pyproject: str, *packages: str, python: str = ">=3.11") -> str:
    """A poetry.lock that fits a pyproject.toml."""
    hash_ = _content_hash(tomllib.loads(pyproject), with_groups=True)
    metadata = f'[metadata]\nlock-version = "2.1"\npython-versions = "{python}"\ncontent-hash = "{hash_}"\n'
    return "".join([*packages, metadata])


def package(name: str, version: str, *groups: str, more: str = "") -> str:
    return PACKAGE.format(name, version, json.dumps(groups), name, more)


def gpu_lock(torch: str = "2.9+cu128") -> str:
    return lock(
        GPU,
        package("own", "0.1", "main", "more", more=OWN),
        package("six", "1.17", "more", more="""markers = { more = 'sys_platform == "linux"' }"""),
        package("torch", torch, "main", "more"),
        python=">=3.12",
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with one commit, whose lock `gpu` needs a package of the repository."""
    files = {
        "pyproject.toml": PYPROJECT,
        "poetry.lock": lock(PYPROJECT, package("torch", "2.9", "main")),
        "locks/gpu/pyproject.toml": GPU,
        "locks/gpu/poetry.lock": gpu_lock(),
        "images/notebook/Dockerfile": "FROM debian:12\n",
        "packages/own/own.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "All"]):
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True)
    return tmp_path


def versions(root: Path, name: str) -> dict[str, str]:
    return {each.name: each.version for each in image_environment(read_project(root), name).packages}


def test_an_image_has_the_packages_of_its_lock(project: Path) -> None:
    """Two versions of a package that exclude each other are in two images of one table and of one matrix."""
    assert versions(project, "cpu") == {"torch": "2.9"}
    assert versions(project, "cuda") == {"own": "0.1", "torch": "2.9+cu128"}
    assert versions(project, "cuda-more") == {"own": "0.1", "six": "1.17", "torch": "2.9+cu128"}
    files = read_current_project(project)
    assert [job["poetry_install_group"] for job in matrix(files)["include"]] == [
        "main",
        "gpu:main",
        "gpu:main,gpu:more",
    ]
    assert [image_environment(files, name).python for name in files.spec.images] == [">=3.11", ">=3.12", ">=3.12"]
    assert [files.spec.parent(name) for name in files.spec.images] == [None, None, "cuda"]
    assert [each.version for each in read_slice(project, ["gpu:main"]) if each.name == "torch"] == ["2.9+cu128"]
    environment = image_environment(files, "cuda-more")
    paths = dependency_paths(files.lock_for(environment.groups), files.spec.groups, environment.groups)
    assert str(paths["six"]) == "gpu:more: six"


def test_paths_of_a_further_lock_start_at_the_root(project: Path) -> None:
    """A package of the repository counts in the fingerprint of an image of another lock."""
    before = image_environment(read_project(project), "cuda")
    assert [each.path for each in before.packages] == ["packages/own", None]
    (project / "packages/own/own.py").write_text("changed = True\n")
    after = image_environment(read_project(project), "cuda")
    assert before.fingerprint != after.fingerprint


def test_a_change_of_one_lock_changes_its_images_alone(project: Path) -> None:
    """Between a commit and the files on disk, by name of the package."""
    (project / "locks/gpu/poetry.lock").write_text(gpu_lock("2.10+cu128"))
    diffs = image_diffs(read_revision(project, "HEAD"), read_current_project(project))
    assert {each.image: [change.after for change in each.updated] for each in diffs} == {
        "cpu": [],
        "cuda": ["2.10+cu128"],
        "cuda-more": ["2.10+cu128"],
    }
    assert [each.needs_build for each in diffs] == [False, True, True]


def test_a_further_lock_that_is_stale_is_named(project: Path) -> None:
    """Each lock must fit its own pyproject.toml."""
    (project / "locks/gpu/pyproject.toml").write_text(GPU.replace('"six"', '"six", "idna"'))
    with pytest.raises(LockError, match=r"locks/gpu/poetry\.lock: is older than pyproject\.toml; update it with"):
        read_current_project(project)


def test_tests_have_the_groups_of_the_own_lock(project: Path) -> None:
    """A set of another lock's groups would not fit the test runner's packages."""
    assert group_sets(load_spec(project / "pyproject.toml")) == (("main",),)


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        (
            '["gpu:main"]',
            '["main", "gpu:main"]',
            "tool.env-spec.images.cuda.groups: its groups are in the locks the project's own and 'gpu'; an image is"
            " made from one lock",
        ),
        (
            '["gpu:main"]',
            '["gpu:mian"]',
            "tool.env-spec.images.cuda.groups[0]: unknown group 'gpu:mian'; did you mean 'gpu:main'?",
        ),
        ('"locks/gpu"', '"../gpu"', "tool.env-spec.locks.gpu.path: '../gpu' is not a folder below pyproject.toml"),
        (
            'path = "locks/gpu"',
            "",
            'tool.env-spec.locks.gpu: needs the folder of its pyproject.toml, like path = "locks/gpu"',
        ),
        (
            "locks.gpu]",
            'locks."G U"]',
            "tool.env-spec.locks.\"G U\": a lock's name has lower-case letters, digits and '-'",
        ),
    ],
)
def test_mistakes_in_the_tables(project: Path, old: str, new: str, mistake: str) -> None:
    """They are reported with their key path."""
    edit(project / "pyproject.toml", old, new)
    with pytest.raises(SpecErrors) as caught:
        load_spec(project / "pyproject.toml")
    assert any(str(error).startswith(mistake) for error in caught.value.errors), str(caught.value)


def test_mistakes_in_a_further_pyproject_have_its_name(project: Path) -> None:
    """So that the file is clear."""
    edit(project / "locks/gpu/pyproject.toml", '"main" }', '"mian" }')
    with pytest.raises(SpecErrors, match=r"gpu:dependency-groups\.more\[0\]: unknown group 'mian'"):
        load_spec(project / "pyproject.toml")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
