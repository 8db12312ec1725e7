"""What the second reading reads many at a time is what it reads one by one."""

from __future__ import annotations

import csv
import io
import random
from typing import Any

import pyarrow as pa
import pytest

from data_convert.spec.dataset_spec import ColumnSpec, Dialect
from data_convert.verification.raw.table_cuts import bytes_of, cut_table
from data_convert.verification.values.moment_columns import MomentColumn
from data_convert.verification.values.value_rules import value_rule

_QUOTED = Dialect(quote='"')


def _rows(text: str, width: int) -> list[list[str]] | None:
    cut = cut_table(text.encode(), _QUOTED, width=width, is_last=True)
    if cut is None:
        return None
    columns = [(coded.codes, coded.keys) for coded in map(cut.coded, range(width))]
    return [[bytes_of(keys[codes[row]]).decode() for codes, keys in columns] for row in range(cut.rows)]


def _random_table(source: random.Random) -> list[list[str]]:
    def cell() -> str:
        return "".join(source.choices('ab,"\n', weights=(6, 2, 1, 1, 1), k=source.choice((0, 1, 3, 8, 9, 40, 70))))

    width = source.randint(1, 20)
    return [[cell() or "-" for _ in range(width)] for _ in range(source.randint(1, 9))]


@pytest.mark.parametrize("seed", range(60))
def test_cut_cells_are_those_of_the_csv_module(seed: int) -> None:
    """Quotes, delimiters and line ends may be at every place of a word of 64 bits."""
    table = _random_table(random.Random(seed))
    target = io.StringIO()
    csv.writer(target, lineterminator="\n", quoting=csv.QUOTE_ALL if seed % 2 else csv.QUOTE_MINIMAL).writerows(table)
    assert _rows(target.getvalue(), len(table[0])) == table


@pytest.mark.parametrize("fault", ['"b"c', 'b"c', 'b"', '""c', ' "b"'])
def test_a_stray_quote_is_irregular_at_every_place(fault: str) -> None:
    """Wherever it is in a word of 64 bits, the block is not cut."""
    for before in range(130):
        text = "a," + before * "x" + f',"y",{fault},z\n' + 'a,b,"c",d,e\n'
        assert _rows(text, 5) is None, before


def _column(**keys: Any) -> ColumnSpec:
    column: dict[str, Any] = {"name": "t", "header": "t", "type": "timestamp", "formats": ("%Y-%m-%d %H:%M",), **keys}
    return ColumnSpec(**column)


@pytest.mark.parametrize(
    "column",
    [
        _column(precision="ms"),
        _column(precision="ns"),
        _column(formats=("%d.%m.%Y%z",)),
        _column(formats=("%d.%m.%Y%z",), precision="ns"),
        _column(formats=("%Y-%m-%d %H:%M",), type="date"),
        _column(formats=("%Y%m%d",), type="date", nulls=("99999999",)),
    ],
)
def test_moments_read_at_once_are_those_read_one_by_one(column: ColumnSpec) -> None:
    """Whatever they are: moments, nulls, other texts, bytes that are no text, long texts, years far away."""
    texts = [f"20{y:02}-{m:02}-{d:02} {h:02}:00" for y in (0, 24) for m in (1, 2, 13) for d in (1, 30) for h in (0, 24)]
    texts += [text.replace("00:00", "5:07") for text in texts]
    texts += [f"{d:02}.02.{y}{zone}" for y in (1900, 1600, 9999) for d in (1, 29) for zone in ("+0100", "Z", "-2359")]
    texts += ["20240229", "20230229", "99999999", "2024-01-01 00:00" + 200 * " ", "x", "2024-01-01", "0001-01-01 00:00"]
    data = [text.encode() for text in texts] + [b"2024-01-01 00:0\xff", b"\xff024-01-01 00:00"]
    reader, rule = MomentColumn.of(column), value_rule(column)
    assert reader is not None
    for _ in range(2):
        moments = reader.read(pa.array(data, pa.binary()))
        expected = [rule(text.decode("utf-8", "surrogateescape")) for text in data]
        for value, units, is_known in zip(expected, moments.units.tolist(), moments.is_known.tolist(), strict=True):
            assert not is_known or value == (units,)
        assert moments.is_known.any()


def test_a_null_that_is_spelled_like_a_moment_is_read_one_by_one() -> None:
    """Otherwise the null would become a moment."""
    assert MomentColumn.of(_column(nulls=("1900-01-01 00:00",))) is None
