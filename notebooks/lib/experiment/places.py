"""Where the data and the results of a notebook or a script are."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from experiment.errors import ExperimentError, UnknownNameError, nearest_text

_NOTEBOOKS = Path(__file__).resolve().parents[2]


def out(name: str) -> Path:
    """The path for a result of this notebook, below notebooks/out/NOTEBOOK; its folder is made, but not the file.

    Raises:
        ExperimentError: The path is outside of that folder.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts:
        raise ExperimentError(f"'{name}' is not a path for a result: use one such as 'worst.csv' or 'figures/flow.png'")
    path = results_folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def results_folder() -> Path:
    """The folder of this notebook's results, which may not exist yet."""
    # JupyterLab sets this variable of a kernel to the path of its notebook.
    session = Path(os.environ.get("JPY_SESSION_NAME", "")).stem
    return Path(os.environ.get("SHRINKWRAP_OUT") or _NOTEBOOKS / "out" / session)


def notebook_name() -> str:
    """The name of the notebook that runs here; empty outside of a notebook's container or local environment."""
    # The results of a run with other parameters are in a folder NAME@KEY=VALUE.
    return Path(os.environ.get("SHRINKWRAP_OUT", "")).name.partition("@")[0]


def data_folder() -> Path:
    """The folder of datasets.toml: SHRINKWRAP_DATA, or that of the project around the working directory, or of this
    file's project."""
    if named := os.environ.get("SHRINKWRAP_DATA"):
        return Path(named)
    here = Path.cwd()
    found = (folder / "data" for folder in (here, *here.parents) if (folder / "data/datasets.toml").is_file())
    return next(found, _NOTEBOOKS.parent / "data")


def output_folder(dataset: str) -> Path:
    """The folder of a dataset's parts.

    Raises:
        UnknownNameError: There is no such dataset.
        ExperimentError: data/datasets.toml cannot be read, or the parts are in a bucket.
    """
    root = data_folder()
    output = str(_table_of(dataset, root / "datasets.toml").get("output", ""))
    if "://" in output:
        raise ExperimentError(
            f"dataset '{dataset}' is in {output}, and load() reads folders alone. Read the bucket with the library of"
            " your choice, such as pyarrow.dataset or DuckDB, or give the dataset an `output` that is a folder."
        )
    return root / output


def part_files(dataset: str, folder: Path, patterns: Sequence[str] | None) -> list[Path]:
    """The parts that match any of the patterns, in the order of their names; all parts if None.

    Raises:
        ExperimentError: A pattern matches no part, or there is no part.
    """
    local = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*.parquet"))
        if not path.name.startswith(".")
    }
    selected: set[str] = set()
    for pattern in patterns if patterns is not None else ["*"]:
        found = {name for name in local if fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.parquet")}
        if not found:
            raise _missing_part(dataset, folder, list(local), None if patterns is None else pattern)
        selected |= found
    return [path for name, path in local.items() if name in selected]


def _table_of(dataset: str, file: Path) -> dict[str, Any]:
    try:
        datasets: dict[str, dict[str, Any]] = tomllib.loads(file.read_text("utf-8"))["datasets"]
    except FileNotFoundError:
        raise _datasets_error(file, "the file does not exist") from None
    except (KeyError, tomllib.TOMLDecodeError) as error:
        raise _datasets_error(file, f"cannot be read: {error}") from None
    if dataset not in datasets:
        raise UnknownNameError("dataset", dataset, list(datasets), where=str(file))
    return datasets[dataset]


def _missing_part(dataset: str, folder: Path, local: Sequence[str], pattern: str | None) -> ExperimentError:
    notebook = notebook_name()
    pull = f"invoke data.pull --notebook {notebook}" if notebook else f"invoke data.pull --dataset {dataset}"
    which = f"no part '{pattern}'" if pattern else "no part"
    names = ", ".join([*local[:6], *(["…"] if len(local) > 6 else [])])
    found = f" Local parts ({len(local)}): {names}." if local else ""
    return ExperimentError(
        f"{which} of dataset '{dataset}' in {folder}.{nearest_text(pattern or '', local)}{found} Download the parts"
        f" that a colleague pushed with `{pull}`, or create them from raw files with `invoke data.compress --dataset"
        f" {dataset}`."
    )


def _datasets_error(path: Path, problem: str) -> ExperimentError:
    return ExperimentError(
        f"{path}: {problem}. It describes the datasets; SHRINKWRAP_DATA can name another folder that has it."
    )
