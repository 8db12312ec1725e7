"""What a dialect skips is no row, is counted, and is never a row of the table."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_convert.errors import HeaderError, SourceError
from data_convert.reading.block_parser import BlockParser, ParsedTable
from data_convert.reading.layout import RawLayout
from data_convert.reading.plain_text import plain_block
from data_convert.reading.records import cut_blocks
from data_convert.reading.skips import skips_text
from data_convert.reading.table_parser import TableParser
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec, Dialect
from data_convert.writing.provenance import read_provenance

UNITS = Dialect(rows_after_header=1)
REPEATS = Dialect(skip_repeated_header=True)
NUMBERS = {"t": "int32", "v": "float64"}
DIALECTS = [
    Dialect(comment="#"),
    Dialect(skip_blanks=True),
    Dialect(delimiter="||"),
    Dialect(delimiter=", ", escape="\\"),
    Dialect(escape="\\"),
    Dialect(escape="\\", skip_blanks=True, quote="'", skip_repeated_header=True),
    Dialect(skip_blanks=True, comment="#"),
    Dialect(skip_repeated_header=True),
    Dialect(comment="a", quote="'", skip_repeated_header=True),
    Dialect(delimiter="||", quote=None, escape="\\", comment="#", skip_blanks=True, skip_repeated_header=True),
]
HEADERS = [("a", "b0"), ("b,", 'b"'), ("é",), ("",), ("", ""), (" a", "\n")]
PIECES = [
    "a",
    "b0",
    "'a\\'b''',1\n",
    '"a""b",  1\r',
    '"a\nb",1\n',
    "\\'\\a,1\n",
    "a,b0\n",
    "a||b0\n",
    ",",
    "||",
    "#",
    '"',
    "'",
    "\\",
    " ",
    "\n",
    "\r",
    "\r\n",
    "é",
    "1",
    "\x1f",
    "",
]


def _spec(dialect: Dialect, width: int) -> DatasetSpec:
    columns = [ColumnSpec(name=f"c{i}", header=f"c{i}", type="int8" if i else "string") for i in range(width)]
    return DatasetSpec(name="trees", source="raw", output="parts", dialect=dialect, layout=tuple(columns))


def _facts(parsed: ParsedTable) -> Any:
    parsed.table.validate(full=True)
    return parsed.table.to_pydict(), parsed.table.schema, list(parsed.rejects), dict(parsed.skipped)


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.sampled_from(DIALECTS), st.sampled_from(HEADERS))
@example("a,b0\n1,2\n'\na,b0\n'\n", Dialect(comment="1", quote="'", skip_repeated_header=True), ("a", "b0"))
@example("a||| b||1", Dialect(delimiter="||", skip_blanks=True), ("a", "b0"))
@example("\r#\n\n", Dialect(comment="#"), ("é",))
@example("  \n#\n ", Dialect(comment="#", skip_blanks=True), ("é",))
def test_rewritten_and_exact_parsing_agree(text: str, dialect: Dialect, header: tuple[str, ...]) -> None:
    """A block that is rewritten in a plain dialect has the values, rejects and counts of the exact reader."""
    spec = _spec(dialect, len(header))
    layout = RawLayout(width=len(header), kept=tuple((c, i) for i, c in enumerate(spec.columns)), header=header)
    for block in cut_blocks(io.BytesIO(text.encode()).read, dialect, source="a.csv", block_bytes=30):
        exact = BlockParser(spec=spec)._parse_exactly(block, layout, "a.csv")
        assert _facts(TableParser(spec=spec).parse(block, layout, source="a.csv")) == _facts(exact)


@pytest.mark.parametrize(
    ("dialect", "text", "plain"),
    [
        (Dialect(comment="#"), "#1\na,1\n", "a,1\n"),
        (Dialect(comment="#"), '"a#",1\n', '"a#",1\n'),
        (Dialect(delimiter="||"), "a,||1\n", "a,\x1f1\n"),
        (Dialect(skip_blanks=True), "  a,  1\n", "a,1\n"),
        (Dialect(escape="\\"), '"a,",1\n', '"a,",1\n'),
        (Dialect(escape="\\"), '"a\\"\n",1\nb\\,c,2', '"a""\n",1\r\n"b,c",2\r\n'),
        (Dialect(skip_blanks=True), '"a",  " b"\n', "a, b\r\n"),
        (REPEATS, "h,k\na,1\n", "a,1\n"),
    ],
)
def test_simple_blocks_are_rewritten(dialect: Dialect, text: str, plain: str) -> None:
    """The fast parser reads blocks without quotes and escapes, and ordinary blocks with quotes."""
    spec = _spec(dialect, 2)
    layout = RawLayout(width=2, kept=tuple((c, i) for i, c in enumerate(spec.columns)), header=("h", "k"))
    (block,) = cut_blocks(io.BytesIO(text.encode()).read, dialect, source="a.csv")
    found = plain_block(block, dialect, layout)
    assert found is not None
    assert found.block.text.decode() == plain


def _skipped(lab: Any, text: str, dialect: Dialect, **settings: Any) -> Any:
    """The rows of a conversion and what it skipped, which the footer, the report and the metrics agree on."""
    lab.raw("a.csv", text)
    report = lab.convert(lab.spec(settings.pop("columns", NUMBERS), dialect=dialect, **settings), force=True)
    provenance = read_provenance(lab.part())
    assert provenance is not None
    assert provenance.sources[0].skipped == report.skipped
    assert report.metrics()["skipped"] == sum(report.skipped.values())
    line = f"\ntrees: skipped: {skips_text(report.skipped)}"
    assert report.text().count("\n") == bool(report.skipped)
    assert report.text().endswith(line if report.skipped else "smaller" if "smaller" in report.text() else "larger")
    return [tuple(row.values()) for row in lab.table().to_pylist()], report.skipped


def test_nothing_is_skipped(lab: Any) -> None:
    """Without any of these keys the footer, the report and the metrics count nothing."""
    assert _skipped(lab, "t,v\n1,2\n\n", Dialect()) == ([(1, 2.0)], {})


def test_units_after_the_header(lab: Any) -> None:
    """Rows of units are skipped; blank lines and comments between them are none."""
    assert _skipped(lab, "t,v\nh,C\n1,2\n", UNITS) == ([(1, 2.0)], {"rows_after_header": 1})
    dialect = Dialect(rows_after_header=2, comment="#")
    text = '# USGS\nt,v\n\n5s,10n\n#\n"h\n",C\n1,2\n'
    assert _skipped(lab, text, dialect) == ([(1, 2.0)], {"comments": 2, "rows_after_header": 2})
    assert _skipped(lab, "t,v\n", UNITS) == ([], {})


def test_row_after_the_header_that_is_a_row(lab: Any) -> None:
    """A file without a row of units would lose its first row, so it is an error."""
    lab.raw("a.csv", "t,v\nh,C\n1,2\n")
    lab.raw("b.csv", "t,v\n1,2\n3,4\n")
    with pytest.raises(SourceError) as caught:
        lab.convert(lab.spec(NUMBERS, dialect=UNITS))
    assert str(caught.value).endswith(
        "b.csv: line 2 is skipped (`dialect.rows_after_header = 1`), but it is a row of the table: '1,2'. This file has"
        " fewer rows of units or labels behind its header than others. Describe the files with another number as a"
        " dataset of their own (`files`), or fix `dialect.rows_after_header`."
    )


def test_repeated_headers(lab: Any) -> None:
    """Rows equal to the header are skipped however they are quoted; other texts are no header."""
    text = 't,v\n1,2\nt,v\n"t",v\n3,4\n\nt,"v"'
    assert _skipped(lab, text, REPEATS) == ([(1, 2.0), (3, 4.0)], {"repeated_headers": 3})
    text = 't,v\n1,"a\nt,v\n"\nt,v\nT,v\nt,v,\n'
    columns = {"t": "string", "v": "string"}
    rows, skipped = _skipped(lab, text, REPEATS, columns=columns, on_reject="keep", max_rejects=1.0)
    assert (rows, skipped) == ([("1", "a\nt,v\n"), ("T", "v")], {"repeated_headers": 1})
    assert [row[1] for row in lab.rejects()] == ["7"]


def test_repeated_header_is_a_row_unless_declared(lab: Any) -> None:
    """Without the key, a row of texts that equals the header stays."""
    columns = {"t": "string", "v": "string"}
    assert _skipped(lab, "t,v\nt,v\n", Dialect(), columns=columns) == ([("t", "v")], {})


def test_comments_are_counted_in_all_blocks(lab: Any) -> None:
    """Every comment of a file with several blocks is counted, before the header and between rows."""
    text = "#\n#,\nt,v\n" + "".join(f"{i},1\n# {i}\n" for i in range(400_000))
    rows, skipped = _skipped(lab, text, Dialect(comment="#"))
    assert (len(rows), skipped) == (400_000, {"comments": 400_002})


def test_rows_rejects_and_skips_are_all_records(lab: Any) -> None:
    """Each record of the raw file is a row, a reject or counted as skipped."""
    dialect = Dialect(comment="#", skip_lines=2, rows_after_header=1, skip_repeated_header=True)
    lab.raw("a.csv", "title\n\nt,v\nh,C\n1,2\n# x\n3\nt,v\nx,1\n4,5\n")
    report = lab.convert(lab.spec(NUMBERS, dialect=dialect, on_reject="keep", max_rejects=1.0))
    assert (report.rows, report.rejects) == (2, 2)
    assert report.skipped == {"lines": 2, "comments": 1, "rows_after_header": 1, "repeated_headers": 1}
    assert report.text().endswith(
        "trees: skipped: 2 lines before the table, 1 comment, 1 row after the header, 1 repeated header"
    )
    assert json.loads(json.dumps(report.metrics()))["skipped"] == 5


@pytest.mark.parametrize(
    ("dialect", "text", "problem"),
    [
        (
            Dialect(skip_lines=2),
            "a\nb\n",
            "the file has nothing behind the 2 lines before the table",
        ),
        (Dialect(skip_lines=9), "a\nb", "the file has nothing behind the 2 lines before the table"),
        (Dialect(skip_lines=1), "a\n\n", "the file has nothing behind the 1 line before the table"),
        (Dialect(comment="#"), "# x\n\n", "the file has only comments (`dialect.comment = '#'`)."),
    ],
)
def test_file_with_skipped_lines_only(lab: Any, dialect: Dialect, text: str, problem: str) -> None:
    """A file without anything behind what is skipped is not called empty."""
    lab.raw("a.csv", text)
    with pytest.raises(SourceError) as caught:
        lab.convert(lab.spec(NUMBERS, dialect=dialect))
    assert f"a.csv: {problem}" in str(caught.value)


@pytest.mark.parametrize("text", ["t,v", "t,v\n", "t,v\n\n"])
def test_a_skipped_header_without_rows_is_an_empty_table(lab: Any, text: str) -> None:
    """The columns are declared and the lines before them exist, so the part has no rows."""
    dialect = Dialect(header=False, skip_lines=1)
    assert _skipped(lab, text, dialect) == ([], {"lines": 1})
    assert lab.verify(lab.spec(NUMBERS, dialect=dialect)).findings == ()


def test_fewer_lines_than_are_skipped(lab: Any) -> None:
    """A file without a header that ends before the declared lines do is no empty table."""
    lab.raw("a.csv", "x\n")
    with pytest.raises(SourceError, match=r"a\.csv: the file has nothing behind the 1 line before the table"):
        lab.convert(lab.spec(NUMBERS, dialect=Dialect(header=False, skip_lines=2)))


def test_faulty_header_in_any_dialect(lab: Any) -> None:
    """A header with a quote that is never closed is an error with its line."""
    lab.raw("a.csv", '#\n"t,v\n1,2\n')
    with pytest.raises(HeaderError, match="line 2: the header: a quote is opened that is never closed"):
        lab.convert(lab.spec(NUMBERS, dialect=Dialect(comment="#")))
