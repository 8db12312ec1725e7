"""Finds out why a build failed, from its log."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from image_build.building.build_log import BuildLog, Step, short_name
from image_build.errors import (
    DiskFullError,
    ImageBuildError,
    ImageRequestError,
    IndexDeniedError,
    NoWheelError,
    PlatformError,
    StaleLockError,
    UnknownReferenceError,
)
from image_build.registry.references import registry_failure

_LAST_LINES = 12
# uv's messages; a marker can follow in braces.
_NO_WHEEL = re.compile(
    r"Because (?P<name>[\w.-]+)(?:\{[^}]*\})?==(?P<version>\S+) has no (?:usable )?wheels?"
    r"|[Bb]uilding `(?P<built>[^`]+)` is disabled"
)
_INDEX_DENIED = re.compile(
    r"An index URL \((?P<url>[^)]+)\) could not be queried due to [^(]*\((?P<status>40[13] \w+)\)"
)
# buildx's message about a cache export, an OCI archive or a build for several platforms.
_UNSUPPORTED = re.compile(r"ERROR: (?P<what>.+) is not supported for the docker driver")
_DISK_FULL = re.compile("no space left on device|ENOSPC", re.IGNORECASE)


def build_failure(
    log: BuildLog,
    *,
    log_file: Path,
    images: Sequence[str],
    platforms: Sequence[str],
    index_names: Mapping[str, str] | None = None,
) -> ImageBuildError:
    """The most specific error that the log of a failed build supports.

    Args:
        index_names: Names in pyproject.toml of package indexes, by URL.
    """
    outside = log.errors_outside_steps
    step = log.failed_step or Step(name="its definition", error="\n".join(outside))
    text = "\n".join([*step.output, step.error or "", *outside])
    if _DISK_FULL.search(text):
        return DiskFullError(short_name(step.name))
    if "exec format error" in text:
        return PlatformError(platforms, supported=())
    if match := _UNSUPPORTED.search(text):
        return _unsupported(match["what"])
    if error := _registry_error(step, text):
        return error
    if "pyproject.toml changed significantly" in text:
        return StaleLockError()
    if match := _INDEX_DENIED.search(text):
        url = re.sub("//[^/@]*@", "//", match["url"])
        return IndexDeniedError(url, match["status"], name=(index_names or {}).get(url))
    if match := _NO_WHEEL.search(text):
        package = match["built"] or f"{match['name']} {match['version']}"
        return NoWheelError(package, images=images, platform=", ".join(platforms))
    last = [line for line in step.output if line.strip()][-_LAST_LINES:] or (step.error or "").splitlines()
    lines = [f"the build failed at {short_name(step.name)}:", *(f"  {line}" for line in last)]
    return ImageBuildError("\n".join([*lines, f"Complete log: {log_file}"]))


def _unsupported(what: str) -> ImageRequestError:
    return ImageRequestError(
        f"the image store of this Docker Engine does not support this ({what}). Omit --cache and further platforms,"
        " or let the engine keep images in containerd's store, which image.reproduce also needs: write"
        ' {"features": {"containerd-snapshotter": true}} to /etc/docker/daemon.json'
        " (Docker Desktop: Settings, General), and restart it."
    )


def _registry_error(step: Step, text: str) -> ImageBuildError | None:
    match = re.search(r"(?:load metadata for|FROM|exporting cache to registry) (?P<reference>[\w./:@-]+)", step.name)
    if not match:
        return None
    reference = match["reference"]
    if re.search(r": not found|manifest unknown", text):
        advice = "correct the base in the image's table, or name another one with --base."
        if "@" in reference:
            advice = "`invoke image.pin --update` writes the current digest of its tag; --base names another base."
        return UnknownReferenceError(reference, advice=advice)
    return registry_failure(reference, step.error or text)
