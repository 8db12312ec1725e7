"""An image's slice of the lock as a CycloneDX bill of materials. Importing this module takes half a second."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from cyclonedx.contrib.hash.factories import HashTypeFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from env_spec.image.environment import ImageEnvironment
from env_spec.lock.slice import LockedPackage

_HASHES = HashTypeFactory()
# An arbitrary constant: the same slice must always have the same serial number.
_NAMESPACE = uuid.UUID("3d0a4b2e-52a0-5c1f-9a35-7d6a1d0a6c11")


def cyclonedx_json(environment: ImageEnvironment, edges: Iterable[tuple[str, str]]) -> str:
    """CycloneDX 1.6. The same image has the same bytes, so the document contains no time.

    Args:
        edges: Pairs of a package and its dependency; pairs outside the slice are ignored.
    """
    image = Component(
        name=environment.image.name,
        version=environment.fingerprint,
        type=ComponentType.CONTAINER,
        bom_ref=environment.image.name,
        properties=[
            *(Property(name="cdx:poetry:group", value=group) for group in environment.groups),
            Property(name="shrinkwrap:python", value=environment.python),
        ],
    )
    components = {_reference(package): _component(package) for package in environment.packages}
    by_name: dict[str, list[Component]] = {}
    for package in environment.packages:
        by_name.setdefault(package.name, []).append(components[_reference(package)])
    system = [_system_component(package, environment.image.snapshot) for package in environment.image.system]
    bom = Bom(
        serial_number=uuid.uuid5(_NAMESPACE, f"{environment.image.name} {environment.fingerprint}"),
        components=[*components.values(), *system],
    )
    bom.metadata.timestamp = None  # type: ignore[assignment]  # The format does not require one.
    bom.metadata.component = image
    bom.register_dependency(image, [*components.values(), *system])
    for name, dependency in sorted(set(edges)):
        for component in by_name.get(name, ()):
            bom.register_dependency(component, by_name.get(dependency, ()))
    text: str = JsonV1Dot6(bom).output_as_string(indent=2)
    return text


def _component(package: LockedPackage) -> Component:
    # A lock has the names and hashes of files, but not their URLs; relative references are valid.
    files = [
        ExternalReference(
            type=ExternalReferenceType.DISTRIBUTION,
            url=XsUri(file.name),
            hashes=[_HASHES.from_composite_str(file.hash)],
        )
        for file in package.files
    ]
    source = package.source
    if source and source.type == "git":
        revision = f"{source.url}@{source.resolved_reference or source.reference or 'HEAD'}"
        files.append(ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(revision)))
    is_from_index = source is None or source.type == "legacy"
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=_reference(package),
        purl=PackageURL("pypi", None, package.name, package.version) if is_from_index else None,
        external_references=files,
        properties=[Property(name="shrinkwrap:marker", value=package.marker)] if package.marker else [],
    )


def _system_component(package: str, snapshot: str | None) -> Component:
    """A Debian package as requested: only the built image has the versions of those that are not pinned."""
    name, _, version = package.partition("=")
    date = [Property(name="shrinkwrap:snapshot", value=snapshot)] if snapshot else []
    return Component(
        name=name,
        version=version or None,
        type=ComponentType.LIBRARY,
        bom_ref=f"deb:{package}",
        properties=[Property(name="shrinkwrap:system", value=package), *date],
    )


def _reference(package: LockedPackage) -> str:
    return f"{package.name}=={package.version}"
