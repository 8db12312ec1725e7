"""The program that runs a notebook, as one text."""

from __future__ import annotations

import ast
from pathlib import Path

import notebook_run
from notebook_run.run.program_text import program_sources, program_text

# Linux limits each word of a command line.
WORD_LIMIT = 128 * 1024
ROOMS = ("notebook_run.page", "notebook_run.program")


def test_it_imports_its_own_rooms_only() -> None:
    """Its text has every module of these."""
    sources = program_sources()
    for name, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "notebook_run":
                assert node.module in sources and str(node.module).startswith(ROOMS), name
    folder = Path(notebook_run.__file__).parent
    assert len(sources) == 1 + sum(len(list((folder / room).glob("*.py"))) for room in ("page", "program"))


def test_it_is_one_word_of_a_command_line() -> None:
    """With room for more modules."""
    assert len(program_text()) < WORD_LIMIT // 2
