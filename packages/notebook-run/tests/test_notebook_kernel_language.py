"""The language of a notebook's kernel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from notebook_run.errors import NotebookInputError
from notebook_run.kernel_language import check_kernel


def checked(folder: Path, metadata: object) -> None:
    path = folder / "a.ipynb"
    path.write_text(json.dumps({"cells": [], "metadata": metadata}), "utf-8")
    check_kernel(path, "a.ipynb")


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"kernelspec": {"name": "python3", "language": "python"}},
        {"kernelspec": {"name": "conda-env-r-and-python", "language": "python"}},
        {"kernelspec": {"name": "my-project"}},
        {"kernelspec": {"name": "java-project", "language": "python"}},
        {"kernelspec": {"name": "python3"}, "language_info": {"name": "ipython"}},
        {"kernelspec": "none"},
    ],
)
def test_python_is_accepted(tmp_path: Path, metadata: object) -> None:
    """Under any name of its kernel; a file that says nothing is one of Python."""
    checked(tmp_path, metadata)


@pytest.mark.parametrize(
    ("metadata", "named"),
    [
        ({"kernelspec": {"name": "julia-1.11", "language": "julia"}}, "the kernel julia-1.11, which is julia"),
        ({"kernelspec": {"name": "julia-1.11"}}, "the kernel julia-1.11, and"),
        ({"kernelspec": {"name": "ir"}}, "the kernel ir, and"),
        ({"kernelspec": {"name": "bash"}, "language_info": {"name": "bash"}}, "the kernel bash, which is bash"),
        ({"language_info": {"name": "R"}}, "a kernel, which is R"),
    ],
)
def test_another_language_is_refused_by_its_name(tmp_path: Path, metadata: object, named: str) -> None:
    """The message has the kernel and its language."""
    with pytest.raises(NotebookInputError, match=f"a.ipynb is a notebook of {named}"):
        checked(tmp_path, metadata)


@pytest.mark.parametrize("text", ["", "[]", "{", "3"])
def test_a_file_that_is_no_notebook_is_left_to_the_run(tmp_path: Path, text: str) -> None:
    """Its error has more to say."""
    (tmp_path / "a.ipynb").write_text(text, "utf-8")
    check_kernel(tmp_path / "a.ipynb", "a.ipynb")
    check_kernel(tmp_path / "none.ipynb", "none.ipynb")
