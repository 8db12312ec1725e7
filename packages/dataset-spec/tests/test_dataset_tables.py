"""The tables of data/datasets.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_spec import DatasetSpecError, DatasetTable, parse_datasets, read_datasets, selected

TEXT = """
[datasets.pems]
source = "raw/csv/pems/"
files = "*.txt"
output = "raw/parquet/pems"
columns = [{ name = "flow", type = "int32" }]

[datasets.own]
"""


def datasets() -> dict[str, DatasetTable]:
    """The datasets of TEXT."""
    return parse_datasets(TEXT, source="data/datasets.toml")


def test_a_table_has_folders_and_the_rest_as_parsed() -> None:
    """Folders are relative to `data`; paths are relative to the root."""
    pems = datasets()["pems"]
    assert (pems.source, pems.files, pems.output) == ("raw/csv/pems", "*.txt", "raw/parquet/pems")
    assert (pems.source_path, pems.output_path) == ("data/raw/csv/pems", "data/raw/parquet/pems")
    assert pems.table["columns"] == [{"name": "flow", "type": "int32"}]


def test_places_in_a_bucket_stay_addresses() -> None:
    """The slashes of an address stay, and it is not below the root."""
    text = '[datasets.a]\nsource = "s3://lake/raw//x/"\n[datasets.b]\nsource = "s3://lake/raw"\noutput = "s3://lake"\n'
    found = parse_datasets(text, source="data/datasets.toml")
    assert (found["a"].source, found["a"].source_path) == ("s3://lake/raw//x", "s3://lake/raw//x")
    assert (found["a"].is_source_in_bucket, found["a"].is_output_in_bucket) == (True, False)
    assert (found["b"].output_path, found["b"].is_output_in_bucket) == ("s3://lake", True)
    assert (found["a"].bucket_urls, found["b"].bucket_urls) == (("s3://lake/raw//x",), ("s3://lake/raw", "s3://lake"))
    assert datasets()["pems"].bucket_urls == ()


def test_folders_have_defaults() -> None:
    """A table without folders has those of its name."""
    own = datasets()["own"]
    assert (own.source, own.files, own.output) == ("raw/csv/own", "**/*", "raw/parquet/own")


def test_a_project_without_the_file_has_no_datasets(tmp_path: Path) -> None:
    """A missing file is not an error: a project may only have environments."""
    assert read_datasets(tmp_path) == {}


def test_the_file_is_read_from_the_root(tmp_path: Path) -> None:
    """The datasets keep the order of the file."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/datasets.toml").write_text(TEXT)
    assert list(read_datasets(tmp_path)) == ["pems", "own"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[datasets", "is not TOML: "),
        (b"datasets = 3", "datasets: must be a table, such as [datasets.NAME], not 3"),
        (b"[datasets]\npems = 3", "datasets.pems: must be a table, not 3"),
        (b"\xff", "is not UTF-8: "),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    """The error names the file and the key."""
    (tmp_path / "data").mkdir()
    path = tmp_path / "data/datasets.toml"
    path.write_bytes(content)
    with pytest.raises(DatasetSpecError) as caught:
        read_datasets(tmp_path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_names_select_datasets() -> None:
    """All datasets without names; each named one once, in the order of the names."""
    assert [dataset.name for dataset in selected(datasets(), None)] == ["pems", "own"]
    assert [dataset.name for dataset in selected(datasets(), ["own", "pems", "own"])] == ["own", "pems"]


def test_an_unknown_name_gets_the_nearest() -> None:
    """The error has the file, the nearest name and all names."""
    with pytest.raises(DatasetSpecError) as caught:
        selected(datasets(), ["pem"])
    assert str(caught.value) == (
        "data/datasets.toml: unknown dataset 'pem'; did you mean 'pems'? Known datasets: own, pems"
    )
