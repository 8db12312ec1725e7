"""Parses the blocks of any dialect: rewritten in a plain dialect if possible, else record by record."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from data_convert.reading.block_parser import BlockParser, ParsedTable
from data_convert.reading.grammar import is_classic
from data_convert.reading.layout import RawLayout
from data_convert.reading.plain_text import plain_block, plain_dialect
from data_convert.reading.records import Block
from data_convert.spec.dataset_spec import DatasetSpec


@dataclass(kw_only=True)
class TableParser:
    """Parses blocks of sources that share a spec; may be called from several threads."""

    spec: DatasetSpec
    _parser: BlockParser = field(init=False)
    _plain_parser: BlockParser = field(init=False)

    def __post_init__(self) -> None:
        self._parser = BlockParser(spec=self.spec)
        self._plain_parser = BlockParser(spec=replace(self.spec, dialect=plain_dialect(self.spec.dialect)))

    def parse(self, block: Block, layout: RawLayout, *, source: str) -> ParsedTable:
        """Parse a block into rows, rejects and counts of what is skipped."""
        dialect = self.spec.dialect
        if is_classic(dialect) and not dialect.skip_repeated_header:
            return self._parser.parse(block, layout, source=source)
        plain = plain_block(block, dialect, layout)
        if plain is not None:
            parsed = self._plain_parser.parse(plain.block, layout, source=source)
            # The rejects of the rewritten block would have other lines and texts.
            if not parsed.rejects:
                return replace(parsed, skipped=plain.skipped)
        return self._parser.parse(block, layout, source=source)
