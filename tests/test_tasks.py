"""Tasks are wrappers: what they run, and what they make of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from invoke import Exit, MockContext, Result

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a described dataset `mine` (raw data here) and `other` (none), as the working directory."""
    raw = tmp_path / "data/raw/csv/mine"
    raw.mkdir(parents=True)
    (raw / "a.csv").write_text("n\n1\n")
    table = '[datasets.{0}]\nsource = "raw/csv/{0}"\noutput = "raw/parquet/{0}"\n'
    table += 'columns = [{{ name = "n", type = "int8" }}]\n'
    (tmp_path / "data/datasets.toml").write_text(table.format("mine") + table.format("other"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands(context: MockContext) -> list[str]:
    return [call.args[0] for call in context.run.mock_calls]


@pytest.mark.parametrize(
    ("task", "flags", "command"),
    [
        ("sample", {}, "python -m data_sample --root data --size 64MB --seed 0"),
        (
            "sample",
            {"size": "1GB", "seed": 7, "dataset": ["climate"], "json": True},
            "python -m data_sample --root data --size 1GB --seed 7 --dataset climate --json",
        ),
        ("inspect", {"what": "data/raw/csv/my data"}, "python -m data_convert inspect 'data/raw/csv/my data'"),
        (
            "inspect",
            {"what": "x", "write": "mine", "replace": True},
            "python -m data_convert inspect x --write mine --replace",
        ),
        (
            "verify",
            {"dataset": ["a", "b"], "jobs": 3},
            "python -m data_convert verify --dataset a --dataset b --jobs 3",
        ),
        (
            "report",
            {"html": "out.html"},
            "python -m data_convert report --up 4.056Mbps --down 24.518Mbps --html out.html",
        ),
        ("push", {"dataset": ["a/2024*"], "rate": True}, "python -m data_share push --dataset 'a/2024*' --rate"),
        ("pull", {"down": "25Mbps", "json": True}, "python -m data_share pull --down 25Mbps --json"),
        ("check", {"rev": "main", "remote": "team"}, "python -m data_share check --rev main --remote team"),
        ("status", {"dataset": ["a"], "json": True}, "python -m data_share status --dataset a --json"),
        ("doctor", {}, "python -m data_share doctor"),
        ("gc", {"days": 90, "yes": True, "local": True}, "python -m data_share gc --local --days 90 --yes"),
        (
            "remote_add",
            {"name": "team", "url": "s3://acme/x", "region": "eu-1", "default": True},
            "python -m data_share remote-add team s3://acme/x --region eu-1 --default",
        ),
        ("remote_use", {"name": "team", "only_here": True}, "python -m data_share remote-use team --only-here"),
        ("remote_list", {}, "python -m data_share remote-list"),
        ("install_hooks", {}, "python -m data_share install-hooks"),
        (
            "compress",
            {"dry_run": True, "dataset": ["mine"]},
            "python -m data_convert convert --dry-run --dataset mine",
        ),
    ],
)
def test_a_task_runs_exactly_this(tasks: ModuleType, task: str, flags: dict[str, object], command: str) -> None:
    """Each task is one command with the task's flags."""
    context = MockContext(run={command: Result()})
    getattr(tasks, task)(context, **flags)
    assert commands(context) == [command]


def test_compress_goes_through_dvc(tasks: ModuleType, project: Path) -> None:
    """data.compress reproduces the stages of the datasets that have raw data, then reports on them."""
    context = MockContext(run=Result(), repeat=True)
    tasks.compress(context)
    assert commands(context) == [
        "dvc repro -q --keep-going data/dvc.yaml:compress@mine",
        "python -m data_convert report --dataset mine",
    ]


def test_compress_hands_jobs_and_force_to_the_stage(tasks: ModuleType, project: Path) -> None:
    """What changes no output is not part of the stage's command, so it travels in the environment."""
    context = MockContext(run=Result(), repeat=True)
    tasks.compress(context, jobs=4, force=True)
    call = context.run.mock_calls[0]
    assert call.args[0] == "dvc repro -q --keep-going --force data/dvc.yaml:compress@mine"
    assert call.kwargs["env"]["SHRINKWRAP_JOBS"] == "4"
    assert call.kwargs["env"]["SHRINKWRAP_FORCE"] == "1"


@pytest.mark.parametrize("jobs", ["0", "-1", "two"])
def test_jobs_is_checked_before_dvc_starts(tasks: ModuleType, project: Path, jobs: str) -> None:
    """A number of threads that is none is refused once, not once per dataset by DVC's stages."""
    with pytest.raises(Exit) as caught:
        tasks.compress(MockContext(), jobs=jobs)
    assert (caught.value.code, caught.value.message) == (2, f"error: --jobs must be a number from 1, not {jobs!r}")


def test_compress_exits_as_the_conversion_did(tasks: ModuleType, project: Path) -> None:
    """DVC knows one exit code for all failures; the stage's own (2: wrong input) is what the caller gets."""

    class FailingContext(MockContext):
        def run(self, command: str, **options: object) -> Result:
            if "repro" not in command:
                return Result()
            environment = options["env"]
            assert isinstance(environment, dict)
            Path(environment["SHRINKWRAP_FAILURES"]).write_text(json.dumps({"exit_code": 2}) + "\n")
            return Result(exited=255)

    with pytest.raises(Exit) as caught:
        tasks.compress(FailingContext())
    assert caught.value.code == 2


def test_compress_lets_dvc_speak_for_itself(tasks: ModuleType, project: Path) -> None:
    """If DVC fails and no stage said why, the command runs again with DVC's own messages."""
    quiet = "dvc repro -q --keep-going data/dvc.yaml:compress@mine"
    loud = "dvc repro --keep-going data/dvc.yaml:compress@mine"
    context = MockContext(run={quiet: Result(exited=255), loud: Result(exited=255)})
    with pytest.raises(Exit) as caught:
        tasks.compress(context)
    assert caught.value.code == 255
    assert commands(context) == [quiet, loud]


@pytest.mark.parametrize("direction", ["push", "pull"])
def test_a_transfer_for_a_notebook(tasks: ModuleType, project: Path, direction: str) -> None:
    """A notebook's datasets, or their parts, become the selections of data_share, beside those that were named."""
    (project / "pyproject.toml").write_text(
        '[dependency-groups]\nmain = []\n[tool.env-spec.images.eda]\ngroups = ["main"]\nbase = "b"\n'
        '[tool.env-spec.notebooks.look]\npath = "notebooks/look.ipynb"\nimage = "eda"\n'
        'datasets = ["mine", { name = "other", parts = ["2023*", "2024*"] }]\n'
    )
    context = MockContext(run=Result(), repeat=True)
    getattr(tasks, direction)(context, dataset=["third"], notebook="look", plan=True)
    assert commands(context) == [
        f"python -m data_share {direction} --dataset third --dataset mine"
        " --dataset 'other/2023*' --dataset 'other/2024*' --plan"
    ]


@pytest.mark.parametrize("direction", ["push", "pull"])
def test_a_transfer_for_an_unknown_notebook(tasks: ModuleType, project: Path, direction: str) -> None:
    """A notebook that is not declared ends the task with code 2."""
    (project / "pyproject.toml").write_text("[dependency-groups]\nmain = []\n")
    with pytest.raises(Exit) as caught:
        getattr(tasks, direction)(MockContext(), notebook="look")
    assert caught.value.code == 2


def test_unknown_datasets_get_the_nearest_name(tasks: ModuleType, project: Path) -> None:
    """A misspelt dataset ends the task with exit code 2 and the nearest name."""
    with pytest.raises(Exit) as caught:
        tasks.compress(MockContext(), dataset=["mime"])
    assert caught.value.code == 2
    assert str(caught.value.message) == (
        "error: there is no dataset 'mime' in data/datasets.toml; did you mean 'mine'? Datasets: mine, other."
    )


def test_no_raw_data_at_all(tasks: ModuleType, project: Path) -> None:
    """Where no dataset has raw data, the error names each folder and both ways out."""
    (project / "data/raw/csv/mine/a.csv").unlink()
    with pytest.raises(Exit) as caught:
        tasks.compress(MockContext())
    assert caught.value.code == 2
    assert str(caught.value.message) == (
        "error: no raw data in any of these folders:\n"
        "  mine: data/raw/csv/mine\n"
        "  other: data/raw/csv/other\n"
        "Put raw files there, get the Parquet with `invoke data.pull`, or make samples with `invoke data.sample`."
    )


def test_every_task_explains_itself(tasks: ModuleType) -> None:
    """Each task has a docstring with an example, and a help text for every flag."""
    for name, task in tasks.namespace.collections["data"].tasks.items():
        assert re.search(r"invoke data\." + name, task.__doc__), name
        assert all(argument.help for argument in task.get_arguments()), name


def test_listing_tasks_is_light() -> None:
    """`invoke --list` imports neither pyarrow nor DVC nor docker."""
    code = "import sys, tasks; print([name for name in ('pyarrow', 'dvc', 'docker', 'rich') if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"
