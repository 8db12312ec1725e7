"""What changed in each image since a commit, in a real repository."""

from __future__ import annotations

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
    matrix_since,
    read_project,
    read_revision,
    report,
)

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
# With Poetry's hash of PYPROJECT.
METADATA = """\
[metadata]
lock-version = "2.1"
python-versions = ">=3.11"
content-hash = "24deb980f49a0432b9028d621529946ea77012657ec388951f579d1b872e4c4f"
"""
LOCK = PACKAGE.format("numpy", "2.4", "main") + OWN + PACKAGE.format("scipy", "1.16", "models") + METADATA


def git(root: Path, *words: str) -> str:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *words], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with one commit; the project is a subfolder."""
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


def test_a_commit_has_the_digests_of_its_checkout(project: Path) -> None:
    """The files, modes and links in a commit have the same digests as those on disk."""
    assert read_revision(project, "HEAD").folders == read_project(project).folders


def test_nothing_changed(project: Path) -> None:
    """An image is the same if its slice and its folder are, whatever else was edited."""
    (project / "README.md").write_text("new")
    (project / "packages/own/tests/test_own.py").write_text("new")
    edit(project / "pyproject.toml", "[tool", "# a comment\n[tool")
    assert diffs_of(project) == {name: ImageDiff(image=name, status="same") for name in ("eda", "models")}


def test_only_images_with_the_package_change(project: Path) -> None:
    """A package that is added to one group does not change images without that group."""
    edit(project / "poetry.lock", "[metadata]", PACKAGE.format("joblib", "1.5", "models") + "[metadata]")
    diffs = diffs_of(project)
    assert diffs["eda"].status == "same"
    added = (Change(name="joblib", before=None, after="1.5"),)
    assert diffs["models"] == ImageDiff(image="models", status="changed", added=added, needs_build=True)


def test_updated_removed_and_repacked_packages(project: Path) -> None:
    """A package with another version, a missing one, and one with other files are distinguished."""
    lock = PACKAGE.format("numpy", "2.5", "main") + OWN + METADATA
    (project / "poetry.lock").write_text(lock)
    (project / "packages/own/src/own.py").write_text("new")
    diff = diffs_of(project)["models"]
    assert diff.updated == (Change(name="numpy", before="2.4", after="2.5"),)
    assert diff.removed == (Change(name="scipy", before="1.16", after=None),)
    assert diff.repacked == (Change(name="own", before="0.1", after="0.1"),)


def test_other_causes_of_a_build(project: Path) -> None:
    """Dockerfile folder, base, Python and platforms are named as causes."""
    (project / "images/eda/start.sh").chmod(0o644)
    edit(project / "pyproject.toml", "eda = {", 'eda = { base = "debian:13", platforms = ["linux/arm64"],')
    edit(project / "poetry.lock", ">=3.11", ">=3.12")
    diff = diffs_of(project)["eda"]
    assert diff.causes == ("images/eda", "base", "python", "platforms")
    assert diff.needs_build


def test_a_removed_platform_needs_no_build(project: Path) -> None:
    """The remaining platforms were built before."""
    edit(project / "pyproject.toml", "eda = {", 'eda = { platforms = ["linux/amd64", "linux/arm64"],')
    git(project, "commit", "-qam", "two platforms")
    edit(project / "pyproject.toml", ', "linux/arm64"]', "]")
    diff = diffs_of(project)["eda"]
    assert (diff.status, diff.causes, diff.needs_build) == ("changed", ("platforms",), False)


def test_new_and_removed_images(project: Path) -> None:
    """An image that was not declared before is new, with all its packages; one that is no longer declared is gone."""
    edit(project / "pyproject.toml", "models = { groups", "ml = { groups")
    diffs = diffs_of(project)
    assert (diffs["ml"].status, diffs["ml"].needs_build, len(diffs["ml"].added)) == ("new", True, 3)
    assert diffs["models"] == ImageDiff(image="models", status="gone")


def test_a_folder_that_is_missing_in_a_commit_is_empty(project: Path) -> None:
    """An image whose Dockerfile was added later has another fingerprint now."""
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
    """A name of no commit is wrong input; git never takes it for an option."""
    with pytest.raises(RevisionError) as caught:
        read_revision(project, revision)
    assert str(caught.value) == f"revision '{revision}': git finds no such commit"


def test_a_shallow_clone_is_reported(project: Path, tmp_path: Path) -> None:
    """The error in a shallow clone says how to fetch the history."""
    git(project, "commit", "-q", "--allow-empty", "-m", "second")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{project.parent}", "clone")
    with pytest.raises(RevisionError, match="this clone is shallow, so fetch the history with `git fetch --unshallow`"):
        read_revision(tmp_path / "clone" / "project", "HEAD~1")


def test_outside_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git's own message says that there is no repository; a missing git is also an error."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(RevisionError, match=r"^revision 'HEAD': git failed: fatal: not a git repository"):
        read_revision(tmp_path, "HEAD")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RevisionError, match=r"^revision 'HEAD': git is missing; install it to read commits$"):
        read_revision(tmp_path, "HEAD")


def test_a_commit_without_a_lock(project: Path) -> None:
    """A commit without a lock cannot be compared."""
    git(project, "rm", "-q", "--cached", "poetry.lock")
    git(project, "commit", "-qm", "no lock")
    with pytest.raises(RevisionError) as caught:
        read_revision(project, "HEAD")
    assert str(caught.value) == f"revision 'HEAD': has no poetry.lock in {project}"


def test_a_matrix_has_the_images_to_build(project: Path) -> None:
    """An image contains the packages of its parent, so a change there rebuilds both."""
    before = read_revision(project, "HEAD")
    assert matrix_of_changes(before, read_project(project)) == {"include": []}
    edit(project / "poetry.lock", '"1.16"', '"1.17"')
    assert names_in(before, project) == ["models"]
    edit(project / "poetry.lock", '"2.4"', '"2.5"')
    assert names_in(before, project) == ["eda", "models"]
    assert names_in(None, project) == ["eda", "models"]


def names_in(before: ProjectFiles | None, project: Path) -> list[str]:
    return [entry["image_name"] for entry in matrix_of_changes(before, read_project(project))["include"]]


def test_the_text_of_a_diff(project: Path) -> None:
    """Each image has a verdict, and a line for each reason."""
    edit(project / "poetry.lock", '"1.16"', '"1.17"')
    edit(project / "pyproject.toml", "eda = {", "new = { groups = ['main'], dockerfile = 'images/eda' }\neda = {")
    diffs = image_diffs(read_revision(project, "HEAD"), read_project(project))
    assert report.diffs_text(diffs, "HEAD").splitlines() == [
        "new: must be built: new since HEAD (2 packages)",
        "eda: same as in HEAD",
        "models: must be built",
        "  ~ scipy 1.16 -> 1.17",
    ]
    assert report.diffs_json(diffs, "HEAD")["must_build"] == ["new", "models"]


def test_a_commit_that_cannot_be_read_needs_every_image(project: Path) -> None:
    """A matrix since a commit whose files have mistakes contains all images, and reports the reason."""
    text = (project / "pyproject.toml").read_text()
    edit(project / "pyproject.toml", "[tool.env-spec.images]", "[tool.env-spec.pictures]")
    git(project, "commit", "-qam", "other words")
    (project / "pyproject.toml").write_text(text)
    lines: list[str] = []
    assert len(matrix_since(project, "HEAD", on_line=lines.append)["include"]) == 2
    assert lines[0].startswith("every image counts as changed: HEAD:pyproject.toml: 1 mistake\n")


def test_entries_of_two_locks_are_equal(project: Path) -> None:
    """Two locks with the same entries have equal slices; parsed entries are cached."""
    now, then = read_project(project), read_revision(project, "HEAD")
    assert image_environment(now, "models") == image_environment(then, "models")
