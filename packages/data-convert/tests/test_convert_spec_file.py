"""All mistakes of datasets.toml are found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from data_convert.errors import DataConvertError, SpecErrors
from data_convert.spec.dataset_spec import (
    ColumnSpec,
    DatasetSpec,
    DecimalShape,
    Dialect,
    Drift,
    DroppedColumns,
    Expectations,
    NumberMarks,
)
from data_convert.spec.spec_file import load_specs, parse_specs, select_specs
from dataset_spec import DatasetSpecError

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


def test_all_mistakes_are_reported_at_once() -> None:
    """One reading names every mistake with its key path and the nearest known name."""
    data = table(
        sorce="x",
        on_reject="kep",
        sort=["m"],
        dialect={"delimiter": "", "encoding": "utf-9", "headr": True},
        columns=[{"name": "n", "type": "int23"}, {"name": "t", "type": "timestamp"}, {"nam": "x"}, {"drop": ["a"]}],
    )
    assert mistakes(data) == [
        "datasets.mine.sorce: unknown key; did you mean 'source'? (keys: title, source, files, output, dialect,"
        " nulls, timestamp_formats, zone, columns, sort, parts, pattern, on_reject, max_rejects, drift, rows_per_part,"
        " effort, zstd_level, decimals, decimal_mark, group_mark, zone_abbreviations)",
        "datasets.mine.on_reject: must be one of error, keep, not 'kep'; did you mean 'keep'?",
        "datasets.mine.dialect.delimiter: must be one to eight ASCII characters on one line, not ''",
        "datasets.mine.dialect.encoding: must be an encoding that Python knows, such as 'utf-8' or 'cp1252',"
        " not 'utf-9'",
        "datasets.mine.dialect.headr: unknown key; did you mean 'header'?"
        " (keys: header, delimiter, quote, escape, encoding, skip_blanks, comment, skip_lines, rows_after_header,"
        " skip_repeated_header, ragged)",
        "datasets.mine.columns[0].type: must be one of int8, int16, int32, int64, uint64, float64, flagged_number,"
        " string, bool, date, timestamp, decimal(p, s), not 'int23'; did you mean 'int32'?",
        "datasets.mine.columns[1]: a timestamp needs `formats`, such as ['%Y-%m-%d'] (strptime's letters)",
        "datasets.mine.columns[2].nam: unknown key; did you mean 'name'?"
        " (keys: name, type, header, names, formats, zone, precision, nulls, optional, decimal_mark, group_mark,"
        " prefix, suffix, minus, non_finite, rounded, exact, min, max, unique, not_null, one_of, unit, about)",
        "datasets.mine.columns[2]: 'name' is missing",
        "datasets.mine.columns[2]: 'type' is missing",
        "datasets.mine.columns[3]: 'why' is missing",
        "datasets.mine.sort[0]: no kept column is called 'm'",
    ]


@pytest.mark.parametrize(
    ("entries", "mistake"),
    [
        ({"source": "../raw"}, "datasets.mine.source: must be a path below the folder of this file"),
        ({"output": "/tmp/x"}, "datasets.mine.output: must be a path below the folder of this file"),
        ({"output": "raw/mine/parquet"}, "datasets.mine.output: raw/mine/parquet overlaps the dataset's own source"),
        (
            {"source": "gs://a/x"},
            "datasets.mine.source: must be a path below the folder of this file, or s3://BUCKET/PRE",
        ),
        ({"source": "s3://"}, "datasets.mine.source: is wrong: 's3://' is not the address of a bucket"),
        ({"output": "s3://lake/../x"}, "datasets.mine.output: is wrong: 's3://lake/../x': a prefix has no empty name"),
        (
            {"source": "s3://lake/x", "output": "s3://lake/x/out"},
            "datasets.mine.output: s3://lake/x/out overlaps the dataset's own source, s3://lake/x",
        ),
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
        ({"columns": []}, "datasets.mine.columns: at least one column must be kept"),
        (
            {"columns": [{"name": "a", "type": "flagged_number"}, {"name": "a_flag", "type": "string"}]},
            "datasets.mine.columns: 2 columns would be called 'a_flag' in the Parquet file",
        ),
        (
            {"columns": [{"name": "a", "type": "string"}, {"drop": ["a"], "why": "twice"}]},
            "datasets.mine.columns: 'a' is declared 2 times (the second column of that name is 'a#2')",
        ),
        ({"dialect": {"escape": ","}}, "datasets.mine.dialect.escape: is also the delimiter: ','"),
        ({"dialect": {"escape": '"'}}, "datasets.mine.dialect.escape: is also the quote"),
        ({"dialect": {"comment": ","}}, "datasets.mine.dialect.comment: starts like a row: ','"),
        ({"dialect": {"skip_lines": "to-row"}}, "datasets.mine.dialect.skip_lines: is 'to-row', but the files have a"),
        ({"dialect": {"skip_lines": -1}}, "datasets.mine.dialect.skip_lines: must be 0 or more, 'to-header' or"),
        ({"dialect": {"delimiter": " ", "skip_blanks": True}}, "datasets.mine.dialect.skip_blanks: makes no sense"),
        (
            {"dialect": {"delimiter": " | ", "skip_blanks": True}},
            "datasets.mine.dialect.skip_blanks: makes no",
        ),
        ({"drift": {"new_column": "drop"}}, "datasets.mine.drift.new_column: must be one of error, add, ignore, not"),
        ({"max_rejects": 5}, "datasets.mine.max_rejects: must be a share from 0 to 1, such as 0.05, not 5"),
        ({"rows_per_part": [5, 1]}, "datasets.mine.rows_per_part: must be [smallest, largest], not [5, 1]"),
        ({"zone_abbreviations": {"CET": "1"}}, "datasets.mine.zone_abbreviations: must be a table such as"),
        (
            {"columns": [{"name": "a", "type": "decimal(40, 2)"}, {"name": "b", "type": "decimal(38,38)"}]},
            "datasets.mine.columns[0].type: must be decimal(p, s)",
        ),
        (
            {"columns": [{"name": "a", "type": "string", "suffix": "%"}]},
            "datasets.mine.columns[0].suffix: is for int8, int16, int32, int64, uint64, float64, flagged_number and"
            " decimal(p, s) only, not for string",
        ),
        (
            {"columns": [{"name": "a", "type": "int64", "decimal_mark": ",", "group_mark": ","}]},
            "datasets.mine.columns[0]: `decimal_mark` and `group_mark` are both ','",
        ),
        (
            {"columns": [{"name": "a", "type": "timestamp", "formats": ["%H:%M %Z"], "zone": "UTC"}]},
            "datasets.mine.columns[0]: a format with %Z needs the dataset's `zone_abbreviations`",
        ),
        (
            {"columns": [{"name": "a", "type": "float64", "exact": "decimal(20, 2)"}]},
            "datasets.mine.columns[0].exact: must have at most 15 digits",
        ),
        (
            {"columns": [{"name": "a", "type": "string", "names": ["b"]}, {"name": "b", "type": "string"}]},
            "datasets.mine.columns: 'b' is declared 2 times",
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
            "datasets.mine.columns[0]: `header`, `names` and `optional` make no sense where the raw file has no header",
        ),
    ],
)
def test_a_single_mistake(entries: dict[str, object], mistake: str) -> None:
    """Each wrong entry is one mistake with its key and the problem."""
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
    datasets["mine"] = {**datasets["mine"], "output": "s3://lake/out/mine"}
    datasets["other"] = {**datasets["other"], "output": "s3://lake/out/"}
    assert mistakes(data) == ["datasets.other.output: s3://lake/out/ overlaps the output of mine, s3://lake/out/mine"]


def test_dataset_names_are_plain() -> None:
    """A name becomes a file name and a DVC stage, so it has no capitals, spaces or dots."""
    assert mistakes({"datasets": {"My Data": {}}}) == [
        "datasets.My Data: a dataset's name has lower-case letters, digits, '-' and '_' only"
    ]


def test_broken_toml_is_an_error(tmp_path: Path) -> None:
    """Text that is not TOML is reported with its line."""
    path = tmp_path / "datasets.toml"
    path.write_text("[datasets.mine\n")
    with pytest.raises(DatasetSpecError, match=r"datasets\.toml: is not TOML: .*line 1"):
        load_specs(path)


def test_missing_file_has_the_command_that_creates_it(tmp_path: Path) -> None:
    """Without datasets.toml, the error names the command that starts one."""
    with pytest.raises(DataConvertError, match=r"`invoke data\.inspect FOLDER --write NAME` creates it"):
        load_specs(tmp_path / "datasets.toml")


def test_unknown_dataset_gets_the_nearest_name() -> None:
    """A misspelt name is answered with the nearest one and the list."""
    with pytest.raises(DataConvertError, match="did you mean 'mine'"):
        select_specs(parse_specs(table()), ["mien"])


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
    """Each key that can change the bytes of a part changes the digest, so that finished parts are converted again."""
    assert parse_specs(table(**entries))["mine"].digest != parse_specs(table())["mine"].digest


def test_every_key_reaches_the_spec() -> None:
    """The keys of dialect, drift, numbers, expectations and effort become fields of the dataset and its columns."""
    spec = parse_specs(
        table(
            dialect={"delimiter": "||", "escape": "\\", "skip_blanks": True, "comment": "#", "rows_after_header": 1}
            | {"skip_lines": "to-header", "skip_repeated_header": True},
            drift={"new_column": "ignore"},
            decimal_mark=",",
            group_mark=".",
            max_rejects=1,
            rows_per_part=[1, 10],
            effort="max",
            decimals="exact",
            zone_abbreviations={"CET": "+01:00"},
            columns=[
                {"name": "a", "names": ["b"], "type": "float64", "exact": "decimal(9, 4)", "min": 0, "not_null": True},
                {"name": "c", "type": "decimal(12, 2)", "prefix": "€ ", "group_mark": " "},
                {"name": "d", "type": "timestamp", "formats": ["%Y %Z"], "zone": "UTC", "precision": "ns"},
            ],
        )
    )["mine"]
    assert spec.dialect == Dialect(
        delimiter="||",
        escape="\\",
        skip_blanks=True,
        comment="#",
        skip_to="header",
        rows_after_header=1,
        skip_repeated_header=True,
    )
    assert spec.drift == Drift(new_column="ignore")
    assert (spec.max_rejects, spec.rows_per_part, spec.effort, spec.decimals) == (1, (1, 10), "max", "exact")
    first, second, third = spec.columns
    assert first.names == ("b",)
    assert first.exact == DecimalShape(precision=9, scale=4)
    assert first.marks == NumberMarks(decimal=",", group=".")
    assert first.expectations == Expectations(minimum=0, not_null=True)
    assert second.marks == NumberMarks(decimal=",", group=" ", prefix="€")
    assert third.marks == NumberMarks()
    assert (third.precision, third.abbreviations) == ("ns", (("CET", "+01:00"),))
