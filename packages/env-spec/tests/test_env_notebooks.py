"""The keys of a notebook's table, and every mistake in it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from env_spec import (
    EnvSpec,
    NotebookDataset,
    NotebookSpec,
    SpecErrors,
    UnknownNameError,
    check_notebooks,
    load_spec,
    parse_spec,
)

HEAD = "dependency-groups.main = []\n[tool.env-spec.images.jupyter]\ngroups = ['main']\n"
ROOT = Path(__file__).resolve().parents[3]


def spec_of(text: str) -> EnvSpec:
    return parse_spec(tomllib.loads(f"{HEAD}[tool.env-spec.notebooks]\n{text}"))


def mistakes_in(text: str) -> list[str]:
    with pytest.raises(SpecErrors) as caught:
        spec_of(text)
    return [str(error).removeprefix("tool.env-spec.notebooks.") for error in caught.value.errors]


def test_every_key_of_a_notebook_is_read() -> None:
    """Every key of a table is read; memory is in bytes."""
    spec = spec_of(
        """
        [tool.env-spec.notebooks.eda]
        path = "notebooks/eda.ipynb"
        image = "jupyter"
        datasets = ["climate", { name = "pems", columns = ["speed", "flow"], parts = ["2024_01_*", "a.parquet"] }]
        parameters = { station = 400001, share = 0.5, lane_type = "ML", quick = false }
        network = true
        memory = "2GiB"
        timeout_s = 600
        max_text = "200kB"
        max_output = "25MB"
        """
    )
    assert spec.notebook("eda") == NotebookSpec(
        name="eda",
        path="notebooks/eda.ipynb",
        image="jupyter",
        datasets=(
            NotebookDataset(name="climate"),
            NotebookDataset(name="pems", columns=("speed", "flow"), parts=("2024_01_*", "a.parquet")),
        ),
        parameters={"station": 400001, "share": 0.5, "lane_type": "ML", "quick": False},
        network=True,
        memory_bytes=2147483648,
        timeout_s=600,
        max_text_bytes=200_000,
        max_output_bytes=25_000_000,
    )


def test_the_least_that_a_notebook_needs() -> None:
    """A file and an image are enough: no datasets, no parameters, no network, no limits."""
    spec = spec_of('eda = { path = "eda.ipynb", image = "jupyter" }')
    assert spec.notebooks == {"eda": NotebookSpec(name="eda", path="eda.ipynb", image="jupyter")}


def test_all_mistakes_of_a_notebook() -> None:
    """Each value is checked separately, and each mistake says what is valid."""
    assert mistakes_in(
        """
        [tool.env-spec.notebooks."My EDA"]
        file = "eda.ipynb"
        datasets = "climate"
        parameters = ["station"]
        [tool.env-spec.notebooks.eda]
        path = "../eda.ipynb"
        image = "jupiter"
        datasets = [3, { columns = [], parts = ["../x", 4], part = "x" }, "a", { name = "a", columns = "speed" }]
        parameters = { "lane-type" = "ML", class = 1, days = [1, 2] }
        network = "yes"
        memory = "4 gigs"
        max_text = "long"
        timeout_s = 0
        [tool.env-spec.notebooks.other]
        path = 1
        image = 2
        memory = 4
        timeout_s = 1.5
        """
    ) == [
        "\"My EDA\": 'My EDA' cannot name a notebook: use lower-case letters and digits, separated by '-' or '_'",
        "\"My EDA\".file: unknown key 'file'. Known keys: datasets, image, max_output, max_text, memory, network, "
        "parameters, path, timeout_s",
        '"My EDA".path: a notebook needs a file, like path = "notebooks/eda.ipynb"',
        '"My EDA".image: a notebook needs an image from tool.env-spec.images to run in',
        '"My EDA".datasets: must be an array of names, or of tables with a name, not a string',
        '"My EDA".parameters: must be a table, not an array',
        "eda.path: '../eda.ipynb' is neither a notebook (.ipynb) nor a script (.py) below pyproject.toml",
        "eda.image: unknown image 'jupiter'; did you mean 'jupyter'? Known images: jupyter",
        "eda.datasets[0]: must be a string, or a table with a name, not an integer",
        "eda.datasets[1].part: unknown key 'part'; did you mean 'parts'? Known keys: columns, name, parts",
        "eda.datasets[1].name: is missing; it names the dataset",
        "eda.datasets[1].parts[1]: must be a string, not an integer",
        "eda.datasets[1].parts[0]: '../x' is not a name or glob below the dataset's output folder",
        "eda.datasets[1].columns: is empty; omit it to select all",
        "eda.datasets[3].columns: must be an array of strings, not a string",
        "eda.datasets[3]: repeats the dataset 'a' at tool.env-spec.notebooks.eda.datasets[2]",
        "eda.parameters.lane-type: 'lane-type' is not a valid name for a Python variable",
        "eda.parameters.class: 'class' is not a valid name for a Python variable",
        "eda.parameters.days: must be a string, a number or a boolean, not an array",
        "eda.network: must be a boolean, not a string",
        "eda.memory: '4 gigs' is not a size, like 4GB or 2GiB",
        "eda.timeout_s: must be at least 1 second, not 0",
        "eda.max_text: 'long' is not a size, like 1MB or 200kB",
        "other.path: must be a string, not an integer",
        "other.image: must be a string, not an integer",
        "other.memory: must be a string, not an integer",
        "other.timeout_s: must be an integer number of seconds, not a float",
    ]


@pytest.mark.parametrize("path", ["analysis/model.py", "model.py", "notebooks/model.py"])
def test_a_script_is_a_notebook(path: str) -> None:
    """It may be anywhere below pyproject.toml."""
    assert spec_of(f'eda = {{ path = "{path}", image = "jupyter" }}').notebook("eda").path == path


def test_two_notebooks_cannot_share_a_file() -> None:
    """Two notebooks with one file would overwrite each other's results."""
    both = 'a = { path = "a.ipynb", image = "jupyter" }\nb = { path = "a.ipynb", image = "jupyter" }'
    assert mistakes_in(both) == ["b.path: 'a.ipynb' is also the file of 'a'"]


