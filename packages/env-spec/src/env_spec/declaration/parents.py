"""Finds the image whose layers another one shares, or the reasons why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from env_spec.declaration.groups import DependencyGroup, expanded_groups
from env_spec.declaration.images import DOCKERFILES_BASE, ImageSpec

_Images: TypeAlias = Mapping[str, ImageSpec]
_Groups: TypeAlias = Mapping[str, DependencyGroup]
# The groups of each image with those that they include, its extras, and the project's own package.
_Sets: TypeAlias = Mapping[str, set[str]]


def parent_of(name: str, images: _Images, groups: _Groups) -> str | None:
    """The declared parent, else the image on the same base that has most of its groups and no others."""
    return _parent(images[name], images, _sets(images, groups))


def unshared_reasons(name: str, images: _Images, groups: _Groups) -> tuple[str, ...]:
    """Why it shares no layers with the images that have groups in common with it; empty if it shares some."""
    sets = _sets(images, groups)
    parents = {other.name: _parent(other, images, sets) for other in images.values()}
    if parents[name] or name in parents.values():
        return ()
    return tuple(_reasons(images[name], images, sets))


def with_derived_bases(images: _Images, groups: _Groups) -> dict[str, ImageSpec]:
    """The images, with a base for those that inherit one from a parent that is not declared.

    An image whose table names no base is on the base that the images with some of its groups, and no others, have in
    common. If these have several bases, or one of them has its Dockerfile's own, then it has its Dockerfile's own, too.
    """
    sets = _sets(images, groups)
    found = dict(images)
    # A parent has fewer groups than its children, or is declared and comes earlier in the chain.
    for image in sorted(images.values(), key=lambda image: (len(sets[image.name]), len(_ancestors(image, images)))):
        if image.base is None:
            found[image.name] = replace(image, base=_derived_base(image, found, sets))
    return found


def _parent(image: ImageSpec, images: _Images, sets: _Sets) -> str | None:
    if image.parent:
        return image.parent
    own, start = sets[image.name], _start(image)
    possible = [
        other.name
        for other in images.values()
        if sets[other.name] < own and _start(other) == start and image.has_system_of(other)
    ]
    return max(possible, key=lambda other: len(sets[other]), default=None)


def _start(image: ImageSpec) -> tuple[str | None, str, tuple[str, ...]]:
    """What is equal in all images that share layers."""
    return image.base, image.dockerfile, image.build


def _derived_base(image: ImageSpec, images: _Images, sets: _Sets) -> str | None:
    if image.parent:
        return images[image.parent].base if image.parent in images else None
    own = sets[image.name]
    bases = {other.base for other in images.values() if other.dockerfile == image.dockerfile and sets[other.name] < own}
    return bases.pop() if len(bases) == 1 else None


def _reasons(image: ImageSpec, images: _Images, sets: _Sets) -> Iterator[str]:
    for other in images.values():
        more = sorted(sets[other.name] - sets[image.name])
        has_more = sets[image.name] - sets[other.name]
        if other is image or not sets[other.name] & sets[image.name]:
            continue
        if more and has_more:
            yield f"{other.name} has the {'groups' if more[1:] else 'group'} {', '.join(more)} in addition"
        elif other.dockerfile != image.dockerfile:
            yield f"{other.name} has another Dockerfile, in {other.dockerfile}"
        elif other.base != image.base:
            yield f"{other.name} is on another base, {other.base or DOCKERFILES_BASE}"
        elif other.build != image.build:
            yield f"{other.name} has another list of packages to compile"
        elif not (image.has_system_of(other) or other.has_system_of(image)):
            yield f"{other.name} has other system packages"
        elif has_more and not image.has_system_of(other):
            yield f"{other.name} has system packages that it does not have"
        else:
            yield f"{other.name} has the same groups"


def _ancestors(image: ImageSpec, images: _Images) -> list[str]:
    chain = [image.name]
    while (parent := images[chain[-1]].parent) in images and parent is not None and parent not in chain:
        chain.append(parent)
    return chain


def _sets(images: _Images, groups: _Groups) -> _Sets:
    return {
        name: {
            *expanded_groups(groups, [group for group in image.groups if group in groups]),
            *(f"extra {extra}" for extra in image.extras),
            *(["the project's own package"] if image.own == "wheel" else []),
        }
        for name, image in images.items()
    }
