"""A bill of materials is valid CycloneDX, complete, and the same for the same image."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from env_spec import ImageEnvironment, ImageSpec, LockedFile, LockedPackage, LockedSource
from env_spec.image.sbom import cyclonedx_json

ENVIRONMENT = ImageEnvironment(
    declared=(),
    without=(),
    image=ImageSpec(name="eda", groups=("main",)),
    groups=("main",),
    parent=None,
    unshared=(),
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


def test_the_same_image_has_the_same_bytes() -> None:
    """The document contains no time and nothing random."""
    assert cyclonedx_json(ENVIRONMENT, EDGES) == cyclonedx_json(ENVIRONMENT, reversed(EDGES))


def test_it_names_the_image() -> None:
    """Its subject is the image, with the fingerprint as version."""
    subject = bill()["metadata"]["component"]
    assert (subject["type"], subject["name"], subject["version"]) == ("container", "eda", "0123456789abcdef")


def test_every_package_is_a_component() -> None:
    """Packages from an index have a package URL, and files have hashes; the project's own packages have neither."""
    components = {component["name"]: component for component in bill()["components"]}
    assert list(components) == ["numpy", "own", "pandas", "tool"]
    assert components["numpy"]["purl"] == "pkg:pypi/numpy@2.4"
    assert components["numpy"]["externalReferences"] == [
        {"type": "distribution", "url": "n-2.4.whl", "hashes": [{"alg": "SHA-256", "content": 64 * "a"}]}
    ]
    assert "purl" not in components["own"]
    assert components["tool"]["externalReferences"] == [{"type": "vcs", "url": "https://example.org/tool@0123"}]
    assert components["pandas"]["properties"] == [{"name": "shrinkwrap:marker", "value": "os_name == 'posix'"}]


def test_it_has_the_dependencies_inside_the_image() -> None:
    """The image depends on all packages; a package on those of its dependencies that are in the slice."""
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in bill()["dependencies"]}
    assert needs["eda"] == ["numpy==2.4", "own==0.1", "pandas==3.0", "tool==1"]
    assert needs["pandas==3.0"] == ["numpy==2.4"]
    assert needs["numpy==2.4"] == []


def test_debian_packages_are_listed_as_requested() -> None:
    """Only the built image has the versions of those that are not pinned."""
    image = ImageSpec(name="eda", groups=("main",), system=("libgl1", "libgomp1=12"), snapshot="2026-11-01")
    text = cyclonedx_json(replace(ENVIRONMENT, image=image), EDGES)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found = {each["bom-ref"]: each for each in json.loads(text)["components"] if each["bom-ref"].startswith("deb:")}
    assert found.keys() == {"deb:libgl1", "deb:libgomp1=12"}
    assert (found["deb:libgomp1=12"]["version"], "version" in found["deb:libgl1"]) == ("12", False)
    assert {"name": "shrinkwrap:snapshot", "value": "2026-11-01"} in found["deb:libgl1"]["properties"]
