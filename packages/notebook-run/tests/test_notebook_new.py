"""A new notebook has a file, and a table in a pyproject.toml that does not change otherwise."""

from __future__ import annotations

import json
import tomllib

import pytest

from notebook_run.errors import NotebookInputError
from notebook_run.new_notebook import check_name, starter_notebook, with_table

IMAGES = '# top\n[tool.env-spec.images.i]\ngroups = ["main"]  # why\n\n# about pytest\n[tool.pytest]\nx = 1\n'
OTHER = '\n[tool.env-spec.notebooks.old]\npath = "o.ipynb"\nimage = "i"\n'
TABLE = '\n[tool.env-spec.notebooks.new]\npath = "notebooks/new.ipynb"\nimage = "i"\ndatasets = ["a", "b"]\n'


def added(text: str) -> str:
    return with_table(text, "new", path="notebooks/new.ipynb", image="i", datasets=["a", "b"])


def test_the_table_comes_after_those_of_images() -> None:
    """A comment above the next table stays there; no other byte changes."""
    head, _, rest = IMAGES.partition("\n# about")
    assert added(IMAGES) == f"{head}{TABLE}\n# about{rest}"


def test_the_table_comes_after_those_of_notebooks() -> None:
    """This also works at the end of the file."""
    assert added(IMAGES.partition("\n# about")[0] + OTHER).endswith(OTHER + TABLE)


@pytest.mark.parametrize(
    "text",
    ["[tool.x]\n", '[tool.env-spec]\nnotebooks = {}\n[tool.env-spec.images.i]\ngroups = ["main"]\n'],
    ids=["no images", "inline"],
)
def test_a_file_with_another_layout_is_not_changed(text: str) -> None:
    """An error is better than a broken file."""
    with pytest.raises(NotebookInputError, match=r"pyproject\.toml was not changed"):
        added(text)


def test_a_new_notebook_has_no_outputs_and_loads_each_dataset() -> None:
    """nbstripout has nothing to remove; names of datasets become names of variables."""
    notebook = json.loads(starter_notebook("new", ["pems-detector", "5min"]))
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code == [
        "import experiment",
        'pems_detector = experiment.load("pems-detector")\npems_detector.head()',
        'data_5min = experiment.load("5min")\ndata_5min.head()',
    ]
    assert all(not cell.get("outputs") for cell in notebook["cells"])
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])


def test_a_name_has_lower_case_letters_and_digits() -> None:
    """It also names folders and compose projects."""
    check_name("my-new_1")
    for name in ("New", "a b", "-a", "a/b", ""):
        with pytest.raises(NotebookInputError, match="cannot name a notebook"):
            check_name(name)
    assert tomllib.loads(added(IMAGES))["tool"]["env-spec"]["notebooks"]["new"]["image"] == "i"
