"""Runs `docker buildx bake` with a definition, and prints its steps as they start and end."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from image_build.building.bake import BuildSettings
from image_build.building.build_log import BuildLog
from image_build.building.failure import build_failure
from image_build.engine import OnLine
from image_build.engine.command import running_bake


def bake(
    root: Path, definition: Mapping[str, Any], *, images: Sequence[str], settings: BuildSettings, on_line: OnLine
) -> None:
    """Build a definition; its paths are relative to the root.

    Args:
        images: Names of the requested images, for messages.
        settings: Those that the definition was made with.

    Raises:
        ImageBuildError: The build failed; the message has the reason.
    """
    log, log_file = BuildLog(), root / ".shrinkwrap" / "logs" / "image-build.log"
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("w", encoding="utf-8") as written, tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(definition, file)
        file.flush()
        with running_bake(Path(file.name), cwd=root, environment=settings.secrets()) as process:
            for line in process.lines:
                written.write(line)
                if text := log.add(line):
                    on_line(text)
    if process.exit_status:
        platforms = sorted({name for target in definition["target"].values() for name in target["platforms"]})
        raise build_failure(
            log, log_file=log_file, images=images, platforms=platforms, index_names=settings.index_names
        )
