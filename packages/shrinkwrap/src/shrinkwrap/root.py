"""Where the project is that a command works on."""

from __future__ import annotations

from pathlib import Path

from terminal import ShrinkwrapError


def find_root(start: Path | None = None) -> Path:
    """The nearest folder, from the working directory upwards, that is a project with data or environments of ours.

    That is a folder with `data/datasets.toml`, or with a table `[tool.env-spec…]` in its `pyproject.toml`.

    Raises:
        ShrinkwrapError: No folder up to the root of the file system is one.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "data" / "datasets.toml").is_file() or _declares_images(folder / "pyproject.toml"):
            return folder
    raise ShrinkwrapError(
        f"no project found in {start} or any folder above it; a project has data/datasets.toml, or a table"
        " [tool.env-spec.images.NAME] in pyproject.toml"
    )


def _declares_images(pyproject: Path) -> bool:
    # A search instead of a parse: a file with a syntax error is still the project's, and its reader reports the error.
    try:
        return b"[tool.env-spec" in pyproject.read_bytes()
    except OSError:
        return False
