"""What is inferred about files whose table is not plain: one member or more of each kind of dialect and layout."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from data_convert.inspection.dialects import SniffedDialect, sniffed_dialect
from data_convert.spec.dataset_spec import Dialect


def sniffed(text: str) -> SniffedDialect:
    return sniffed_dialect(text.encode(), source="x.csv", is_whole=True)


def keys(text: str) -> dict[str, Any]:
    """The keys of the inferred dialect that are not the usual ones."""
    usual = asdict(Dialect())
    return {key: value for key, value in asdict(sniffed(text).dialect).items() if value != usual[key]}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b,c\n1,2,3,\n4,5,6,\n7,8,9,\n", ("a", "b", "c", "")),
        ("a,b\n1,2,\n", ("a", "b", "")),
        ("a;b;c\nx;2;3;4\ny;5;6;7\nx;8;9;1\n", ("a", "b", "c", "")),
        ("a,b,c,\n1,2,3\n4,5,6\n", ("a", "b", "c")),
        ("a,,b,c\n1,2,3\n4,5,6\n", ("a", "b", "c")),
        ("a,b,c,d,e\n1,2,3\n4,5,6\n7,8,9\n", ("a", "b", "c")),
        ("Notes,,,\na,b,c,d\n1,2,3\n4,5,6\n", ("a", "b", "c")),
        ('"a","b"\n"1",5,6\n"2",7,8\n"3",9,9\n', ("", "a", "b")),
        ("mpg,cyl\nMazda,21,6\nDatsun,22,4\nHornet,21,6\n", ("", "mpg", "cyl")),
    ],
)
def test_a_header_of_another_width_names_the_columns_of_the_rows(text: str, names: tuple[str, ...]) -> None:
    """All rows share one width: the header line is skipped, and its names are kept."""
    found = sniffed(text)
    assert (found.names, found.dialect.header) == (names, False)
    assert found.dialect.skip_lines == (2 if text.startswith("Notes") else 1)
    assert "The header line is skipped and its names are declared" in " ".join(found.notes)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Prices, in euro, of May\ndate,amount,shop,town\n2020-01-01,5,x,y\n2020-01-02,6,z,w\n", 1),
        ("Prices, in euro, of May\ndate,amount,shop\n2020-01-01,5,x\n2020-01-02,6,z\n", 1),
        ("Spend over 500,,\n,,\nDate,Amount,\n2020-01-01,5,\n2020-01-02,6,x\n", 2),
        ("Spend over 500,,\n,,\nDate,Amount,Town\n2020-01-01,5,Rome\n2020-01-02,6,x\n", 2),
        ("Spend over 500,\n,\nDate,Amount\n2020-01-01,5\n2020-01-02,6\n", 2),
        ("Spend over 500,\n,\nSupplier,Town\nAnn,Paris\nBob,Rome\n", 2),
        ("Station,12345,,,\nLat,48.2,,,\n,,,,\ntime,a,b,c,d\n" + "2020-01-01,1,2,3,4\n" * 3, 3),
        (",2019,,2020,\nname,a,b,c,d\nx,1,2,3,4\ny,1,2,3,4\n", 1),
        ("Report\nof May\n\nid,flow\n1,2\n3,4\n", 3),
    ],
)
def test_titles_of_any_width_are_skipped(text: str, lines: int) -> None:
    """The header is the first full row above the values."""
    found = sniffed(text)
    assert (found.dialect.header, found.dialect.skip_lines, found.dialect.rows_after_header) == (True, lines, 0)


def test_a_first_row_with_too_many_cells_is_not_skipped() -> None:
    """It is a row of the table, and is rejected later; skipping it would lose it without a reason."""
    assert keys("a,b,c\n1,2,3,4\n5,6,7\n8,9,1\n") == {}


@pytest.mark.parametrize("row", [",,", '1,"",""', ",,3", "1", "1,2,,,,", "NA,,"])
def test_an_odd_row_behind_the_header_is_a_row(row: str) -> None:
    """Only what stands above the header is no row."""
    assert keys(f"a,b,c\n{row}\n2,3,4\n4,5,6\n") == {}


@pytest.mark.parametrize(
    "text", ["a,b,c\n1,b\n2\n3,b,c\n", "a,b,c\n1,cat\ndog,c\n3,b,c\n", "a;b;c\n1;2\n1;2;3;4\n1;2;3\n"]
)
def test_ragged_rows_below_names_are_no_single_column(text: str) -> None:
    """A list of names above lines most of which have the same delimiter is a header."""
    assert sniffed(text).width == 3


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("time,temp,n\nh,C,#\n1,2.5,3\n2,3.5,4\n", ("h", "C", "#")),
        (
            "SID,SEASON,LAT,WIND\n ,Year,degrees_north,kts\nA1,1848,8.6,\nA1,1848,9.0,35\nA1,1848,9.0,35\n",
            (" ", "Year", "degrees_north", "kts"),
        ),
        (
            "Q1,Q2,Q3\nHow old are you?,How tall are you?,Name\n31,180,Ann\n25,170,Bob\n44,190,Carl\n",
            ("How old are you?", "How tall are you?", "Name"),
        ),
        ("when;wind;rain\n[UTC];[m/s];[mm]\n2020-01-01;3,5;0\n2020-01-02;4,5;1\n", ("[UTC]", "[m/s]", "[mm]")),
        (
            "SID,SEASON,NUMBER,BASIN,LAT\n ,Year, , ,degrees_north\nA1,1842,1,NI,10.9\nA1,1842,1,NI,10.8\n",
            (" ", "Year", " ", " ", "degrees_north"),
        ),
        ("id,name,x\nint,string,float\n1,Ann,2.5\n2,Bob,3.5\n", ("int", "string", "float")),
    ],
)
def test_a_second_header_row_is_no_row(text: str, units: tuple[str, ...]) -> None:
    """Units, labels or types above columns of values are kept apart."""
    found = sniffed(text)
    assert (found.dialect.header, found.dialect.rows_after_header, found.units) == (True, 1, units)
    assert "the row behind the header describes the columns" in " ".join(found.notes)


@pytest.mark.parametrize(
    "text",
    [
        "id,temp\ns1,error\ns2,5.1\ns3,5.2\n",
        "id,temp,hum\ns1,n/a,n/a\ns2,5.1,6\ns3,5.2,7\n",
        "id,temp,hum\ns1,bad,bad\ns2,5.1,6\ns3,5.2,7\ns4,bad,8\n",
        "name,town\nAnn,Paris\nBob,Rome\n",
    ],
)
def test_an_odd_first_row_is_a_row(text: str) -> None:
    """Without good evidence nothing is skipped."""
    assert keys(text) == {}


def test_usgs_rdb_is_read() -> None:
    """Comments of any number, then the header, then a row of formats."""
    text = (
        "# USGS\n# data, of sites\nagency\tsite_no\tdate\tflow\n5s\t15s\t20d\t14n\n" + "USGS\t0164\t2020-01-01\t5\n" * 3
    )
    assert keys(text) == {"delimiter": "\t", "comment": "#", "rows_after_header": 1}
    assert sniffed(text).units == ("5s", "15s", "20d", "14n")


def test_a_header_that_comes_again_is_skipped() -> None:
    """Files were joined without removing their headers."""
    assert keys("a,b\n1,2\n3,4\na,b\n5,6\n") == {"skip_repeated_header": True}


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("Country,2000,2001\nFR,1.5,2.5\nDE,3.5,4.5\n", True),
        ("Country,2000,2001,2002\nFR,15,25,1\nDE,35,45,1\n", True),
        ("country;code;1990;1991\nFrance;FR;;5\nItaly;IT;7;8\n", True),
        ("name,1,2,3\nx,0.5,0.25,0.1\ny,0.5,0.3,0.1\n", True),
        ("Province,Country,Lat,1/22/20,1/23/20\n,Thailand,15,2,3\n,Japan,36,2,1\n", True),
        ("x,1,2,3\ny,4,5,6\nz,7,8,9\n", False),
        ("a,2001,2005\nb,2003,2006\nc,2002,2009\n", False),
        ("2020,1,2\n2021,3,4\n", False),
    ],
)
def test_rising_numbers_next_to_words_are_names(text: str, header: bool) -> None:
    """Years above other values are names; values above such values are not."""
    assert sniffed(text).dialect.header is header


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sep=;\na;b\n1;2\n3;4\n", {"delimiter": ";", "skip_lines": 1}),
        ("sep=;\nx\n1\n2\n", {"delimiter": ";", "skip_lines": 1}),
        ("SEP=,\r\na,b\r\n1,2\r\n", {"skip_lines": 1}),
        ('"sep=|"\na|b\n1|2\n', {"delimiter": "|", "skip_lines": 1}),
        ("sep=\t\na\tb\n1\t2\n", {"delimiter": "\t", "skip_lines": 1}),
    ],
)
def test_the_line_with_excels_delimiter_is_no_header(text: str, expected: dict[str, Any]) -> None:
    """The line declares the delimiter."""
    assert keys(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,2\n# pause\n3,4\n5,6\n", {"comment": "#"}),
        ("# logger\n# x\n1,2.5\n2,3.5\n3,4\n", {"comment": "#", "header": False}),
        ("// x, y, z\na;b\n1;2\n3;4\n", {"comment": "//", "delimiter": ";"}),
        ("% made by hand\nt,v\n1,2\n3,4\n", {"comment": "%"}),
        ("id,tag\n1,#x\n2,#y\n", {}),
        ("#,name\n1,x\n2,y\n", {}),
        ("tag,n\n#x,1\n#y,2\n#z,3\n", {}),
        ("channel,n\n#x,1\ny,2\nz,3\nw,3\nv,4\nu,5\n", {}),
        ("id,n\n1,1\n2,2\n#3,3\n4,3\n5,4\n6,5\n", {"comment": "#"}),
    ],
)
def test_comments_are_no_rows(text: str, expected: dict[str, Any]) -> None:
    """A few lines that start with a sign are comments; values that start with it are not."""
    assert keys(text) == expected


def test_names_in_the_last_comment_are_used() -> None:
    """numpy and many instruments write the names behind a sign."""
    found = sniffed("# made by x\n# time, temp\n1,2.5\n2,3.5\n3,4\n")
    assert (found.names, found.dialect) == (("time", "temp"), Dialect(header=False, comment="#"))


@pytest.mark.parametrize(
    "text",
    [
        "name\nAlice Smith\nBob Jones\nCarol White\n",
        "full name\nAlice Smith\nBob Jones Jr\nCarol White\n",
        'amount\n"1,000"\n"2,500"\n"3,750"\n',
        "time\n2020-01-01 10:00\n2020-01-01 11:00\n",
        'payload\n"{""a"": 1, ""b"": 2}"\n"{""a"": 3, ""b"": 4}"\n',
        'payload\n{"a": 1, "b": 2}\n{"a": 3, "b": 4}\n',
        "address\nMain St 5, Berlin\nHigh St 7, London\n",
        "price\n1,5\n2,5\n3,75\n",
        "comment\nfine\nnot so good, to be honest\nwell; maybe\n",
    ],
)
def test_one_column_is_not_divided(text: str) -> None:
    """Blanks, commas in quotes, times, JSON and prose part no cells."""
    found = sniffed(text)
    assert (found.width, found.dialect.header, found.dialect.skip_lines) == (1, True, 0)


@pytest.mark.parametrize(
    "text",
    [
        "2020-01-01 10:00\n2020-01-01 11:00\n",
        "10:30\n11:45\n12:00\n",
        '"1,000"\n"2,500"\n"3,750"\n',
        '{"a": 1, "b": 2}\n{"a": 3, "b": 4}\n',
    ],
)
def test_one_column_without_a_header_is_not_divided(text: str) -> None:
    """The same values alone."""
    assert (sniffed(text).width, sniffed(text).dialect.header) == (1, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.0 2.0 3.0\n4.0 5.0 6.0\n", {"delimiter": " ", "header": False}),
        ("x y z\n1 2 3\n4 5 6\n", {"delimiter": " "}),
        ('id text n\n1 "x y" 3\n2 "z, w" 4\n3 q 4\n', {"delimiter": " "}),
        ("a b\n1,5 2,5\n3,5 4,5\n", {"delimiter": " "}),
    ],
)
def test_spaces_part_numbers(text: str, expected: dict[str, Any]) -> None:
    """Columns of numbers, or quotes around cells with spaces, show that spaces are delimiters."""
    assert keys(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('id, text, n\n1, "x, y", 3\n2, "z", 4\n', {"skip_blanks": True}),
        ("id, text, n\n1, x, 3\n2, z, 4\n", {"skip_blanks": True}),
        ("id; text\n1; 'a; b'\n2; 'c'\n", {"skip_blanks": True, "delimiter": ";", "quote": "'"}),
        ("id, amount, town\n1, 1,000, Rome\n2, 2,500, Paris\n3, 10, Oslo\n", {"delimiter": ", "}),
        ("a||b||c\n1||2||3\n4||5||6\n", {"delimiter": "||"}),
        ("a|~|b|~|c\n1|~|2|~|3\n4|~|x|~|6\n", {"delimiter": "|~|"}),
        ("1::1193::5\n1::661::3\n", {"delimiter": "::", "header": False}),
        ("a\x1fb\n1\x1f2\n", {"delimiter": "\x1f"}),
        ("a^b\n1^2\n3^4\n", {"delimiter": "^"}),
        ("root:x:0:0:root:/root\nbin:x:1:1:bin:/bin\n", {"delimiter": ":", "header": False}),
        ("id, name\n1,Ann\n2,Bob\n", {}),
    ],
)
def test_blanks_and_long_delimiters_are_seen(text: str, expected: dict[str, Any]) -> None:
    """What stands between the cells of every row is the delimiter; blanks behind it are no part of the cells."""
    assert keys(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('id,text\n1,"say \\"hi\\", he said"\n2,"x"\n', {"escape": "\\"}),
        ('id,text\n1,"say \\"hi\\", he"\n2,"a ""b"", c"\n', {"escape": "\\"}),
        ("id,text\n1,a\\,b\n2,c\n3,d\\,e\n", {"escape": "\\"}),
        ('id,path\n1,"C:\\dir\\"\n2,"D:\\x\\"\n', {}),
        ('id,size\n1,5" pipe\n2,"6"" pipe"\n', {}),
        ('id,title\n1,"Best" film\n2,"Worst" film ever\n3,x\n', {"quote": None}),
        ('id,title\n1,"x, y"\n2,z\n', {}),
    ],
)
def test_escapes_and_quotes_without_meaning_are_seen(text: str, expected: dict[str, Any]) -> None:
    """Quotes mean nothing, or an escape character stands before them, only if reading them otherwise gives faults."""
    assert keys(text) == expected


def test_words_in_two_columns_are_asked() -> None:
    """Two words in each line may be one name."""
    assert sniffed("name town\nAnn Paris\nBob Rome\n").notes == (
        "each line has 2 words, which become 2 columns. If they are one value, declare another delimiter, such as"
        ' dialect = { delimiter = "," }.',
    )
