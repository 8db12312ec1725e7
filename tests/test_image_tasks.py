"""The tasks `image.*`: each is one command of image_build with the task's flags."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from invoke import MockContext, Result

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("task", "flags", "command"),
    [
        ("build", {}, "build"),
        (
            "build",
            {"group": ["models", "main,notebook"], "base": "x:1", "push": True, "no_cache": True, "json": True},
            "build --group models --group main,notebook --base x:1 --push --no-cache --json",
        ),
        (
            "build",
            {"image": ["a"], "platform": ["linux/arm64"], "cache": "gha", "dry_run": True, "force": True},
            "build --image a --platform linux/arm64 --force --cache gha --dry-run",
        ),
        ("test", {"name": "a", "json": True}, "test a --json"),
        ("get", {"name": "a", "no_build": True, "json": True}, "ensure a --no-build --json"),
        ("get", {"name": "a", "base": "x:1", "registry": "h/o"}, "ensure a --base x:1 --registry h/o"),
        ("list", {"base": "x:1"}, "list --base x:1"),
        ("run", {"name": "a", "command": "python -V"}, "run a --command 'python -V' --port 8888"),
        ("size", {"name": "a"}, "size a"),
        ("clean", {"dry_run": True}, "clean --dry-run"),
        ("pin", {"update": True}, "pin --update"),
        ("reproduce", {"name": "a"}, "reproduce a"),
    ],
)
def test_a_task_runs_exactly_this(tasks: ModuleType, task: str, flags: dict[str, object], command: str) -> None:
    """Each task is one command with the task's flags."""
    context = MockContext(run={f"python -m image_build {command}": Result()})
    tasks.namespace.collections["image"].tasks[task](context, **flags)
    assert [call.args[0] for call in context.run.mock_calls] == [f"python -m image_build {command}"]


def test_every_task_explains_itself(tasks: ModuleType) -> None:
    """Each task has a docstring with an example, and a help text for every flag."""
    for name, task in tasks.namespace.collections["image"].tasks.items():
        assert re.search(r"invoke image\." + name, task.__doc__), name
        assert all(argument.help for argument in task.get_arguments()), name


@pytest.mark.parametrize("name", ["base", "notebook"])
def test_tooling_is_installed_in_one_way(name: str) -> None:
    """The image jupyter-poetry-base and the stage that stands in for it run the same step."""
    (step,) = re.findall(
        r"^RUN (?:.*\\\n)*.*install-tools\.sh.*$", (ROOT / f"images/{name}/Dockerfile").read_text("utf-8"), re.MULTILINE
    )
    other = (ROOT / "images/base/Dockerfile").read_text("utf-8")
    assert step in other


def test_every_image_starts_from_the_same_base() -> None:
    """A venv works only with the interpreter that made it; a plain docker build gets what the table says."""
    bases = {
        re.findall(r"^ARG BASE_IMAGE=(.+)$", path.read_text("utf-8"), re.MULTILINE)[0]
        for path in ROOT.glob("images/*/Dockerfile")
    }
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["env-spec"]["images"]
    bases |= {table["base"].partition("@")[0] for table in tables.values() if "base" in table}
    assert len(bases) == 1


def test_nothing_private_is_in_the_context() -> None:
    """The context is a list of what may be seen: no data, no notebooks, no .git, nothing in any folder named .env."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    assert allowed == {"pyproject.toml", "poetry.lock", "tools-requirements.txt", "images", "packages"}
