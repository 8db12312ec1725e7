"""What a notebook's table says, and every mistake in it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from env_spec import (
    EnvSpec,
    NotebookDataset,
    NotebookSpec,
    SpecErrors,
    UnknownNotebooksError,
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


def test_a_notebook_says_all_of_itself() -> None:
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
    )


def test_a_notebook_needs_little() -> None:
    """A file and an image will do: no datasets, no parameters, no network, no limits."""
    spec = spec_of('eda = { path = "eda.ipynb", image = "jupyter" }')
    assert spec.notebooks == {"eda": NotebookSpec(name="eda", path="eda.ipynb", image="jupyter")}


def test_all_mistakes_of_a_notebook() -> None:
    """Each value is checked by itself, and each mistake says what would be right."""
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
        timeout_s = 0
        [tool.env-spec.notebooks.other]
        path = 1
        image = 2
        memory = 4
        timeout_s = 1.5
        """
    ) == [
        "\"My EDA\": 'My EDA' cannot name a notebook: use lower-case letters and digits, with '-' or '_' between them",
        "\"My EDA\".file: there is no key 'file'. Keys: datasets, image, memory, network, parameters, path, timeout_s",
        '"My EDA".path: a notebook needs its file, like path = "notebooks/eda.ipynb"',
        '"My EDA".image: a notebook needs an image of tool.env-spec.images to run in',
        '"My EDA".datasets: must be an array of names, or of tables with a name, not a string',
        '"My EDA".parameters: must be a table, not an array',
        "eda.path: '../eda.ipynb' is not a notebook (.ipynb) below pyproject.toml",
        "eda.image: there is no image 'jupiter'; did you mean 'jupyter'? Images: jupyter",
        "eda.datasets[0]: must be a string, or a table with a name, not an integer",
        "eda.datasets[1].part: there is no key 'part'; did you mean 'parts'? Keys: columns, name, parts",
        "eda.datasets[1].name: says which dataset, and is not there",
        "eda.datasets[1].parts[1]: must be a string, not an integer",
        "eda.datasets[1].parts[0]: '../x' is not a name or glob below the dataset's output folder",
        "eda.datasets[1].columns: is empty; leave it out for all of them",
        "eda.datasets[3].columns: must be an array of strings, not a string",
        "eda.datasets[3]: repeats the dataset 'a' of tool.env-spec.notebooks.eda.datasets[2]",
        "eda.parameters.lane-type: 'lane-type' cannot name a variable of Python",
        "eda.parameters.class: 'class' cannot name a variable of Python",
        "eda.parameters.days: must be a string, a number or a boolean, not an array",
        "eda.network: must be a boolean, not a string",
        "eda.memory: '4 gigs' is not a size, like 4GB or 2GiB",
        "eda.timeout_s: must be at least 1 second, not 0",
        "other.path: must be a string, not an integer",
        "other.image: must be a string, not an integer",
        "other.memory: must be a string, not an integer",
        "other.timeout_s: must be whole seconds, not a float",
    ]


def test_a_file_is_one_notebook() -> None:
    """Two notebooks of one file would write over each other's results."""
    both = 'a = { path = "a.ipynb", image = "jupyter" }\nb = { path = "a.ipynb", image = "jupyter" }'
    assert mistakes_in(both) == ["b.path: 'a.ipynb' is the file of 'a' too"]


def test_an_unknown_notebook_gets_the_nearest_name() -> None:
    """Asking for a notebook that no table declares names the nearest one."""
    with pytest.raises(UnknownNotebooksError) as caught:
        spec_of('eda = { path = "eda.ipynb", image = "jupyter" }').notebook("ead")
    assert str(caught.value) == "there is no notebook 'ead'; did you mean 'eda'? Notebooks: eda"
    assert caught.value.exit_code == 2


def test_notebooks_are_checked_against_the_project(tmp_path: Path) -> None:
    """Missing files and datasets that are not declared are all told at once, with their places."""
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
        "  tool.env-spec.notebooks.a.datasets[1]: there is no dataset 'pms'; did you mean 'pems'?"
        " Datasets: climate, pems\n"
        f"  tool.env-spec.notebooks.b.path: there is no file {tmp_path / 'b.ipynb'}"
    )


def test_the_projects_notebooks_are_right() -> None:
    """What this project declares has its files and datasets."""
    datasets = tomllib.loads((ROOT / "data/datasets.toml").read_text("utf-8"))["datasets"]
    spec = load_spec(ROOT / "pyproject.toml")
    check_notebooks(spec, ROOT, datasets)
    assert set(spec.notebooks) >= {"traffic-eda", "climate-eda", "speed-model"}
