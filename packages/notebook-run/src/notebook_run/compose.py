"""The compose file of one notebook, rendered from images/compose.yaml."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path

from env_spec import NotebookSpec
from notebook_run.errors import TemplateError
from notebook_run.needs import Mount

TEMPLATE = Path("images/compose.yaml")
_HEAD = "# Rendered from images/compose.yaml by `invoke notebook.up {name}`, which overwrites it.\n"
_VARIABLE = re.compile(r"\$\{([A-Z_]+)\}")


def project_name(root: Path, notebook: str) -> str:
    """Of the compose project: two clones on one machine do not meet."""
    return f"notebook-{notebook}-{hashlib.sha256(str(root).encode()).hexdigest()[:8]}"


def rendered(
    template: str,
    notebook: NotebookSpec,
    *,
    root: Path,
    image: str,
    user: str,
    port: int,
    data: Iterable[Mount],
) -> str:
    """The compose file.

    Args:
        template: Compose v2 with variables of ours in double quotes; others are left to compose.
        root: The repository, as an absolute path.
        data: Each becomes a copy of the template's one volume for data.

    Raises:
        TemplateError: The template has no volume for data.
    """
    values = {
        "PROJECT": project_name(root, notebook.name),
        "NAME": notebook.name,
        "IMAGE": image,
        "FILE": notebook.path.removeprefix("notebooks/"),
        "USER": user,
        "PORT": str(port),
        "MEMORY": str(notebook.memory_bytes or 0),
        "ROOT": str(root),
    }
    before, block, after = _split(template)
    volumes = (
        _filled(block, {"DATA_SOURCE": str(mount.source.resolve()), "DATA_TARGET": mount.target}) for mount in data
    )
    return _HEAD.format(name=notebook.name) + _filled("".join([before, *volumes, after]), values)


def _split(template: str) -> tuple[str, str, str]:
    """What is before the volume for data, that volume, and what is behind it."""
    lines = template.splitlines(keepends=True)
    found = [
        number for number, line in enumerate(lines) if "${DATA_SOURCE}" in line and not line.lstrip().startswith("#")
    ]
    if len(found) != 1:
        raise TemplateError("must have exactly one volume whose source is ${DATA_SOURCE}")
    first = found[0]
    while not lines[first].lstrip().startswith("- "):
        first -= 1
    indent = len(lines[first]) - len(lines[first].lstrip())
    last = first + 1
    while last < len(lines) and len(lines[last]) - len(lines[last].lstrip()) > indent:
        last += 1
    return "".join(lines[:first]), "".join(lines[first:last]), "".join(lines[last:])


def _filled(text: str, values: dict[str, str]) -> str:
    """With values for the variables that are among them, as double-quoted YAML, which JSON's strings are."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        # Compose would take a dollar for a variable of its own.
        return json.dumps(values[match[1]], ensure_ascii=False)[1:-1].replace("$", "$$")

    return _VARIABLE.sub(value, text)
