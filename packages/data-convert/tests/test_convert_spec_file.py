"""datasets.toml is checked as a whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from data_convert.errors import DataConvertError, SpecErrors, UnknownDatasetError
from data_convert.spec import ColumnSpec, DatasetSpec, DroppedColumns
from data_convert.spec_file import chosen, load_specs, parse_specs

DATA = Path(__file__).resolve().parents[3] / "data"


def table(**entries: object) -> dict[str, object]:
    column = {"name": "n", "type": "int32"}
    return {"datasets": {"mine": {"source": "raw/mine", "output": "out/mine", "columns": [column], **entries}}}


def mistakes(data: dict[str, object]) -> list[str]:
    with pytest.raises(SpecErrors) as caught:
        parse_specs(data)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_the_shipped_datasets_are_described() -> None:
    """The project ships three datasets, and its own description of them is right."""
    assert list(load_specs(DATA / "datasets.toml")) == ["pems-detector", "pems-incident", "climate"]


def test_the_detector_has_52_raw_columns() -> None:
    """PeMS Station 5-Minute has 12 station columns and 5 for each of 8 lanes; the lanes are dropped with a reason."""
    spec = load_specs(DATA / "datasets.toml")["pems-detector"]
    assert len(spec.raw_headers) == 52
    assert len(spec.columns) == 12
    assert [entry.why != "" for entry in spec.layout if isinstance(entry, DroppedColumns)] == [True]


def test_defaults() -> None:
    """Source, output and columns are all a dataset needs to say."""
    spec = parse_specs(table())["mine"]
    assert spec == DatasetSpec(
        name="mine",
        source="raw/mine",
        output="out/mine",
        layout=(ColumnSpec(name="n", header="n", type="int32"),),
    )
    assert (spec.dialect.delimiter, spec.dialect.quote, spec.on_reject, spec.files) == (",", '"', "error", "**/*")


def test_all_mistakes_are_told_at_once() -> None:
    """One reading names every mistake with its key path and the nearest known name."""
    data = table(
        sorce="x",
        on_reject="kep",
        sort=["m"],
        dialect={"delimiter": ";;", "encoding": "utf-9", "headr": True},
        columns=[{"name": "n", "type": "int23"}, {"name": "t", "type": "timestamp"}, {"nam": "x"}, {"drop": ["a"]}],
    )
    assert mistakes(data) == [
        "datasets.mine.sorce: unknown key; did you mean 'source'? (keys: title, source, files, output, dialect,"
        " nulls, timestamp_formats, zone, columns, sort, parts, pattern, on_reject, zstd_level)",
        "datasets.mine.on_reject: must be one of error, keep, not 'kep'; did you mean 'keep'?",
        "datasets.mine.dialect.delimiter: must be one ASCII character, not ';;'",
        "datasets.mine.dialect.encoding: must be an encoding that Python knows, such as 'utf-8' or 'cp1252',"
        " not 'utf-9'",
        "datasets.mine.dialect.headr: unknown key; did you mean 'header'?"
        " (keys: header, delimiter, quote, encoding, skip_lines)",
        "datasets.mine.columns[0].type: must be one of int8, int16, int32, int64, float64, flagged_number, string,"
        " bool, date, timestamp, not 'int23'; did you mean 'int32'?",
        "datasets.mine.columns[1]: a timestamp needs `formats`, such as ['%Y-%m-%d'] (strptime's letters)",
        "datasets.mine.columns[2].nam: unknown key; did you mean 'name'?"
        " (keys: name, type, header, formats, zone, nulls, optional, unit, about)",
        "datasets.mine.columns[2]: lacks 'name'",
        "datasets.mine.columns[2]: lacks 'type'",
        "datasets.mine.columns[3]: lacks 'why'",
        "datasets.mine.sort[0]: no kept column is called 'm'",
    ]


@pytest.mark.parametrize(
    ("entries", "mistake"),
    [
        ({"source": "../raw"}, "datasets.mine.source: must be a path below the folder of this file"),
        ({"output": "/tmp/x"}, "datasets.mine.output: must be a path below the folder of this file"),
        ({"output": "raw/mine/parquet"}, "datasets.mine.output: raw/mine/parquet overlaps the dataset's own source"),
        ({"parts": "{year}"}, "datasets.mine.parts: needs `pattern`, whose named groups it is made of"),
        (
            {"parts": "{yaer}", "pattern": r"(?P<year>\d{4})"},
            "datasets.mine.parts: `pattern` has no group 'yaer'; did you mean 'year'? (groups: year)",
        ),
        (
            {"parts": "all", "pattern": r"(?P<year>\d{4})"},
            "datasets.mine.parts: names no group of `pattern`, so all files would become one part",
        ),
        ({"pattern": "("}, "datasets.mine.pattern: is not a regular expression"),
        ({"zone": "America/Los_Angelos"}, "datasets.mine.zone: must be a time zone name; did you mean 'America/Los_An"),
        ({"dialect": {"quote": ","}}, "datasets.mine.dialect.quote: is also the delimiter: ','"),
        ({"zstd_level": 23}, "datasets.mine.zstd_level: must be 1 to 22, not 23"),
        ({"columns": []}, "datasets.mine.columns: keeps no column"),
        (
            {"columns": [{"name": "a", "type": "flagged_number"}, {"name": "a_flag", "type": "string"}]},
            "datasets.mine.columns: 2 columns would be called 'a_flag' in the Parquet file",
        ),
        (
            {"columns": [{"name": "a", "type": "string"}, {"drop": ["a"], "why": "twice"}]},
            "datasets.mine.columns: 'a' is declared 2 times (the second column of that name is 'a#2')",
        ),
        (
            {"columns": [{"name": "a", "type": "int8", "formats": ["%Y"]}]},
            "datasets.mine.columns[0].formats: is for date and timestamp only, not for int8",
        ),
        (
            {"columns": [{"name": "a", "type": "timestamp", "formats": ["%Y-%m-%dT%H:%M:%S%z"]}]},
            "datasets.mine.columns[0]: a format with %z names an instant: it needs zone = 'UTC'",
        ),
        (
            {"dialect": {"header": False}, "columns": [{"name": "a", "type": "int8", "optional": True}]},
            "datasets.mine.columns[0]: `header` and `optional` make no sense where the raw file has no header",
        ),
    ],
)
def test_a_single_mistake(entries: dict[str, object], mistake: str) -> None:
    """Each wrong entry is one mistake that says where and what."""
    found = mistakes(table(**entries))
    assert len(found) == 1
    assert found[0].startswith(mistake)


def test_two_datasets_may_not_share_an_output() -> None:
    """Parts of one dataset would be taken for leftovers of the other."""
    data = table()
    datasets = data["datasets"]
    assert isinstance(datasets, dict)
    datasets["other"] = {**datasets["mine"], "source": "raw/other", "output": "out"}
    assert mistakes(data) == ["datasets.other.output: out overlaps the output of mine, out/mine"]


def test_dataset_names_are_plain() -> None:
    """A name becomes a file name and a DVC stage, so it has no capitals, spaces or dots."""
    assert mistakes({"datasets": {"My Data": {}}}) == [
        "datasets.My Data: a dataset's name has lower-case letters, digits, '-' and '_' only"
    ]


def test_broken_toml_is_one_mistake(tmp_path: Path) -> None:
    """Text that is not TOML is told with its line."""
    path = tmp_path / "datasets.toml"
    path.write_text("[datasets.mine\n")
    with pytest.raises(SpecErrors, match=r"1 mistake\n  \(file\): is not TOML: .*line 1"):
        load_specs(path)


def test_missing_file_says_how_to_start(tmp_path: Path) -> None:
    """Without datasets.toml, the error names the command that starts one."""
    with pytest.raises(DataConvertError, match=r"`invoke data\.inspect FOLDER --write NAME` starts one"):
        load_specs(tmp_path / "datasets.toml")


def test_unknown_dataset_gets_the_nearest_name() -> None:
    """A misspelt name is answered with the nearest one and the list."""
    with pytest.raises(UnknownDatasetError, match="did you mean 'mine'"):
        chosen(parse_specs(table()), ["mien"])


def test_digest_ignores_prose_and_places() -> None:
    """Titles, units and folders do not decide a part's bytes, so they do not change the digest."""
    spec = parse_specs(table())["mine"]
    assert replace(spec, title="x", source="elsewhere", output="there").digest == spec.digest
    assert parse_specs(table(columns=[{"name": "n", "type": "int32", "unit": "m"}]))["mine"].digest == spec.digest


@pytest.mark.parametrize(
    "entries",
    [
        {"columns": [{"name": "n", "type": "int64"}]},
        {"columns": [{"name": "n", "type": "int32", "nulls": ["-"]}]},
        {"sort": ["n"]},
        {"dialect": {"delimiter": ";"}},
        {"on_reject": "keep"},
        {"zstd_level": 3},
    ],
)
def test_digest_follows_what_decides_the_bytes(entries: dict[str, object]) -> None:
    """Whatever can change a part's bytes changes the digest, so that finished parts are made anew."""
    assert parse_specs(table(**entries))["mine"].digest != parse_specs(table())["mine"].digest
