"""Images are sets of known groups, checked together with everything else in pyproject.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from env_spec import (
    FileError,
    ImageSpec,
    SpecErrors,
    group_sets,
    load_lock,
    load_spec,
    lock_slice,
    parse_spec,
)

PROJECT = Path(__file__).parents[3]
GROUPS = "dependency-groups = { main = [], notebook = [], models = [] }\n"


def test_an_image_is_a_set_of_groups() -> None:
    """Images keep the order of their declaration, and their groups are normalised."""
    spec = parse_spec(
        tomllib.loads(
            GROUPS
            + """
            [tool.env-spec.images.jupyter-notebook-models]
            groups = ["Main", "notebook", "models"]
            [tool.env-spec.images.jupyter-notebook]
            groups = ["main", "notebook"]
            """
        )
    )
    assert list(spec.images.values()) == [
        ImageSpec(name="jupyter-notebook-models", groups=("main", "notebook", "models")),
        ImageSpec(name="jupyter-notebook", groups=("main", "notebook")),
    ]


def test_group_sets_are_distinct() -> None:
    """Images with the same groups, in any order, share one set, in the order of the first."""
    text = (
        GROUPS
        + """
        [tool.env-spec.images]
        a.groups = ["main", "notebook"]
        b.groups = ["models"]
        c.groups = ["notebook", "main"]
        """
    )
    assert group_sets(parse_spec(tomllib.loads(text))) == (("main", "notebook"), ("models",))


def test_all_mistakes_are_reported_together() -> None:
    """One error lists every mistake of every table with its key path and what to write instead."""
    text = """
        [dependency-groups]
        main = []
        models = [{ include-group = "mian" }]
        [tool.env-spec]
        imges = {}
        [tool.env-spec.images.jupyter]
        groups = ["main", "model", "Main", 3]
        group = "main"
        [tool.env-spec.images."My Image"]
        groups = "main"
        [tool.env-spec.images.empty]
        groups = []
        [tool.env-spec.images.none]
        """
    with pytest.raises(SpecErrors) as caught:
        parse_spec(tomllib.loads(text))
    assert str(caught.value).splitlines() == [
        "pyproject.toml: 10 mistakes",
        "  dependency-groups.models[0]: unknown group 'mian'; did you mean 'main'? Known groups: main, models",
        "  tool.env-spec.imges: unknown key 'imges'; did you mean 'images'? Known keys: images, locks, notebook, "
        "notebooks, snapshot",
        "  tool.env-spec.images.jupyter.group: unknown key 'group'; did you mean 'groups'? Known keys: base, build, "
        "dockerfile, extras, groups, max_size, own, parent, platforms, registry, skip_imports, snapshot, system",
        "  tool.env-spec.images.jupyter.groups[1]: unknown group 'model'; did you mean 'models'? "
        "Known groups: main, models",
        "  tool.env-spec.images.jupyter.groups[2]: repeats the group 'main' at tool.env-spec.images.jupyter.groups[0]",
        "  tool.env-spec.images.jupyter.groups[3]: must be a string, not an integer",
        "  tool.env-spec.images.\"My Image\": 'My Image' cannot name an image: use lower-case letters "
        "and digits, separated by '.', '_', '__' or '-'",
        '  tool.env-spec.images."My Image".groups: must be an array of strings, not a string',
        '  tool.env-spec.images.empty.groups: an image needs at least one group, like groups = ["main"]',
        '  tool.env-spec.images.none.groups: an image needs at least one group, like groups = ["main"]',
    ]


def test_a_mistake_has_its_key_path() -> None:
    """A caller can read the key path from the error without parsing its message."""
    with pytest.raises(SpecErrors) as caught:
        parse_spec(tomllib.loads('tool.env-spec.images.a.groups = ["main"]'))
    (error,) = caught.value.errors
    assert error.key == "tool.env-spec.images.a.groups[0]"
    assert str(error) == "tool.env-spec.images.a.groups[0]: unknown group 'main'. Known groups: none"


def test_a_broken_table_is_reported_once() -> None:
    """A table that several readers find broken is one mistake; the message names the file."""
    with pytest.raises(SpecErrors) as caught:
        parse_spec({"tool": "x"}, source="a/pyproject.toml")
    assert str(caught.value) == "a/pyproject.toml: 1 mistake\n  tool: must be a table, not a string"


def test_a_project_without_images_is_valid() -> None:
    """A spec can have only groups: slices do not need images."""
    assert parse_spec({"dependency-groups": {"main": []}}).images == {}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"a = \n", "is not valid TOML: Invalid value (at line 1, column 5)"),
        (b"a = '\xff'", "is not UTF-8 (byte 5)"),
    ],
)
def test_an_unreadable_file_is_named(tmp_path: Path, content: bytes | None, problem: str) -> None:
    """A pyproject.toml that is missing, not TOML or not UTF-8 is an error of this package."""
    pyproject = tmp_path / "pyproject.toml"
    if content is not None:
        pyproject.write_bytes(content)
    with pytest.raises(FileError) as caught:
        load_spec(pyproject)
    assert str(caught.value) == f"{pyproject}: {problem}"


def test_this_projects_images_are_in_its_lock() -> None:
    """The shipped images exist, and their slices contain every package that their groups declare."""
    spec, lock = load_spec(PROJECT / "pyproject.toml"), load_lock(PROJECT / "poetry.lock")
    assert spec.images["jupyter-notebook"].groups == ("main", "notebook")
    assert spec.images["jupyter-notebook-models"].groups == ("main", "notebook", "models")
    for groups in (*group_sets(spec), *((name,) for name in spec.groups)):
        expanded = spec.expanded(groups)
        declared = {package for group in expanded for package in spec.groups[group].packages}
        assert declared
        assert declared <= {package.name for package in lock_slice(lock, expanded)}
