"""The tables `[datasets.NAME]`: their names and folders, checked; everything else as it was parsed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from dataset_spec.errors import DatasetSpecError
from terminal import unknown_name_text

DATASETS_FILE: Final = "data/datasets.toml"
"""Where a project describes its datasets, relative to its root; folders in it are relative to `data`."""

_BUCKET_SCHEME: Final = "s3://"


@dataclass(frozen=True, kw_only=True)
class DatasetTable:
    """One table `[datasets.NAME]`.

    Only names and folders are checked here. What the columns and the dialect mean is for `data_convert` to check,
    which reports all mistakes of a table at once.

    Attributes:
        source: Folder of the raw files, relative to `data`, or `s3://BUCKET/PREFIX`; `raw/csv/NAME` if the table does
            not name one.
        files: Glob over the names of the raw files.
        output: Folder of the Parquet parts, relative to `data`, or `s3://BUCKET/PREFIX`; `raw/parquet/NAME` if the
            table does not name one.
        table: The complete table.
    """

    name: str
    source: str
    files: str
    output: str
    table: Mapping[str, Any]

    @property
    def source_path(self) -> str:
        """Folder of the raw files, relative to the root, or their URL."""
        return self.source if self.is_source_in_bucket else str(PurePosixPath("data") / self.source)

    @property
    def output_path(self) -> str:
        """Folder of the Parquet parts, relative to the root, or their URL."""
        return self.output if self.is_output_in_bucket else str(PurePosixPath("data") / self.output)

    @property
    def is_source_in_bucket(self) -> bool:
        """Whether the raw files are objects."""
        return self.source.startswith(_BUCKET_SCHEME)

    @property
    def is_output_in_bucket(self) -> bool:
        """Whether the Parquet parts are objects."""
        return self.output.startswith(_BUCKET_SCHEME)

    @property
    def bucket_urls(self) -> tuple[str, ...]:
        """Those of source and output that are in a bucket."""
        return tuple(url for url in (self.source, self.output) if url.startswith(_BUCKET_SCHEME))


def read_datasets(root: Path) -> dict[str, DatasetTable]:
    """The datasets of a project by name, in the order of the file; none if the file does not exist.

    Raises:
        DatasetSpecError: The file cannot be read, is not TOML, or `datasets` is not a table of tables.
    """
    path = root / DATASETS_FILE
    document = read_document(path)
    return {} if document is None else _datasets(document, source=str(path))


def read_document(path: Path) -> dict[str, Any] | None:
    """The parsed file, unchecked; None if it does not exist. For data_convert, which checks every key.

    Raises:
        DatasetSpecError: The file cannot be read or is not TOML.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise DatasetSpecError(f"{path}: is not UTF-8: {error}") from None
    except OSError as error:
        raise DatasetSpecError(f"{path}: cannot be read: {error.strerror}") from None
    return _document(text, source=str(path))


def parse_datasets(text: str, *, source: str) -> dict[str, DatasetTable]:
    """The datasets of the text of a `datasets.toml`.

    Args:
        source: What errors call the text.

    Raises:
        DatasetSpecError: The text is not TOML, or `datasets` is not a table of tables.
    """
    return _datasets(_document(text, source=source), source=source)


def _document(text: str, *, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DatasetSpecError(f"{source}: is not TOML: {error}") from None


def _datasets(document: Mapping[str, Any], *, source: str) -> dict[str, DatasetTable]:
    tables = document.get("datasets", {})
    if not isinstance(tables, dict):
        raise DatasetSpecError(f"{source}: datasets: must be a table, such as [datasets.NAME], not {tables!r}")
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise DatasetSpecError(f"{source}: datasets.{name}: must be a table, not {table!r}")
    return {name: _dataset(name, table) for name, table in tables.items()}


def selected(
    datasets: Mapping[str, DatasetTable], names: Sequence[str] | None, *, source: str = DATASETS_FILE
) -> list[DatasetTable]:
    """The named datasets in the order of the names, each once; all of them if there are no names.

    Raises:
        DatasetSpecError: A name is unknown.
    """
    for name in names or ():
        if name not in datasets:
            raise DatasetSpecError(f"{source}: {unknown_name_text('dataset', name, datasets)}")
    return [datasets[name] for name in dict.fromkeys(names or datasets)]


def _dataset(name: str, table: Mapping[str, Any]) -> DatasetTable:
    def text(key: str, default: str) -> str:
        value = table.get(key, default)
        # A wrong type is reported by data_convert, together with every other mistake of the table.
        return value if isinstance(value, str) and value else default

    return DatasetTable(
        name=name,
        source=_place(text("source", f"raw/csv/{name}")),
        files=text("files", "**/*"),
        output=_place(text("output", f"raw/parquet/{name}")),
        table=table,
    )


def _place(text: str) -> str:
    # A path would make one slash of two.
    return text.rstrip("/") if text.startswith(_BUCKET_SCHEME) else str(PurePosixPath(text))
