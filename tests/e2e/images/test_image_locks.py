"""Groups that exclude each other are in two locks of one repository: real Poetry, real builds."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Clone, make_clone

OLDER = """\
[project]
name = "older"
requires-python = ">=3.11,<4"

[dependency-groups]
main = ["iniconfig (<2)"]

[tool.poetry]
package-mode = false
"""


@pytest.fixture(scope="module")
def clone(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone whose own lock has another version of a package than its lock `older`, which does not exist yet."""
    made = make_clone(tmp_path_factory.mktemp("locks"), f"e2e-locks-{time.time_ns()}")
    made.write_images('newer]\ngroups = ["test"]', 'older]\ngroups = ["older:main"]')
    pyproject = made.root / "pyproject.toml"
    pyproject.write_text(pyproject.read_text("utf-8") + '\n[tool.env-spec.locks.older]\npath = "locks/older"\n')
    (made.root / "locks/older").mkdir(parents=True)
    (made.root / "locks/older/pyproject.toml").write_text(OLDER)
    yield made
    made.image("clean", check=False)


def test_two_locks_make_two_images(clone: Clone) -> None:
    """One command makes both locks, another one both images, each with the version of its lock."""
    locked = clone.invoke("env.lock")
    assert "locks/older/poetry.lock fits pyproject.toml now" in locked.stderr
    clone.commit()
    built = {image["name"]: image for image in clone.build()}
    assert built["newer"]["parent"] is None and built["older"]["parent"] is None
    program = "from importlib.metadata import version; print(version('iniconfig'))"
    found = {
        name: clone.run("docker", "run", "--rm", image["reference"], "python", "-c", program).stdout.split(".")[0]
        for name, image in built.items()
    }
    assert found == {"newer": "2", "older": "1"}
    for image in ("newer", "older"):
        verified = clone.invoke("env.verify", "--image", image, "--json")
        assert json.loads(verified.stdout)["is_as_locked"] is True
    assert [image["needs_build"] for image in clone.build()] == [False, False]


def test_a_local_environment_of_a_further_lock(clone: Clone, tmp_path: Path) -> None:
    """It is made from the folder's lock, by the same rule."""
    program = (
        "import sys; from pathlib import Path; from env_make import make_environment as make;"
        "print(make(Path(sys.argv[1]), ['main'], Path(sys.argv[2]), lock_folder='locks/older').python)"
    )
    python = clone.run("python", "-c", program, str(clone.root), str(tmp_path / "env")).stdout.strip()
    version = clone.run(python, "-c", "from importlib.metadata import version as v; print(v('iniconfig'))").stdout
    assert version.startswith("1.")
