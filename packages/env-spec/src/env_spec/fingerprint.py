"""What an image is made from, as one short stable hash: equal inputs need no second build."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from env_spec.lock import LockedPackage

_FORM = 1  # raise it when the same inputs must give another image than before


def fingerprint(
    packages: Iterable[LockedPackage],
    *,
    folders: Mapping[str, str],
    dockerfile: str,
    base: str | None,
    python: str,
    platform: str,
) -> str:
    """16 hexadecimal digits that change exactly when a package of the slice, the Dockerfile's folder, the base,
    the versions of Python the lock is for, or the platform does.

    Args:
        packages: The slice; its order means nothing.
        folders: Digests by path, of the Dockerfile's folder and of each package that has a path.
        base: None if the Dockerfile alone names it.
        python: As the lock says it; which Python runs is decided by the base.

    Raises:
        KeyError: A folder has no digest.
    """
    content = {
        "form": _FORM,
        "packages": sorted((_facts(package, folders) for package in packages), key=_canonical),
        "dockerfile": folders[dockerfile],
        "base": base,
        "python": python,
        "platform": platform,
    }
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
