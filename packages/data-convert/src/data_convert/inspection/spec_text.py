"""Writes the result of an inspection as a table of datasets.toml; the rest of that file does not change."""

from __future__ import annotations

import itertools
import re
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final, cast

import tomlkit
from tomlkit.items import Array, InlineTable, Table

from data_convert.errors import NoRawDataError, SpecErrors, TableError
from data_convert.inspection.column_inspection import ColumnInspection
from data_convert.inspection.column_types.mark_agreement import mark_keys
from data_convert.inspection.inspection_facts import Inspection
from data_convert.measuring.row_order import RowOrder
from data_convert.reading.sources import TEXT_SUFFIXES, find_sources
from data_convert.spec.dataset_spec import Dialect
from data_convert.spec.replaced_file import replace_text
from data_convert.spec.spec_file import load_specs, parse_specs
from terminal import count_text

_RAW, _PARQUET = "raw/csv", "raw/parquet"
_COMMENT_WIDTH: Final = 105
_SETTING: Final = re.compile(r'\w+ = (\[[^]]*\]|"[^"]*")')
_HEADING: Final = "#:schema ./datasets.schema.json\n# Every dataset is described here and only here.\n"


def suggest_table(inspection: Inspection, *, source: str, output: str) -> Table:
    """A table that keeps every column and every row: suspicious columns get a comment, but are never dropped.

    Rows that do not fit the table's shape go to the rejects files.
    """
    table = tomlkit.table()
    for line in _remarks(inspection):
        table.add(tomlkit.comment(line))
    table["source"] = source
    if inspection.pattern != "**/*":
        table["files"] = inspection.pattern
    table["output"] = output
    if dialect := _dialect(inspection.dialect):
        table["dialect"] = dialect
    if inspection.ragged_rows:
        table["on_reject"] = "keep"
    if inspection.proposal is not None:
        for line in _wrapped(inspection.proposal.reason):
            table.add(tomlkit.comment(line))
        table["parts"] = inspection.proposal.parts
        table["pattern"] = tomlkit.string(inspection.proposal.pattern, literal=True)
    if inspection.order is not None:
        table["sort"] = list(inspection.order.sort)
        table["sort"].comment(_order_comment(inspection.order))
    table["columns"] = _columns(inspection)
    return table


