"""The evidence on a column does not depend on how its texts are cut into blocks, or on how many are added at once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from data_convert.inspection.column_types.candidates import Place
from data_convert.inspection.column_types.column_texts import ColumnTexts
from data_convert.inspection.column_types.inference import ColumnEvidence
from data_convert.inspection.parsed_block import still_twins
from data_convert.reading.fast_parser import CellTexts

_KINDS = [
    ["1", "22", "-3"],
    ["1.5", "2.25", "3.10", "3.1"],
    ["007", "12E3", "+491511234567"],
    ["1,234", "12,345.5", "1.234,5"],
    ["$1", "$1,000.50", "2%"],
    ["1s", "2V", "3"],
    ["2024-01-02", "2024-03-04"],
    ["2024-01-02 03:04", "2024-01-02 03:04:05", "2024-01-02 03:04:05.5", "2024-01-02 03:04:05.123456789"],
    ["01/02/2024", "13/02/2024", "02/13/2024"],
    ["2024-01-02T03:04:05Z", "2024-01-02T03:04:05+01:00"],
    ["true", "false", "yes"],
    ["", "NA", "-9999", "nan", "."],
    ["text", "Ä", "a longer text than eight bytes"],
    ["18446744073709551615", "99999999999999999999", "1e400", "0.1234567890123456789"],
]


def _blocks(seed: int, *, is_coded: bool) -> list[ColumnTexts]:
    """Blocks that begin with one text of a kind; the others, and texts of other kinds, join it later."""
    chance = random.Random(seed)
    kinds = [chance.sample(kind, len(kind)) for kind in chance.sample(_KINDS, 3)]
    blocks = []
    for number in range(8):
        texts = kinds[0][: 1 + number] + (kinds[1] if number > 4 else []) + (kinds[2] if number > 6 else [])
        rows = pa.array(chance.choices(texts, k=chance.randrange(1, 40)), pa.string())
        cells = CellTexts.coded(rows) if is_coded else CellTexts(texts=rows)
        source = f"{number // 3}.csv"
        blocks.append(
            ColumnTexts.of(cells, lambda row, s=source, n=number: Place(source=s, line=100 * n + row), source)
        )
    return blocks


def _added(groups: Sequence[Sequence[ColumnTexts]]) -> ColumnEvidence:
    evidence = ColumnEvidence()
    for group in groups:
        evidence.add(group)
    return evidence


def _facts(value: Any) -> Any:
    """The value without functions, which are never equal."""
    if is_dataclass(value):
        return {field.name: _facts(getattr(value, field.name)) for field in fields(value) if field.name != "fits"}
    if isinstance(value, dict):
        return [(key, _facts(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [_facts(item) for item in value]
    return value.to_pylist() if isinstance(value, pa.Array) else value


@pytest.mark.parametrize("is_coded", [True, False])
@pytest.mark.parametrize("seed", range(100))
def test_blocks_added_together_give_the_evidence_of_blocks_added_one_by_one(seed: int, is_coded: bool) -> None:
    """Types, formats, nulls, sentinels, signs, counts and the first line of each of them are the same."""
    blocks = _blocks(seed, is_coded=is_coded)

    one_by_one = _added([[block] for block in blocks])

    assert _facts(_added([blocks])) == _facts(one_by_one)
    assert _facts(_added([blocks[:1], blocks[1:5], blocks[5:]])) == _facts(one_by_one)


def test_distinct_texts_beyond_the_limit_are_remembered_alike() -> None:
    """Too many texts to remember end the exact count at the same block."""
    blocks = [
        ColumnTexts.of(
            CellTexts(texts=pa.array([str(place) for place in range(first, first + 3_000)], pa.string())),
            lambda row: Place(source="a.csv", line=row),
            "a.csv",
        )
        for first in range(0, 15_000, 3_000)
    ]

    together, one_by_one = _added([blocks[:1], blocks[1:]]), _added([[block] for block in blocks])

    assert not together.is_counted
    assert _facts(together) == _facts(one_by_one)


def test_coded_texts_have_their_first_rows_and_numbers_of_rows() -> None:
    cells = CellTexts.coded(pa.array(["b", "a", "b", "b"], pa.string()))

    assert cells.texts.to_pylist() == ["b", "a"]
    assert cells.firsts is not None and cells.firsts.tolist() == [0, 1]
    assert cells.counts is not None and cells.counts.tolist() == [3, 1]
    assert [cells.at(row) for row in range(4)] == ["b", "a", "b", "b"]


def test_twins_are_found_whether_or_not_they_are_coded() -> None:
    """One of two equal columns may be coded and the other not, because threads learn this at different times."""
    rows = pa.array(["b", "a", "b", "c", "d"], pa.string())
    other = pa.array(["b", "x", "b", "c", "d"], pa.string())
    columns = [CellTexts.coded(rows), CellTexts(texts=rows), CellTexts.coded(other), None, None, CellTexts.coded(rows)]

    assert still_twins([0] * 6, columns) == [0, 0, 2, 3, 3, 0]
    assert still_twins([0, 1, 2, 3, 3, 0], columns) == [0, 1, 2, 3, 3, 0]
    assert still_twins([0, 1, 0, 3, 4, 5], columns) == [0, 1, 2, 3, 4, 5]


def test_codes_survive_a_slice() -> None:
    """Codes and texts are read from any buffer."""
    texts = pa.array(["x", "b", "a", "b"], pa.string())[1:]

    cells = CellTexts.coded(texts)

    assert np.array_equal(cells.codes if cells.codes is not None else [], [0, 1, 0])
    assert cells.each().to_pylist() == ["b", "a", "b"]
