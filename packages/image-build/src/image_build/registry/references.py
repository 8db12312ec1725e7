"""References of images: the registry in them, and what a registry's error message means."""

from __future__ import annotations

import re

from image_build.errors import RegistryError

_DENIED = re.compile(r"unauthorized|401|403 Forbidden|denied|authorization failed|no basic auth", re.IGNORECASE)
_UNREACHABLE = re.compile(
    r"no such host|connection refused|i/o timeout|failed to do request|network is unreachable|EOF|certificate"
)


def registry_of(reference: str) -> str:
    """The host that serves a reference."""
    first, slash, _ = reference.partition("/")
    is_host = slash and ("." in first or ":" in first or first == "localhost")
    return first if is_host else "docker.io"


def image_name(reference: str) -> str:
    """The last part of a repository: `eda` of `ghcr.io/organisation/eda:env-0123@sha256:…`."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]


def registry_failure(reference: str, problem: str) -> RegistryError | None:
    """The error that a message of a registry, the engine or BuildKit means; None if it is about something else."""
    reason = problem.strip().splitlines()[-1][-200:] if problem.strip() else problem
    if _DENIED.search(problem):
        return RegistryError(registry_of(reference), reason, is_denied=True)
    if _UNREACHABLE.search(problem):
        return RegistryError(registry_of(reference), reason)
    return None
