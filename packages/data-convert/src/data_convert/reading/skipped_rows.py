"""Checks that what is skipped before the rows of a table is none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from data_convert.errors import SourceError
from data_convert.reading.block_parser import BlockParser
from data_convert.reading.fast_parser import table_schema
from data_convert.reading.layout import RawLayout
from data_convert.reading.preamble import Preamble, skipped_lines
from data_convert.reading.records import BLOCK_BYTES, Block, Quoting, utf8_reader
from data_convert.reading.rows import Row, read_rows
from data_convert.reading.sources import Source
from data_convert.reading.streams import open_source
from data_convert.spec.dataset_spec import DatasetSpec

_TO_HEADER: Final = '"to-header"'
_ADVICE: Final = (
    "This file has fewer lines before the table than others. Describe the files with another number of lines as a"
    " dataset of their own (`files`), or fix `dialect.skip_lines`."
)
_HEADER_ADVICE: Final = "The header stands below it. If the line is a comment, declare `dialect.comment`."


def check_skipped_lines(source: Source, spec: DatasetSpec, layout: RawLayout) -> None:
    """Check the lines before the table of a source that is not read otherwise.

    Raises:
        SourceError: A skipped line is a row of the table, which would be lost.
    """
    if spec.dialect.skip_lines:
        with open_source(source) as stream:
            utf8 = utf8_reader(stream.read, spec.dialect.encoding, source.file.where)
            preamble = skipped_lines(utf8, spec.dialect.skip_lines, size=BLOCK_BYTES, source=source.file.where)
        SkippedRowCheck(source=source, spec=spec, layout=layout).check_preamble(preamble)


@dataclass(frozen=True, kw_only=True)
class SkippedRowCheck:
    """Compares skipped text with the rows of the table.

    Skipped text is taken for a row if all of its cells fit, at least half of the kept ones are filled, and one of
    these is no text. In a table of texts alone, any line of the same width would fit, so nothing can be found.
    """

    source: Source
    spec: DatasetSpec
    layout: RawLayout

    def check_preamble(self, preamble: Preamble) -> None:
        """Check the lines that `dialect.skip_lines` skips.

        Raises:
            SourceError: A skipped line is a row of the table, which would be lost.
        """
        for number, line in enumerate(preamble.text.splitlines(keepends=True), 1):
            if self._is_lost_row(line):
                skip_to = self.spec.dialect.skip_to
                setting = f"dialect.skip_lines = {self.spec.dialect.skip_lines if skip_to is None else _TO_HEADER}"
                raise SourceError(
                    self.source.file.where,
                    f"line {number} is skipped (`{setting}`), but it is a row of the table: {_shown(line)!r}."
                    f" {_ADVICE if skip_to is None else _HEADER_ADVICE}",
                )

    def check_row_after_header(self, row: Row) -> None:
        """Check a row that `dialect.rows_after_header` skips.

        Raises:
            SourceError: It is a row of the table, which would be lost.
        """
        text = row.raw.encode("utf-8", errors="surrogateescape")
        if self._is_lost_row(text):
            setting = f"dialect.rows_after_header = {self.spec.dialect.rows_after_header}"
            raise SourceError(
                self.source.file.where,
                f"line {row.line} is skipped (`{setting}`), but it is a row of the table: {_shown(text)!r}. This file"
                " has fewer rows of units or labels behind its header than others. Describe the files with another"
                " number as a dataset of their own (`files`), or fix `dialect.rows_after_header`.",
            )

    def is_row(self, text: bytes) -> bool:
        """Whether the record is a row: all cells fit, at least half of the kept ones are filled, one with no text.

        In a table of texts alone, the last condition does not apply.
        """
        filled = self._filled(text)
        has_value = not all(column.type == "string" for column in self.spec.columns)
        return 2 * len(filled) >= self._width and (_has_value(filled) or not has_value)

    def may_be_row(self, text: bytes) -> bool:
        """Whether all cells of the record fit, and any of the kept ones is filled."""
        return bool(self._filled(text))

    def _is_lost_row(self, text: bytes) -> bool:
        filled = self._filled(text)
        return 2 * len(filled) >= self._width and _has_value(filled)

    @property
    def _width(self) -> int:
        return len(table_schema(self.spec))

    def _filled(self, text: bytes) -> list[pa.DataType]:
        """The types of the columns that the record fills; none if any of its cells does not fit."""
        block = Block(text=text, first_line=1, quoting=Quoting.IRREGULAR)
        # Most lines before a table have another width; parsing them would cost time for each column.
        widths = [len(row.cells) for row in read_rows(block, self.spec.dialect, columns=self.layout.width)]
        if widths != [self.layout.width]:
            return []
        row = BlockParser(spec=self.spec).parse(block, self.layout, source=self.source.name).table
        if row.num_rows != 1:
            return []
        return [field.type for field, column in zip(row.schema, row.columns, strict=True) if not column.null_count]


def _has_value(types: Sequence[pa.DataType]) -> bool:
    return any(not pa.types.is_string(type_) for type_ in types)


def _shown(text: bytes) -> str:
    return text.decode("utf-8", "replace").strip()[:80]
