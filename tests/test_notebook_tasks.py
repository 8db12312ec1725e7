"""Tasks of notebooks are wrappers: what they run."""

from __future__ import annotations

from types import ModuleType

import pytest
from invoke import MockContext, Result


@pytest.mark.parametrize(
    ("task", "flags", "command"),
    [
        ("list_notebooks", {"json": True}, "list --json"),
        (
            "new_notebook",
            {"name": "mine", "image": "i", "dataset": ["a", "b"]},
            "new mine --image i --dataset a --dataset b",
        ),
        ("up", {"name": "eda"}, "up eda"),
        ("up", {"name": "eda", "port": 9000, "detach": True, "base": "b"}, "up eda --port 9000 --detach --base b"),
        ("down", {"name": "eda"}, "down eda"),
        ("down", {"name": "all"}, "down"),
        ("notebook_status", {}, "status"),
        ("logs", {"name": "eda", "follow": True}, "logs eda --follow"),
        (
            "run_notebook",
            {"name": "eda", "parameter": ["a=1", "b=x y"], "timeout": 9},
            "run eda --parameter a=1 --parameter 'b=x y' --timeout 9",
        ),
        ("freeze", {"name": "eda", "json": True}, "freeze eda --json"),
        ("reproduce_notebook", {"capsule": "eda"}, "reproduce eda"),
        ("reproduce_notebook", {"capsule": "a.json", "here": True, "base": "b"}, "reproduce a.json --here --base b"),
        ("list_capsules", {"changed_since": "main"}, "capsules --changed-since main"),
    ],
)
def test_a_notebook_task_runs_exactly_this(
    tasks: ModuleType, task: str, flags: dict[str, object], command: str
) -> None:
    """Each task is one command with the task's flags."""
    context = MockContext(run=Result(), repeat=True)
    getattr(tasks, task)(context, **flags)
    assert [call.args[0] for call in context.run.mock_calls] == [f"python -m notebook_run {command}"]
