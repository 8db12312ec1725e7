"""A bill of materials is valid CycloneDX, complete, and the same for the same image."""

from __future__ import annotations

import json
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from env_spec import ImageEnvironment, ImageSpec, LockedFile, LockedPackage, LockedSource
from env_spec.sbom import cyclonedx_json

ENVIRONMENT = ImageEnvironment(
    image=ImageSpec(name="eda", groups=("main",)),
    groups=("main",),
    parent=None,
    packages=(
        LockedPackage(name="numpy", version="2.4", files=(LockedFile(name="n-2.4.whl", hash=f"sha256:{64 * 'a'}"),)),
        LockedPackage(name="own", version="0.1", source=LockedSource(type="directory", url="packages/own")),
        LockedPackage(name="pandas", version="3.0", marker="os_name == 'posix'"),
        LockedPackage(
            name="tool",
            version="1",
            source=LockedSource(type="git", url="https://example.org/tool", resolved_reference="0123"),
        ),
    ),
    python=">=3.11",
    fingerprints={"linux/amd64": "0123456789abcdef"},
)
EDGES = [("pandas", "numpy"), ("pandas", "elsewhere"), ("elsewhere", "numpy")]


def bill() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(cyclonedx_json(ENVIRONMENT, EDGES))
    return document


def test_it_is_valid() -> None:
    """The library's own strict validator of CycloneDX 1.6 finds nothing."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(cyclonedx_json(ENVIRONMENT, EDGES)) is None


def test_the_same_image_gives_the_same_bytes() -> None:
    """Neither time nor chance is in it."""
    assert cyclonedx_json(ENVIRONMENT, EDGES) == cyclonedx_json(ENVIRONMENT, reversed(EDGES))


def test_it_names_the_image() -> None:
    """Its subject is the image, with the fingerprint as version."""
    subject = bill()["metadata"]["component"]
    assert (subject["type"], subject["name"], subject["version"]) == ("container", "eda", "0123456789abcdef")


def test_every_package_is_a_component() -> None:
    """Packages of an index have a package URL, and files their hashes; the project's own have neither."""
    components = {component["name"]: component for component in bill()["components"]}
    assert list(components) == ["numpy", "own", "pandas", "tool"]
    assert components["numpy"]["purl"] == "pkg:pypi/numpy@2.4"
    assert components["numpy"]["externalReferences"] == [
        {"type": "distribution", "url": "n-2.4.whl", "hashes": [{"alg": "SHA-256", "content": 64 * "a"}]}
    ]
    assert "purl" not in components["own"]
    assert components["tool"]["externalReferences"] == [{"type": "vcs", "url": "https://example.org/tool@0123"}]
    assert components["pandas"]["properties"] == [{"name": "shrinkwrap:marker", "value": "os_name == 'posix'"}]


def test_it_holds_the_dependencies_inside_the_image() -> None:
    """The image needs all; a package needs those of its dependencies that are in the slice."""
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in bill()["dependencies"]}
    assert needs["eda"] == ["numpy==2.4", "own==0.1", "pandas==3.0", "tool==1"]
    assert needs["pandas==3.0"] == ["numpy==2.4"]
    assert needs["numpy==2.4"] == []
