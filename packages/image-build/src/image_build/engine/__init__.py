"""The Docker Engine of this machine, and the only place of the package that uses Docker or starts processes."""

from __future__ import annotations

from image_build.engine.containers import RunResult, ServedContainer
from image_build.engine.daemon import Engine, OnLine
from image_build.engine.failures import engine_errors, engine_failures
from image_build.engine.images import InspectedImage

__all__ = [
    "Engine",
    "InspectedImage",
    "OnLine",
    "RunResult",
    "ServedContainer",
    "engine_errors",
    "engine_failures",
]