def write_table(path: Path, name: str, inspection: Inspection, *, replace: bool = False) -> Table:
    """Add the table to the datasets.toml at `path`, or replace it; the rest of the file does not change.

    The file is replaced atomically.

    Raises:
        TableError: The name is not allowed or taken, or the raw files are not below the folder of `path`.
        SpecErrors: The file is wrong, or would be with the new table.
        OutputError: It cannot be written.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise TableError(
            f"{name!r} cannot name a dataset: use lower-case letters, digits, '-' and '_' only,"
            f" such as {_allowed(name)!r}."
        )
    if inspection.ragged_rows > inspection.rows:
        raise TableError(
            f"{inspection.ragged_rows:,} of {inspection.rows + inspection.ragged_rows:,} rows do not fit the table's"
            " shape, so no table was written. Is this the right file, and the dialect above the right one?"
        )
    source = _source(inspection, path, name)
    specs = load_specs(path) if path.exists() else {}
    if name in specs and not replace:
        raise TableError(
            f"{path} describes {name!r} already. Choose another name, or use --replace to replace its table."
        )
    document = tomlkit.parse(path.read_text(encoding="utf-8") if path.exists() else _HEADING)
    taken = {spec.output for spec in specs.values() if spec.name != name}
    table = suggest_table(inspection, source=source, output=_output(source, name, taken))
    _put(document, name, table)
    text = tomlkit.dumps(document)
    _check(path, name, text, inspection)
    replace_text(path, text)
    return table


def _allowed(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_") or "my-data"


def _source(inspection: Inspection, path: Path, name: str) -> str:
    if isinstance(inspection.folder, str):
        return inspection.folder
    data_folder, folder = path.absolute().parent, inspection.folder.absolute()
    if not folder.is_relative_to(data_folder):
        data_folder, folder = data_folder.resolve(), folder.resolve()
    if not folder.is_relative_to(data_folder) or folder == data_folder:
        raise TableError(
            f"{inspection.folder} is not below {path.parent / _RAW}, where a dataset's raw files are. Put them into"
            f" {path.parent / _RAW / name} (a link will do) and inspect that folder."
        )
    return folder.relative_to(data_folder).as_posix()


def _output(source: str, name: str, taken: set[str]) -> str:
    """raw/parquet/X for the source raw/csv/X; named after the dataset if that folder is taken or inside the source."""
    mirrored = _PARQUET + source.removeprefix(_RAW)
    if source.startswith(_RAW + "/") and mirrored not in taken:
        return mirrored
    return f"parquet/{name}" if PurePosixPath(_PARQUET).is_relative_to(source) else f"{_PARQUET}/{name}"


def _put(document: tomlkit.TOMLDocument, name: str, table: Table) -> None:
    if "datasets" not in document:
        document["datasets"] = tomlkit.table(is_super_table=True)
    datasets: Any = document["datasets"]
    if name in datasets:
        for item in _behind_the_last_key(datasets[name]):
            table.add(item)
        datasets[name] = table
        return
    last = datasets.value.body[-1][1] if datasets.value.body else None
    if isinstance(last, Table):
        last.add(tomlkit.nl())
    datasets.append(name, table)


def _behind_the_last_key(table: Table) -> list[Any]:
    """Comments and blank lines after the last key, which belong to the next table."""
    body = table.value.body
    behind = itertools.takewhile(lambda entry: entry[0] is None, reversed(body))
    return [item for _, item in behind][::-1]


def _check(path: Path, name: str, text: str, inspection: Inspection) -> None:
    """Check that the new file is valid, and that the dataset would read exactly the inspected files."""
    try:
        spec = parse_specs(tomllib.loads(text), path=path)[name]
        found = [source.name for source in find_sources(path.absolute().parent, spec)]
    except SpecErrors as error:
        raise SpecErrors(f"{path} with the new table", error.mistakes) from None
    except NoRawDataError:
        found = []
    if found != list(inspection.files):
        raise TableError(
            f"a dataset {name!r} would read {len(found)} files ({', '.join(found[:3]) or 'none'}) instead of the"
            f" inspected ones. Raw files end with {', '.join(TEXT_SUFFIXES)}, plain or compressed. Put them into"
            f" {path.parent / _RAW / name} and inspect that folder."
        )


def _dialect(dialect: Dialect) -> InlineTable | None:
    usual = Dialect()
    keys = [field.name for field in fields(Dialect) if getattr(dialect, field.name) != getattr(usual, field.name)]
    values = {key: getattr(dialect, key) for key in keys}
    if skip_to := values.pop("skip_to", None):
        values["skip_lines"] = f"to-{skip_to}"
    return _inline({key: "" if value is None else value for key, value in values.items()}) if values else None


def _remarks(inspection: Inspection) -> Iterator[str]:
    files, rows = (
        f"{count:,} {noun}{'s' if count != 1 else ''}"
        for count, noun in ((len(inspection.files), "file"), (inspection.rows, "row"))
    )
    yield from _wrapped(
        f"Inferred from all of {files} ({rows}). A value in a later file that does not fit is an error that names it."
    )
    for note in inspection.notes:
        yield from _wrapped(note)


def _columns(inspection: Inspection) -> Array:
    # As a text, because the time of Array.add_line grows with the length of the array.
    lines = []
    for column in inspection.columns:
        lines += [f"    # {line}" for line in itertools.chain(*map(_wrapped, column.warnings))]
        emptiness = _emptiness(column)
        lines.append(f"    {_entry(column).as_string()}," + (f" # {emptiness}" if emptiness else ""))
    return cast(Array, tomlkit.parse("\n".join(["columns = [", *lines, "]\n"]))["columns"])


def column_of_undeclared(column: ColumnInspection, *, is_dropped: bool) -> ColumnInspection:
    """A column that a described dataset drops or does not declare, with what to write to keep it."""
    if is_dropped:
        return replace(column, declared="dropped")
    advice = f"not declared; to keep it, add {_entry(column).as_string()} to `columns`"
    return replace(column, declared=None, warnings=(advice, *column.warnings))


def _wrapped(text: str) -> list[str]:
    """Lines of a comment. Settings in it are not broken, so that they can be copied."""
    tied = _SETTING.sub(lambda match: match[0].replace(" ", "\u00a0"), _printable(text))
    lines = textwrap.wrap(tied, _COMMENT_WIDTH, break_on_hyphens=False)
    return [line.replace("\u00a0", " ") for line in lines]


def _printable(text: str) -> str:
    """The text with characters that TOML comments cannot contain written as Python escapes."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def _entry(column: ColumnInspection) -> InlineTable:
    entry: dict[str, Any] = {"name": column.name}
    if column.header not in (None, column.name):
        entry["header"] = column.header
    if column.names:
        entry["names"] = list(column.names)
    entry["type"] = column.type
    if column.formats:
        entry["formats"] = list(column.formats)
    if column.zone:
        entry["zone"] = column.zone
    if column.precision != "us":
        entry["precision"] = column.precision
    entry |= mark_keys(column.marks)
    if column.exact is not None:
        entry["exact"] = column.exact
    if column.nulls != ("",):
        entry["nulls"] = list(column.nulls)
    if column.optional:
        entry["optional"] = True
    if column.unit:
        entry["unit"] = _printable(column.unit)
    return _inline(entry)


def _inline(entry: dict[str, Any]) -> InlineTable:
    """An inline table with spaces inside its braces. tomlkit would omit them, so it parses the text instead."""
    pairs = ", ".join(f"{key} = {tomlkit.item(value).as_string()}" for key, value in entry.items())
    table = tomlkit.parse(f"entry = {{ {pairs} }}")["entry"]
    return cast(InlineTable, table)


def _order_comment(order: RowOrder) -> str:
    return f"{order.saved_share:.0%} smaller than in the raw order, measured on {count_text(order.rows, 'row')}"


def _emptiness(column: ColumnInspection) -> str | None:
    """Why the column may not be worth keeping, or None."""
    if column.is_empty:
        return "empty in every row"
    if column.is_constant:
        return _printable(f"{(column.minimum or '')[:40]!r} in every row")
    if column.duplicate_of is not None:
        return _printable(f"the same as {column.duplicate_of} in every row")
    return None
