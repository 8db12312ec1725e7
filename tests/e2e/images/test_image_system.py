"""Debian packages in images: a library that a Python package needs, in a layer that is the same each time."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Clone, make_clone

SMALL = 'small]\ngroups = ["test"]'
BOOSTING = 'boosting]\ngroups = ["test", "bench"]'
SYSTEM = f'{BOOSTING}\nsystem = ["libgomp1"]'


@pytest.fixture(scope="module")
def clone(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone with LightGBM in the group `bench`, which needs libgomp.so.1; its images are removed at the end."""
    made = make_clone(tmp_path_factory.mktemp("system"), f"e2e-system-{os.getpid()}-{time.time_ns()}")
    made.write_images(SMALL, BOOSTING)
    made.invoke("env.lock", "--add", "lightgbm", "--group", "bench")
    made.commit("Add lightgbm")
    yield made
    made.image("clean", check=False)


def with_images(clone: Clone, *tables: str) -> None:
    """Declare other images; the packages of the groups stay."""
    path = clone.root / "pyproject.toml"
    text = path.read_text()
    added = text[text.index("\nbench = [") : text.index("]", text.index("\nbench = ["))]
    clone.write_images(*tables)
    text = path.read_text()
    path.write_text(text.replace(text[text.index("\nbench = [") : text.index("]", text.index("\nbench = ["))], added))


def layers(reference: str) -> list[str]:
    command = ["docker", "image", "inspect", "--format", "{{json .RootFS.Layers}}", reference]
    found: list[str] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def finding(image: dict[str, Any], what: str) -> dict[str, Any]:
    (found,) = (each for each in image["test"]["findings"] if each["what"] == what)
    return dict(found)


def test_a_missing_library_fails_the_test(clone: Clone) -> None:
    """Without libgomp1 the image is not tagged; the error has the last line of the import's and the package to add."""
    result = clone.image("build", "--image", "boosting", check=False)
    assert result.returncode == 1
    assert "imports: lightgbm: import lightgbm: OSError: libgomp.so.1: cannot open shared object file" in result.stderr
    assert 'system = ["libgomp1"]' in result.stderr


def test_a_system_package_is_in_a_layer_of_its_own(clone: Clone) -> None:
    """With libgomp1 the test passes; its version is reported, and the layers of the parent are shared."""
    with_images(clone, SMALL, SYSTEM)
    small, boosting = clone.build()
    assert finding(boosting, "imports")["problem"] is None
    assert finding(boosting, "system")["fact"].startswith("libgomp1 ")
    below, own = layers(small["reference"]), layers(boosting["reference"])
    assert (own[: len(below)], len(own)) == (below, len(below) + 2)
    assert "(system packages)" in json.loads(clone.image("size", "boosting", "--json").stdout)["parts"]
    # The image still has its user: the layer is made on top of the home.
    user = ["docker", "run", "--rm", "--network=none", "--entrypoint=id", boosting["reference"], "-un"]
    assert subprocess.run(user, capture_output=True, text=True, check=True).stdout == "jovyan\n"
    bill = json.loads(clone.invoke("env.sbom", "boosting").stdout)
    assert "deb:libgomp1" in [component["bom-ref"] for component in bill["components"]]


def test_two_builds_have_one_digest(clone: Clone) -> None:
    """apt's logs and times are in no layer."""
    with_images(clone, SMALL, SYSTEM)
    assert clone.image("reproduce", "boosting").returncode == 0


def test_an_unknown_package_ends_the_build(clone: Clone) -> None:
    """The error has apt's own words, and says where the name is."""
    with_images(clone, SMALL, f'{BOOSTING}\nsystem = ["libgomp99"]')
    result = clone.image("build", "--image", "boosting", check=False)
    assert result.returncode == 1
    assert "Unable to locate package libgomp99" in result.stderr
    assert "system: apt cannot install libgomp99; correct the names and versions in pyproject.toml" in result.stderr
