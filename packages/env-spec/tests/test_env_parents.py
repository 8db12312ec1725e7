"""An image shares the layers of a parent, whichever table names the base; if there is none, the reasons are known."""

from __future__ import annotations

import tomllib

import pytest

from env_spec import EnvSpec, EnvSpecError, ProjectFiles, machine_base, parse_spec, with_base

GROUPS = "dependency-groups = { main = [], notebook = [], models = [], extra = [] }\n[tool.env-spec.images]\n"
SMALL = 'small = { groups = ["main"]%s }\n'
LARGE = 'large = { groups = ["main", "notebook"]%s }\n'
LARGEST = 'largest = { groups = ["main", "notebook", "models"]%s }\n'
BASE, OTHER, PARENT = ', base = "debian:12"', ', base = "debian:13"', ', parent = "small"'


def spec_of(*tables: str) -> EnvSpec:
    return parse_spec(tomllib.loads(GROUPS + "".join(tables)))


@pytest.mark.parametrize(
    ("small", "large", "base"),
    [
        ("", "", None),
        ("", PARENT, None),
        (BASE, "", "debian:12"),
        (BASE, PARENT, "debian:12"),
        (BASE, BASE, "debian:12"),
        (BASE, BASE + PARENT, "debian:12"),
    ],
    ids=["neither", "neither, declared", "the parent", "the declared parent", "both", "both, declared"],
)
def test_which_table_names_the_base_does_not_matter(small: str, large: str, base: str | None) -> None:
    """A derived parent passes its base on as a declared one does; the order of the tables has no effect."""
    for tables in ((SMALL % small, LARGE % large), (LARGE % large, SMALL % small)):
        spec = spec_of(*tables)
        assert (spec.parent("large"), spec.image("large").base) == ("small", base)
        assert (spec.unshared("small"), spec.unshared("large")) == ((), ())


@pytest.mark.parametrize(("large", "largest"), [("", ""), ("", ', parent = "large"'), (PARENT, "")])
def test_a_base_reaches_grandchildren(large: str, largest: str) -> None:
    """Along declared and derived parents, in any order."""
    spec = spec_of(LARGEST % largest, LARGE % large, SMALL % BASE)
    assert {image.base for image in spec.images.values()} == {"debian:12"}
    assert (spec.parent("largest"), spec.parent("large")) == ("large", "small")


def test_a_base_that_is_not_unique_is_not_derived() -> None:
    """Two possible parents on different bases: the image keeps the base of its Dockerfile, and both are named."""
    spec = spec_of(SMALL % BASE, 'other = { groups = ["main"], base = "debian:13" }\n', LARGE % "")
    assert (spec.image("large").base, spec.parent("large")) == (None, None)
    assert spec.unshared("large") == ("small is on another base, debian:12", "other is on another base, debian:13")


def test_a_base_is_that_of_one_dockerfile() -> None:
    """The base of an image with another Dockerfile says nothing about this one."""
    spec = spec_of(SMALL % BASE, LARGE % ', dockerfile = "images/other"')
    assert (spec.image("large").base, spec.parent("large")) == (None, None)
    assert spec.unshared("large") == ("small has another Dockerfile, in images/notebook",)


@pytest.mark.parametrize(
    ("tables", "reasons"),
    [
        ((SMALL % "", LARGE % BASE), ("small is on another base, the Dockerfile's own base",)),
        ((SMALL % OTHER, LARGE % BASE), ("small is on another base, debian:13",)),
        (
            ('a = { groups = ["main", "models", "extra"] }\n', LARGE % ""),
            ("a has the groups extra, models in addition",),
        ),
        (('a = { groups = ["main", "models"] }\n', LARGE % ""), ("a has the group models in addition",)),
        (('a = { groups = ["main", "notebook"] }\n', LARGE % ""), ("a has the same groups",)),
        (('a = { groups = ["models"] }\n', LARGE % ""), ()),
        ((LARGE % "",), ()),
    ],
    ids=["only the child", "other base", "groups", "one group", "same groups", "nothing in common", "one image"],
)
def test_why_layers_are_not_shared(tables: tuple[str, ...], reasons: tuple[str, ...]) -> None:
    """Each image that has groups in common is named with what prevents it from being the parent or the child."""
    spec = spec_of(*tables)
    assert (spec.parent("large"), spec.unshared("large")) == (None, reasons)


def test_a_base_for_all_images_makes_parents() -> None:
    """SHRINKWRAP_BASE and --base replace the bases of the tables, so images that differ only in these share layers."""
    files = ProjectFiles(spec=spec_of(SMALL % OTHER, LARGE % BASE), lock={}, folders={})
    assert files.spec.parent("large") is None
    assert with_base(files, "here:1").spec.parent("large") == "small"
    assert with_base(files, None) is files


def test_the_base_of_the_machine_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable is none; a malformed one is an error that names it."""
    monkeypatch.setenv("SHRINKWRAP_BASE", "")
    assert machine_base() is None
    monkeypatch.setenv("SHRINKWRAP_BASE", "Foo Bar")
    with pytest.raises(EnvSpecError, match=r"^'Foo Bar' is not an image reference, .* from SHRINKWRAP_BASE"):
        machine_base()


def test_a_parent_has_no_other_debian_packages() -> None:
    """Packages of an image can be more than those of its parent, but not others; the reason is known."""
    gl, both = ', system = ["libgl1"]', ', system = ["libgl1", "libgomp1"]'
    assert spec_of(SMALL % "", LARGE % gl).parent("large") == "small"
    assert spec_of(SMALL % gl, LARGE % both).parent("large") == "small"
    spec = spec_of(SMALL % both, LARGE % gl)
    assert spec.parent("large") is None
    assert spec.unshared("large") == ("small has system packages that it does not have",)
