"""How columns are encoded: by what the footer says, with equal values."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_convert.conversion.plan import plan_conversion
from data_convert.reading.fast_parser import table_schema
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec
from data_convert.storage.output_folder import OutputFolder
from data_convert.storage.output_place import PendingFile
from data_convert.writing import encodings, part_writer, provenance
from data_convert.writing.part_writer import PartWriter, first_readable

DICTIONARY, DELTA, PLAIN, SPLIT = "RLE_DICTIONARY", "DELTA_BINARY_PACKED", "PLAIN", "BYTE_STREAM_SPLIT"
PREFIX = "DELTA_BYTE_ARRAY"


def described(kinds: dict[str, str], **settings: Any) -> DatasetSpec:
    """A dataset with columns of these types."""
    layout = tuple(ColumnSpec(name=name, header=name, type=kind) for name, kind in kinds.items())
    return DatasetSpec(**{"name": "x", "source": "x", "output": "x", "layout": layout, **settings})


def written(folder: Path, spec: DatasetSpec, *row_groups: dict[str, Any]) -> Path:
    """A part with these row groups."""
    path, schema = folder / "x.parquet", table_schema(spec)

    def write(without_delta: frozenset[str]) -> None:
        with PartWriter(pending(path), spec, without_delta=without_delta) as writer:
            for values in row_groups:
                writer.write_row_group(pa.table(values, schema=schema))
            writer.finish([])

    first_readable(write)
    return path


def pending(path: Path) -> PendingFile:
    """The part at this path before it is written."""
    return OutputFolder(folder=path.parent, suffix=".parquet", temporary_prefix=".part-").pending(path.name)


def found(path: Path) -> dict[str, str]:
    """Column -> the encoding of its values, from the footer."""
    group = pq.read_metadata(path).row_group(0)
    columns = [group.column(place) for place in range(group.num_columns)]
    order = (DICTIONARY, DELTA, SPLIT, PREFIX, PLAIN)
    return {c.path_in_schema: next(name for name in order if name in c.encodings) for c in columns}


def hostile(rows: int) -> dict[str, Any]:
    """Columns that one encoding each makes smallest."""
    noise = np.random.default_rng(1)
    walk = np.cumsum(noise.integers(-9, 10, rows)).astype(np.int32)
    return {
        "walk": walk,
        "codes": noise.choice([7, 1 << 20, 12345], rows).astype(np.int32),
        "names": [f"street {number}" for number in noise.integers(0, 50, rows)],
        "texts": [noise.bytes(12).hex() for _ in range(rows)],
        "prices": noise.integers(0, 900, rows) / 10,
        "floats": noise.random(rows),
        "flags": noise.integers(0, 2, rows).astype(np.bool_),
        "hashes": noise.integers(-(2**62), 2**62, rows),
    }


HOSTILE = {
    "walk": "int32",
    "codes": "int32",
    "names": "string",
    "texts": "string",
    "prices": "float64",
    "floats": "float64",
    "flags": "bool",
    "hashes": "int64",
}


@pytest.mark.parametrize("effort", ["fast", "balanced"])
@pytest.mark.parametrize("rows", [20_000, 400_000])
def test_each_column_has_the_encoding_that_makes_it_smallest(tmp_path: Path, effort: str, rows: int) -> None:
    """Steps are deltas, repeated values are dictionaries, and noise is plain; also if only a sample is encoded."""
    path = written(tmp_path, described(HOSTILE, effort=effort), hostile(rows))
    assert found(path) == {
        "walk": DELTA,
        "codes": DICTIONARY,
        "names": DICTIONARY,
        "texts": PLAIN,
        "prices": DICTIONARY,
        "floats": PLAIN,
        "flags": PLAIN,
        "hashes": PLAIN,
    }


@pytest.mark.parametrize("settings", [{"effort": "max"}, {"decimals": "exact"}])
def test_some_settings_use_encodings_of_fewer_readers(tmp_path: Path, settings: dict[str, str]) -> None:
    """Byte-stream split and shared prefixes are used if the dataset gives up fastparquet, and then only."""
    rows = 50_000
    values = {
        "wide": np.random.default_rng(1).integers(0, 1 << 22, rows).astype(np.int32) * 64,
        "ids": [f"2024/station/{number * 7919:012}" for number in range(rows)],
    }
    kinds = {"wide": "int32", "ids": "string"}
    assert found(written(tmp_path, described(kinds, **settings), values)) == {"wide": SPLIT, "ids": PREFIX}
    assert {SPLIT, PREFIX}.isdisjoint(found(written(tmp_path, described(kinds), values)).values())


def random_values(kind: str, rows: int, chance: random.Random) -> list[Any]:
    """Values of one type with nulls: constant, few-valued, stepping or noisy."""
    spread = chance.choice([1, 30, 10**6])
    numbers = [chance.randrange(spread) for _ in range(rows)]
    if chance.random() < 0.3:
        numbers.sort()
    makers: dict[str, Callable[[int], Any]] = {
        "int8": lambda n: n % 256 - 128,
        "int32": lambda n: n - 1000,
        "int64": lambda n: n * 10**12,
        "uint64": lambda n: n * 10**13,
        "float64": lambda n: n / 8,
        "string": lambda n: f"käse {n}",
        "bool": lambda n: n % 2 == 0,
        "date": lambda n: n % 40000,
        "timestamp": lambda n: n * 60_000_000,
    }
    make = makers[kind]
    share = chance.choice([0, 0.1, 1])
    return [None if chance.random() < share else make(number) for number in numbers]


@pytest.mark.parametrize("seed", range(12))
def test_values_are_equal_at_every_effort(tmp_path: Path, seed: int) -> None:
    """Whatever the encodings, the part has the values that were written, nulls included."""
    chance = random.Random(seed)
    kinds = ["int8", "int32", "int64", "uint64", "float64", "string", "bool", "date", "timestamp"]
    spec = described(
        {f"{kind}.{seed}": kind for kind in kinds}, effort=chance.choice(["fast", "balanced", "max"]), zstd_level=1
    )
    rows = chance.choice([1, 5, 3000, 9000])
    values = {f"{kind}.{seed}": random_values(kind, rows, chance) for kind in kinds}
    table = pa.table(values, schema=table_schema(spec))
    assert pq.read_table(written(tmp_path, spec, values)).equals(table)


def test_large_dictionary_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dictionary of more than a megabyte does not fall back to plain values in the middle of a row group."""
    numbers = np.random.default_rng(2).permutation(np.tile(np.random.default_rng(3).random(150_000), 4))
    spec = described({"x": "float64"})
    complete = written(tmp_path, spec, {"x": numbers}).stat().st_size
    monkeypatch.setattr(encodings, "DICTIONARY_BYTES", 1 << 20)
    assert complete < 0.9 * written(tmp_path, spec, {"x": numbers}).stat().st_size


