"""Groups are read from every table that Poetry reads, and each mistake is reported with its key path."""

from __future__ import annotations

import tomllib

import pytest

from env_spec import EnvSpec, SpecErrors, UnknownNameError, parse_spec


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
    """Both tables can declare a group, as path dependencies require."""
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


@pytest.mark.parametrize(
    ("pyproject", "key", "problem"),
    [
        (
            '[project]\ndependencies = ["humanize", "rich>=13"]\n[dependency-groups]\nMain = ["six"]',
            "project.dependencies",
            "humanize, rich, because it takes the group 'main' from [dependency-groups]",
        ),
        (
            '[tool.poetry.dependencies]\npython = "^3.11"\nhumanize = "*"\n[dependency-groups]\nmain = []',
            "tool.poetry.dependencies",
            "humanize, because it takes the group 'main' from [dependency-groups]",
        ),
        (
            '[project]\ndependencies = ["humanize"]\n[tool.poetry.group.main.dependencies]\nsix = "*"',
            "tool.poetry.group.main.dependencies",
            "six, because it takes the group 'main' from [project] dependencies",
        ),
    ],
)
def test_dependencies_that_poetry_ignores(pyproject: str, key: str, problem: str) -> None:
    """Poetry takes the group `main` from one of the tables that can declare it, and says nothing of the others."""
    with pytest.raises(SpecErrors) as caught:
        spec_of(pyproject)
    assert str(caught.value).endswith(f"{key}: Poetry does not lock {problem}; move them there")


@pytest.mark.parametrize(
    "pyproject",
    [
        '[project]\ndependencies = ["own"]\n[tool.poetry.dependencies]\nown = { path = "own" }',
        '[dependency-groups]\nmain = ["own"]\n[tool.poetry.group.main.dependencies]\nown = { path = "own" }',
        '[project]\ndependencies = []\n[tool.poetry.dependencies]\npython = "^3.11"\n[dependency-groups]\nmain = []',
        '[tool.poetry.dependencies]\nsix = "*"\n[tool.poetry.group.main.dependencies]\nidna = "*"',
    ],
)
def test_tables_that_poetry_merges(pyproject: str) -> None:
    """Poetry's own table can add the path of a package, and an empty table loses nothing."""
    assert "main" in spec_of(pyproject).groups


def test_expanded_groups_have_all_included_groups() -> None:
    """Each group is followed by the groups that it includes, once, at any depth and in any spelling."""
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


def test_all_unknown_groups_are_listed() -> None:
    """The error lists each unknown group with the nearest one and all known ones."""
    spec = spec_of("dependency-groups = { models = [], main = [] }")
    with pytest.raises(UnknownNameError) as caught:
        spec.expanded(["main", "Model", "zzz"])
    assert str(caught.value) == (
        "unknown group 'Model'; did you mean 'models'? Known groups: main, models\n"
        "unknown group 'zzz'. Known groups: main, models"
    )


def test_an_include_of_an_unknown_group_gets_the_nearest() -> None:
    """An include of an unknown group is reported with its key path, in either kind of table."""
    text = """
        [dependency-groups]
        dev = ["ruff", { include-group = "tets" }]
        test = []
        [tool.poetry.group.docs]
        include-groups = ["test", "devv"]
        """
    assert mistakes_in(text) == [
        "dependency-groups.dev[1]: unknown group 'tets'; did you mean 'test'? Known groups: dev, docs, test",
        "tool.poetry.group.docs.include-groups[1]: unknown group 'devv'; did you mean 'dev'? "
        "Known groups: dev, docs, test",
    ]


def test_a_cycle_is_explained_by_its_path() -> None:
    """A cycle of includes is reported once, at the include that closes it."""
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
        "dependency-groups.My_Group: is the same group as 'my.group': group names are normalised"
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
                "dependency-groups.main[1]: '>=2' is not a requirement: it does not start with a package name",
            ],
        ),
        (
            "dependency-groups = { main = [{ include-groups = 'test' }] }",
            [
                "dependency-groups.main[0].include-groups: unknown key 'include-groups'; "
                "did you mean 'include-group'? Known keys: include-group",
                'dependency-groups.main[0]: write an include as { include-group = "NAME" }',
            ],
        ),
        (
            "dependency-groups = { main = [{ include-group = ['test'] }] }",
            ['dependency-groups.main[0]: write an include as { include-group = "NAME" }'],
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
def test_wrong_types_are_reported_by_key_path(text: str, mistakes: list[str]) -> None:
    """A value of the wrong type is reported with its key path, and reading continues."""
    assert mistakes_in(text) == mistakes
