"""The project's own package, under src/, in an image: a real build, without its README and without its tests."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from .conftest import Clone, make_clone


@pytest.fixture(scope="module")
def clone(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone that is a package itself; one image has it as a wheel, on top of one without it."""
    made = make_clone(tmp_path_factory.mktemp("own"), f"e2e-own-{time.time_ns()}")
    made.write_images('without]\ngroups = ["test"]', 'with-own]\ngroups = ["test"]\nown = "wheel"')
    pyproject = made.root / "pyproject.toml"
    text = pyproject.read_text("utf-8").replace(
        "package-mode = false", 'packages = [{ include = "ours", from = "src" }]'
    )
    pyproject.write_text(text.replace("\n[project]\n", '\n[project]\nreadme = "docs/OURS.md"\n'))
    (made.root / "src/ours/tests").mkdir(parents=True)
    (made.root / "src/ours/__init__.py").write_text("ANSWER = 42\n")
    (made.root / "src/ours/tests/test_ours.py").write_text("")
    made.commit()
    yield made
    made.image("clean", check=False)


def test_a_wheel_of_the_project_is_in_the_image(clone: Clone) -> None:
    """Its test imports it; an edit of the source is another image on the same layers, and nothing else is."""
    own = clone.build()[1]
    assert own["parent"] == "without"
    program = "import ours; print(ours.ANSWER, ours.__file__)"
    printed = clone.run("docker", "run", "--rm", own["reference"], "python", "-c", program).stdout.split()
    assert printed[0] == "42" and printed[1].startswith("/opt/venv/")
    (clone.root / "src/ours/__init__.py").write_text("ANSWER = 43\n")
    clone.commit()
    again, edited = clone.build()
    assert (again["needs_build"], edited["needs_build"]) == (False, True)
    printed = clone.run("docker", "run", "--rm", edited["reference"], "python", "-c", program).stdout.split()
    assert printed[0] == "43"
    assert [image["needs_build"] for image in clone.build()] == [False, False]
