"""docs/architecture.md and import-linter's contracts agree on the packages and on who may import whom."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
_ROW = re.compile(r"^\| `(?P<package>\w+)` \| .* \| (?P<imports>[^|]*) \|$", re.MULTILINE)


# The notebooks' code is a package of its own place, which containers mount.
LIB = ROOT / "notebooks/lib/experiment/__init__.py"
SOURCES = [*sorted(ROOT.glob("packages/*/src/*/__init__.py")), LIB]


def settings() -> dict[str, Any]:
    """import-linter's table in pyproject.toml."""
    tool: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    table: dict[str, Any] = tool["importlinter"]
    return table


def documented() -> dict[str, set[str]]:
    """The table of docs/architecture.md: what each package may import."""
    rows = _ROW.findall((ROOT / "docs/architecture.md").read_text("utf-8"))
    packages = {package for package, _ in rows}
    allowed = {package: set(re.findall(r"`(\w+)`", imports)) for package, imports in rows}
    return {p: packages - {p} if "every package" in imports else allowed[p] for p, imports in rows}


def forbidden_by(contract: dict[str, Any]) -> set[tuple[str, str]]:
    """The pairs of packages of which the first must not import the second."""
    if contract["type"] == "layers":
        layers = [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]
        upwards = {
            (low, high)
            for high_layer, low_layer in itertools.combinations(layers, 2)
            for high in high_layer
            for low in low_layer
        }
        return upwards | {pair for layer in layers for pair in itertools.permutations(layer, 2)}
    if contract["type"] == "independence":
        return set(itertools.permutations(contract["modules"], 2))
    return set(itertools.product(contract["source_modules"], contract["forbidden_modules"]))


def test_the_packages_are_those_of_the_folder() -> None:
    """The document, the contracts and packages/ have the same packages."""
    folders = {path.parent.name for path in SOURCES}
    assert set(documented()) == set(settings()["root_packages"]) == folders


def test_who_may_import_whom() -> None:
    """A pair of packages is allowed in the document exactly if no contract forbids it."""
    packages = settings()["root_packages"]
    forbidden = set().union(*map(forbidden_by, settings()["contracts"]))
    by_contract = {p: {other for other in packages if other != p and (p, other) not in forbidden} for p in packages}
    assert documented() == by_contract


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.parent.name)
def test_every_package_has_types_and_tests(path: Path) -> None:
    """Each package is typed for its users and has a folder of tests."""
    assert (path.parent / "py.typed").is_file()
    tests = ROOT / "tests/groups" if path == LIB else path.parents[2] / "tests"
    assert any(tests.glob("test_experiment*.py" if path == LIB else "test_*.py"))


def test_the_links_of_the_document_lead_somewhere() -> None:
    """Each file and function that a walk names exists."""
    text = (ROOT / "docs/architecture.md").read_text("utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (ROOT / "docs" / target).exists(), target
    for module, name in re.findall(r"`((?:\w+\.)+)(\w+)\(\)`", text):
        package, *rest = module.rstrip(".").split(".")
        source = next(ROOT.glob(f"packages/*/src/{package}")).joinpath(*rest)
        code = (source.with_suffix(".py") if rest and not source.is_dir() else source / "__init__.py").read_text(
            "utf-8"
        )
        assert re.search(rf"\b{name}\b", code), f"{module}{name}"
