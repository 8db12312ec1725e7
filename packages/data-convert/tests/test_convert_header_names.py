"""A column that has had several headers is found under each of them."""

from __future__ import annotations

from typing import Any

import pytest

from data_convert.errors import HeaderError

COLUMNS = {
    "day": "string",
    "country": {"type": "string", "header": "Country", "names": ("Country/Region", "Land")},
    "deaths": {"type": "int32", "optional": True},
}


def _header_error(lab: Any, text: str) -> str:
    lab.raw("a.csv", text)
    with pytest.raises(HeaderError) as caught:
        lab.convert(lab.spec(COLUMNS))
    return str(caught.value).split("columns:\n")[1]


def test_each_file_uses_its_own_name_of_a_column(lab: Any) -> None:
    """All names become one Parquet column, wherever it stands in the file."""
    lab.raw("a.csv", "day,Country,deaths\nd1,France,1\n")
    lab.raw("b.csv", "Country/Region,day\nItalia,d2\n")
    lab.raw("c.csv", "deaths,Land,day\n3,Polen,d3\n")
    lab.convert(lab.spec(COLUMNS))
    rows = [lab.table(f"{name}.parquet").to_pylist()[0] for name in "abc"]
    assert rows == [
        {"day": "d1", "country": "France", "deaths": 1},
        {"day": "d2", "country": "Italia", "deaths": None},
        {"day": "d3", "country": "Polen", "deaths": 3},
    ]


def test_a_column_with_none_of_its_names_is_missing(lab: Any) -> None:
    """The error has all of the names."""
    assert _header_error(lab, "day,deaths\nd1,1\n") == (
        "  'Country' (also called 'Country/Region', 'Land') is missing\n"
        "  what to write into `columns` of data/datasets.toml: `optional = true` at 'Country' if some files lack it"
    )


def test_two_names_of_one_column_in_one_file_are_an_error(lab: Any) -> None:
    """Neither of the two columns is dropped without a word."""
    assert _header_error(lab, "day,Land,Country,deaths\nd1,a,b,1\n") == (
        "  it has 'Country' and 'Land', which are `names` of one column, 'country'; declare two columns"
    )
