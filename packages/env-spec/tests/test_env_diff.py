"""What changed in each image since a commit, read from a real repository."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from env_spec import (
    Change,
    ImageDiff,
    ProjectFiles,
    RevisionError,
    image_diffs,
    image_environment,
    matrix_of_changes,
    read_project,
    read_revision,
)
from env_spec.__main__ import main

PYPROJECT = """\
[tool.poetry]
package-mode = false
[tool.poetry.group.main.dependencies]
numpy = "*"
own = "*"
[tool.poetry.group.models.dependencies]
scipy = "*"
[tool.env-spec.images]
eda = { groups = ["main"], dockerfile = "images/eda" }
models = { groups = ["main", "models"], dockerfile = "images/eda", parent = "eda" }
"""
PACKAGE = """\
[[package]]
name = "{0}"
version = "{1}"
groups = ["{2}"]
files = [{{file = "{0}.whl", hash = "sha256:{0}"}}]

"""
OWN = """\
[[package]]
name = "own"
version = "0.1"
groups = ["main"]
[package.source]
type = "directory"
url = "packages/own"

"""
METADATA = '[metadata]\nlock-version = "2.1"\npython-versions = ">=3.11"\n'
LOCK = PACKAGE.format("numpy", "2.4", "main") + OWN + PACKAGE.format("scipy", "1.16", "models") + METADATA


def git(root: Path, *words: str) -> str:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *words], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with one commit, in a folder of it that is not its root."""
    root = tmp_path / "repository" / "project"
    files = {
        "pyproject.toml": PYPROJECT,
        "poetry.lock": LOCK,
        "images/eda/Dockerfile": "FROM debian:12\n",
        "images/eda/start.sh": "exec true\n",
        "packages/own/src/own.py": "",
        "packages/own/tests/test_own.py": "",
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "images/eda/start.sh").chmod(0o755)
    (root / "images/eda/link").symlink_to("start.sh")
    git(root.parent, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first")
    return root


def diffs_of(project: Path, revision: str = "HEAD") -> dict[str, ImageDiff]:
    return {diff.image: diff for diff in image_diffs(read_revision(project, revision), read_project(project))}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_commit_is_what_was_on_disk(project: Path) -> None:
    """Modes, links and files of a commit give the digests of the folders it was made from."""
    assert read_revision(project, "HEAD").folders == read_project(project).folders


def test_nothing_changed(project: Path) -> None:
    """Without a change in an image's slice or folder it is the same, whatever else was edited."""
    (project / "README.md").write_text("new")
    (project / "packages/own/tests/test_own.py").write_text("new")
    edit(project / "pyproject.toml", "[tool", "# a comment\n[tool")
    assert diffs_of(project) == {name: ImageDiff(image=name, status="same") for name in ("eda", "models")}


def test_only_images_that_hold_a_package_change(project: Path) -> None:
    """A package added to one group leaves images without that group as they are."""
    edit(project / "poetry.lock", "[metadata]", PACKAGE.format("joblib", "1.5", "models") + "[metadata]")
    diffs = diffs_of(project)
    assert diffs["eda"].status == "same"
    added = (Change(name="joblib", before=None, after="1.5"),)
    assert diffs["models"] == ImageDiff(image="models", status="changed", added=added, needs_build=True)


def test_what_was_updated_removed_and_repacked(project: Path) -> None:
    """A package with another version, one that is gone, and one with other files are told apart."""
    lock = PACKAGE.format("numpy", "2.5", "main") + OWN + METADATA
    (project / "poetry.lock").write_text(lock)
    (project / "packages/own/src/own.py").write_text("new")
    diff = diffs_of(project)["models"]
    assert diff.updated == (Change(name="numpy", before="2.4", after="2.5"),)
    assert diff.removed == (Change(name="scipy", before="1.16", after=None),)
    assert diff.repacked == (Change(name="own", before="0.1", after="0.1"),)


def test_what_else_makes_a_build_needed(project: Path) -> None:
    """Dockerfile folder, base, Python and platforms are named as causes."""
    (project / "images/eda/start.sh").chmod(0o644)
    edit(project / "pyproject.toml", "eda = {", 'eda = { base = "debian:13", platforms = ["linux/arm64"],')
    edit(project / "poetry.lock", ">=3.11", ">=3.12")
    diff = diffs_of(project)["eda"]
    assert diff.causes == ("images/eda", "base", "python", "platforms")
    assert diff.needs_build


def test_a_platform_less_needs_no_build(project: Path) -> None:
    """What is left was built before."""
    edit(project / "pyproject.toml", "eda = {", 'eda = { platforms = ["linux/amd64", "linux/arm64"],')
    git(project, "commit", "-qam", "two platforms")
    edit(project / "pyproject.toml", ', "linux/arm64"]', "]")
    diff = diffs_of(project)["eda"]
    assert (diff.status, diff.causes, diff.needs_build) == ("changed", ("platforms",), False)


def test_images_come_and_go(project: Path) -> None:
    """An image that was not declared is new with all its packages; one that is no more is gone."""
    edit(project / "pyproject.toml", "models = { groups", "ml = { groups")
    diffs = diffs_of(project)
    assert (diffs["ml"].status, diffs["ml"].needs_build, len(diffs["ml"].added)) == ("new", True, 3)
    assert diffs["models"] == ImageDiff(image="models", status="gone")


def test_a_folder_that_a_commit_lacks_is_empty(project: Path) -> None:
    """An image whose Dockerfile came later has another fingerprint now."""
    git(project, "rm", "-rq", "--cached", "images")
    git(project, "commit", "-qm", "no images")
    assert diffs_of(project)["eda"].causes == ("images/eda",)


def test_changes_can_be_read_since_any_commit(project: Path) -> None:
    """A tag, a branch or a hash names the state to compare with."""
    git(project, "tag", "before")
    edit(project / "poetry.lock", '"2.4"', '"2.5"')
    git(project, "commit", "-qam", "update")
    assert not diffs_of(project)["eda"].needs_build
    assert diffs_of(project, "before")["eda"].needs_build
    assert diffs_of(project, git(project, "rev-parse", "HEAD~1"))["eda"].needs_build


@pytest.mark.parametrize("revision", ["nowhere", "--help", "HEAD:pyproject.toml", ""])
def test_an_unknown_commit_is_named(project: Path, revision: str) -> None:
    """What is no commit is wrong input; it can never be an option of git."""
    with pytest.raises(RevisionError) as caught:
        read_revision(project, revision)
    assert str(caught.value) == f"revision '{revision}': git knows no such commit"


def test_a_shallow_clone_says_so(project: Path, tmp_path: Path) -> None:
    """A CI job with one commit is told how to get more."""
    git(project, "commit", "-q", "--allow-empty", "-m", "second")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{project.parent}", "clone")
    with pytest.raises(RevisionError, match="this clone is shallow, so get more with `git fetch --unshallow`"):
        read_revision(tmp_path / "clone" / "project", "HEAD~1")


def test_outside_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git's own words say that there is no repository, and no git is an error too."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(RevisionError, match=r"^revision 'HEAD': git says: fatal: not a git repository"):
        read_revision(tmp_path, "HEAD")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RevisionError, match=r"^revision 'HEAD': there is no git here to read it with$"):
        read_revision(tmp_path, "HEAD")