def test_steps_that_some_readers_decode_wrongly_are_no_deltas(tmp_path: Path) -> None:
    """fastparquet returns wrong values for deltas of more than 28 bits, so these columns are encoded otherwise."""
    small = np.cumsum(np.random.default_rng(1).integers(0, 1000, 5000)).astype(np.int64)
    large = small.copy()
    large[2500:] += 1 << 28
    spec = described({"small": "int64", "large": "int64"})
    path = written(tmp_path, spec, {"small": small, "large": large})
    assert found(path)["small"] == DELTA
    assert found(path)["large"] != DELTA


def test_large_steps_in_a_later_row_group_change_the_encoding_of_all(tmp_path: Path) -> None:
    """The row groups so far are written again, with the same values, and no temporary file is left."""
    steps = np.cumsum(np.random.default_rng(1).integers(0, 1000, 5000)).astype(np.int64)
    jump = np.where(np.arange(5000) % 2 == 0, steps, steps + (1 << 40))
    spec = described({"x": "int64", "when": "timestamp"})
    when = (np.arange(5000) * 1_000_000).astype("datetime64[us]")
    groups = [{"x": steps, "when": when}, {"x": steps + 5, "when": when}, {"x": jump, "when": when}]
    path = written(tmp_path, spec, *groups)
    assert [file.name for file in tmp_path.iterdir()] == ["x.parquet"]
    assert found(path)["x"] != DELTA
    assert found(path)["when"] == found(written(tmp_path / "other", spec, *groups[:2]))["when"]
    path = written(tmp_path, spec, *groups)
    assert pq.read_metadata(path).num_row_groups == 3
    assert pq.read_table(path)["x"].to_pylist() == [*steps, *(steps + 5), *jump]


