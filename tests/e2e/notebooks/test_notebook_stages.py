"""`invoke run` brings datasets and notebooks up to date: only what depends on a change, by DVC's own record."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

INVOKE = (sys.executable, "-m", "invoke")
DVC = (sys.executable, "-m", "dvc")
ONE = (
    "# parameters\nfactor = 1",
    "import experiment\nrows = len(experiment.load('climate'))\nexperiment.metric('rows', rows * factor)",
)
TWO = (
    "import experiment\nimport matplotlib.pyplot as plt\nfrom pathlib import Path",
    "frame = experiment.load('pems-detector', columns=['speed'])\n_ = plt.plot(frame.speed.head(50))",
    "_ = Path('head.csv').write_text(frame.head().to_csv())",
)
RECORDED = ("notebooks/dvc.yaml", "notebooks/dvc.lock")


@pytest.fixture(scope="module")
def stages(local_project: Any) -> Iterator[Any]:
    """The clone with two small notebooks that `invoke run` has recorded and a commit has."""
    local_project.write_notebook("one", *ONE, datasets=["climate"], parameters={"factor": 1})
    local_project.write_notebook("two", *TWO, datasets=["pems-detector"])
    first = run(local_project)
    assert {name: state for name, (state, _) in first.items()} == {"one": "ran", "two": "ran"}
    assert all(reasons == ["it was never run"] for _, reasons in first.values())
    git(local_project, "add", "--all")
    git(local_project, "commit", "--quiet", "-m", "Results")
    yield local_project


def run(project: Any, *words: str, check: bool = True) -> dict[str, tuple[str, list[str]]]:
    """`invoke run` for both notebooks; state and reasons of each."""
    result = project.run(*INVOKE, "run", "one", "two", "--local", "--json", *words, check=check)
    return {row["name"]: (row["state"], row["reasons"]) for row in json.loads(result.stdout)["notebooks"]}


def git(project: Any, *words: str) -> None:
    project.run("git", "-c", "user.name=test", "-c", "user.email=test@example.org", *words)


def status(project: Any) -> Any:
    """What DVC itself finds changed of the two stages."""
    names = [f"notebooks/dvc.yaml:{name}" for name in ("one", "two")]
    return json.loads(project.run(*DVC, "status", "--json", *names).stdout)


def states(outcome: dict[str, tuple[str, list[str]]]) -> dict[str, str]:
    return {name: state for name, (state, _) in outcome.items()}


def test_nothing_runs_twice(stages: Any) -> None:
    """A second run finds nothing to do, which DVC confirms; the graph leads from the datasets to the notebooks."""
    assert status(stages) == {}
    assert states(run(stages)) == {"one": "up to date", "two": "up to date"}
    graph = stages.run(*DVC, "dag", "--dot", "notebooks/dvc.yaml").stdout
    assert '"data/dvc.yaml:compress@climate" -> "notebooks/dvc.yaml:one"' in graph
    assert '"data/dvc.yaml:compress@pems-detector" -> "notebooks/dvc.yaml:two"' in graph
    shown = json.loads(stages.run(*DVC, "metrics", "show", "--json").stdout)[""]["data"]
    assert shown["notebooks/metrics/one.json"]["data"]["rows"] > 0
    stages.run(*DVC, "plots", "show", "--out", "build/plots")
    assert "figures" in (stages.root / "build/plots/index.html").read_text("utf-8")


def test_a_notebook_is_current_for_notebook_run(stages: Any) -> None:
    """`notebook.run` does nothing, either; `--force` runs it and leaves the record complete."""
    result = stages.notebook("run", "two", "--local")
    assert result.stdout == "two: up to date; --force runs it nevertheless\n"
    assert "1 of" not in result.stderr
    assert "3 cells" in stages.notebook("run", "two", "--local", "--force").stdout
    assert status(stages) == {}


def test_a_parameter_reruns_its_notebook(stages: Any) -> None:
    """Another value in the table is a change of that notebook alone; the comparison shows what it changed."""
    path = stages.root / "pyproject.toml"
    stages.write("pyproject.toml", path.read_text("utf-8").replace("factor = 1", "factor = 3"))
    outcome = run(stages)
    assert outcome == {"one": ("ran", ["its table in pyproject.toml changed"]), "two": ("up to date", [])}
    result = stages.run(*INVOKE, "run", "one", "--local", "--compare", "HEAD", "--json")
    (compared,) = json.loads(result.stdout)["compared"]
    (metric,) = compared["metrics"]
    assert metric["now"] == 3 * metric["before"] > 0
    assert (stages.root / "notebooks/out/comparison.html").is_file()


def test_a_notebook_reruns_alone(stages: Any) -> None:
    """An edited file of a notebook is a change of that notebook alone."""
    stages.write_notebook("two", *TWO[:2], f"{TWO[2]}  # edited", datasets=["pems-detector"])
    assert run(stages) == {"one": ("up to date", []), "two": ("ran", ["notebooks/two.ipynb changed"])}


def test_figures_of_a_commit_come_from_the_cache(stages: Any) -> None:
    """The page has the figure of the commit, which the run replaced, next to that of now; DVC has the metrics, too."""
    figure = stages.root / "notebooks/out/two/figures/cell-2-0.png"
    before = figure.read_bytes()
    stages.write_notebook("two", TWO[0], TWO[1].replace("head(50)", "head(40)"), TWO[2], datasets=["pems-detector"])
    assert run(stages)["two"][0] == "ran"
    now = figure.read_bytes()
    assert now != before
    result = stages.run(*INVOKE, "run", "one", "two", "--local", "--compare", "HEAD", "--json")
    one, two = json.loads(result.stdout)["compared"]
    assert (one["changed_figures"], two["changed_figures"], two["notes"]) == ([], ["cell-2-0.png"], [])
    page = (stages.root / "notebooks/out/comparison.html").read_text("utf-8")
    assert page.index(base64.b64encode(before).decode()) < page.index(base64.b64encode(now).decode())
    (metric,) = one["metrics"]
    shown = json.loads(stages.run(*DVC, "metrics", "diff", "--json", "HEAD").stdout)
    values = {"old": metric["before"], "new": metric["now"], "diff": metric["now"] - metric["before"]}
    assert shown["notebooks/metrics/one.json"] == {"rows": values} and "notebooks/metrics/two.json" not in shown


def test_a_run_with_a_limit_is_not_recorded(stages: Any) -> None:
    """The stage has no `--timeout`: one line says so, and DVC still finds the edited notebook changed."""
    lock = (stages.root / "notebooks/dvc.lock").read_bytes()
    stages.write_notebook("two", *TWO, "print('limited')", datasets=["pems-detector"])
    result = stages.notebook("run", "two", "--local", "--timeout", "60")
    assert result.stderr.count("two: this run is not recorded, because --timeout is not part of its stage;") == 1
    assert (stages.root / "notebooks/dvc.lock").read_bytes() == lock
    assert list(status(stages)) == ["notebooks/dvc.yaml:two"]
    assert run(stages)["two"][0] == "ran"
    assert status(stages) == {}


def test_a_raw_file_reruns_what_reads_it(stages: Any) -> None:
    """A raw file that lost a row makes its dataset and the notebook that reads it run again, and no other."""
    raw = next(path for path in sorted((stages.root / "data/raw/csv/climate").rglob("*.csv")))
    lines = raw.read_bytes().splitlines(keepends=True)
    raw.write_bytes(b"".join(lines[:-1]))
    outcome = run(stages)
    assert states(outcome) == {"one": "ran", "two": "up to date"}
    assert outcome["one"][1] == ["data/raw/parquet/climate changed"]


def test_shared_code_and_a_package_rerun_all(stages: Any) -> None:
    """Both notebooks depend on notebooks/lib and on the packages of their image."""
    stages.write("notebooks/lib/more.py", "VALUE = 1\n")
    assert run(stages) == {name: ("ran", ["notebooks/lib changed"]) for name in ("one", "two")}
    path = stages.root / "pyproject.toml"
    before = path.read_text("utf-8")
    table = '[tool.env-spec.images.jupyter-notebook]\ngroups = ["main", "notebook"'
    assert table in before
    stages.write(
        "pyproject.toml", before.replace(table, f'{table}, "models"', 1).replace('parent = "jupyter-notebook"\n', "")
    )
    assert run(stages) == {name: ("ran", ["its environment changed"]) for name in ("one", "two")}
    stages.write("pyproject.toml", before)
    run(stages)


def test_a_failure_stops_no_other_notebook(stages: Any) -> None:
    """It is not recorded, so plain `dvc pull` still succeeds; the error and the exit code are those of the cell."""
    stages.write_notebook("three", "1 / 0")
    result = stages.run(*INVOKE, "run", "three", "two", "--local", "--force", check=False)
    assert result.returncode == 1
    assert "ZeroDivisionError" in result.stderr
    assert [line.split(" in ")[0] for line in result.stdout.splitlines()[-2:]] == ["three: failed", "two: ran"]
    assert "three" not in (stages.root / "notebooks/dvc.yaml").read_text("utf-8")
    assert not (stages.root / "notebooks/metrics/three.json").exists()


def test_a_failed_dataset_stops_what_reads_it_alone(stages: Any) -> None:
    """A raw file that is no table fails its dataset; the notebook that reads another one runs, with exit code 1."""
    raw = next(path for path in sorted((stages.root / "data/raw/csv/climate").rglob("*.csv")))
    content = raw.read_bytes()
    raw.write_bytes(b"\0" * 1000)
    result = stages.run(*INVOKE, "run", "one", "two", "--local", "--force", check=False)
    raw.write_bytes(content)
    assert result.returncode == 1
    assert raw.name in result.stderr
    assert [line.split(" in ")[0] for line in result.stdout.splitlines()[-4:]] == [
        "pems-detector: up to date; no raw file has changed",
        "climate: failed",
        "one: not run, because the dataset climate could not be converted",
        "two: ran",
    ]
    assert stages.run(*INVOKE, "run", "climate").stdout.splitlines()[-1] == "climate: brought up to date"
    assert states(run(stages)) == {"one": "up to date", "two": "up to date"}


def test_results_reach_a_colleague(stages: Any, tmp_path: Path) -> None:
    """`data.push --results` sends them, and a fresh clone sees the files after `data.pull --results`."""
    run(stages)
    git(stages, "add", "--all")
    git(stages, "commit", "--quiet", "-m", "More results")
    stages.run(*INVOKE, "data.push", "--results")
    clone = stages.root.parent / "colleague"
    stages.run("git", "clone", "--quiet", str(stages.root), str(clone))
    (clone / ".dvc/config.local").write_text(f"['remote \"local\"']\n    url = {stages.root}/data/remote\n")
    wanted = {path.name: path.read_bytes() for path in (stages.root / "notebooks/out/two").iterdir() if path.is_file()}
    words = [*stages.command(*INVOKE), "data.pull", "--results", "--notebook", "two"]
    subprocess.run(words, cwd=clone, env=stages.environment(), check=True, capture_output=True)
    found = {path.name: path.read_bytes() for path in (clone / "notebooks/out/two").iterdir() if path.is_file()}
    assert found == wanted and "two.html" in found
    assert not (clone / "notebooks/out/one").exists() and not (clone / "data/raw/parquet").exists()


def test_other_parameters_have_a_folder_of_their_own(stages: Any, tmp_path: Path) -> None:
    """Runs with `-p` do not touch the recorded results; `--out` names any other folder."""
    before = (stages.root / "notebooks/out/one/one.ipynb").read_bytes()
    stages.notebook("run", "one", "--local", "-p", "factor=7")
    folder = stages.root / "notebooks/out/one@factor=7"
    parts = (stages.root / "data/raw/parquet/climate").rglob("*.parquet")
    rows = sum(pq.read_metadata(part).num_rows for part in parts)
    assert json.loads((folder / "metrics.json").read_text("utf-8")) == {"rows": 7 * rows}
    other = stages.root.parent / "elsewhere"
    shown = stages.notebook("run", "one", "--local", "--out", str(other)).stdout
    assert str(other / "one.html") in shown and (other / "one.ipynb").is_file()
    assert (stages.root / "notebooks/out/one/one.ipynb").read_bytes() == before
    assert status(stages) == {}


def test_a_removed_notebook_leaves_no_record(stages: Any) -> None:
    """The next run removes it from the files of DVC, which finds the other notebook complete, as `data.check` does."""
    path = stages.root / "pyproject.toml"
    text = path.read_text("utf-8")
    start = text.index("[tool.env-spec.notebooks.one]")
    end = text.find("\n[", start)
    stages.write("pyproject.toml", text[:start] + (text[end + 1 :] if end > 0 else ""))
    assert stages.run(*INVOKE, "run", "two", "--local").stdout.splitlines()[-1].startswith("two: up to date")
    for name in RECORDED:
        assert "one.json" not in (stages.root / name).read_text("utf-8")
    assert not (stages.root / "notebooks/metrics/one.json").exists()
    assert stages.run(*DVC, "status", "--json", "notebooks/dvc.yaml:two").stdout.strip() == "{}"
    stages.run(*INVOKE, "data.push")
    assert "are on" in stages.run(*INVOKE, "data.check").stdout
