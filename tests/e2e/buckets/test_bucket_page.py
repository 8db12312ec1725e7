"""docs/buckets.md: its commands, on a real server, print what it shows."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator

from .conftest import BUCKET, ROOT, Project

PAGE = ROOT / "docs/buckets.md"


def blocks(language: str) -> list[str]:
    """The code blocks of that language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def commands() -> Iterator[tuple[list[str], list[str]]]:
    """The words of each command, with the lines that the page shows of its output."""
    for block in blocks("console"):
        for entry in block.removeprefix("$ ").split("\n$ "):
            command, *lines = entry.rstrip("\n").split("\n")
            yield shlex.split(command), lines


def test_the_commands_of_the_page(project: Project) -> None:
    """Every command succeeds, and prints each line that the page shows, in this order."""
    for year in (2023, 2024):
        project.client.put_object(Bucket=BUCKET, Key=f"raw/shops/{year}.csv", Body=b"id,city\n1,Oslo\n2,Birmingham\n")
    (project.root / "data/datasets.toml").write_text(blocks("toml")[0])
    subprocess.run(["git", "init", "--quiet"], cwd=project.root, check=True)
    run = 0
    for words, lines in commands():
        if words[0] == "export":
            # The test has the variables of its own server.
            assert words[1].partition("=")[0] in ("AWS_ENDPOINT_URL_S3", "AWS_PROFILE")
            continue
        if words[0] == "git":
            subprocess.run(words, cwd=project.root, check=True)
            continue
        assert words[:2] == ["./run", "invoke"]
        output = project.run(words[2].removeprefix("data."), *words[3:]).stdout
        run += 1
        rest = output
        for line in lines:
            assert line in rest, f"{words}\nprints no {line!r} behind the lines before; it prints\n{output}"
            rest = rest[rest.index(line) + len(line) :]
    assert run == 6
    staged = subprocess.run(
        ["git", "diff", "--cached", "--name-only"], cwd=project.root, capture_output=True, text=True
    )
    assert staged.stdout.split() == ["data/buckets.lock", "data/datasets.toml", "data/reports/shops.json"]
