"""The commands that move data: each calls one function of data_share with the user's options."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import data_share
from data_share import (
    Garbage,
    GarbageRequest,
    InstalledHook,
    Plan,
    Remote,
    RemoteCheck,
    Remotes,
    RemoteSettings,
    RepositoryStatus,
    TransferRequest,
    TransferResult,
    VersionReport,
)
from shrinkwrap.program import main

PLAN = Plan(direction="push", remote="box", where="/box", items=(), datasets=("mine",), rate=None, jobs=1)
REMOTE = Remote(name="team", url="s3://acme/x")
GARBAGE = Garbage(where="/box", sizes={}, kept_files=1, kept_bytes=2, commits=3, days=30)
VERSIONS = VersionReport(remote=Remote(name="t", url="s3://b"), objects=())
COMPLETE = RemoteCheck(revision="main", where="/box", objects=1, missing_objects=0, missing_on_remote={})


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two notebooks, of which one reads no dataset, as the working directory."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/datasets.toml").touch()
    (tmp_path / "pyproject.toml").write_text(
        '[dependency-groups]\nmain = []\n[tool.env-spec.images.eda]\ngroups = ["main"]\nbase = "b"\n'
        '[tool.env-spec.notebooks.look]\npath = "notebooks/look.ipynb"\nimage = "eda"\n'
        'datasets = ["mine", { name = "other", parts = ["2023*", "2024*"] }]\n'
        '[tool.env-spec.notebooks.plain]\npath = "notebooks/plain.ipynb"\nimage = "eda"\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Replaces a function of data_share; returns the list of its calls' arguments."""

    def record(name: str, result: Any) -> list[Any]:
        made: list[Any] = []

        def function(*args: Any, **options: Any) -> Any:
            made.append((args, {key: value for key, value in options.items() if not callable(value)}))
            return result

        monkeypatch.setattr(data_share, name, function)
        return made

    return record


@pytest.mark.parametrize(
    ("words", "function", "arguments", "options", "result"),
    [
        (
            ["data.push", "--dataset", "a/2024*", "--rate", "--plan"],
            "plan_push",
            [TransferRequest(selections=["a/2024*"], measure_rates=True)],
            {},
            PLAN,
        ),
        (
            ["data.pull", "--down", "25Mbps", "--json"],
            "pull",
            [TransferRequest(selections=[], down="25Mbps")],
            {"on_plan": None},
            TransferResult(plan=PLAN, moved=None),
        ),
        (
            ["data.check", "--rev", "main", "--remote", "t"],
            "check_remote",
            [],
            {"revision": "main", "remote": "t", "is_deep": False},
            COMPLETE,
        ),
        (
            ["data.status", "--dataset", "a", "--json"],
            "status",
            [],
            {"datasets": ["a"], "remote": None},
            RepositoryStatus(datasets=(), remote="box"),
        ),
        (["data.doctor"], "doctor", [], {"remote": None}, iter(())),
        (["data.doctor", "--versions", "--remote", "t"], "find_versions", [], {"remote": "t"}, VERSIONS),
        (
            ["data.gc", "--days", "90", "--yes", "--local"],
            "collect_garbage",
            [GarbageRequest(days=90, is_local=True)],
            {},
            GARBAGE,
        ),
        (["data.gc", "--plan"], "plan_garbage", [GarbageRequest()], {}, GARBAGE),
        (
            ["data.remote-add", "team", "s3://acme/x", "--region", "eu-1", "--default"],
            "add_remote",
            [RemoteSettings(name="team", url="s3://acme/x", region="eu-1")],
            {"is_default": True, "replace": False},
            REMOTE,
        ),
        (["data.remote-use", "team", "--only-here"], "use_remote", ["team"], {"is_local": True}, REMOTE),
        (["data.remote-list"], "list_remotes", [], {}, Remotes(by_name={}, default=None)),
        (["data.install-hooks"], "install_hooks", [], {}, InstalledHook(path=Path("hook"), is_new=True)),
    ],
)
def test_a_command_calls_one_function(
    root: Path,
    calls: Callable[..., list[Any]],
    words: list[str],
    function: str,
    arguments: list[Any],
    options: dict[str, Any],
    result: Any,
) -> None:
    """The function gets the root of the project and exactly the user's options."""
    made = calls(function, result)
    assert main(words) == 0
    assert made == [((root, *arguments), options)]


@pytest.mark.parametrize("direction", ["push", "pull"])
def test_a_transfer_for_a_notebook(root: Path, calls: Callable[..., list[Any]], direction: str) -> None:
    """The datasets of a notebook, or their parts, are added to the named selections."""
    made = calls(f"plan_{direction}", PLAN)
    assert main([f"data.{direction}", "--dataset", "third", "--notebook", "look", "--plan"]) == 0
    assert made[0][0][1].selections == ["third", "mine", "other/2023*", "other/2024*"]


@pytest.mark.parametrize("direction", ["push", "pull"])
def test_a_notebook_without_datasets_moves_nothing(
    root: Path, capsys: pytest.CaptureFixture[str], direction: str
) -> None:
    """An empty selection would move all datasets, so nothing is planned at all."""
    assert main([f"data.{direction}", "--notebook", "plain"]) == 0
    assert capsys.readouterr().err == f"notebook 'plain' reads no dataset: nothing to {direction}\n"


@pytest.mark.parametrize("direction", ["push", "pull"])
def test_a_transfer_for_an_unknown_notebook_is_refused(root: Path, direction: str) -> None:
    """A notebook that is not declared exits with 2."""
    assert main([f"data.{direction}", "--notebook", "lok"]) == 2


def test_the_plan_of_a_transfer_is_one_document(
    root: Path, calls: Callable[..., list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """With --json, standard output is one JSON document."""
    calls("plan_push", PLAN)
    assert main(["data.push", "--plan", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "direction": "push",
        "remote": "box",
        "where": "/box",
        "plan": {"files": 0, "bytes": 0, "seconds": 0.0, "moving_seconds": None, "rate": None, "datasets": [
            {"name": "mine", "files": 0, "bytes": 0, "seconds": 0.0}
        ]},
        "moved": None,
    }  # fmt: skip


@pytest.mark.parametrize("days", ["-1", "many"])
def test_days_must_be_a_number(root: Path, days: str) -> None:
    """A number of days below zero, or a word, exits with 2."""
    assert main(["data.gc", f"--days={days}"]) == 2
