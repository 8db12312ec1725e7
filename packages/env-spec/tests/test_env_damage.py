"""The probe finds the files of packages that are not as they were installed."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from env_spec import PROBE, DamagedFile, Installed, LockedPackage, drift, parse_installed, replaced_records


def recorded(path: str, content: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).decode().rstrip("=")
    return f"{path},sha256={digest},{len(content)}\n"


class Site:
    """A folder of installed packages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, name: str, record: str | None, **files: str) -> None:
        """A distribution with this RECORD; `files` are modules."""
        info = self.folder / f"{name}-1.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        if record is not None:
            (info / "RECORD").write_text(record)
        for module, content in files.items():
            (self.folder / f"{module}.py").write_text(content)

    def probed(self) -> Installed:
        """What the probe reports of this folder; -S hides the packages of this test's environment."""
        command = [sys.executable, "-S", "-c", PROBE, "files"]
        environment = {"PYTHONPATH": str(self.folder)}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=self.folder)
        return parse_installed(done.stdout)

    def problems(self) -> list[tuple[str, str, str]]:
        return [(file.package, file.path, file.problem) for file in self.probed().damaged]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_an_intact_package(site: Site) -> None:
    """Only intact files are counted: its module and its RECORD, which has no hash of itself."""
    site.install("six", recorded("six.py", "one") + "six-1.dist-info/RECORD,,\n", six="one")
    found = site.probed()
    assert (found.damaged, found.file_count) == ((), 2)


@pytest.mark.parametrize(
    ("content", "problem"), [("one more", "has 8 bytes, not 3"), ("two", "has other content"), (None, "is missing")]
)
def test_a_damaged_file_is_named(site: Site, content: str | None, problem: str) -> None:
    """A file of another size, with other bytes of the same size, or that is missing."""
    site.install("Six", recorded("six.py", "one"), six=content or "")
    if content is None:
        (site.folder / "six.py").unlink()
    assert site.problems() == [("six", "six.py", problem)]


def test_a_removed_folder(site: Site) -> None:
    """Every file of the folder is missing, also if a file has the folder's name now."""
    site.install("tool", recorded("tool/__init__.py", "") + recorded("tool/a.py", "a"))
    (site.folder / "tool").write_text("")
    assert site.problems() == [("tool", "tool/__init__.py", "is missing"), ("tool", "tool/a.py", "is missing")]


def test_a_package_without_a_record(site: Site) -> None:
    """Files cannot be compared without the list of them."""
    site.install("old", None)
    assert site.problems() == [("old", "RECORD", "is missing")]


def test_files_that_python_or_an_image_writes(site: Site) -> None:
    """Byte code does not count, nor does the content of the kernel that names the interpreter of an image."""
    kernel = "share/jupyter/kernels/python3/kernel.json"
    (site.folder / kernel).parent.mkdir(parents=True)
    (site.folder / kernel).write_text("/opt/venv/bin/python")
    site.install("ipykernel", recorded(kernel, "python") + recorded("__pycache__/a.pyc", "a"))
    assert site.problems() == []
    (site.folder / kernel).unlink()
    assert site.problems() == [("ipykernel", kernel, "is missing")]


def test_a_file_without_a_hash_has_to_exist(site: Site) -> None:
    """Editable packages record files without hashes."""
    site.install("own", "own.py,,\n", own="edited")
    assert site.problems() == []
    (site.folder / "own.py").unlink()
    assert site.problems() == [("own", "own.py", "is missing")]


def test_a_file_of_two_packages_has_to_be_the_one_of_either(site: Site) -> None:
    """chdb and chdb-core both install chdb/__init__.py, and the last one wins."""
    for name, content in (("a", "abc"), ("b", "abcd")):
        site.install(name, recorded("shared.py", content), shared=content)
    assert site.problems() == []
    (site.folder / "shared.py").write_text("abcde")
    assert sorted(site.problems()) == [
        ("a", "shared.py", "has 5 bytes, not 3"),
        ("b", "shared.py", "has 5 bytes, not 4"),
    ]


def test_the_files_of_extra_packages_are_not_listed() -> None:
    """A damaged file of a locked package is drift; an extra package is listed as a package."""
    broken = [DamagedFile(package=name, path=f"{name}.py", problem="is missing") for name in ("six", "other")]
    installed = Installed(environment={}, versions={"six": "1"}, paths={}, damaged=tuple(broken))
    found = drift([LockedPackage(name="six", version="1")], installed)
    assert found
    assert found.damaged == (broken[0],)


def test_a_package_that_was_installed_again_in_a_container() -> None:
    """Another build of the same version has its own RECORD."""
    site = "/opt/venv/lib/python3.11/site-packages"
    paths = (f"{site}/Six-1.17.dist-info/RECORD", f"{site}/six.py", f"{site}/a-1.dist-info/METADATA")
    problem = "was replaced after the container started"
    assert replaced_records(paths) == (DamagedFile(package="six", path="Six-1.17.dist-info/RECORD", problem=problem),)
