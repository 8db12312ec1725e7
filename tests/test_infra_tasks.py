"""The tasks of infra-pulumi are wrappers: what they run, and what they make of it."""

from __future__ import annotations

from types import ModuleType

import pytest
from invoke import Exit, MockContext, Result

RUN = "python infra-pulumi/run_pulumi.py"


@pytest.mark.parametrize(
    ("task", "flags", "command"),
    [
        ("preview_infra", {}, f"{RUN} preview --stack dev"),
        ("preview_infra", {"stack": "prod", "json": True}, f"{RUN} preview --stack prod --json"),
        ("up_infra", {"yes": True}, f"{RUN} up --stack dev --yes"),
        ("infra_outputs", {"show_secrets": True, "json": True}, f"{RUN} outputs --stack dev --show-secrets --json"),
        (
            "configure_infra",
            {"outputs": "o.json", "project": "traffic", "role": ["reader", "admin"], "source_profile": "sso"},
            "python -m data_share configure o.json --project traffic --role reader --role admin --source-profile sso",
        ),
        (
            "configure_infra",
            {"outputs": "o.json", "profiles": True, "user": "ada", "replace": True, "json": True},
            "python -m data_share configure o.json --profiles --user ada --replace --json",
        ),
    ],
)
def test_a_task_of_infra_runs_exactly_this(
    tasks: ModuleType, task: str, flags: dict[str, object], command: str
) -> None:
    """Each task is one command with the task's flags."""
    context = MockContext(run={command: Result()})
    getattr(tasks, task)(context, **flags)
    assert [call.args[0] for call in context.run.mock_calls] == [command]


def test_configure_asks_the_stack(tasks: ModuleType) -> None:
    """Without a file, the outputs are the stack's, handed over in a file that is gone afterwards."""
    context = MockContext(run=Result(stdout="{}"), repeat=True)
    tasks.configure_infra(context, project="traffic")
    asked, configured = (call.args[0] for call in context.run.mock_calls)
    assert asked == f"{RUN} outputs --stack dev --json"
    assert configured.startswith("python -m data_share configure /")
    assert configured.endswith("/outputs-of-dev.json --project traffic")


def test_configure_stops_where_the_stack_gives_nothing(tasks: ModuleType) -> None:
    """The exit code of the failed command is the task's."""
    with pytest.raises(Exit) as caught:
        tasks.configure_infra(MockContext(run=Result(exited=2)))
    assert caught.value.code == 2


def test_configure_takes_a_stack_or_a_file(tasks: ModuleType) -> None:
    """Both would be two answers to one question."""
    with pytest.raises(Exit) as caught:
        tasks.configure_infra(MockContext(), stack="dev", outputs="o.json")
    assert (caught.value.code, caught.value.message) == (
        2,
        "error: name a stack to ask or a file of outputs, not both",
    )
