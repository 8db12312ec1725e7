"""notebooks/lib: the rows, engines and declared columns of `load()`."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

LIB = Path(__file__).resolve().parents[2] / "notebooks" / "lib"
sys.path.insert(0, str(LIB))

import experiment  # noqa: E402
from experiment import errors, reading  # noqa: E402

START = datetime(2024, 11, 3)
COUNT = 40


def table() -> pa.Table:
    """Rows in the order of time: every type, exact decimals, and missing values."""
    numbers = list(range(COUNT))

    def sparse(values: Sequence[Any]) -> list[Any]:
        return [None if index % 7 == 3 else value for index, value in enumerate(values)]

    times = [START + timedelta(hours=number) for number in numbers]
    return pa.table(
        {
            "time": pa.array(times, pa.timestamp("us")),
            "instant": pa.array(sparse(times), pa.timestamp("us", "UTC")),
            "day": pa.array([time.date() for time in times], pa.date32()),
            "station": pa.array(numbers, pa.int16()),
            "vehicle": pa.array(sparse([2**53 + number for number in numbers]), pa.int64()),
            "kind": pa.array(sparse([f"kind-{number // 10}" for number in numbers])),
            "speed": pa.array(sparse([Decimal(number) / 10 for number in numbers]), pa.decimal128(9, 1)),
            "price": pa.array([Decimal(number) / 100 for number in numbers], pa.decimal128(12, 2)),
            "share": pa.array(sparse([number / 3 for number in numbers])),
            "is_open": pa.array(sparse([number % 2 == 0 for number in numbers])),
            "nothing": pa.array([None] * COUNT, pa.int32()),
        }
    )


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two parts of a dataset, each with row groups of five rows."""
    folder = tmp_path / "counts"
    folder.mkdir()
    (tmp_path / "datasets.toml").write_text(
        '[datasets.counts]\noutput = "counts"\n[datasets.far]\noutput = "s3://bucket/far"\n'
    )
    for name, part in (("a", table()[: COUNT // 2]), ("b", table()[COUNT // 2 :])):
        path = folder / f"{name}.parquet"
        with pq.ParquetWriter(path, part.schema, store_schema=False, store_decimal_as_integer=True) as writer:
            writer.write_table(part, row_group_size=5)
            writer.add_key_value_metadata({"shrinkwrap": json.dumps({"exact": ["speed"]})})
    monkeypatch.setenv("SHRINKWRAP_DATA", str(tmp_path))
    monkeypatch.delenv("SHRINKWRAP_OUT", raising=False)
    monkeypatch.delenv("SHRINKWRAP_COLUMNS", raising=False)
    return folder


@pytest.fixture
def read_groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The row groups that pyarrow reads, numbered through both parts."""
    numbers: list[int] = []
    read = pq.ParquetFile.read_row_groups

    def recording_read(self: pq.ParquetFile, row_groups: list[int], *, columns: list[str] | None) -> pa.Table:
        first = 4 * (self.metadata.row_group(0).column(3).statistics.min >= COUNT // 2)
        numbers.extend(first + number for number in row_groups)
        return read(self, row_groups, columns=columns)

    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", recording_read)
    return numbers


def stations(where: Any) -> list[int]:
    found: list[int] = experiment.load("counts", columns=["station"], where=where).station.tolist()
    return found


# A filter, the stations that it keeps, and the row groups that are read.
FILTERS: list[tuple[Any, list[int], list[int]]] = [
    ([("station", "==", 12)], [12], [2]),
    ([("station", "=", np.int64(12))], [12], [2]),
    ([("station", "<", 2.5)], [0, 1, 2], [0]),
    ([("station", ">=", 36.5)], [37, 38, 39], [7]),
    ([("station", "==", 2.5)], [], list(range(8))),
    ([("station", ">", 100_000)], [], []),
    ([("station", "in", (1, 39))], [1, 39], [0, 7]),
    ([("station", "in", [])], [], []),
    ([("station", "not in", range(2, 40))], [0, 1], list(range(8))),
    ([("station", ">", 7), ("station", "<=", 9)], [8, 9], [1]),
    ([[("station", "==", 0)], [("station", ">", 38)]], [0, 39], [0, 7]),
    ([("time", ">=", "2024-11-04 14:00")], [38, 39], [7]),
    ([("time", "<", date(2024, 11, 3)), ("station", "==", 1)], [], []),
    ([("time", "==", pd.Timestamp(START))], [0], [0]),
    ([("time", "==", np.datetime64("2024-11-03T01"))], [1], [0]),
    ([("instant", ">", "2024-11-04 05:00-09:00")], [39], [7]),
    ([("day", "==", "2024-11-03"), ("station", ">", 22)], [23], [4]),
    ([("day", ">", date(2024, 11, 3)), ("station", "<", 26)], [24, 25], [4, 5]),
    ([("kind", "==", "kind-3"), ("station", "!=", 31)], [30, *range(32, 38), 39], [6, 7]),
    ([("speed", "==", 0.7)], [7], [1]),
    ([("speed", ">=", Decimal("3.7"))], [37, 39], [7]),
    ([("speed", "<", 1), ("speed", ">", 0.7)], [8, 9], [1]),
    ([("price", "==", 0.39)], [39], [7]),
    ([("share", ">", 12)], [37, 39], [7]),
    ([("vehicle", "==", 2**53 + 1)], [1], [0]),
    ([("vehicle", "==", None)], [3, 10, 17, 24, 31, 38], [0, 2, 3, 4, 6, 7]),
    ([("vehicle", "!=", None), ("station", "<", 4)], [0, 1, 2], [0]),
    ([("kind", "not in", ["kind-0", "kind-1", "kind-2", None])], [30, 32, 33, 34, 35, 36, 37, 39], list(range(8))),
    ([("kind", "in", ["kind-0", None]), ("station", "<", 12)], [*range(11)], [0, 1, 2]),
    ([("is_open", "==", True), ("station", "<", 5)], [0, 2, 4], [0]),
    ([("nothing", ">", 1)], [], []),
    (pc.field("speed") > 3.6, [37, 39], [7]),
    (~(pc.field("speed") <= 3.6), [37, 39], [7]),
    (pc.field("station").isin([2, 38]) & (pc.field("speed") < 1), [2], [0]),
]


@pytest.mark.parametrize(("where", "kept", "groups"), FILTERS, ids=[str(where)[:60] for where, _, _ in FILTERS])
def test_rows(data: Path, read_groups: list[int], where: Any, kept: list[int], groups: list[int]) -> None:
    """A filter keeps exactly its rows, and the row groups that cannot match are not read."""
    assert stations(where) == kept
    assert read_groups == groups


def test_a_filter_equals_the_filter_of_all_rows(data: Path) -> None:
    """No comparison of any column with any value loses or adds a row, whatever the row groups hold."""
    whole = experiment.load("counts", engine="arrow")
    for column in ("station", "vehicle", "speed", "share", "time", "kind", "price"):
        for value in whole[column].drop_null().to_pylist()[::4]:
            field = pc.field(column)
            for expression in (field < value, field >= value, field == value, field != value, ~(field > value)):
                found = experiment.load("counts", ["station"], where=expression, engine="arrow")
                assert found["station"] == whole.filter(expression)["station"], f"{column} {expression}"


NAN_FILTERS: list[tuple[Any, list[int]]] = [
    ([("share", "!=", 5)], [1, 3]),
    ([("share", "not in", [5.0])], [1, 2, 3]),
    ([("share", "==", 5)], [0]),
    (~(pc.field("share") < 6), [1, 3]),
    (~((pc.field("share") >= 4) & (pc.field("share") <= 6)), [1, 3]),
    (pc.field("share").is_nan(), [1, 3]),
    (pc.field("share").is_null(nan_is_null=True), [1, 2, 3]),
    (pc.field("share").isin([float("nan")]), [1, 3]),
    (pc.is_finite(pc.field("share")), [0]),
]


@pytest.mark.parametrize(("where", "kept"), NAN_FILTERS, ids=[str(where)[:60] for where, _ in NAN_FILTERS])
def test_not_a_number_is_found(data: Path, where: Any, kept: list[int]) -> None:
    """Statistics of row groups do not have NaN, so a filter that can find it reads all of them."""
    nan = float("nan")
    pq.write_table(pa.table({"share": [5.0, nan, None, nan], "n": [0, 1, 2, 3]}), data / "n.parquet", row_group_size=3)
    assert experiment.load("counts", ["n"], parts="n", where=where).n.tolist() == kept


def test_fewer_bytes_are_read(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages of other row groups are not read from disk."""
    rows = np.random.default_rng(1).random(200_000)
    many = pa.table({"number": pa.array(range(len(rows))), "noise": rows})
    pq.write_table(many, data / "c.parquet", row_group_size=20_000)
    opened: list[pq.ParquetFile] = []
    size = (data / "c.parquet").stat().st_size

    class CountingFile(pq.ParquetFile):  # type: ignore[misc]
        def __init__(self, path: Path) -> None:
            self.stream = _CountedBytes(path)
            super().__init__(pa.PythonFile(self.stream, mode="r"))
            opened.append(self)

    monkeypatch.setattr(reading.pq, "ParquetFile", CountingFile)
    frame = experiment.load("counts", ["noise"], parts="c", where=[("number", "==", 123_456)])
    assert frame.noise.tolist() == [rows[123_456]]
    assert sum(file.stream.bytes_read for file in opened) < size / 5
    for file in opened:
        file.stream.close()


class _CountedBytes:
    """A file that counts the bytes that are read from it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.bytes_read = 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.bytes_read += len(data)
        return data

    def close(self) -> None:
        self._file.close()
        self.closed = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def test_columns_of_a_filter_are_not_in_the_result(data: Path) -> None:
    """Without `columns`, all are; the order is that of `columns`."""
    where = [("speed", "==", 0.7)]
    assert list(experiment.load("counts", ["kind", "station"], where=where)) == ["kind", "station"]
    assert list(experiment.load("counts", where=where)) == table().column_names


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ([("sped", "==", 1)], r"unknown column 'sped' in `where` of dataset 'counts'\. Did you mean 'speed'\?"),
        ([("speed", "=>", 1)], r"unknown operator '=>' .* column 'speed' .*\. Did you mean '>'\?"),
        ([("speed", "<", "1")], r"the column 'speed' is double, which cannot be compared with '1'"),
        ([("speed", "<", float("nan"))], r"cannot be compared with nan"),
        ([("speed", "<", None)], r"cannot be compared with None by '<'; None means a missing value"),
        ([("station", "==", "7")], r"the column 'station' is int16, which cannot be compared with '7'"),
        ([("station", "==", True)], r"cannot be compared with True"),
        ([("kind", "==", 7)], r"the column 'kind' is text, which cannot be compared with 7"),
        ([("is_open", "==", 1)], r"the column 'is_open' is a boolean, which cannot be compared with 1"),
        ([("time", ">", "yesterday-ish")], r"the column 'time' is a time without a zone"),
        ([("time", ">", "2024-11-03T00:00Z")], r"without a zone, so give a time without one"),
        ([("instant", ">", "2024-11-03")], r"is a time in UTC, so give a zone"),
        ([("day", "==", "2024-11-03 10:00")], r"the column 'day' is a date"),
        ([("kind", "in", "kind-1")], r"needs a list of values after 'in', not 'kind-1'"),
        (("speed", "<", 1), r"is not a condition"),
        ([("speed", "<")], r"\('speed', '<'\) is not a condition"),
        ([], r"`where` is a list of conditions"),
        ("speed < 1", r"`where` is a list of conditions .* not 'speed < 1'"),
        (pc.field("sped") < 1, r"`where` does not fit dataset 'counts': No match for FieldRef.Name\(sped\)\. Known"),
        (pc.field("kind") < 1, r"`where` does not fit dataset 'counts': Function 'less' has no kernel matching"),
    ],
)
def test_wrong_filters(data: Path, where: Any, problem: str) -> None:
    """The error names the dataset, the column and what fits, and has the nearest name."""
    with pytest.raises(errors.ExperimentError, match=problem):
        stations(where)


def test_arrow(data: Path) -> None:
    """Exact decimals are floats; all other columns have the types of the parts."""
    loaded = experiment.load("counts", engine="arrow")
    speeds = pa.array([None if value is None else float(value) for value in table()["speed"].to_pylist()])
    assert loaded == table().set_column(6, "speed", speeds)


def test_unknown_engine(data: Path) -> None:
    """The error has the nearest name."""
    with pytest.raises(errors.UnknownNameError, match=r"unknown engine 'panda' in load\(\)\. Did you mean 'pandas'\?"):
        experiment.load("counts", engine="panda")  # type: ignore[call-overload]


@pytest.mark.parametrize("package", ["polars", "duckdb"])
def test_an_engine_that_is_not_installed(data: Path, package: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the package and how to add it."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(errors.ExperimentError) as caught:
        experiment.load("counts", engine=package)
    assert f'engine="{package}" needs the package {package}, which is not installed here.' in str(caught.value)
    assert "`invoke env.lock`" in str(caught.value)


def test_a_dataset_in_a_bucket(data: Path) -> None:
    """The error names the bucket."""
    with pytest.raises(
        errors.ExperimentError, match=r"dataset 'far' is in s3://bucket/far, and load\(\) reads folders"
    ):
        experiment.load("far")


class TestDeclaredColumns:
    """A notebook's table declares the columns that it reads."""

    @pytest.fixture(autouse=True)
    def _declared(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SHRINKWRAP_COLUMNS", json.dumps({"counts": ["speed", "station"]}))
        monkeypatch.setenv("SHRINKWRAP_OUT", "/project/notebooks/out/traffic-eda@worst=5")

    def test_they_are_the_default(self) -> None:
        """Without `columns`, exactly these are loaded, in their order."""
        assert list(experiment.load("counts")) == ["speed", "station"]
        assert list(experiment.load("counts", ["station"])) == ["station"]

    @pytest.mark.parametrize("where", [None, [("speed", ">", 1)]])
    def test_another_column_is_refused(self, where: Any) -> None:
        """The error names the table and the key to extend."""
        with pytest.raises(errors.ExperimentError) as caught:
            experiment.load("counts", ["station", "kind"], where=where)
        assert str(caught.value) == (
            "column 'kind' of dataset 'counts' is not declared for this notebook. Add 'kind' to `columns` of the"
            " dataset 'counts' in [tool.env-spec.notebooks.traffic-eda] of pyproject.toml, and start or run the"
            " notebook again. Declared: speed, station."
        )

    @pytest.mark.parametrize("where", [[("kind", "==", "kind-1")], pc.field("kind") == "kind-1"])
    def test_another_column_in_a_filter_is_refused(self, where: Any) -> None:
        """A filter reads its columns too."""
        with pytest.raises(errors.ExperimentError, match="column 'kind' of dataset 'counts' is not declared"):
            experiment.load("counts", ["station"], where=where)

    def test_other_datasets_are_read_whole(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A dataset without declared columns has no limit."""
        monkeypatch.setenv("SHRINKWRAP_COLUMNS", json.dumps({"other": ["speed"]}))
        assert list(experiment.load("counts")) == table().column_names

    def test_an_unknown_column_is_unknown(self) -> None:
        """Declaring it would not help."""
        with pytest.raises(errors.UnknownNameError, match="unknown column 'stations'"):
            experiment.load("counts", ["stations"])

    def test_a_broken_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The error names it."""
        monkeypatch.setenv("SHRINKWRAP_COLUMNS", "[1]")
        with pytest.raises(errors.ExperimentError, match="SHRINKWRAP_COLUMNS must be a JSON object"):
            experiment.load("counts")


def test_the_project_around_the_working_directory(data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without SHRINKWRAP_DATA, the data of the project around the working directory are loaded."""
    monkeypatch.delenv("SHRINKWRAP_DATA")
    project = tmp_path / "project"
    (project / "analysis/deep").mkdir(parents=True)
    (project / "data").mkdir()
    (project / "data/datasets.toml").write_text('[datasets.counts]\noutput = "counts"\n')
    (project / "data/counts").symlink_to(data)
    monkeypatch.chdir(project / "analysis/deep")
    assert len(experiment.load("counts", ["station"])) == COUNT


def test_it_imports_without_matplotlib() -> None:
    """Only `style` needs it."""
    code = (
        "import sys; sys.modules['matplotlib'] = None; import experiment; experiment.load\n"
        "try: experiment.style\nexcept ImportError as error: print('matplotlib' in str(error))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(LIB)}, capture_output=True, text=True, check=True
    )
    assert result.stdout == "True\n"


def test_an_unknown_name_of_the_package() -> None:
    """Names that are imported when they are used do not hide a misspelled one."""
    with pytest.raises(AttributeError, match="module 'experiment' has no attribute 'styles'"):
        _ = importlib.import_module("experiment").styles
