"""An image's slice of the lock as a CycloneDX bill of materials; takes half a second to import."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from cyclonedx.contrib.hash.factories import HashTypeFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from env_spec.environment import ImageEnvironment
from env_spec.lock import LockedPackage

_HASHES = HashTypeFactory()
# Any fixed number will do: what is made from the same slice must have the same serial number.
_NAMESPACE = uuid.UUID("3d0a4b2e-52a0-5c1f-9a35-7d6a1d0a6c11")


def cyclonedx_json(environment: ImageEnvironment, edges: Iterable[tuple[str, str]]) -> str:
    """CycloneDX 1.6, the same bytes for the same image; it has no time in it, because a slice has none.

    Args:
        edges: Pairs of package and dependency; those that leave the slice are left out.
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
    bom = Bom(
        serial_number=uuid.uuid5(_NAMESPACE, f"{environment.image.name} {environment.fingerprint}"),
        components=components.values(),
    )
    bom.metadata.timestamp = None  # type: ignore[assignment]  # the format does not need one
    bom.metadata.component = image
    bom.register_dependency(image, components.values())
    for name, needed in sorted(set(edges)):
        for component in by_name.get(name, ()):
            bom.register_dependency(component, by_name.get(needed, ()))
    text: str = JsonV1Dot6(bom).output_as_string(indent=2)
    return text + "\n"


def _component(package: LockedPackage) -> Component:
    # A lock knows the names and hashes of the files, not their addresses: a relative reference is a valid one.
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


def _reference(package: LockedPackage) -> str:
    return f"{package.name}=={package.version}"
