"""The columns that notebooks declare: what `experiment.load()` may read, and what that saves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from env_spec import NotebookDataset, NotebookSpec
from notebook_run.datasets import notebook_tables, parts_in, selected_parts
from terminal import count_text, size_text

_LARGEST = 3


@dataclass(frozen=True, kw_only=True)
class ColumnUse:
    """What a notebook reads of the local parts of a dataset, by the footers of the parts.

    Attributes:
        declared: Number of columns that its table declares; None for all.
        columns: Number of columns of the parts.
        read_bytes: Size of the declared columns in the parts.
        size_bytes: Size of all columns.
        largest: The largest columns with their sizes, in descending order.
    """

    dataset: str
    declared: int | None
    columns: int
    read_bytes: int
    size_bytes: int
    largest: Sequence[tuple[str, int]]

    @property
    def text(self) -> str:
        """One sentence; without declared columns, with what declaring some would save most."""
        if self.declared is not None:
            sizes = f"{size_text(self.read_bytes)} of {size_text(self.size_bytes)}"
            return f"{self.dataset}: {self.declared} of {count_text(self.columns, 'column')}, {sizes}"
        largest = ", ".join(f"{name} {size_text(size)}" for name, size in self.largest)
        return (
            f"{self.dataset}: all {count_text(self.columns, 'column')}, {size_text(self.size_bytes)}; declare `columns`"
            f" to read fewer (the largest: {largest})"
        )


def columns_variable(notebook: NotebookSpec) -> str:
    """The value of SHRINKWRAP_COLUMNS: the declared columns by dataset, as JSON."""
    declared = {dataset.name: dataset.columns for dataset in notebook.datasets if dataset.columns is not None}
    return json.dumps(declared, ensure_ascii=False)


def column_uses(root: Path, notebook: NotebookSpec) -> tuple[ColumnUse, ...]:
    """What a notebook reads of each dataset that has local parts; a part that is not readable Parquet counts as none.

    Raises:
        DatasetSpecError: data/datasets.toml does not describe a dataset.
    """
    tables = notebook_tables(root / "data", notebook)
    uses = []
    for dataset in notebook.datasets:
        folder = root / "data" / tables[dataset.name].output
        sizes = _column_sizes(folder / part for part in selected_parts(parts_in(folder), dataset))
        if sizes:
            uses.append(_use(dataset, sizes))
    return tuple(uses)


def _use(dataset: NotebookDataset, sizes: Counter[str]) -> ColumnUse:
    read = sizes if dataset.columns is None else dataset.columns
    return ColumnUse(
        dataset=dataset.name,
        declared=None if dataset.columns is None else len(dataset.columns),
        columns=len(sizes),
        read_bytes=sum(sizes[name] for name in read),
        size_bytes=sizes.total(),
        largest=tuple(sizes.most_common(_LARGEST)),
    )


def _column_sizes(paths: Iterable[Path]) -> Counter[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sizes: Counter[str] = Counter()
    for path in paths:
        try:
            footer = pq.read_metadata(path)
        except (OSError, pa.ArrowInvalid):
            continue
        sizes.update(dict.fromkeys(footer.schema.names, 0))
        for group in map(footer.row_group, range(footer.num_row_groups)):
            for chunk in map(group.column, range(group.num_columns)):
                sizes[chunk.path_in_schema] += chunk.total_compressed_size
    return sizes
