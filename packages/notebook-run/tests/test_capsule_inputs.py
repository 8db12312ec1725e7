"""The inputs of a run as a capsule records them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from data_share import lock_outputs
from env_spec import NotebookDataset, NotebookSpec
from notebook_run.capsule.data import folder_oids, recorded_data, require_recorded_data, require_recorded_parts
from notebook_run.capsule.freeze import refuse_outputs
from notebook_run.capsule.record import DatasetRecord
from notebook_run.capsule.sources import code_hashes, outputs_by_cell, source_cells
from notebook_run.datasets import table_hash
from notebook_run.errors import NotebookInputError, NotebookRunError

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
      size: 5
"""
TABLES = '[datasets.climate]\noutput = "raw/parquet/climate"\n[datasets.pems]\noutput = "raw/parquet/pems"\n'


def spec(*datasets: NotebookDataset) -> NotebookSpec:
    return NotebookSpec(name="eda", path="notebooks/eda.ipynb", image="i", datasets=datasets)


def code(id: str | None, source: Any, outputs: list[Any] | None = None, *tags: str) -> dict[str, Any]:
    cell = {"cell_type": "code", "source": source, "outputs": outputs or [], "metadata": {"tags": list(tags)}}
    return {**cell, "id": id} if id else cell


def test_recorded_folders_are_the_outputs_of_dvc_lock() -> None:
    """Neither a file nor an input is one of them."""
    assert folder_oids(lock_outputs(LOCK)) == {"data/raw/parquet/climate": "fedcba9876543210fedcba9876543210.dir"}
    assert folder_oids(lock_outputs(None)) == {}


def test_a_dataset_without_a_recorded_version_is_an_error(tmp_path: Path) -> None:
    """The error names the commit, before anything runs."""
    (tmp_path / "datasets.toml").write_text(TABLES)
    notebook = spec(NotebookDataset(name="climate"), NotebookDataset(name="pems"))
    with pytest.raises(NotebookInputError) as caught:
        require_recorded_data(notebook, tmp_path, LOCK, commit="1" * 40)
    assert str(caught.value).startswith("data/dvc.lock of commit 111111111111 records no version of pems. Create it")


def test_parts_are_recorded_with_their_md5(tmp_path: Path) -> None:
    """It is also DVC's name for them. Only the parts that the notebook reads are recorded."""
    (tmp_path / "data/raw/parquet/climate").mkdir(parents=True)
    (tmp_path / "data/datasets.toml").write_text(TABLES)
    for name in ("a_2024.parquet", "b_2025.parquet"):
        (tmp_path / "data/raw/parquet/climate" / name).write_bytes(name.encode())
    (record,) = recorded_data(tmp_path, spec(NotebookDataset(name="climate", parts=("*_2024*",)))).values()
    assert record.parts == {"a_2024.parquet": hashlib.md5(b"a_2024.parquet").hexdigest()}


def test_a_part_that_differs_from_the_recorded_one_is_an_error(tmp_path: Path) -> None:
    """Its copy in the cache may be damaged: a capsule would name data that no other user has."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/datasets.toml").write_text(TABLES)
    (tmp_path / "data/dvc.lock").write_text(LOCK)
    listing = tmp_path / ".dvc/cache/files/md5/fe/dcba9876543210fedcba9876543210.dir"
    listing.parent.mkdir(parents=True)
    (tmp_path / ".dvc/config").write_text("")
    listing.write_text(json.dumps([{"relpath": "a.parquet", "md5": "1" * 32}]))
    notebook = spec(NotebookDataset(name="climate"))
    require_recorded_parts(tmp_path, notebook, {"climate": DatasetRecord(table="t", parts={"a.parquet": "1" * 32})})
    with pytest.raises(NotebookRunError, match=f"climate/a.parquet .recorded {'1' * 32}, found {'2' * 32}."):
        require_recorded_parts(tmp_path, notebook, {"climate": DatasetRecord(table="t", parts={"a.parquet": "2" * 32})})


def test_the_hash_of_a_table_depends_on_its_content() -> None:
    """The order of its keys does not matter."""
    assert table_hash({"a": 1, "b": [2]}) == table_hash({"b": [2], "a": 1}) != table_hash({"a": 1, "b": [3]})


def test_shared_code_is_recorded_without_bytecode(tmp_path: Path) -> None:
    """Every other file below notebooks/lib is recorded with its path."""
    lib = tmp_path / "notebooks/lib/experiment"
    (lib / "__pycache__").mkdir(parents=True)
    (lib / "__init__.py").write_text("x = 1\n")
    (lib / "__pycache__/a.pyc").write_bytes(b"1")
    assert code_hashes(tmp_path) == {"notebooks/lib/experiment/__init__.py": hashlib.sha256(b"x = 1\n").hexdigest()}


def test_the_code_cells_of_the_notebook_are_recorded() -> None:
    """Markdown is not, nor is the cell that a run inserts to set parameters."""
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


def test_cells_without_ids_are_named_by_their_place() -> None:
    """An inserted cell does not change the place of the others."""
    cells = [code(None, "a"), code(None, "b")]
    injected = code(None, "a = 2", None, "injected-parameters")
    assert [cell.id for cell in source_cells({"cells": cells})] == ["cell-1", "cell-2"]
    assert list(outputs_by_cell({"cells": [cells[0], injected, cells[1]]})) == ["cell-1", "cell-2"]


def test_a_notebook_with_outputs_is_not_frozen() -> None:
    """The error names the cells and the command that removes the outputs."""
    text = json.dumps({"cells": [code("a", "1", [{"output_type": "stream", "text": "1"}]), code("b", "2")]})
    with pytest.raises(NotebookInputError, match=r"committed with outputs \(cells a\).*nbstripout --keep-id"):
        refuse_outputs("notebooks/eda.ipynb", text)
