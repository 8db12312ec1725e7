"""Commands about notebooks call one function of notebook_run with their options, and print its result."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

import notebook_run
from image_build.errors import EngineUnavailableError
from notebook_run import NotebookRunError, StartedNotebook
from shrinkwrap import notebook_stages
from shrinkwrap.program import main

PYPROJECT = """\
[tool.poetry.dependencies]
python = ">=3.11"
[tool.env-spec.images.jupyter]
groups = ["main"]
base = "debian:bookworm"
[tool.env-spec.notebooks.eda]
path = "notebooks/eda.ipynb"
image = "jupyter"
datasets = ["cars"]
"""
STARTED = StartedNotebook(
    place="docker",
    notebook="eda",
    url="http://127.0.0.1:8888/x",
    port=8888,
    container="c",
    image="i:1",
    was_running=False,
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the notebook `eda`; the user is in one of its folders."""
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "poetry.lock").write_text("")
    for folder in ("notebooks", "data"):
        (tmp_path / folder).mkdir()
    (tmp_path / "notebooks/eda.ipynb").write_text("{}")
    (tmp_path / "data/datasets.toml").write_text("[datasets.cars]\n")
    monkeypatch.chdir(tmp_path / "data")
    return tmp_path


class Calls(list[tuple[tuple[Any, ...], dict[str, Any]]]):
    """The calls of a function that returns the same each time."""

    def __init__(self, result: object) -> None:
        self.result = result

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.append((arguments, named))
        return self.result


def record(monkeypatch: pytest.MonkeyPatch, function: str, result: object) -> Calls:
    calls = Calls(result)
    monkeypatch.setattr(notebook_run, function, calls)
    return calls


@pytest.mark.parametrize(
    ("words", "function", "result", "arguments", "named"),
    [
        (["list", "--json"], "list_notebooks", [], (), {"base": None}),
        (["list", "--base", "b"], "list_notebooks", [], (), {"base": "b"}),
        (["up", "eda"], "bring_up", STARTED, ("eda",), {"place": None, "port": None, "base": None}),
        (
            ["up", "eda", "--port", "9000", "--detach", "--base", "b"],
            "bring_up",
            STARTED,
            ("eda",),
            {"place": None, "port": 9000, "base": "b"},
        ),
        (["down", "eda"], "bring_down", ("eda",), ("eda",), {}),
        (["down", "all"], "bring_down", (), (None,), {}),
        (["status"], "running_notebooks", [], (), {}),
        (["capsules"], "list_capsules", {}, (), {"changed_since": None}),
        (["capsules", "--changed-since", "main"], "list_capsules", {}, (), {"changed_since": "main"}),
    ],
)
def test_a_command_calls_one_function(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    function: str,
    result: object,
    arguments: tuple[Any, ...],
    named: dict[str, Any],
) -> None:
    """Its first argument is the root, which is found from a folder of the project."""
    calls = record(monkeypatch, function, result)
    assert main([f"notebook.{words[0]}", *words[1:]]) == 0
    assert calls == [((root, *arguments), named)]