def test_footer_records_the_order_of_the_rows(tmp_path: Path) -> None:
    """Rows with nulls in a key are first, and the footer's sorting columns say so."""
    spec = described({"k": "int32", "v": "string"}, sort=("k",))
    path = written(tmp_path, spec, {"k": [3, None, 1], "v": ["c", "n", "a"]})
    assert pq.read_table(path)["v"].to_pylist() == ["n", "a", "c"]
    assert pq.read_metadata(path).row_group(0).sorting_columns == (
        pq.SortingColumn(column_index=0, descending=False, nulls_first=True),
    )


def test_pages_have_an_index(tmp_path: Path) -> None:
    """Every column has an offset index, and the keys a column index, so that a reader finds the pages of a key."""
    spec = described({"k": "int32", "v": "string"}, sort=("k",))
    rows = (1 << 16) + 1
    group = pq.read_metadata(written(tmp_path, spec, {"k": range(rows), "v": ["a"] * rows})).row_group(0)
    assert [group.column(place).has_offset_index for place in (0, 1)] == [True, True]
    assert [group.column(place).has_column_index for place in (0, 1)] == [True, False]
    # Long values fill several pages with few rows.
    group = pq.read_metadata(written(tmp_path / "long", spec, {"k": range(99), "v": ["a" * 30_000] * 99})).row_group(0)
    assert [group.column(place).has_offset_index for place in (0, 1)] == [True, True]


def test_a_single_page_has_no_index(tmp_path: Path) -> None:
    """The statistics of the key are in the footer, so the index would only make small parts larger."""
    spec = described({"k": "int32", "v": "string"}, sort=("k",))
    group = pq.read_metadata(written(tmp_path, spec, {"k": [1, 2], "v": ["a", "b"]})).row_group(0)
    assert [group.column(place).has_offset_index for place in (0, 1)] == [False, False]
    assert [group.column(place).has_column_index for place in (0, 1)] == [False, False]
    statistics = group.column(0).statistics
    assert (statistics.min, statistics.max) == (1, 2)


def test_effort_and_level_decide_the_size(tmp_path: Path) -> None:
    """More effort makes smaller files, and `zstd_level` overrides the level of the effort."""
    words = ["oak", "elm", "fir", "ash", "yew"]
    chance = random.Random(1)
    texts = [" ".join(chance.choices(words, k=8)) for _ in range(30_000)]
    spec = described({"x": "string"})
    variants = [{"effort": "fast"}, {"effort": "balanced"}, {"effort": "max"}, {"zstd_level": 19}]
    sizes = [written(tmp_path, replace(spec, **v), {"x": texts}).stat().st_size for v in variants]  # type: ignore[arg-type]
    assert sizes[0] > sizes[1] > sizes[2]
    assert sizes[3] < sizes[1]


def test_parts_of_an_older_format_are_converted_again(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part in format 1 is stale, and the plan says why."""
    lab.raw("a.csv", "id,kind\n1,oak\n")
    monkeypatch.setattr(provenance.Provenance, "format", 1)
    monkeypatch.setattr(part_writer, "Provenance", lambda **facts: provenance.Provenance(**facts, format=1))
    lab.convert(lab.spec())
    (part,) = plan_conversion(lab.spec(), lab.root).parts
    assert part.reason == "it was written in format 1 of this tool's parts, and the current format is 2"


def test_bytes_do_not_depend_on_the_blocks_of_the_text(tmp_path: Path) -> None:
    """The same rows in other chunks make the same file."""
    chance = np.random.default_rng(1)
    texts = [chance.bytes(20).hex() for _ in range(90_000)]
    table = pa.table({"k": chance.integers(0, 900, 90_000).astype(np.int32), "v": chance.random(90_000), "t": texts})
    for sort in ((), ("k",)):
        spec = described({"k": "int32", "v": "float64", "t": "string"}, sort=sort)
        found = []
        for step in (90_000, 33_333, 777):
            pieces = [table.slice(start, step) for start in range(0, 90_000, step)]
            with PartWriter(pending(tmp_path / f"{step}.parquet"), spec) as writer:
                for piece in pieces:
                    assert writer.add(piece.cast(table_schema(spec))) is None
                rest = writer.rest()
                assert rest is not None
                writer.write_row_group(rest)
                writer.finish([], [])
            found.append((tmp_path / f"{step}.parquet").read_bytes())
        assert found[0] == found[1] == found[2]
