"""Each key of a dialect changes what a record or a cell is, wherever the text is cut into blocks."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_convert.reading.records import Block, Quoting, cut_blocks
from data_convert.reading.rows import read_records, read_rows
from data_convert.spec.dataset_spec import Dialect

ESCAPES = Dialect(escape="\\")
BLANKS = Dialect(skip_blanks=True)
COMMENTS = Dialect(comment="#")
BARS = Dialect(delimiter="||")
ALL = Dialect(delimiter=", ", quote="'", escape="\\", comment="//", skip_blanks=True)
NO_QUOTE = Dialect(delimiter="||", quote=None, escape="\\", comment="#")


def _rows(text: str, dialect: Dialect, columns: int = 3) -> list[Any]:
    """The rows as (line, cells), or (line, fault)."""
    block = Block(text=text.encode(), first_line=1, quoting=Quoting.IRREGULAR)
    return [(row.line, row.fault or row.cells) for row in read_rows(block, dialect, columns=columns)]


@pytest.mark.parametrize(
    ("dialect", "text", "rows"),
    [
        (ESCAPES, 'a\\,b,"c\\"d"\n', [(1, ["a,b", 'c"d'])]),
        (ESCAPES, '"a""b\\"c",\\"d\n', [(1, ['a"b"c', '"d'])]),
        (ESCAPES, "a\\\\,b\n", [(1, ["a\\", "b"])]),
        (ESCAPES, "a\\\r\nb,c\nd\n", [(1, ["a\r\nb", "c"]), (3, ["d"])]),
        (ESCAPES, "a,b\\", [(1, "nothing follows the escape character")]),
        (ESCAPES, 'a,"b\\"', [(1, "a quote is opened that is never closed")]),
        (BLANKS, '1, "x, y",  "z"\n', [(1, ["1", "x, y", "z"])]),
        (BLANKS, '  "a" ,b \n', [(1, "text stands behind a closing quote")]),
        (BLANKS, '  a b , "" \n', [(1, "text stands behind a closing quote")]),
        (BLANKS, '  a b , ""\n   \nc\n', [(1, ["a b ", ""]), (3, ["c"])]),
        (COMMENTS, '# it"s\na,"#b\n# c",d\n#\n#e', [(2, ["a", "#b\n# c", "d"])]),
        (COMMENTS, "a,#b\n #c\n", [(1, ["a", "#b"]), (2, [" #c"])]),
        (BARS, 'a|b||"c||d"||e|\n', [(1, ["a|b", "c||d", "e|"])]),
        (BARS, "a|||b\n", [(1, ["a", "|b"])]),
        (BARS, '"a"|b\n', [(1, "text stands behind a closing quote")]),
        (ALL, "a,b, 'c, d',   e\\, f\r  // g, 'h\r i", [(1, ["a,b", "c, d", "e, f"]), (3, ["i"])]),
        (NO_QUOTE, 'a"||b\\||c\n"#d"\n', [(1, ['a"', "b||c"]), (2, ['"#d"'])]),
    ],
)
def test_rows_of_a_dialect(dialect: Dialect, text: str, rows: list[Any]) -> None:
    """The rows of a text, with the lines on which they start and the faults that make them unreliable."""
    assert _rows(text, dialect) == rows


def test_blank_lines_of_one_column() -> None:
    """With one column, a blank line is a row with an empty cell, and a comment is none."""
    assert _rows("a\n\n#\n", COMMENTS, columns=1) == [(1, ["a"]), (2, [""])]
    assert _rows("a\n  \n", BLANKS, columns=1) == [(1, ["a"]), (2, [""])]


GARBAGE = st.text("ab0 ,'\"\n\r\\/|#é\0", max_size=60)


@settings(max_examples=1500, deadline=None)
@given(GARBAGE, st.sampled_from([ESCAPES, BLANKS, COMMENTS, BARS, ALL, NO_QUOTE]), st.integers(1, 40))
@example("#a'\n,'\nb", ALL, 4)
@example('"a\\"\n"\nb\\\r\nc\n', ESCAPES, 3)
@example('a||"||\r\n"|\r\nb', BARS, 2)
def test_cutting_odd_dialects(text: str, dialect: Dialect, size: int) -> None:
    """Joined blocks are the text; read one by one, they have the records of the complete text."""
    blocks = list(cut_blocks(io.BytesIO(text.encode()).read, dialect, source="a.csv", block_bytes=size))
    whole = Block(text=text.encode(), first_line=1, quoting=Quoting.IRREGULAR)
    records = list(read_records(whole, dialect))
    assert [record for block in blocks for record in read_records(block, dialect)] == records
    assert b"".join(block.text for block in blocks) == text.encode()
    assert "".join(record.text for record in records) == text


def test_odd_dialects_are_read_in_linear_time() -> None:
    """A long text of half-open quotes and escapes is one scan, not one per character."""
    text = ('"\\' * 100_000 + ",'" * 100_000 + "|" * 100_001) * 2
    for dialect in (ESCAPES, ALL, BARS, NO_QUOTE):
        blocks = list(cut_blocks(io.BytesIO(text.encode()).read, dialect, source="a.csv", block_bytes=1 << 18))
        assert sum(len(record.text) for block in blocks for record in read_records(block, dialect)) == len(text)


def test_convert_odd_dialects(lab: Any) -> None:
    """A dataset in any of these dialects becomes the same table; rows that do not fit are named with their line."""
    texts = {
        "escapes": 'id,kind\n1,a\\,b\n2,"c\\"d"\n',
        "blanks": 'id, kind\n 1, "a,b"\n 2, "c""d"\n',
        "comments": '# it"s\nid,kind\n# 5,x\n1,"a,b"\n#\n2,"c""d"\n# end',
        "bars": 'id||kind\n1||a,b\n2||"c""d"\n',
    }
    dialects = {"escapes": ESCAPES, "blanks": BLANKS, "comments": COMMENTS, "bars": BARS}
    for name, text in texts.items():
        lab.raw("a.csv", text)
        lab.convert(lab.spec(dialect=dialects[name]), force=True)
        assert lab.table().to_pydict() == {"id": [1, 2], "kind": ["a,b", 'c"d']}, name
    lab.raw("a.csv", '# "\n\nid,kind\n1,"a\nb"\n# "\nx,y\n')
    lab.convert(lab.spec(dialect=COMMENTS, on_reject="keep", max_rejects=1.0))
    assert lab.table().to_pydict() == {"id": [1], "kind": ["a\nb"]}
    assert [row[:3] for row in lab.rejects()] == [["a.csv", "7", "id"]]
