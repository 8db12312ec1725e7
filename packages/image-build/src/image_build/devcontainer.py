"""The file from which VS Code and Codespaces open the image of a table: .devcontainer/devcontainer.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from env_spec import ProjectFiles, image_environment, read_project
from image_build.errors import ImageRequestError

FILE: Final = ".devcontainer/devcontainer.json"
_MARK: Final = "// Written by `invoke image.devcontainer`"
_HEADER: Final = f"{_MARK} from an image's table and the lock; after a change, run it again."
_FOLDER: Final = "${containerWorkspaceFolder}"


def write_devcontainer(root: Path, name: str | None = None) -> tuple[Path, bool]:
    """Write the file for an image, by default the first one; whether it changed.

    Raises:
        EnvSpecError: The project has mistakes, or no image of that name.
        ImageRequestError: The project has no image, or a file that was written by hand.
    """
    path = root / FILE
    text = devcontainer_text(read_project(root), name)
    existing = path.read_text("utf-8") if path.is_file() else None
    if existing is not None and not existing.startswith(_MARK):
        raise ImageRequestError(f"{path} was written by hand, and is not overwritten; move it away first")
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path, text != existing


def devcontainer_text(files: ProjectFiles, name: str | None = None) -> str:
    """The file's text: JSON with one comment.

    Raises:
        EnvSpecError: There is no image of that name.
        ImageRequestError: The project has no image.
    """
    if name is None and not files.spec.images:
        raise ImageRequestError("the project declares no image; add a table [tool.env-spec.images.NAME]")
    facts = _devcontainer(files, name or next(iter(files.spec.images)))
    return f"{_HEADER}\n{json.dumps(facts, indent=2)}\n"


def _devcontainer(files: ProjectFiles, name: str) -> dict[str, Any]:
    environment = image_environment(files, name)
    # An image with a registry is pulled by its reference; any other is built on the machine first, by all Dockerfiles
    # together, which `build` of a dev container cannot do.
    prepared = {} if environment.image.registry else {"initializeCommand": ["./run", "invoke", "image.get", name]}
    return {
        "name": name,
        "image": environment.reference,
        **prepared,
        # As in a notebook's container.
        "remoteEnv": {
            "PYTHONPATH": f"{_FOLDER}/notebooks/lib",
            "PYTHONDONTWRITEBYTECODE": "1",
            "SHRINKWRAP_DATA": f"{_FOLDER}/data",
        },
        "customizations": {
            "vscode": {
                "extensions": ["ms-python.python", "ms-toolsai.jupyter"],
                "settings": {"python.defaultInterpreterPath": "/opt/venv/bin/python"},
            }
        },
    }
