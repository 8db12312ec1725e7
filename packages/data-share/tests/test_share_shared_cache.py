"""data.gc --local in a cache that several clones use."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .conftest import Share
from .tracked import Project


@pytest.fixture
def neighbour(project: Project, share: Share, tmp_path: Path) -> Project:
    """Another clone with the same cache outside of both, in which it just recorded a dataset."""
    cache = tmp_path / "shared cache"
    (project.root / ".dvc/cache").rename(cache)
    made = project.clone(tmp_path / "neighbour")
    for clone in (project, made):
        (clone.root / ".dvc/config.local").write_text(f"[cache]\n    dir = {cache}\n")
        (clone.root / ".dvc/cache").symlink_to(cache)
    made.write("rain", {"1.parquet": b"rain" * 100})
    return made


def shared(project: Project) -> set[str]:
    return set(project.kept())


def test_a_shared_cache_is_refused(project: Project, share: Share, neighbour: Project) -> None:
    """Without names, nothing is removed, and the message shows how to name the clones."""
    before = shared(project)
    result = share("gc", "--local", "--days", "0", "--yes")
    assert (result.code, shared(project)) == (2, before)
    assert "other clones may use it, and what they need is unknown; nothing was removed" in result.err
    assert "--clone PATH" in result.err and f"--clone '{project.root}'" in result.err


def test_a_cache_behind_a_link_is_shared_too(project: Project, share: Share, tmp_path: Path) -> None:
    """A folder .dvc/cache that is a link to another place is outside of the clone."""
    (project.root / ".dvc/cache").rename(tmp_path / "cache")
    (project.root / ".dvc/cache").symlink_to(tmp_path / "cache")
    assert "other clones may use it" in share("gc", "--local", "--days", "0", "--yes").err


def test_named_clones_keep_their_data(project: Project, share: Share, neighbour: Project) -> None:
    """What a named clone needs stays, also uncommitted; the rest is removed."""
    unneeded = project.keep(b"unneeded")
    before = shared(project)
    result = share("gc", "--local", "--days", "0", "--yes", "--clone", str(neighbour.root))
    assert result.code == 0, result.err
    assert before - shared(project) == {unneeded}


def test_recent_arrivals_stay(project: Project, share: Share, neighbour: Project) -> None:
    """By default, what arrived within 30 days stays, also if its time of modification is old; so do a list's files."""
    for path in (project.root / ".dvc/cache/files").rglob("*"):
        os.utime(path, (0, 0))
    before = shared(project)
    result = share("gc", "--local", "--yes", "--clone", str(project.root))
    assert result.code == 0, result.err
    assert shared(project) == before
    result = share("gc", "--local", "--days", "0", "--yes", "--clone", str(project.root))
    assert result.code == 0, result.err
    assert len(before - shared(project)) == 2


def test_a_clone_with_another_cache_is_refused(project: Project, share: Share, tmp_path: Path) -> None:
    """A name that does not use this cache is a mistake."""
    other = project.clone(tmp_path / "other")
    result = share("gc", "--local", "--days", "0", "--yes", "--clone", str(other.root))
    assert result.code == 2 and f"the clone {other.root} does not use the cache" in result.err
    assert share("gc", "--days", "0", "--yes", "--clone", str(other.root)).code == 2


def test_a_shallow_clone_is_refused(project: Project, share: Share, neighbour: Project, tmp_path: Path) -> None:
    """A named clone without its history does not show what its branches need."""
    shallow = tmp_path / "shallow"
    origin = f"file://{neighbour.root}"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", "--no-single-branch", origin, shallow], check=True)
    (shallow / ".dvc/cache").symlink_to((project.root / ".dvc/cache").resolve())
    before = shared(project)
    result = share("gc", "--local", "--days", "0", "--yes", "--clone", str(shallow))
    assert (result.code, shared(project)) == (2, before)
    assert "this clone is shallow" in result.err
