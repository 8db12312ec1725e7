"""A script is a notebook whose cells are its `# %%` blocks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from env_spec import NotebookSpec
from notebook_run.capsule.freeze import refuse_outputs
from notebook_run.capsule.sources import source_cells
from notebook_run.errors import NotebookInputError
from notebook_run.program.script import ScriptCell, cells_of_script, document
from notebook_run.project import check_in_notebooks

SCRIPT = '''\
"""A model."""
import sys

# %% tags=["parameters"]
worst = 5

# %% [markdown] The data
# # Data
#
# All of it.

# %% The data
rows = 3
#%% The data

text = """
# %% not a marker
"""
if rows:
    first = 1
# %% not a marker
    second = 2
# %% [md]
"""
Done.
"""
'''


def test_the_blocks_are_cells() -> None:
    """Titles are ids; text has no signs of comments; a marker inside of a statement is no marker."""
    assert cells_of_script(SCRIPT) == (
        ScriptCell(id="start", kind="code", source='"""A model."""\nimport sys'),
        ScriptCell(id="cell-2", kind="code", source="worst = 5", tags=("parameters",)),
        ScriptCell(id="the-data", kind="markdown", source="# Data\n\nAll of it."),
        ScriptCell(id="the-data-4", kind="code", source="rows = 3"),
        ScriptCell(
            id="the-data-5",
            kind="code",
            source='text = """\n# %% not a marker\n"""\nif rows:\n    first = 1\n# %% not a marker\n    second = 2',
        ),
        ScriptCell(id="cell-6", kind="markdown", source="Done."),
    )


@pytest.mark.parametrize("text", ["", "x = 1\n", "x = 1\n# %load other\n    # %% indented\ny = 2\n", "\ufeffx = 1"])
def test_without_a_marker_there_is_one_cell(text: str) -> None:
    """It has the complete script."""
    (cell,) = cells_of_script(text)
    assert (cell.kind, cell.source) == ("code", text.removeprefix("\ufeff").rstrip())


def test_a_script_with_magics_is_cut_at_every_marker() -> None:
    """It is not plain Python, so its statements are unknown."""
    assert [cell.source for cell in cells_of_script("%matplotlib inline\n# %%\n!ls\r\n# %%\n")] == [
        "%matplotlib inline",
        "!ls",
        "",
    ]


def test_the_code_of_the_cells_is_that_of_the_script() -> None:
    """No line of code is lost, and none is in two cells."""
    code = [line for cell in cells_of_script(SCRIPT) if cell.kind == "code" for line in cell.source.splitlines()]
    assert [line for line in code if line] == [
        '"""A model."""',
        "import sys",
        "worst = 5",
        "rows = 3",
        'text = """',
        "# %% not a marker",
        '"""',
        "if rows:",
        "    first = 1",
        "# %% not a marker",
        "    second = 2",
    ]


def test_jupyter_opens_files_of_notebooks_alone(root: Path) -> None:
    """A script elsewhere is run, and edited with another editor."""
    for path in ("notebooks/model.py", "analysis/model.py"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).touch()
    check_in_notebooks(root, NotebookSpec(name="model", path="notebooks/model.py", image="i"))
    with pytest.raises(NotebookInputError, match=r"model is analysis/model\.py, and Jupyter opens files below"):
        check_in_notebooks(root, NotebookSpec(name="model", path="analysis/model.py", image="i"))
    with pytest.raises(NotebookInputError, match="the file of model does not exist"):
        check_in_notebooks(root, NotebookSpec(name="model", path="notebooks/other.py", image="i"))


def test_a_script_is_recorded_like_a_notebook() -> None:
    """Its cells have ids, sources and tags, and no outputs, so it can be committed and frozen."""
    cells = source_cells(document("analysis/model.py", '# %% A\nx = 1\n# %% B tags=["volatile"]\ny = 2\n'))
    assert [(cell.id, cell.source, cell.is_volatile) for cell in cells] == [("a", "x = 1", False), ("b", "y = 2", True)]
    refuse_outputs("analysis/model.py", "# %%\nx = 1\n")


def test_a_capsule_may_be_that_of_a_script() -> None:
    """The schema of capsules accepts both kinds of files, and no other."""
    schema = json.loads((Path(__file__).resolve().parents[3] / "notebooks/capsules/capsule.schema.json").read_text())
    pattern = schema["properties"]["notebook"]["pattern"]
    assert [bool(re.search(pattern, name)) for name in ("analysis/a.py", "a.ipynb", "a.pyc", "/a.py", "a.txt")] == [
        True,
        True,
        False,
        False,
        False,
    ]
