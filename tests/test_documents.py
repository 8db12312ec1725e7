"""The Markdown files: their links lead to files, and the README's table of commands is complete."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
_DOCUMENTS = sorted(
    subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    ).stdout.splitlines()
)
_LINK = re.compile(r"\]\((?P<target>[^)#\s]+)(#[^)]*)?\)")
_COMMAND = re.compile(r"\b(?:data|env|image|infra|notebook)\.[a-z-]+|(?<=`invoke )run\b")


def rows() -> list[str]:
    """The first column of the README's table of commands."""
    section = (ROOT / "README.md").read_text("utf-8").split("## Every command\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [re.split(r"(?<!\\) \| ", line)[0] for line in lines]


@pytest.mark.parametrize("document", _DOCUMENTS)
def test_relative_links(document: str) -> None:
    """Every relative link leads to a file or folder of the repository."""
    folder = (ROOT / document).parent
    targets = [match["target"] for match in _LINK.finditer((ROOT / document).read_text("utf-8"))]
    relative = [target for target in targets if "://" not in target]
    assert [target for target in relative if not (folder / target).exists()] == []


def test_the_readme_lists_every_command(tasks: ModuleType) -> None:
    """The table names exactly the commands that exist, each once."""
    listed = [name for row in rows() for name in _COMMAND.findall(row)]
    assert sorted(listed) == sorted(tasks.namespace.task_names)


def test_the_readme_lists_options_that_exist(tasks: ModuleType) -> None:
    """Each option in the table belongs to a command of its row."""
    unknown = []
    for row in rows():
        arguments = [a for name in _COMMAND.findall(row) for a in tasks.namespace[name].get_arguments()]
        flags = {f"{'--' if len(name) > 1 else '-'}{name}" for argument in arguments for name in argument.names}
        unknown += [option for option in re.findall(r"(?<=\[)--?[a-z-]+", row) if option not in flags]
    assert unknown == []
