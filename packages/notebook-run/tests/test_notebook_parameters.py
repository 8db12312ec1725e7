"""Parameters on the command line have the type that the notebook's table declares."""

from __future__ import annotations

import re

import pytest

from env_spec import NotebookSpec
from notebook_run.errors import NotebookInputError
from notebook_run.run.parameters import Parameter, parse_parameters

DECLARED: dict[str, Parameter] = {"worst": 10, "share": 0.5, "lane": "ML", "is_deep": False}
NOTEBOOK = NotebookSpec(name="eda", path="e.ipynb", image="i", parameters=DECLARED)


def test_a_parameter_replaces_the_declared_value() -> None:
    """It has the type of the declared value; a text may contain an equals sign; the last value counts."""
    given = ["worst=3", "worst=4", "share=2", "lane=a=b", "is_deep=true"]
    assert parse_parameters(NOTEBOOK, given) == {"worst": 4, "share": 2.0, "lane": "a=b", "is_deep": True}
    assert parse_parameters(NOTEBOOK, []) == DECLARED


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("worse=1", "unknown parameter 'worse'; did you mean 'worst'? Known parameters: is_deep, lane, share, worst"),
        ("worst", "'worst' is not a parameter; write key=value"),
        ("worst=1.5", "parameter 'worst' must be a whole number, not '1.5'"),
        ("share=much", "parameter 'share' must be a number, not 'much'"),
        ("share=nan", "parameter 'share' must be a number, not 'nan'"),
        ("share=-inf", "parameter 'share' must be a number, not '-inf'"),
        ("is_deep=1", "parameter 'is_deep' must be true or false, not '1'"),
    ],
)
def test_an_invalid_parameter_is_an_error(given: str, problem: str) -> None:
    """No value is guessed."""
    with pytest.raises(NotebookInputError, match=f"^eda: {re.escape(problem)}$"):
        parse_parameters(NOTEBOOK, [given])
