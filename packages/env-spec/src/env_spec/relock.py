"""Making poetry.lock anew with Poetry, behind a mirror too; it is changed whole or not at all."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from env_spec.errors import PoetryError
from env_spec.process import started, streamed

MIRROR_VARIABLE = "POETRY_PYPI_MIRROR_URL"
_NEW_GROUP = "shrinkwrap-added"

# Runs in Poetry's environment, whose pip was configured as the machine is. Prints the index that Poetry must be led
# to: pip's own, if it is not PyPI, or if what answers for PyPI here lacks the JSON of a version, which Poetry asks for.
_INDEX = """\
import json, urllib.request
from importlib.metadata import version
from pip._internal.commands import create_command
from pip._internal.models.index import PyPI
index = create_command("download").parser.get_default_values().index_url
if index.rstrip("/") == PyPI.simple_url:
    try:
        with urllib.request.urlopen(f"{PyPI.pypi_url}/pip/{version('pip')}/json", timeout=20) as answer:
            json.load(answer)
    except ValueError:
        print(index)
    except OSError as error:
        if getattr(error, "code", None) in (404, 406, 501):
            print(index)
else:
    print(index)
"""


def relock(root: Path, *, package: str | None = None, group: str | None = None) -> None:
    """Run `poetry lock`, or add a package to a group and lock; what Poetry prints goes to standard error.

    Raises:
        PoetryError: There is no Poetry, or it failed; pyproject.toml and poetry.lock are as before.
    """
    poetry = _poetry(root)
    environment = {**os.environ, **_mirror(root, poetry)}
    with _restored_on_failure(root / "pyproject.toml", root / "poetry.lock"):
        if package is None:
            _run(root, [*poetry, "lock"], environment)
        elif group == "main":
            _add_to_main(root, poetry, package, environment)
        else:
            _run(root, [*poetry, "add", "--lock", f"--group={group}", "--", package], environment)


def _add_to_main(root: Path, poetry: list[str], package: str, environment: dict[str, str]) -> None:
    """Poetry writes what is added to `main` into its own table, even where [dependency-groups] has a `main`.

    So it is added to a group of its own, and what Poetry wrote there is then moved.
    """
    pyproject = root / "pyproject.toml"
    before = pyproject.read_text(encoding="utf-8")
    if "main" not in tomllib.loads(before).get("dependency-groups", {}):
        _run(root, [*poetry, "add", "--lock", "--", package], environment)
        return
    _run(root, [*poetry, "add", "--lock", f"--group={_NEW_GROUP}", "--", package], environment)
    added = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    if _NEW_GROUP in added.get("tool", {}).get("poetry", {}).get("group", {}):
        raise PoetryError(f"'{package}' cannot stand in [dependency-groups] main; write it into pyproject.toml by hand")
    pyproject.write_text(with_requirements(before, "main", added["dependency-groups"][_NEW_GROUP]), encoding="utf-8")
    _run(root, [*poetry, "lock"], environment)


def with_requirements(pyproject: str, group: str, requirements: list[str]) -> str:
    """The text of a pyproject.toml with requirements added to a dependency group; all else stays as it is."""
    import tomlkit

    document = tomlkit.parse(pyproject)
    array = document["dependency-groups"][group]
    is_multiline = "\n" in array.as_string()
    for requirement in requirements:
        if is_multiline:
            array.add_line(requirement)
        else:
            array.append(requirement)
    return tomlkit.dumps(document)


def _poetry(root: Path) -> list[str]:
    """The Poetry of `run`, else the one on PATH."""
    python = root / ".shrinkwrap" / "tools" / "bin" / "python"
    if python.exists():
        return [str(python), "-m", "poetry"]
    if found := shutil.which("poetry"):
        return [found]
    raise PoetryError("there is no Poetry here; start this as `./run invoke env.lock`, which brings it")


def _mirror(root: Path, poetry: list[str]) -> dict[str, str]:
    """The setting that leads Poetry to the index pip uses, where it needs one; it stays in this process."""
    if os.environ.get(MIRROR_VARIABLE) or poetry[1:] != ["-m", "poetry"]:
        return {}
    answer = started([poetry[0], "-c", _INDEX], root=root)
    index = answer.stdout.decode().strip() if answer.returncode == 0 else ""
    return {MIRROR_VARIABLE: index} if index else {}


def _run(root: Path, command: list[str], environment: dict[str, str]) -> None:
    if code := streamed(command, root=root, environment=environment):
        raise PoetryError(f"Poetry could not do it (exit status {code}, see above); nothing was changed")


@contextmanager
def _restored_on_failure(*paths: Path) -> Iterator[None]:
    before = {path: path.read_bytes() if path.exists() else None for path in paths}
    try:
        yield
    except BaseException:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(content)
        raise
