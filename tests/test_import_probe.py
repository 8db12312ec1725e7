"""The test of an image imports every declared package, and names those that fail."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from image_build.testing.findings import imports_finding
from image_build.testing.import_probe import IMPORTS


def install(site: Path, name: str, files: Mapping[str, str]) -> None:
    """A distribution with these modules."""
    info = site / f"{name}-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    for path, text in files.items():
        (site / f"{path}.py").parent.mkdir(parents=True, exist_ok=True)
        (site / f"{path}.py").write_text(text)
    (info / "RECORD").write_text("".join(f"{path}.py,,\n" for path in files))


def imports(site: Path, *names: str) -> dict[str, Any]:
    command = [sys.executable, "-S", "-c", IMPORTS, *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(site)}, cwd=site)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.mark.parametrize(
    ("name", "files", "modules"),
    [
        ("six", {"six": ""}, ["six"]),
        ("Scikit-Learn", {"sklearn/__init__": "", "sklearn/base": "", "tests/__init__": ""}, ["sklearn"]),
        ("py.test", {"py/test/__init__": "", "_py/__init__": "", "py2": ""}, ["py.test"]),
        ("gcs", {"google/cloud/storage/__init__": "", "google/cloud/_x/__init__": ""}, ["google.cloud.storage"]),
        ("two", {"one": "", "other": "", "_private": ""}, ["one", "other"]),
        ("stubs", {"two-stubs/__init__": "", "../../share/x": ""}, []),
        ("only-data", {}, []),
    ],
)
def test_modules_of_a_package(tmp_path: Path, name: str, files: dict[str, str], modules: list[str]) -> None:
    """The module with the package's name, else its public ones; packages inside of namespaces are found."""
    install(tmp_path / "site", name, files)
    key = name.lower().replace(".", "-")
    assert imports(tmp_path / "site", key) == {"modules": {key: modules}, "failed": {}}


def test_every_failure_is_found(tmp_path: Path) -> None:
    """An error, a crash of the interpreter and an exit each name their package; the other packages are imported."""
    install(tmp_path, "broken", {"broken": "raise OSError('libgomp.so.1: cannot open\\n  shared object')"})
    install(tmp_path, "crashing", {"crashing": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"})
    install(tmp_path, "leaving", {"leaving": "print('bye'); raise SystemExit"})
    install(tmp_path, "noisy", {"noisy": "print('fine')"})
    found = imports(tmp_path, "broken", "crashing", "leaving", "noisy", "not-installed")
    assert found["failed"] == {
        "broken": "import broken: OSError: libgomp.so.1: cannot open shared object",
        "crashing": "Python is killed by SIGSEGV during the import",
        "leaving": "import leaving: SystemExit",
    }
    assert found["modules"].keys() == {"broken", "crashing", "leaving", "noisy"}


def test_packages_do_not_share_a_process(tmp_path: Path) -> None:
    """A package that hides another's module does not make its import fail."""
    install(tmp_path, "first", {"first": "import sys; sys.modules['second'] = None"})
    install(tmp_path, "second", {"second": ""})
    assert imports(tmp_path, "first", "second")["failed"] == {}


def test_the_finding_counts_packages() -> None:
    """Packages without modules are counted on their own; output of something else is a problem."""
    modules = {"six": ["six"], "numpy": ["numpy"], "data": []}
    assert imports_finding({"modules": modules, "failed": {}}).fact == "2 declared packages imported, 1 without modules"
    assert imports_finding({"problem": "exit code 1: no python"}).problem == "exit code 1: no python"


@pytest.mark.parametrize(
    ("library", "package"),
    [("libgomp.so.1", "libgomp1"), ("libGL.so.1", "libgl1"), ("libglib-2.0.so.0", "libglib2.0-0")],
)
def test_a_missing_library_has_advice(library: str, package: str) -> None:
    """The finding names the Debian package that probably has the library."""
    text = f"import x: OSError: {library}: cannot open shared object file: No such file or directory"
    problem = imports_finding({"modules": {"x": ["x"]}, "failed": {"x": text}}).problem
    assert problem is not None
    assert problem.startswith(f"x: {text} (")
    assert problem.endswith(f'probably system = ["{package}"])')
