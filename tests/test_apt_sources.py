"""The apt sources of an image with a snapshot are the dated archives of Debian and Ubuntu, or there is an error."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "images/notebook/apt-sources.sh"
DEBIAN = "http://snapshot.debian.org/archive/debian/20261101T000000Z/"


def dated(folder: Path, name: str, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "apt/sources.list.d").mkdir(parents=True)
    (folder / "apt" / name).write_text(text)
    command = ["sh", str(SCRIPT), "2026-11-01", str(folder / "apt"), str(folder / "dated")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("sources.list", "deb http://deb.debian.org/debian bookworm main\n", f"deb {DEBIAN} bookworm main\n"),
        (
            "sources.list.d/debian.sources",
            "Types: deb\nURIs: http://deb.debian.org/debian-security/\nSuites: trixie-security\n",
            "Types: deb\nURIs: http://snapshot.debian.org/archive/debian-security/20261101T000000Z/\n"
            "Suites: trixie-security\n",
        ),
        (
            "sources.list.d/ubuntu.sources",
            "URIs: http://archive.ubuntu.com/ubuntu/\n",
            "URIs: https://snapshot.ubuntu.com/ubuntu/20261101T000000Z/\n",
        ),
    ],
    ids=["one line", "debian.sources", "ubuntu.sources"],
)
def test_archives_have_a_date(tmp_path: Path, name: str, text: str, expected: str) -> None:
    """Debian's and Ubuntu's archives are those of the day, in both formats."""
    result = dated(tmp_path, name, text)
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "dated" / name).read_text() == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sources.list", "deb [trusted=yes] http://mirror.example/debian bookworm main\n"),
        ("sources.list.d/a.sources", "URIs: http://mirror.example/debian\n"),
    ],
)
def test_another_mirror_has_no_dates(tmp_path: Path, name: str, text: str) -> None:
    """An undated package would contradict pyproject.toml, so this is an error that names the mirror."""
    result = dated(tmp_path, name, text)
    assert result.returncode == 1
    assert 'snapshot = "2026-11-01": the mirror http://mirror.example/debian has no dated archives' in result.stderr
