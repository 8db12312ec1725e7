"""The committed notebooks agree with their tables and contain no output of a run."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from env_spec import check_notebooks, load_lock, load_spec, lock_slice

ROOT = Path(__file__).resolve().parent.parent
SPEC = load_spec(ROOT / "pyproject.toml")
DATASETS = tomllib.loads((ROOT / "data/datasets.toml").read_text("utf-8"))["datasets"]
# Modules whose package has another name.
PROVIDERS = {"IPython": "ipython", "sklearn": "scikit-learn"}

each_notebook = pytest.mark.parametrize("name", SPEC.notebooks)


def cells_of(name: str, kind: str = "code") -> list[dict[str, Any]]:
    notebook = json.loads((ROOT / SPEC.notebook(name).path).read_text("utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def code_of(name: str) -> ast.Module:
    return ast.parse("\n".join("".join(cell["source"]) for cell in cells_of(name)))


def loads_in(name: str) -> list[dict[str, Any]]:
    """The literal arguments of each call of `experiment.load`."""
    calls = [node for node in ast.walk(code_of(name)) if isinstance(node, ast.Call)]
    return [
        {"dataset": ast.literal_eval(call.args[0])}
        | {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg == "columns"}
        for call in calls
        if ast.unparse(call.func) == "experiment.load"
    ]


def test_every_notebook_is_declared() -> None:
    """Each file in notebooks/ has a table, and each table a file and datasets."""
    check_notebooks(SPEC, ROOT, DATASETS)
    files = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("notebooks/*.ipynb")}
    assert files == {notebook.path for notebook in SPEC.notebooks.values()}


@each_notebook
def test_a_notebook_is_committed_clean(name: str) -> None:
    """It has no outputs, no execution counts, no metadata of its last run, and works with any Python kernel."""
    notebook = json.loads((ROOT / SPEC.notebook(name).path).read_text("utf-8"))
    assert [cell["id"] for cell in cells_of(name) if cell["outputs"] or cell["execution_count"]] == []
    assert set(notebook["metadata"]) == {"kernelspec"}
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert {key for cell in notebook["cells"] for key in cell["metadata"]} <= {"tags"}


@each_notebook
def test_cells_have_names(name: str) -> None:
    """Each cell has an id that describes it, and no two cells have the same."""
    ids = [cell["id"] for kind in ("code", "markdown") for cell in cells_of(name, kind)]
    assert len(ids) == len(set(ids))
    assert [found for found in ids if not found.replace("-", "").isalpha()] == []


@each_notebook
def test_parameters_are_those_of_the_spec(name: str) -> None:
    """The cell tagged `parameters` assigns the defaults that the table declares."""
    (cell,) = [cell for cell in cells_of(name) if "parameters" in cell["metadata"].get("tags", [])]
    assigned: dict[str, Any] = {}
    for statement in ast.parse("".join(cell["source"])).body:
        assert isinstance(statement, ast.Assign)
        assigned[ast.unparse(statement.targets[0])] = ast.literal_eval(statement.value)
    assert assigned == SPEC.notebook(name).parameters


@each_notebook
def test_a_notebook_reads_what_it_declares(name: str) -> None:
    """It loads the datasets and columns of its table: its container has no others."""
    declared = {dataset.name: dataset.columns for dataset in SPEC.notebook(name).datasets}
    assert {load["dataset"]: tuple(load["columns"]) for load in loads_in(name)} == declared


@each_notebook
def test_columns_exist(name: str) -> None:
    """Every column that a notebook reads is a column of its dataset or the flag of one."""
    for dataset in SPEC.notebook(name).datasets:
        kept = {column["name"]: column["type"] for column in DATASETS[dataset.name]["columns"] if "name" in column}
        flags = {f"{column}_flag" for column, kind in kept.items() if kind == "flagged_number"}
        assert set(dataset.columns or ()) <= kept.keys() | flags


@each_notebook
def test_imports_are_in_the_image(name: str) -> None:
    """A notebook imports the standard library, notebooks/lib, and packages of its image."""
    spec = SPEC.notebook(name)
    groups = SPEC.expanded(SPEC.image(spec.image).groups)
    packages = {package.name for package in lock_slice(load_lock(ROOT / "poetry.lock"), groups, source="poetry.lock")}
    own = {path.name for path in (ROOT / "notebooks/lib").iterdir()}
    imported = {
        name.partition(".")[0]
        for node in ast.walk(code_of(name))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    foreign = imported - own - sys.stdlib_module_names
    assert {module for module in foreign if PROVIDERS.get(module, module) not in packages} == set()


def test_a_notebook_with_outputs_fails_the_hook(tmp_path: Path) -> None:
    """The hook refuses a notebook with outputs, changes no file, and prints the command that fixes it."""
    notebook = json.loads((ROOT / "notebooks/traffic-eda.ipynb").read_text("utf-8"))
    code = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    code["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["a number\n"]}]
    (tmp_path / "eda.ipynb").write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")
    before = (tmp_path / "eda.ipynb").read_bytes()
    (tmp_path / ".pre-commit-config.yaml").write_bytes((ROOT / ".pre-commit-config.yaml").read_bytes())
    # The real front door changes to its own root; the notebook is in this folder.
    (tmp_path / "run").write_text('#!/bin/sh\nexec "$@"\n')
    (tmp_path / "run").chmod(0o755)

    def in_folder(script: str) -> subprocess.CompletedProcess[str]:
        """Run a script in the folder, with the tools of the front door's environment."""
        command = [ROOT / "run", "sh", "-c", f'cd "$0" && {script}', str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert in_folder("git init --quiet && git add --all").returncode == 0
    hook = f"PRE_COMMIT_HOME='{tmp_path}/cache' pre-commit run nbstripout --all-files"
    refused = in_folder(hook)
    assert refused.returncode == 1
    fix = "./run nbstripout --keep-id --extra-keys metadata.language_info eda.ipynb"
    assert f"Strip them: {fix}" in refused.stdout
    assert (tmp_path / "eda.ipynb").read_bytes() == before
    assert in_folder(fix).returncode == 0
    assert in_folder(f"git add eda.ipynb && {hook}").returncode == 0
