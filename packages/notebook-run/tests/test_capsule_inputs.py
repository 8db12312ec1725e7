"""What a run depended on, as a capsule records it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from env_spec import NotebookDataset, NotebookSpec
from notebook_run.capsule import DatasetRecord
from notebook_run.capsule_data import locked_folders, recorded_data, require_as_locked, require_locked, table_hash
from notebook_run.capsule_errors import CommittedOutputsError, DataChangedError, NoDataVersionError
from notebook_run.freeze import refuse_outputs
from notebook_run.rerun import code_hashes, outputs_by_cell, source_cells

LOCK = """\
schema: '2.0'
stages:
  compress@climate:
    cmd: python -m data_convert convert
    deps:
    - path: raw/csv/climate
      hash: md5
      md5: 0123456789abcdef0123456789abcdef.dir
      size: 5
    outs:
    - path: raw/parquet/climate
      hash: md5
      md5: fedcba9876543210fedcba9876543210.dir
      size: 5
    - path: reports/climate.json
      hash: md5
      md5: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
"""
TABLES = '[datasets.climate]\noutput = "raw/parquet/climate"\n[datasets.pems]\noutput = "raw/parquet/pems"\n'


def spec(*datasets: NotebookDataset) -> NotebookSpec:
    return NotebookSpec(name="eda", path="notebooks/eda.ipynb", image="i", datasets=datasets)


def code(id: str | None, source: Any, outputs: list[Any] | None = None, *tags: str) -> dict[str, Any]:
    cell = {"cell_type": "code", "source": source, "outputs": outputs or [], "metadata": {"tags": list(tags)}}
    return {**cell, "id": id} if id else cell


def test_locked_folders_are_those_of_dvc_lock() -> None:
    """Folders by their path; a single file is none."""
    assert locked_folders(LOCK) == {
        "raw/csv/climate": "0123456789abcdef0123456789abcdef.dir",
        "raw/parquet/climate": "fedcba9876543210fedcba9876543210.dir",
    }
    assert locked_folders(None) == {}


def test_dataset_without_a_version_is_told(tmp_path: Path) -> None:
    """With the commit that lacks it, before anything is run."""
    (tmp_path / "datasets.toml").write_text(TABLES)
    notebook = spec(NotebookDataset(name="climate"), NotebookDataset(name="pems"))
    with pytest.raises(NoDataVersionError) as caught:
        require_locked(notebook, tmp_path / "datasets.toml", LOCK, commit="1" * 40)
    assert str(caught.value).startswith("data/dvc.lock of commit 111111111111 records no version of pems. Make it")


def test_parts_are_recorded_as_dvc_knows_them(tmp_path: Path) -> None:
    """By the MD5 of their content, and only those that the notebook reads."""
    (tmp_path / "data/raw/parquet/climate").mkdir(parents=True)
    (tmp_path / "data/datasets.toml").write_text(TABLES)
    for name in ("a_2024.parquet", "b_2025.parquet"):
        (tmp_path / "data/raw/parquet/climate" / name).write_bytes(name.encode())
    (record,) = recorded_data(tmp_path, spec(NotebookDataset(name="climate", parts=("*_2024*",)))).values()
    assert record.parts == {"a_2024.parquet": hashlib.md5(b"a_2024.parquet").hexdigest()}


def test_part_that_is_not_what_was_locked_is_told(tmp_path: Path) -> None:
    """Such as one whose copy in the cache was damaged: a capsule would name data that nobody has."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/datasets.toml").write_text(TABLES)
    (tmp_path / "data/dvc.lock").write_text(LOCK)
    listing = tmp_path / ".dvc/cache/files/md5/fe/dcba9876543210fedcba9876543210.dir"
    listing.parent.mkdir(parents=True)
    (tmp_path / ".dvc/config").write_text("")
    listing.write_text(json.dumps([{"relpath": "a.parquet", "md5": "1" * 32}]))
    notebook = spec(NotebookDataset(name="climate"))
    require_as_locked(tmp_path, notebook, {"climate": DatasetRecord(table="t", parts={"a.parquet": "1" * 32})})
    with pytest.raises(DataChangedError, match=f"climate/a.parquet .locked as {'1' * 32}, found {'2' * 32}."):
        require_as_locked(tmp_path, notebook, {"climate": DatasetRecord(table="t", parts={"a.parquet": "2" * 32})})


def test_table_counts_by_what_it_says() -> None:
    """The order of its keys means nothing."""
    assert table_hash({"a": 1, "b": [2]}) == table_hash({"b": [2], "a": 1}) != table_hash({"a": 1, "b": [3]})


def test_shared_code_counts_without_what_python_leaves(tmp_path: Path) -> None:
    """Every file below notebooks/lib, by its path."""
    lib = tmp_path / "notebooks/lib/experiment"
    (lib / "__pycache__").mkdir(parents=True)
    (lib / "__init__.py").write_text("x = 1\n")
    (lib / "__pycache__/a.pyc").write_bytes(b"1")
    assert code_hashes(tmp_path) == {"notebooks/lib/experiment/__init__.py": hashlib.sha256(b"x = 1\n").hexdigest()}


def test_cells_are_those_of_the_notebook() -> None:
    """Markdown is none, and the cell that a run puts in for its parameters is nobody's."""
    cells = [
        {"cell_type": "markdown", "id": "title", "source": "# A", "metadata": {}},
        code("first", ["a = 1\n", "a"], None, "parameters"),
        code("injected-parameters", "a = 2", None, "injected-parameters"),
        code("second", "a", [{"output_type": "stream", "name": "stdout", "text": "1"}], "volatile"),
    ]
    found = source_cells({"cells": [cells[0], cells[1], cells[3]]})
    assert [(cell.id, cell.source, cell.is_volatile) for cell in found] == [
        ("first", "a = 1\na", False),
        ("second", "a", True),
    ]
    assert list(outputs_by_cell({"cells": cells})) == ["first", "second"]


def test_cells_without_ids_are_known_by_their_place() -> None:
    """In the notebook and in what was run, whatever was put between."""
    cells = [code(None, "a"), code(None, "b")]
    put_in = code(None, "a = 2", None, "injected-parameters")
    assert [cell.id for cell in source_cells({"cells": cells})] == ["cell-1", "cell-2"]
    assert list(outputs_by_cell({"cells": [cells[0], put_in, cells[1]]})) == ["cell-1", "cell-2"]


def test_notebook_with_outputs_is_not_frozen() -> None:
    """The cells are named, and what takes the outputs away."""
    text = json.dumps({"cells": [code("a", "1", [{"output_type": "stream", "text": "1"}]), code("b", "2")]})
    with pytest.raises(CommittedOutputsError, match=r"committed with outputs \(cells a\).*nbstripout --keep-id"):
        refuse_outputs("notebooks/eda.ipynb", text)
