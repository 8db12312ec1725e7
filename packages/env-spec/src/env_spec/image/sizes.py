"""The size of packages on disk, if they are installed in the running environment."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata

from env_spec.lock.slice import LockedPackage


def installed_sizes(packages: Iterable[LockedPackage]) -> dict[str, int]:
    """Bytes by name, for each package that is installed in its locked version and lists its files."""
    sizes = {}
    for package in packages:
        try:
            found = metadata.distribution(package.name)
        except metadata.PackageNotFoundError:
            continue
        if found.version == package.version and package.path is None and found.files:
            sizes[package.name] = sum(file.size or 0 for file in found.files)
    return sizes
