"""The compose file of one notebook, made from the template images/compose.yaml."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from env_spec import NotebookSpec
from notebook_run.columns import columns_variable
from notebook_run.container import Mount, python_path
from notebook_run.errors import NotebookInputError

TEMPLATE = Path("images/compose.yaml")
_HEAD = "# Made from images/compose.yaml by `invoke notebook.up {name}`, which overwrites it.\n"
_BIND = "create_host_path: false"
# With create_host_path: false, compose uses the API of mounts, which has no labels, and drops this one without a word.
# That the paths exist was checked before.
_LABELLED_BIND = "create_host_path: true, selinux: z"
_VARIABLE = re.compile(r"\$\{([A-Z_]+)\}")


def project_name(root: Path, notebook: str) -> str:
    """The name of the compose project; it differs between two clones on one machine."""
    return f"notebook-{notebook}-{hashlib.sha256(str(root).encode()).hexdigest()[:8]}"


@dataclass(frozen=True, kw_only=True)
class ComposeSettings:
    """What the compose file has in addition to the notebook's table.

    Attributes:
        root: The project, as an absolute path.
        user: `UID:GID`.
        data: Each becomes a copy of the template's volume for data.
        has_selinux: Give the mounted files the label that SELinux demands of files in containers.
    """

    root: Path
    image: str
    user: str
    port: int
    data: Sequence[Mount]
    has_selinux: bool = False


def compose_text(template: str, notebook: NotebookSpec, settings: ComposeSettings) -> str:
    """The compose file.

    Args:
        template: Compose v2 with our variables in double quotes; other variables are left to compose.

    Raises:
        NotebookInputError: The template has not exactly one volume for data, or one without a label for SELinux.
    """
    if settings.has_selinux:
        _check_labels(template)
    values = {
        "PROJECT": project_name(settings.root, notebook.name),
        "NAME": notebook.name,
        "PYTHON_PATH": python_path(notebook),
        "COLUMNS": columns_variable(notebook),
        "IMAGE": settings.image,
        "FILE": notebook.path.removeprefix("notebooks/"),
        "USER": settings.user,
        "PORT": str(settings.port),
        "MEMORY": str(notebook.memory_bytes or 0),
        "ROOT": str(settings.root),
        "BIND_OPTIONS": _LABELLED_BIND if settings.has_selinux else _BIND,
    }
    before, block, after = _split(template)
    volumes = (
        _filled(block, {"DATA_SOURCE": str(mount.source.resolve()), "DATA_TARGET": mount.target})
        for mount in settings.data
    )
    return _HEAD.format(name=notebook.name) + _filled("".join([before, *volumes, after]), values)


def _check_labels(template: str) -> None:
    lines = [line for line in template.splitlines() if not line.lstrip().startswith("#")]
    binds = sum("type: bind" in line for line in lines)
    labelled = sum("${BIND_OPTIONS}" in line for line in lines)
    if labelled < binds:
        raise NotebookInputError(
            f"{TEMPLATE} has {binds} volumes of type bind, and {labelled} with options for SELinux: give each the line"
            " `bind: { ${BIND_OPTIONS} }`, or remove `selinux = true` from [tool.env-spec.notebook]"
        )


def _split(template: str) -> tuple[str, str, str]:
    """The text before the volume for data, that volume, and the text after it."""
    lines = template.splitlines(keepends=True)
    found = [
        number for number, line in enumerate(lines) if "${DATA_SOURCE}" in line and not line.lstrip().startswith("#")
    ]
    if len(found) != 1:
        raise NotebookInputError(f"{TEMPLATE} must have exactly one volume whose source is ${{DATA_SOURCE}}")
    first = found[0]
    while not lines[first].lstrip().startswith("- "):
        first -= 1
    indent = len(lines[first]) - len(lines[first].lstrip())
    last = first + 1
    while last < len(lines) and len(lines[last]) - len(lines[last].lstrip()) > indent:
        last += 1
    return "".join(lines[:first]), "".join(lines[first:last]), "".join(lines[last:])


def _filled(text: str, values: dict[str, str]) -> str:
    """The text with these variables replaced; the values are JSON strings, which are also double-quoted YAML."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        # Compose replaces variables after a single dollar.
        return json.dumps(values[match[1]], ensure_ascii=False)[1:-1].replace("$", "$$")

    return _VARIABLE.sub(value, text)