def test_new_calls_new_notebook(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--dataset` may be repeated."""
    calls = record(monkeypatch, "new_notebook", root / "notebooks/mine.ipynb")
    assert main(["notebook.new", "mine", "--image", "i", "--dataset", "a", "--dataset", "b"]) == 0
    assert calls == [((root, "mine"), {"image": "i", "datasets": ["a", "b"]})]
    assert capsys.readouterr().out == (
        "wrote notebooks/mine.ipynb and [tool.env-spec.notebooks.mine]; open it with `invoke notebook.up mine`\n"
    )


def test_run_calls_run_notebook(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-p` is short for `--parameter`; both may be repeated."""
    result = notebook_run.RunResult(executed_path=root / "e.ipynb", html_path=root / "e.html", cells=())
    calls = record(monkeypatch, "run_notebook", result)
    assert main(["notebook.run", "eda", "--parameter", "a=1", "-p", "b=x y", "--timeout", "9"]) == 0
    values = {"parameters": ["a=1", "b=x y"], "out": None, "timeout_s": 9}
    assert calls == [((root, "eda"), {"place": None, **values, "base": None})]


@pytest.mark.parametrize(
    ("words", "recorded", "line"),
    [
        ([], ["eda"], None),
        (["--timeout", "9"], [], "--timeout is"),
        (["--base", "b"], [], "--base is"),
        (["--timeout", "9", "--base", "b", "--force"], [], "--timeout and --base are"),
        (["--base", "b", "--out", "elsewhere"], [], None),
    ],
)
def test_only_a_run_of_the_stage_is_recorded(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    recorded: list[str],
    line: str | None,
) -> None:
    """A run with an option that the stage lacks says so in one line; one in a folder of its own has nothing to say."""
    result = notebook_run.RunResult(executed_path=root / "e.ipynb", html_path=root / "e.html", cells=())
    record(monkeypatch, "run_notebook", result)
    found: list[str] = []
    monkeypatch.setattr(notebook_stages, "recorded_notebooks", lambda _: {"eda"})
    monkeypatch.setattr(notebook_stages, "is_current", lambda *_: False)
    monkeypatch.setattr(notebook_stages, "record_run", lambda _, name: found.append(name))
    assert main(["notebook.run", "eda", *words]) == 0
    end = "not part of its stage; `invoke run eda` records one\n"
    assert capsys.readouterr().err == (f"eda: this run is not recorded, because {line} {end}" if line else "")
    assert found == recorded


def test_a_failed_run_prints_its_result_and_its_error(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The JSON document is complete, and the exit code is that of the error."""
    error = NotebookRunError("cell 1 of 1 failed")
    result = notebook_run.RunResult(executed_path=root / "e.ipynb", html_path=root / "e.html", cells=(), error=error)
    record(monkeypatch, "run_notebook", result)
    assert main(["notebook.run", "eda", "--json"]) == 1
    output = capsys.readouterr()
    assert json.loads(output.out)["error"] == "cell 1 of 1 failed"
    assert output.err == "error: cell 1 of 1 failed\n"


@pytest.mark.parametrize("timeout", ["0", "soon"])
def test_an_invalid_time_limit_is_an_error(root: Path, timeout: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is checked before anything else."""
    assert main(["notebook.run", "eda", "--timeout", timeout]) == 2
    assert "error: --timeout must be " in capsys.readouterr().err


def test_logs_writes_the_output_of_jupyter(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--follow` is passed on."""

    def follow_log(*arguments: Any, is_followed: bool) -> None:
        assert (arguments[:2], is_followed) == ((root, "eda"), True)
        arguments[2]("Jupyter\n")

    monkeypatch.setattr(notebook_run, "follow_log", follow_log)
    assert main(["notebook.logs", "eda", "--follow"]) == 0
    assert capsys.readouterr().out == "Jupyter\n"


def test_freeze_calls_freeze_notebook(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The JSON document is that of the capsule."""
    calls = record(monkeypatch, "freeze_notebook", "frozen")
    monkeypatch.setattr(notebook_run, "frozen_json", lambda frozen, root: {"capsule": frozen})
    assert main(["notebook.freeze", "eda", "--local", "--mark-volatile", "--json"]) == 0
    assert calls == [((root, "eda"), {"place": "local", "marks_volatile": True})]


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ([], {"place": None, "runs_working_tree": False, "base": None}),
        (["--here", "--base", "b", "--local"], {"place": "local", "runs_working_tree": True, "base": "b"}),
        (["--docker"], {"place": "docker", "runs_working_tree": False, "base": None}),
    ],
)
@pytest.mark.parametrize(("is_equal", "exit_code"), [(True, 0), (False, 1)])
def test_reproduce_calls_reproduce(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    flags: list[str],
    named: dict[str, Any],
    *,
    is_equal: bool,
    exit_code: int,
) -> None:
    """A file is relative to the folder of the user; the exit code is 1 if an output differs."""
    (root / "data/a.json").write_text("{}")
    comparison = SimpleNamespace(is_equal=is_equal, facts=lambda: {"equal": is_equal})
    calls = record(monkeypatch, "reproduce", comparison)
    record(monkeypatch, "write_report", root / "page.html")
    assert main(["notebook.reproduce", "a.json", "--json", *flags]) == exit_code
    assert calls == [((root, root / "data/a.json"), named)]


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_a_run(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: signal.Signals
) -> None:
    """The function can remove its container, and the exit code is that of an interruption."""

    def run_notebook(*_: object, **__: object) -> NoReturn:
        os.kill(os.getpid(), kind)
        raise AssertionError("the signal was ignored")

    monkeypatch.setattr(notebook_run, "run_notebook", run_notebook)
    previous = signal.getsignal(kind)
    assert main(["notebook.run", "eda"]) == 130
    assert capsys.readouterr().err == "error: interrupted. No container was left running.\n"
    assert signal.getsignal(kind) is previous


@pytest.mark.parametrize("command", ["up", "run", "logs", "freeze", "down"])
def test_an_unknown_notebook_gets_the_nearest_name(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """The exit code is that of wrong input."""
    for module in ("stop", "start"):
        engine = SimpleNamespace(running_notebooks=lambda root: {})
        monkeypatch.setattr(f"notebook_run.session.{module}.Engine", lambda root, engine=engine: engine)
    assert main([f"notebook.{command}", "edda"]) == 2
    error = capsys.readouterr().err
    assert "unknown notebook 'edda'; did you mean 'eda'? Known notebooks: eda" in error


def test_notebooks_are_listed_without_an_engine(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The states of images are unknown; the states of datasets do not depend on the engine."""

    def local_images(*_: object, **__: object) -> NoReturn:
        raise EngineUnavailableError("unix:///nowhere.sock")

    monkeypatch.setattr("notebook_run.session.listing.local_images", local_images)
    assert main(["notebook.list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "name": "eda",
            "path": "notebooks/eda.ipynb",
            "image": "jupyter",
            "datasets": ["cars"],
            "missing_locally": ["cars"],
            "is_image_local": None,
            "url": None,
            "reads": [],
        }
    ]


def test_a_notebook_with_mistakes_is_reported(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The error has the key path of the unknown dataset and the nearest name."""
    (root / "pyproject.toml").write_text(PYPROJECT.replace('["cars"]', '["car"]'))
    assert main(["notebook.list"]) == 2
    error = capsys.readouterr().err
    assert "notebooks.eda.datasets[0]" in error and "'cars'" in error


def test_help_has_defaults_and_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    """It says how a start without a terminal behaves."""
    assert main(["notebook.up", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "(default: the first free one from 8888 on)" in shown
    assert "Example: shrinkwrap notebook.up traffic-eda" in shown
