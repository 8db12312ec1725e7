"""What is inferred about how a file is written."""

from __future__ import annotations

import pytest

from data_convert.errors import NotATableError
from data_convert.inspection.dialects import sniffed_dialect
from data_convert.spec.dataset_spec import Dialect


def sniffed(text: str | bytes) -> Dialect:
    head = text.encode() if isinstance(text, str) else text
    return sniffed_dialect(head, source="x.csv", is_whole=True).dialect


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_makes_regular_rows(delimiter: str) -> None:
    """A row has as many cells as the others under the right delimiter."""
    rows = [["id", "text"], ["1", "one, two"], ["2", "three"]]
    text = "".join(delimiter.join(f'"{c}"' if delimiter in c else c for c in row) + "\n" for row in rows)
    assert sniffed(text) == Dialect(delimiter=delimiter)


def test_words_parted_by_spaces_are_no_columns_where_a_delimiter_parts_cells() -> None:
    """A space is a delimiter only if no other character is."""
    assert sniffed("name,town\nAnn Lee,New York\nBob Ray,Los Gatos\n").delimiter == ","
    assert sniffed("name town\nAnn Paris\nBob Rome\n").delimiter == " "


def test_decimal_commas_do_not_part_cells() -> None:
    """Semicolons part cells whose numbers have decimal commas."""
    assert sniffed("a;b;c\n1,5;2,5;3,5\n4,5;5,5;6,5\n").delimiter == ";"


def test_single_quotes_are_seen() -> None:
    """A file may quote with an apostrophe."""
    assert sniffed("a,b\n1,'x, y'\n2,'z'\n").quote == "'"


def test_an_apostrophe_in_a_word_is_no_quote() -> None:
    """An apostrophe inside a cell quotes nothing."""
    assert sniffed("a,b\n1,it's\n2,o'clock\n").quote == '"'


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ("a,b\n1,é\n".encode(), "utf-8"),
        ("\ufeffa,b\n1,2\n".encode(), "utf-8"),
        ("a,b\n1,é\n".encode("utf-16"), "utf-16"),
        ("a,b\n1,é\n".encode("utf-16-be"), "utf-16-be"),
        ("a,b\n1,é\n".encode("cp1252"), "cp1252"),
        (b"a,b\n1,\x81\n", "latin-1"),
    ],
)
def test_the_encoding_is_the_first_that_decodes_all(head: bytes, encoding: str) -> None:
    """Byte order marks decide; then UTF-8, cp1252 and latin-1 are tried."""
    assert sniffed(head).encoding == encoding


def test_a_guessed_encoding_is_findings() -> None:
    """Nothing but the absence of UTF-8 speaks for cp1252."""
    found = sniffed_dialect("a,b\n1,é\n".encode("cp1252"), source="x.csv", is_whole=True)
    assert found.notes == (
        "the text is not UTF-8 and is read as cp1252, which is a guess: look at some accented letters, and fix"
        " `dialect.encoding` if they are wrong.",
    )


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("id,name\n1,Ann\n2,Bob\n", True),
        ("1,Ann\n2,Bob\n", False),
        ("name,town\nAnn,Paris\nBob,Rome\n", True),
        ("01/21/2012 00:00:21,500001,0\n01/21/2012 00:00:51,500001,0\n", False),
        ("year,2001,2002\nflow,5,6\nspeed,7,8\n", True),
        ("N,S\nN,E\nS,S\n", False),
        ("flag\nyes\nno\n", True),
    ],
)
def test_a_header_stands_above_other_kinds_of_values(text: str, header: bool) -> None:
    """Words above numbers are names; a value that comes again below is none."""
    assert sniffed(text).header is header


def test_lines_before_the_table_are_skipped_and_findings() -> None:
    """A title and a blank line belong to no row."""
    found = sniffed_dialect(b"Report of May\n\nid,flow,speed\n1,2,3\n4,5,6\n", source="x.csv", is_whole=True)
    assert found.dialect == Dialect(skip_lines=2)
    assert found.notes == (
        "the first 2 lines of each file will be skipped, since the table begins behind: Report of May",
    )


def test_a_title_padded_with_delimiters_is_skipped() -> None:
    """Spreadsheets write a title as a row with one filled cell."""
    assert sniffed("Report,,\nid,flow,speed\n1,2,3\n4,5,6\n").skip_lines == 1


def test_blank_lines_alone_are_not_skipped() -> None:
    """The reader passes over blank lines anyway."""
    assert sniffed("\n\nid,flow\n1,2\n").skip_lines == 0


def test_a_header_one_cell_short_is_no_title() -> None:
    """Its names are kept, although its line is skipped because it does not have the shape of the rows."""
    found = sniffed_dialect(b"a,b,c\n1,2,3,4\n1,2,3,4\n", source="x.csv", is_whole=True)
    assert (found.dialect, found.names) == (Dialect(header=False, skip_lines=1), ("a", "b", "c", ""))


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_do_not_matter(line_end: str) -> None:
    """LF, CRLF and CR end rows alike."""
    assert sniffed(line_end.join(["title", "", "a;b;c", "1;2;3", "4;5;6"])) == Dialect(delimiter=";", skip_lines=2)


@pytest.mark.parametrize("head", [b"", b"\n\n", bytes(range(256)) * 4])
def test_what_is_no_table_is_refused(head: bytes) -> None:
    """An empty or a binary file is an error."""
    with pytest.raises(
        NotATableError, match=r"^x\.csv: (the file is empty|the file has only blank lines|this is not text)"
    ):
        sniffed(head)
