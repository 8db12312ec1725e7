"""`invoke run`: which names it takes, and what becomes of datasets and of the notebooks that read them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from shrinkwrap import compression, notebook_stages
from shrinkwrap.completion import project_names
from shrinkwrap.notebook_stages import NotebookOutcome
from shrinkwrap.program import main
from shrinkwrap.stages import StageOutcome

_TABLE: Final = """\
[datasets.{name}]
source = "raw/csv/{name}"
output = "parquet/{name}"
columns = [{{ name = "n", type = "int8" }}]
"""
_PROJECT: Final = """\
[project]
name = "lab"
[dependency-groups]
main = []
[tool.env-spec.images.small]
groups = ["main"]
[tool.env-spec.notebooks.eda]
path = "notebooks/eda.py"
image = "small"
datasets = ["cars"]
[tool.env-spec.notebooks.both]
path = "notebooks/both.py"
image = "small"
datasets = ["cars", "bikes"]
[tool.env-spec.notebooks.plain]
path = "notebooks/plain.py"
image = "small"
"""


class Work:
    """Stands in for DVC: which stages ran, and what becomes of those of datasets."""

    def __init__(self) -> None:
        self.datasets: list[str] = []
        self.notebooks: list[str] = []
        self.outcome = StageOutcome(exit_code=0)
        self.failing: set[str] = set()

    def convert(self, root: Path, datasets: Sequence[str], **_: object) -> StageOutcome:
        self.datasets += datasets
        for name in set(datasets) - self.failing:
            _convert(root, name)
        return self.outcome

    def run(self, root: Path, names: Sequence[str], **_: object) -> tuple[int, tuple[NotebookOutcome, ...]]:
        self.notebooks += names
        return 0, tuple(NotebookOutcome(name=name, state="ran") for name in names)

    def fail(self, name: str) -> None:
        """The stage of a dataset fails with exit code 2."""
        self.failing.add(name)
        failures = ({"exit_code": 2, "error": f"{name} is broken", "datasets": [name]},)
        self.outcome = StageOutcome(exit_code=2, failures=failures)


def _convert(root: Path, name: str) -> None:
    from data_convert import convert_dataset, load_specs

    data = root / "data"
    convert_dataset(load_specs(data / "datasets.toml")[name], data_folder=data)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    """Three notebooks, and the datasets cars and bikes with raw files, trains without, and logs in a bucket."""
    for name in ("cars", "bikes"):
        (tmp_path / "data/raw/csv" / name).mkdir(parents=True)
        (tmp_path / "data/raw/csv" / name / "a.csv").write_text("n\n1\n")
    tables = "".join(_TABLE.format(name=name) for name in ("cars", "bikes", "trains", "logs"))
    (tmp_path / "data/datasets.toml").write_text(tables.replace('"parquet/logs"', '"s3://box/logs"'))
    (tmp_path / "data/dvc.yaml").write_text("stages: {}\n")
    (tmp_path / "notebooks").mkdir()
    for name in ("eda", "both", "plain"):
        (tmp_path / f"notebooks/{name}.py").write_text("x = 1\n")
    (tmp_path / "pyproject.toml").write_text(_PROJECT)
    monkeypatch.chdir(tmp_path)
    fake = Work()
    monkeypatch.setattr(compression, "run_stages", fake.convert)
    monkeypatch.setattr(notebook_stages, "run_notebook_stages", fake.run)
    return fake


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, str]]:
    """`invoke run … --json`: the exit code and the states by name."""
    capsys.readouterr()
    code = main(["run", *words, "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, {each["name"]: each["state"] for each in (*found["datasets"], *found["notebooks"])}


def test_without_names_everything_runs(work: Work, capsys: pytest.CaptureFixture[str]) -> None:
    """All datasets in folders, then all notebooks."""
    code, states = run(capsys)
    assert code == 0
    assert states == {
        "cars": "converted",
        "bikes": "converted",
        "trains": "no raw files",
        "eda": "ran",
        "both": "ran",
        "plain": "ran",
    }


@pytest.mark.parametrize(
    ("names", "datasets", "notebooks"),
    [
        (["bikes"], ["bikes"], []),
        (["eda"], ["cars"], ["eda"]),
        (["eda", "bikes"], ["cars", "bikes"], ["eda"]),
        (["plain"], [], ["plain"]),
    ],
)
def test_names_are_of_notebooks_and_of_datasets(
    work: Work, capsys: pytest.CaptureFixture[str], names: list[str], datasets: list[str], notebooks: list[str]
) -> None:
    """A dataset runs alone, a notebook with the datasets that it reads."""
    assert run(capsys, *names)[0] == 0
    assert (work.datasets, work.notebooks) == (datasets, notebooks)


def test_unknown_names_are_refused_together(work: Work, capsys: pytest.CaptureFixture[str]) -> None:
    """The message lists notebooks and datasets; nothing runs."""
    assert main(["run", "bike", "eda", "x"]) == 2
    assert capsys.readouterr().err == (
        "error: 'bike' is neither a notebook nor a dataset; did you mean 'bikes'?\n"
        "  'x' is neither a notebook nor a dataset\n"
        "  Known notebooks: both, eda, plain\n"
        "  Known datasets: bikes, cars, logs, trains\n"
    )
    assert (work.datasets, work.notebooks) == ([], [])


def test_a_dataset_in_a_bucket_is_refused(work: Work, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the command that converts it."""
    assert main(["run", "logs"]) == 2
    assert "convert it with `invoke data.compress --dataset logs`" in capsys.readouterr().err


