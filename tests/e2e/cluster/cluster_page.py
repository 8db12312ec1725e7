"""What docs/cluster.md says: its commands and its description of a dataset."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parents[3] / "docs/cluster.md"


def text_blocks(language: str) -> list[str]:
    """The code blocks of that language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def blocks() -> list[list[list[str]]]:
    """The words of each command, by block."""
    return [[shlex.split(line.removeprefix("$ ")) for line in block.splitlines()] for block in text_blocks("console")]


def describe_in_bucket(clone: Path) -> None:
    """Put the addresses of the page into its table of data/datasets.toml."""
    header, *lines = text_blocks("toml")[0].splitlines()
    file = clone / "data/datasets.toml"
    before, found, after = file.read_text("utf-8").partition(f"{header}\n")
    assert found
    for line in lines:
        key = line.partition(" = ")[0]
        after, replaced = re.subn(rf"^{key} = .*$", line, after, count=1, flags=re.MULTILINE)
        assert replaced == 1
    file.write_text(before + found + after, "utf-8")
