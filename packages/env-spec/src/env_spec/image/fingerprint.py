"""One short, stable hash of everything that an image is built from: equal inputs need no second build."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from env_spec.lock.slice import LockedPackage

_FORM = 1  # Increase it when the same inputs must produce another image.


def fingerprint(
    packages: Iterable[LockedPackage],
    *,
    folders: Mapping[str, str],
    dockerfile: str,
    base: str | None,
    python: str,
    platform: str,
    build: Iterable[str] = (),
    system: Iterable[str] = (),
    snapshot: str | None = None,
) -> str:
    """The fingerprint: 16 hexadecimal digits.

    They change exactly when a package in the slice, the Dockerfile's folder, the base, the versions of Python that the
    lock supports, the platform, or a Debian package that the image's table names changes.

    Args:
        packages: The slice, in any order.
        folders: Digests by path: of the Dockerfile's folder and of each package that has a path.
        base: None if only the Dockerfile names it.
        build: Names of packages that are compiled.
        python: As in the lock; the base decides which Python runs.
        system: Debian packages, as in the table.
        snapshot: The day of the archive that they come from.

    Raises:
        KeyError: The digest of a folder is missing.
    """
    content: dict[str, object] = {
        "form": _FORM,
        "packages": sorted((_facts(package, folders) for package in packages), key=_canonical),
        "dockerfile": folders[dockerfile],
        "base": base,
        "python": python,
        "platform": platform,
    }
    # Without them, fingerprints are those of versions that did not know them.
    if names := sorted(system):
        content["system"] = {"packages": names, "snapshot": snapshot}
    if compiled := sorted(build):
        content["build"] = compiled
    return hashlib.sha256(_canonical(content).encode()).hexdigest()[:16]


def _facts(package: LockedPackage, folders: Mapping[str, str]) -> dict[str, object]:
    source = asdict(package.source) if package.source else None
    return {
        "name": package.name,
        "version": package.version,
        "marker": package.marker,
        "files": sorted((file.name, file.hash) for file in package.files),
        "source": source,
        "content": folders[package.path] if package.path else None,
    }


def _canonical(content: object) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"))
