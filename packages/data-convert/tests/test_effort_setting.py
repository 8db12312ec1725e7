"""`--effort` writes the key into datasets.toml and changes nothing else there."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_convert.errors import TableError
from data_convert.spec.effort_setting import EffortName, set_effort
from data_convert.spec.spec_file import load_specs
from terminal import ShrinkwrapError

TEXT = """\
# Ours.
[datasets.a]   # the first
source = "raw/a"
output = "parts/a"
columns = [{ name = "x", type = "string", about = "effort = 'low'" }]

[datasets.b]
source = "raw/b"
output = "parts/b"
effort = "fast" # quick
columns = [{ name = "x", type = "string" }]

[datasets.b.dialect]
delimiter = ";"
"""


def changed(root: Path, names: list[str] | None, effort: EffortName) -> tuple[list[str], str]:
    """The names of the changed datasets, and the new text."""
    (root / "data").mkdir(exist_ok=True)
    path = root / "data" / "datasets.toml"
    path.write_text(TEXT)
    return set_effort(root, names, effort), path.read_text()


def test_missing_key_is_added(tmp_path: Path) -> None:
    """It is the first key of its table."""
    names, text = changed(tmp_path, ["a"], "max")
    assert names == ["a"]
    assert text == TEXT.replace("# the first\n", '# the first\neffort = "max"\n')


def test_existing_key_gets_the_value(tmp_path: Path) -> None:
    """Its comment stays."""
    names, text = changed(tmp_path, ["b"], "max")
    assert names == ["b"]
    assert text == TEXT.replace('effort = "fast" # quick', 'effort = "max" # quick')


def test_datasets_that_have_it_stay(tmp_path: Path) -> None:
    """Without names, all datasets get the effort; those that have it already are not named."""
    names, text = changed(tmp_path, None, "balanced")
    assert names == ["b"]
    assert text == TEXT.replace('effort = "fast" # quick', 'effort = "balanced" # quick')
    assert {spec.effort for spec in load_specs(tmp_path / "data" / "datasets.toml").values()} == {"balanced"}


def test_unknown_names_and_other_notations_change_nothing(tmp_path: Path) -> None:
    """An error says what to write by hand."""
    with pytest.raises(ShrinkwrapError, match="'c'"):
        changed(tmp_path, ["c"], "max")
    inline = 'datasets.a = { source = "a", output = "b", columns = [{ name = "x", type = "string" }] }\n'
    (tmp_path / "data" / "datasets.toml").write_text(inline)
    with pytest.raises(TableError, match=r'cannot set the effort of a\. Write `effort = "max"` there'):
        set_effort(tmp_path, ["a"], "max")
    assert (tmp_path / "data" / "datasets.toml").read_text() == inline
