"""Images belong to the repository that built them, also if another project has the same name."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from image_build import clean_images
from image_build.planning.repository import former_names, project_name, repository_ids

_GIT = ("git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "protocol.file.allow=always")


def git(folder: Path, *words: str) -> None:
    subprocess.run([*_GIT, *words], cwd=folder, check=True, capture_output=True)


def make_repository(folder: Path, name: str = "shared-name", *, content: str = "") -> Path:
    """A repository of a classic Poetry project with two commits."""
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(f'[tool.poetry]\nname = "{name}"\n')
    (folder / "content").write_text(content or str(folder))
    git(folder, "init", "--quiet", "--initial-branch=main")
    for message in ("first", "second"):
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two commits."""
    return make_repository(tmp_path / "repository")


def test_every_clone_is_the_same_repository(repository: Path, tmp_path: Path) -> None:
    """Neither the path, nor the branch, nor a later commit or merge, nor the address of the remote changes the id."""
    before = repository_ids(repository)[0]
    git(tmp_path, "clone", "--quiet", str(repository), "clone")
    git(repository, "worktree", "add", "--quiet", "-b", "topic", str(tmp_path / "tree"))
    other = make_repository(tmp_path / "other")
    git(repository, "fetch", "--quiet", str(other), "main")
    git(repository, "merge", "--quiet", "--allow-unrelated-histories", "--strategy=ours", "FETCH_HEAD")
    assert {repository_ids(folder)[0] for folder in (repository, tmp_path / "clone", tmp_path / "tree")} == {before}
    assert repository_ids(other)[0] != before


def test_two_projects_in_one_repository_differ(repository: Path) -> None:
    """The project's folder in its repository is part of the id."""
    (repository / "sub").mkdir()
    assert set(repository_ids(repository)).isdisjoint(repository_ids(repository / "sub"))


def test_a_shallow_clone_is_identified_by_its_remote(repository: Path, tmp_path: Path) -> None:
    """It does not have the first commit; a full clone of the same remote also has its id, however it is addressed."""
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", "shallow")
    git(tmp_path, "clone", "--quiet", f"file://{repository}", "full")
    shallow, full = repository_ids(tmp_path / "shallow"), repository_ids(tmp_path / "full")
    assert len(shallow) == 1 and shallow[0] == full[1] != full[0]
    for folder, address in (("shallow", "git@example.org:team/x.git"), ("full", "https://u:p@example.org/team/x")):
        git(tmp_path / folder, "remote", "set-url", "origin", address)
    assert repository_ids(tmp_path / "shallow") == repository_ids(tmp_path / "full")[1:] != shallow


def test_without_git_the_path_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without a repository, without a commit, or on a machine without git, has the id of its path."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    a, b = (repository_ids(tmp_path / name) for name in ("a", "b"))
    assert a != b and len(a) == 1
    git(tmp_path / "a", "init", "--quiet")
    assert repository_ids(tmp_path / "a") == a
    monkeypatch.setenv("PATH", "")
    assert repository_ids(tmp_path / "a") == a


@pytest.mark.parametrize(
    ("text", "name", "former"),
    [
        ('[project]\nname = "new"\n[tool.poetry]\nname = "old"\n', "new", ("new",)),
        ('[tool.poetry]\nname = "classic"\n', "classic", ("classic", "project")),
        ("", "folder", ("folder", "project")),
    ],
)
def test_the_name_of_a_project(tmp_path: Path, text: str, name: str, former: tuple[str, ...]) -> None:
    """It is that of either style of Poetry, or else the folder's; earlier versions called classic ones `project`."""
    root = tmp_path / "folder"
    root.mkdir()
    (root / "pyproject.toml").write_text(text)
    assert (project_name(root), former_names(root)) == (name, former)


@dataclass(frozen=True)
class Images:
    """Images from scratch with labels, which are removed at the end."""

    made: list[str]

    def make(self, repository: str, project: str, label: str | None) -> str:
        """An image with the labels that a build writes; with the repository's label if it is given."""
        name = f"{repository}:env-{len(self.made)}"
        labels = [
            f"io.shrinkwrap.project={project}",
            f"made={name}",
            *([f"io.shrinkwrap.repository={label}"] * bool(label)),
        ]
        words = [word for label in labels for word in ("--label", label)]
        command = ["docker", "build", "--quiet", "--tag", name, *words, "-"]
        subprocess.run(command, input=b'FROM scratch\nCMD ["x"]\n', check=True, capture_output=True)
        self.made.append(name)
        return name


@pytest.fixture
def images(engine: None) -> Iterator[Images]:
    """Makes small images on the real engine."""
    made = Images([])
    yield made
    subprocess.run(["docker", "image", "rm", "--force", *made.made], check=False, capture_output=True)


def local(name: str) -> bool:
    return subprocess.run(["docker", "image", "inspect", name], check=False, capture_output=True).returncode == 0


def test_clean_removes_the_images_of_this_repository_alone(images: Images, tmp_path: Path) -> None:
    """Two projects with one name share an engine. Images that do not say who built them are named, and kept."""
    project = f"shared-{time.time_ns()}"
    ours, theirs = (make_repository(tmp_path / name, project) for name in ("ours", "theirs"))
    our_image, their_image = (
        images.make(f"{project}-image", project, repository_ids(root)[0]) for root in (ours, theirs)
    )
    old = images.make(f"{project}-old", project, None)
    listed = clean_images(ours, is_dry_run=True)
    assert ([image.name for image in listed.images], listed.unlabelled) == ([our_image], (old,))
    assert local(our_image)
    removed = clean_images(ours)
    assert [(image.name, image.problem) for image in removed.images] == [(our_image, None)]
    assert (local(our_image), local(their_image), local(old)) == (False, True, True)
    assert [image.name for image in clean_images(theirs, is_dry_run=True).images] == [their_image]