def test_a_comparison_needs_a_notebook(work: Work, capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused before anything runs."""
    assert main(["run", "cars", "--compare", "HEAD"]) == 2
    assert capsys.readouterr().err == "error: --compare shows results of notebooks, and no notebook is selected\n"
    assert work.datasets == []


def test_a_failed_dataset_stops_what_reads_it_alone(work: Work, capsys: pytest.CaptureFixture[str]) -> None:
    """The other dataset is converted, and the notebooks that do not read the failed one run; exit code 1."""
    work.fail("bikes")
    assert main(["run"]) == 1
    assert capsys.readouterr().out == (
        "cars: brought up to date\n"
        "bikes: failed\n"
        "trains: it has no raw files here; its Parquet is used as it is recorded\n"
        "eda: ran\n"
        "both: not run, because the dataset bikes could not be converted\n"
        "plain: ran\n"
    )
    assert work.notebooks == ["eda", "plain"]


def test_unreadable_raw_files_stop_no_other_dataset(work: Work, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder with files, none of which is a raw file of the dataset, is a failure of this dataset alone."""
    Path("data/raw/csv/bikes/a.csv").rename("data/raw/csv/bikes/a.zip")
    assert main(["run"]) == 1
    printed = capsys.readouterr()
    assert "cars: brought up to date\nbikes: failed\n" in printed.out
    assert printed.err.count("data/raw/csv/bikes") == 1
    assert work.notebooks == ["eda", "plain"]


@pytest.mark.parametrize(("exit_code", "expected", "notebooks"), [(130, 130, []), (255, 1, ["plain"])])
def test_without_a_reported_failure_all_stages_count_as_failed(
    work: Work, capsys: pytest.CaptureFixture[str], exit_code: int, expected: int, notebooks: list[str]
) -> None:
    """After an interruption no notebook runs; if DVC fails, those run that read no dataset."""
    work.outcome = StageOutcome(exit_code=exit_code)
    code, states = run(capsys)
    assert (code, states["cars"], states["eda"]) == (expected, "failed", "not run")
    assert work.notebooks == notebooks


def test_both_kinds_of_names_are_completed(work: Work) -> None:
    """Completion offers notebooks and datasets."""
    assert project_names("notebook or dataset") == ["bikes", "both", "cars", "eda", "logs", "plain", "trains"]
