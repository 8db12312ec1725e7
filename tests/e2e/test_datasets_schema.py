"""The JSON Schema that editors use agrees with our own check of datasets.toml."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from data_convert.errors import SpecErrors
from data_convert.spec.spec_file import parse_specs

DATA = Path(__file__).resolve().parents[2] / "data"
SCHEMA = json.loads((DATA / "datasets.schema.json").read_text())
GOOD = '[datasets.a]\nsource = "x"\noutput = "y"\ncolumns = [{ name = "n", type = "int8" }]\n'


def test_the_schema_is_one() -> None:
    """The file is a valid JSON Schema of its draft."""
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_the_shipped_file_fits_both() -> None:
    """datasets.toml passes the schema, and names it in its first line for editors."""
    text = (DATA / "datasets.toml").read_text()
    assert text.startswith("#:schema ./datasets.schema.json\n")
    jsonschema.validate(tomllib.loads(text), SCHEMA)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ('"int8"', '"int9"'),
        ('source = "x"', 'source = "../x"'),
        ('source = "x"', 'source = "/x"'),
        ('source = "x"\n', ""),
        ('output = "y"', 'output = "y"\nsorce = 1'),
        ('output = "y"', 'output = "y"\non_reject = "drop"'),
        ('output = "y"', 'output = "y"\nzstd_level = 0'),
        ('output = "y"', 'output = "y"\nparts = "{year}"'),
        ('output = "y"', 'output = "y"\ndialect = { delimiter = "" }'),
        ('output = "y"', 'output = "y"\ndialect = { skip_lines = "to-data" }'),
        ('output = "y"', 'output = "y"\ndrift = { new_column = "drop" }'),
        ('output = "y"', 'output = "y"\nmax_rejects = 5'),
        ('"int8"', '"decimal(9)"'),
        ("[datasets.a]", '[datasets."A b"]'),
        ('name = "n", ', ""),
    ],
)
def test_both_refuse_the_same(good: str, bad: str) -> None:
    """What the schema marks in an editor, the conversion refuses, and the other way round."""
    data = tomllib.loads(GOOD.replace(good, bad))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, SCHEMA)
    with pytest.raises(SpecErrors):
        parse_specs(data)


def test_keys_are_the_same() -> None:
    """Schema and README know every key that the conversion accepts, and no other."""
    from data_convert.spec import key_checks

    definitions = SCHEMA["definitions"]
    readme = (DATA / "README.md").read_text()
    for keys, properties in (
        (key_checks.DATASET_KEYS, definitions["dataset"]["properties"]),
        (key_checks.DIALECT_KEYS, definitions["dataset"]["properties"]["dialect"]["properties"]),
        (key_checks.DRIFT_KEYS, definitions["dataset"]["properties"]["drift"]["properties"]),
        (key_checks.COLUMN_KEYS, definitions["column"]["properties"]),
        (key_checks.DROP_KEYS, definitions["drop"]["properties"]),
    ):
        assert set(keys) == set(properties)
        assert all(f"`{key}`" in readme for key in keys)