def test_a_commit_without_a_lock(project: Path) -> None:
    """Before the project had a lock there is nothing to compare with."""
    git(project, "rm", "-q", "--cached", "poetry.lock")
    git(project, "commit", "-qm", "no lock")
    with pytest.raises(RevisionError) as caught:
        read_revision(project, "HEAD")
    assert str(caught.value) == f"revision 'HEAD': has no poetry.lock in {project}"


def test_a_matrix_holds_what_must_be_built(project: Path) -> None:
    """An image whose parent changed holds the change too, so it is built again as well."""
    before = read_revision(project, "HEAD")
    assert matrix_of_changes(before, read_project(project)) == {"include": []}
    edit(project / "poetry.lock", '"1.16"', '"1.17"')
    assert names_in(before, project) == ["models"]
    edit(project / "poetry.lock", '"2.4"', '"2.5"')
    assert names_in(before, project) == ["eda", "models"]
    assert names_in(None, project) == ["eda", "models"]


def names_in(before: ProjectFiles | None, project: Path) -> list[str]:
    return [entry["image_name"] for entry in matrix_of_changes(before, read_project(project))["include"]]


def test_a_diff_on_the_command_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each image has a verdict, and a line for each reason."""
    edit(project / "poetry.lock", '"1.16"', '"1.17"')
    edit(project / "pyproject.toml", "eda = {", "new = { groups = ['main'], dockerfile = 'images/eda' }\neda = {")
    assert main(argv=["diff", "--project", str(project)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "new: must be built: new since HEAD (2 packages)",
        "eda: as in HEAD",
        "models: must be built",
        "  ~ scipy 1.16 -> 1.17",
    ]
    assert main(argv=["diff", "--json", "--project", str(project)]) == 0
    assert json.loads(capsys.readouterr().out)["must_build"] == ["new", "models"]


def test_a_past_that_cannot_be_read_needs_every_image(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A matrix since a commit whose files make no sense now holds all images, and says why."""
    text = (project / "pyproject.toml").read_text()
    edit(project / "pyproject.toml", "[tool.env-spec.images]", "[tool.env-spec.pictures]")
    git(project, "commit", "-qam", "other words")
    (project / "pyproject.toml").write_text(text)
    assert main(argv=["matrix", "--changed-since", "HEAD", "--project", str(project)]) == 0
    out, error = capsys.readouterr()
    assert len(json.loads(out)["include"]) == 2
    assert error.startswith("every image counts as changed: HEAD:pyproject.toml: 1 mistake\n")


def test_what_a_lock_holds_is_parsed_once(project: Path) -> None:
    """Entries that two locks share give equal slices, read together or apart."""
    now, then = read_project(project), read_revision(project, "HEAD")
    assert image_environment(now, "models") == image_environment(then, "models")