def test_an_unknown_notebook_gets_the_nearest_name() -> None:
    """The error for a notebook that is not declared contains the nearest name."""
    with pytest.raises(UnknownNameError) as caught:
        spec_of('eda = { path = "eda.ipynb", image = "jupyter" }').notebook("ead")
    assert str(caught.value) == "unknown notebook 'ead'; did you mean 'eda'? Known notebooks: eda"
    assert caught.value.exit_code == 2


def test_notebooks_are_checked_against_the_project(tmp_path: Path) -> None:
    """All missing files and undeclared datasets are reported together, with their key paths."""
    (tmp_path / "a.ipynb").touch()
    spec = spec_of(
        """
        a = { path = "a.ipynb", image = "jupyter", datasets = ["climate", { name = "pms" }] }
        b = { path = "b.ipynb", image = "jupyter" }
        """
    )
    with pytest.raises(SpecErrors) as caught:
        check_notebooks(spec, tmp_path, ["climate", "pems"])
    assert str(caught.value) == (
        f"{tmp_path / 'pyproject.toml'}: 2 mistakes\n"
        "  tool.env-spec.notebooks.a.datasets[1]: unknown dataset 'pms'; did you mean 'pems'?"
        " Known datasets: climate, pems\n"
        f"  tool.env-spec.notebooks.b.path: the file {tmp_path / 'b.ipynb'} does not exist"
    )


def test_this_projects_notebooks_are_valid() -> None:
    """The notebooks of this project have their files and datasets."""
    datasets = tomllib.loads((ROOT / "data/datasets.toml").read_text("utf-8"))["datasets"]
    spec = load_spec(ROOT / "pyproject.toml")
    check_notebooks(spec, ROOT, datasets)
    assert set(spec.notebooks) >= {"traffic-eda", "climate-eda", "speed-model"}


@pytest.mark.parametrize(("line", "expected"), [("selinux = true", True), ("selinux = false", False), ("", False)])
def test_labels_for_selinux(line: str, expected: bool) -> None:
    """The setting is for all notebooks of the project."""
    spec = parse_spec(tomllib.loads(f"{HEAD}[tool.env-spec.notebook]\n{line}\n"))
    assert spec.has_selinux is expected


def test_labels_for_selinux_are_true_or_false() -> None:
    """A letter, which is the syntax of Docker, is a mistake."""
    with pytest.raises(SpecErrors, match=r"tool\.env-spec\.notebook\.selinux"):
        parse_spec(tomllib.loads(f'{HEAD}[tool.env-spec.notebook]\nselinux = "z"\n'))
