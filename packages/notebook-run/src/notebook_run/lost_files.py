"""Files that a run wrote into its container, outside of every mount: they are removed with it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final

from terminal import count_text

# Nothing is kept here on purpose; Docker writes the last ones itself.
_TEMPORARY: Final = ("/tmp", "/var/tmp", "/run", "/var/run", "/dev", "/proc", "/sys", "/var/cache", "/var/log")
_OWN: Final = ("/.dockerenv", "/etc/hostname", "/etc/hosts", "/etc/mtab", "/etc/resolv.conf")
_CACHES: Final = (".cache", "__pycache__", ".ipython", ".jupyter", ".config", ".local", ".matplotlib")
_MOST: Final = 5


def written_outside(paths: Iterable[str], mounted: Iterable[str]) -> list[str]:
    """The changed paths of a container that may be files and belong to nothing that is kept or temporary.

    Args:
        paths: All changed paths, with the folders above them.
        mounted: The paths that are folders or files of the host.
    """
    changed = sorted(set(paths))
    folders = {str(parent) for path in changed for parent in PurePosixPath(path).parents}
    kept = [PurePosixPath(path) for path in (*mounted, *_TEMPORARY, *_OWN)]
    # Docker makes the folders above a mount.
    above = {str(parent) for path in kept for parent in path.parents}
    return [
        path
        for path in changed
        if path not in folders and path not in above and not _is_kept(PurePosixPath(path), kept)
    ]


def _is_kept(path: PurePosixPath, kept: Iterable[PurePosixPath]) -> bool:
    return bool(set(path.parts) & set(_CACHES)) or any(path.is_relative_to(place) for place in kept)


def lost_text(paths: Iterable[str], notebook: str) -> str:
    """A warning for files that a run wrote and that are lost."""
    found = list(paths)
    shown = ", ".join(found[:_MOST]) + (f" and {len(found) - _MOST} more" if len(found) > _MOST else "")
    verb = "is" if len(found) == 1 else "are"
    return (
        f"{count_text(len(found), 'file')} outside the results {verb} lost with the container: {shown}. A relative"
        f' path, or experiment.out("FILE"), is kept in notebooks/out/{notebook}.'
    )
