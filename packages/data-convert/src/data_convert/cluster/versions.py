"""What must be equal on the client and on all workers, because it can change the bytes of a part."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from data_convert.cluster.errors import ClusterError

# Those of the stage in data/dvc.yaml, and this one.
_ROOMS: Final = (
    *("cluster", "columns", "conversion", "expectations", "kernels", "reading", "spec", "storage", "writing"),
)
_LIBRARIES: Final = ("pyarrow", "numpy", "numba", "llvmlite", "zstandard", "distributed")
_FIX: Final = "Start the scheduler and all workers from the same commit with `./run --with cluster`."

Versions = Mapping[str, str]


@cache
def code_versions() -> dict[str, str]:
    """What this process runs."""
    found = {"Python": ".".join(platform.python_version_tuple()[:2]), "data_convert": _code_digest()}
    return found | {name: metadata.version(name) for name in _LIBRARIES}


def _code_digest() -> str:
    digest = hashlib.sha256()
    package = Path(__file__).parent.parent
    for room in _ROOMS:
        for path in sorted((package / room).rglob("*.py")):
            digest.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def differences(found: Versions, expected: Versions) -> str:
    """What differs: "pyarrow 25.0 instead of 26.0"; empty if nothing does."""
    names = [name for name in expected if found.get(name) != expected[name]]
    return ", ".join(f"{name} {found.get(name, '(missing)')} instead of {expected[name]}" for name in names)


def check_workers(client: Any) -> None:
    """Compare all workers that are connected now. Each task compares its own worker again.

    Raises:
        ClusterError: One of them runs other code.
    """
    answers: dict[str, Any] = client.run(code_versions, on_error="return")
    for worker, found in sorted(answers.items()):
        if isinstance(found, BaseException):
            raise ClusterError(f"worker {worker} cannot run this code ({found!r}). {_FIX}")
        check_worker(worker, found, code_versions())


def check_worker(worker: str, found: Versions, expected: Versions) -> None:
    """Compare one worker with the client.

    Raises:
        ClusterError: It runs other code.
    """
    if problem := differences(found, expected):
        raise ClusterError(f"worker {worker} runs other code than this client: {problem}. {_FIX}")
