"""What data.pull places is read, so that it never reports a wrong file as right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Share
from .tracked import Project

OID = "cabe45dcc9ae5b66ba86600cca6b8ba8"
FILE = "data/raw/parquet/climate/2023.parquet"
RIGHT, WRONG = b"a" * 1000, b"a" * 999 + b"!"


def change_unseen(path: Path, content: bytes) -> None:
    """Change a file in place; its size and its time of modification stay."""
    stat = path.stat()
    path.chmod(0o644)
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    path.chmod(stat.st_mode & 0o777)


def dvc(project: Project, *words: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", *words, "--quiet"], cwd=project.root, check=True)


@pytest.fixture
def pulled(project: Project, share: Share) -> Project:
    """A project whose files were placed by DVC, which remembers their MD5s."""
    share("push")
    project.forget()
    assert share("pull").code == 0
    return project


def test_a_damaged_file_with_its_old_time_is_replaced(pulled: Project, share: Share) -> None:
    """DVC believes that a file with the same size and time is right; data.pull replaces it, and reports one file."""
    change_unseen(pulled.root / FILE, WRONG)
    result = share("pull")
    assert (result.code, (pulled.root / FILE).read_bytes()) == (0, RIGHT)
    assert "placed 1 file in the working tree" in result.out
    assert "nothing to pull" in share("pull").out


def test_a_file_that_changed_after_it_was_compared_is_seen(pulled: Project, share: Share) -> None:
    """data.status and data.pull remember MD5s, too, and see a change that leaves size and time."""
    share("status")
    change_unseen(pulled.root / FILE, WRONG)
    assert "different from its record: data/raw/parquet/climate/2023.parquet" in share("status").out
    share("pull")
    assert (pulled.root / FILE).read_bytes() == RIGHT


def test_damage_that_dvc_pulled_is_replaced(project: Project, share: Share) -> None:
    """`dvc pull` keeps a damaged object; once the remote is repaired, data.pull replaces object and file."""
    share("push")
    change_unseen(project.on_remote(OID), WRONG)
    project.forget()
    dvc(project, "pull")
    assert (project.root / FILE).read_bytes() == WRONG
    change_unseen(project.on_remote(OID), RIGHT)
    result = share("pull")
    assert (result.code, (project.root / FILE).read_bytes()) == (0, RIGHT)
    assert project.cached(OID).read_bytes() == RIGHT


def test_a_cache_that_is_damaged_without_a_trace_is_fetched_again(pulled: Project, share: Share) -> None:
    """A disk can change bytes without changing a time. What was placed is read, so the object is fetched again."""
    share("status")
    change_unseen(pulled.cached(OID), WRONG)
    stat = pulled.cached(OID).stat()
    memory = pulled.root / ".dvc/tmp/share/digests.json"
    facts = [stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns, OID]
    memory.write_text(json.dumps({str(pulled.cached(OID)): facts}))
    (pulled.root / FILE).unlink()
    result = share("pull")
    assert (result.code, (pulled.root / FILE).read_bytes()) == (0, RIGHT)
    assert pulled.cached(OID).read_bytes() == RIGHT


def test_a_file_that_stays_wrong_is_an_error(pulled: Project, share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the working tree does not keep what is placed, data.pull exits with 1 and names the file."""
    from data_share.transfer import placing

    place_files = placing.place_files

    def place_and_damage(*arguments: object) -> None:
        place_files(*arguments)  # type: ignore[arg-type]
        change_unseen(pulled.root / FILE, WRONG)

    monkeypatch.setattr(placing, "place_files", place_and_damage)
    (pulled.root / FILE).unlink()
    result = share("pull")
    assert result.code == 1 and "placed" not in result.out
    assert f"climate: 1 file\n    {FILE}" in result.err
