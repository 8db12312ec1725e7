"""docs/own-data.md: its commands, in a fresh clone, print what it shows."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from data_convert import load_specs

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-data.md"


def blocks(language: str) -> list[str]:
    """The code blocks of that language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def commands() -> Iterator[tuple[str, list[str]]]:
    """Each command with the lines that the page shows of its output."""
    for block in blocks("console"):
        for entry in block.removeprefix("$ ").split("\n$ "):
            command, *lines = entry.rstrip("\n").split("\n")
            yield command, [line for line in lines if line != "…"]


def test_the_commands_of_the_tutorial(clone: Path, run: Callable[..., Any], environment: dict[str, str]) -> None:
    """Every command succeeds, and prints each line that the page shows, in this order."""
    for command, lines in commands():
        words = shlex.split(command)
        if words[0] == "./run":
            output = run(*words[1:]).stdout
        else:
            answer = subprocess.run(words, cwd=clone, env=environment, capture_output=True, text=True, check=True)
            output = answer.stdout
        rest = output
        for line in lines:
            assert line in rest, f"{command}\nprints no {line!r} behind the lines before; it prints\n{output}"
            rest = rest[rest.index(line) + len(line) :]
    written = load_specs(clone / "data/datasets.toml")["air"]
    shown = tomllib.loads(blocks("toml")[0])["datasets"]["air"]["columns"]
    assert [column.name for column in written.columns] == [column["name"] for column in shown]
    assert "\n".join(blocks("toml")[0].splitlines()[5:-1]) in re.sub(
        r"\n +#.*", "", (clone / "data/datasets.toml").read_text("utf-8")
    )
