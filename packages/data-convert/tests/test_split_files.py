"""A long file that is parsed in ranges becomes the same part as in one piece."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from data_convert.cluster import range_start, split_reader
from data_convert.cluster.range_start import guessed_start
from data_convert.cluster.split_reader import SplitReader
from data_convert.conversion.part_job import convert_part
from data_convert.conversion.plan import plan_conversion
from data_convert.conversion.source_tables import ThreadedReader
from data_convert.errors import DataConvertError
from data_convert.reading import table_blocks
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec, Dialect, Drift, Expectations

CHUNK = 64


@pytest.fixture(autouse=True, scope="module")
def _tiny_ranges() -> Iterator[None]:
    """Chunks of 64 bytes, ranges of two chunks, and guesses from 64 bytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_blocks, "BLOCK_BYTES", CHUNK)
        patch.setattr(table_blocks, "CHUNK_BYTES", CHUNK)
        patch.setattr(split_reader, "RANGE_CHUNKS", 2)
        patch.setattr(range_start, "_FIRST_WINDOW_BYTES", CHUNK)
        yield


def converted(spec: DatasetSpec, content: bytes, *, is_split: bool) -> tuple[Any, ...]:
    """Part, rejects file, report and error of a conversion of one file; then how many ranges were parsed twice."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        folder = Path(name)
        (folder / "raw").mkdir()
        (folder / "raw/a.csv").write_bytes(content)
        readers: list[SplitReader] = []

        def reader(on_bytes: Callable[[int], None], _: object) -> Any:
            whole = ThreadedReader(parsers=pool, jobs=1, on_bytes=on_bytes, check_stop=lambda: None)
            split = SplitReader(
                submit=pool.submit,
                ahead=3,
                smaller=whole,
                on_bytes=on_bytes,
                check_stop=lambda: None,
                split_bytes=1,
            )
            readers.append(split)
            return split if is_split else whole

        done: list[int] = []
        report: Any = None
        error = None
        try:
            plan = plan_conversion(spec, folder)
            report = convert_part(plan.job(plan.stale[0]), reader, on_bytes=done.append, check_stop=lambda: None)
            assert sum(done) == len(content)
        except DataConvertError as failure:
            error = (str(failure).replace(name, ""), failure.exit_code)
        outcome = [error]
        if report is not None:
            outcome += [report.rows, report.rejects, report.skipped, report.changed, report.examples]
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        outcome += [(path.relative_to(folder), path.read_bytes()) for path in files]
        return (*outcome, sum(r.redone for r in readers))


def assert_equal(spec: DatasetSpec, content: bytes) -> int:
    """Both ways give the same files, report and error; returns how many ranges were parsed twice."""
    *expected, _ = converted(spec, content, is_split=False)
    *found, redone = converted(spec, content, is_split=True)
    assert found == expected
    return int(redone)


def columns(*names: str, **settings: Any) -> tuple[ColumnSpec, ...]:
    """Columns of integers and texts in turn."""
    kinds = ("int32", "string")
    return tuple(ColumnSpec(name=n, header=n, type=kinds[i % 2], **settings) for i, n in enumerate(names))


def spec_of(layout: tuple[ColumnSpec, ...], dialect: Dialect, **more: Any) -> DatasetSpec:
    """A dataset of one file that keeps its rejects."""
    usual: dict[str, Any] = {"on_reject": "keep", "max_rejects": 1.0}
    return DatasetSpec(name="trees", source="raw", output="parts", layout=layout, dialect=dialect, **{**usual, **more})


TEXTS = st.text(st.sampled_from("ab\",;\n\r 'é0"), max_size=40)


@st.composite
def files(draw: st.DrawFn) -> tuple[DatasetSpec, bytes]:
    """A file with all kinds of quotes, line ends and lines before the table, and its description."""
    delimiter = draw(st.sampled_from([",", ";"]))
    quote = draw(st.sampled_from(['"', "'", None]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r", None]))
    skipped = draw(st.integers(0, 3))
    has_header = draw(st.booleans())
    texts = draw(st.lists(st.tuples(st.integers(0, 9), TEXTS, st.booleans()), max_size=60))
    choice = random.Random(draw(st.integers(0, 1000)))

    def line_end() -> str:
        return end or choice.choice(["\n", "\r\n", "\r"])

    def cell(text: str, is_quoted: bool) -> str:
        if quote is None or not is_quoted:
            return text
        return quote + text.replace(quote, quote * 2) + quote

    pieces = [f"note {number} with {quote or ''}{line_end()}" for number in range(skipped)]
    pieces += [f"n{delimiter}t{line_end()}"] if has_header else []
    pieces += [f"{number}{delimiter}{cell(text, is_quoted)}{line_end()}" for number, text, is_quoted in texts]
    text = "".join(pieces)
    if draw(st.booleans()):
        text = text.removesuffix("\n").removesuffix("\r")
    content = text.encode()
    if draw(st.integers(0, 4)) == 0:
        content = b"\xef\xbb\xbf" + content
    if draw(st.integers(0, 4)) == 0 and len(content) > 200:
        content = content[:150] + b"\xff" + content[150:]
    unique = draw(st.booleans())
    layout = (
        ColumnSpec(name="n", header="n", type="int32"),
        ColumnSpec(name="t", header="t", type="string", expectations=Expectations(unique=unique)),
    )
    dialect = Dialect(delimiter=delimiter, quote=quote, header=has_header, skip_lines=skipped)
    return spec_of(layout, dialect, on_reject=draw(st.sampled_from(["keep", "keep", "error"]))), content


@settings(max_examples=250, deadline=None)
@given(files())
def test_any_file_in_ranges(given_file: tuple[DatasetSpec, bytes]) -> None:
    """Split into ranges of two chunks, a file has the same part, rejects, lines and errors as in one piece."""
    spec, content = given_file
    redone = assert_equal(spec, content)
    event(f"ranges: {min(len(content) // (2 * CHUNK), 4)}, parsed twice: {redone > 0}")


def test_start_inside_quotes_is_guessed() -> None:
    """The quotes of a window show whether a place is inside a cell, so a regular file is parsed once."""
    rows = "".join(
        f'{n},"a long text of several lines\nthat has, commas and ""quotes"" in it {n}"\n' for n in range(99)
    )
    spec = spec_of(columns("n", "t"), Dialect())
    assert assert_equal(spec, f"n,t\n{rows}".encode()) == 0


def test_wrong_guess_is_found() -> None:
    """A cell that looks like the end of a cell and many rows is read as what it is."""
    trap = "".join(f'{n},""\n' for n in range(200))
    content = f'n,t\n1,"{trap}"\n2,b\n'.encode()
    spec = spec_of(columns("n", "t"), Dialect())
    assert assert_equal(spec, content) > 0


@pytest.mark.parametrize("kind", ["reject", "drift", "minimum", "unique", "endless"])
def test_lines_of_findings_are_those_of_the_file(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rejects, changed values, violations and errors far down in the file name its lines."""
    rows = [f"{n},text {n}" for n in range(200)]
    rows[150] = {"unique": "150,text 20", "minimum": "-5,text", "endless": '150,"text'}.get(kind, "x,text")
    layout = (
        ColumnSpec(name="n", header="n", type="int32", expectations=Expectations(minimum=0)),
        ColumnSpec(name="t", header="t", type="string", expectations=Expectations(unique=kind == "unique")),
    )
    drift = Drift(changed_type="null") if kind == "drift" else Drift()
    spec = spec_of(layout, Dialect(), drift=drift)
    if kind == "endless":
        from data_convert.reading import records

        monkeypatch.setattr(records, "RECORD_LIMIT_BYTES", 100)
    content = "\n".join(["n,t", *rows, ""]).encode()
    assert_equal(spec, content)
    shown = str(converted(spec, content, is_split=True))
    assert "152" in shown


def test_guess_without_a_record_end_is_the_place() -> None:
    """Where no record ends in 16 MB, nothing can be guessed."""
    assert guessed_start(lambda low, high: b"a" * (high - low), 40 << 20, Dialect()) == 40 << 20
