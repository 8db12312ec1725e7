"""Groups are read from every table Poetry reads, and each mistake is told with its key path."""

from __future__ import annotations

import tomllib

import pytest

from env_spec import EnvSpec, SpecErrors, UnknownGroupsError, parse_spec


def spec_of(text: str) -> EnvSpec:
    return parse_spec(tomllib.loads(text))


def outline(spec: EnvSpec) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Packages and includes by group."""
    return {name: (group.packages, group.includes) for name, group in spec.groups.items()}


def mistakes_in(text: str) -> list[str]:
    with pytest.raises(SpecErrors) as caught:
        spec_of(text)
    return [str(error) for error in caught.value.errors]


def test_a_group_has_its_packages_and_includes() -> None:
    """Names of groups and packages are normalised, duplicates are dropped, and order is kept."""
    spec = spec_of(
        """
        [dependency-groups]
        Dev_Tools = ["Ruff>=0.14", "nox[uv]", "ruff<1", { include-group = "Test.Unit" }]
        test-unit = ["pytest (>=9) ; python_version < '3.13'"]
        """
    )
    assert outline(spec) == {
        "dev-tools": (("ruff", "nox"), ("test-unit",)),
        "test-unit": (("pytest",), ()),
    }


def test_a_poetry_group_is_merged_with_its_dependency_group() -> None:
    """A group may stand in both tables, as path dependencies need it to."""
    spec = spec_of(
        """
        [dependency-groups]
        ops = ["invoke", "Own_Package"]
        [tool.poetry.group.ops.dependencies]
        own-package = { path = "packages/own" }
        [tool.poetry.group.docs]
        include-groups = ["ops"]
        [tool.poetry.group.docs.dependencies]
        sphinx = "^8"
        """
    )
    assert outline(spec) == {
        "ops": (("invoke", "own-package"), ()),
        "docs": (("sphinx",), ("ops",)),
    }


def test_the_projects_own_dependencies_are_the_group_main() -> None:
    """Poetry calls `[project] dependencies` and `[tool.poetry.dependencies]` main, dev-dependencies dev."""
    spec = spec_of(
        """
        [project]
        dependencies = ["numpy>=2"]
        [tool.poetry.dependencies]
        python = ">=3.11"
        pandas = "^3"
        [tool.poetry.dev-dependencies]
        pytest = "^9"
        """
    )
    assert outline(spec) == {
        "main": (("numpy", "pandas"), ()),
        "dev": (("pytest",), ()),
    }


def test_expanded_groups_hold_all_that_is_included() -> None:
    """Each group is followed by what it includes, once, however deep and however it is spelled."""
    spec = spec_of(
        """
        [dependency-groups]
        a = [{ include-group = "b" }, { include-group = "d" }]
        b = [{ include-group = "C_c" }]
        c-c = []
        d = [{ include-group = "c-c" }]
        """
    )
    assert spec.expanded(["A"]) == ("a", "b", "c-c", "d")
    assert spec.expanded(["d", "a", "a"]) == ("d", "c-c", "a", "b")


def test_unknown_groups_are_all_named() -> None:
    """Asking for groups that do not exist names each, with the nearest group and all there are."""
    spec = spec_of("dependency-groups = { models = [], main = [] }")
    with pytest.raises(UnknownGroupsError) as caught:
        spec.expanded(["main", "Model", "zzz"])
    assert str(caught.value) == (
        "there is no group 'Model'; did you mean 'models'? Groups: main, models\n"
        "there is no group 'zzz'. Groups: main, models"
    )


def test_an_include_of_an_unknown_group_gets_the_nearest() -> None:
    """An include that refers to nothing is reported where it stands, in either kind of table."""
    text = """
        [dependency-groups]
        dev = ["ruff", { include-group = "tets" }]
        test = []
        [tool.poetry.group.docs]
        include-groups = ["test", "devv"]
        """
    assert mistakes_in(text) == [
        "dependency-groups.dev[1]: there is no group 'tets'; did you mean 'test'? Groups: dev, docs, test",
        "tool.poetry.group.docs.include-groups[1]: there is no group 'devv'; did you mean 'dev'? "
        "Groups: dev, docs, test",
    ]


def test_a_cycle_is_explained_by_its_path() -> None:
    """Groups that include themselves are told once per ring, at the include that closes it."""
    text = """
        [dependency-groups]
        entry = [{ include-group = "dev" }]
        dev = ["ruff", { include-group = "test" }]
        test = [{ include-group = "lint" }]
        lint = [{ include-group = "Dev" }]
        self = [{ include-group = "self" }]
        """
    assert mistakes_in(text) == [
        "dependency-groups.lint[0]: the group includes itself: dev -> test -> lint -> dev",
        "dependency-groups.self[0]: the group includes itself: self -> self",
    ]


def test_two_spellings_of_one_group_are_a_mistake() -> None:
    """PEP 735 forbids two groups whose normalised names are equal."""
    assert mistakes_in('dependency-groups = { "my.group" = [], My_Group = [] }') == [
        "dependency-groups.My_Group: is the same group as 'my.group': names are normalised"
    ]


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("dependency-groups = 1", ["dependency-groups: must be a table, not an integer"]),
        (
            "dependency-groups = { main = 'numpy' }",
            ["dependency-groups.main: must be an array of requirements, not a string"],
        ),
        (
            "dependency-groups = { main = [true, '>=2'] }",
            [
                "dependency-groups.main[0]: must be a requirement or an include, not a boolean",
                "dependency-groups.main[1]: '>=2' is not a requirement: it starts with no package name",
            ],
        ),
        (
            "dependency-groups = { main = [{ include-groups = 'test' }] }",
            [
                "dependency-groups.main[0].include-groups: there is no key 'include-groups'; "
                "did you mean 'include-group'? Keys: include-group",
                'dependency-groups.main[0]: an include is written { include-group = "NAME" }',
            ],
        ),
        (
            "dependency-groups = { main = [{ include-group = ['test'] }] }",
            ['dependency-groups.main[0]: an include is written { include-group = "NAME" }'],
        ),
        ("tool = []", ["tool: must be a table, not an array"]),
        ("tool.poetry.group.a = 1", ["tool.poetry.group.a: must be a table, not an integer"]),
        (
            "tool.poetry.group.a = { dependencies = ['x'], include-groups = 'b' }",
            [
                "tool.poetry.group.a.dependencies: must be a table, not an array",
                "tool.poetry.group.a.include-groups: must be an array of strings, not a string",
            ],
        ),
        ("project.dependencies = [1]", ["project.dependencies[0]: must be a string, not an integer"]),
    ],
)
def test_wrong_types_are_told_by_key_path(text: str, mistakes: list[str]) -> None:
    """A value of the wrong type is named by its key path and reading goes on after it."""
    assert mistakes_in(text) == mistakes
