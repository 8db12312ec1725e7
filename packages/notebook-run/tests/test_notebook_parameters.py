"""Parameters on the command line have the type that the table declares."""

from __future__ import annotations

import re

import pytest

from env_spec import NotebookSpec
from notebook_run.errors import ParameterError
from notebook_run.parameters import parameters

DECLARED = {"worst": 10, "share": 0.5, "lane": "ML", "is_deep": False}
NOTEBOOK = NotebookSpec(name="eda", path="e.ipynb", image="i", parameters=DECLARED)


def test_what_is_given_takes_the_place_of_what_is_declared() -> None:
    """Each as the type of the declared value; text may hold an equals sign; the last one counts."""
    given = ["worst=3", "worst=4", "share=2", "lane=a=b", "is_deep=true"]
    assert parameters(NOTEBOOK, given) == {"worst": 4, "share": 2.0, "lane": "a=b", "is_deep": True}
    assert parameters(NOTEBOOK, []) == DECLARED


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("worse=1", "no parameter 'worse'; did you mean 'worst'? (there is worst, share, lane, is_deep)"),
        ("worst", "'worst' is not a parameter; write key=value"),
        ("worst=1.5", "parameter 'worst' must be a whole number, not '1.5'"),
        ("share=much", "parameter 'share' must be a number, not 'much'"),
        ("share=nan", "parameter 'share' must be a number, not 'nan'"),
        ("share=-inf", "parameter 'share' must be a number, not '-inf'"),
        ("is_deep=1", "parameter 'is_deep' must be true or false, not '1'"),
    ],
)
def test_what_does_not_fit_is_refused(given: str, problem: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ParameterError, match=f"^eda: {re.escape(problem)}$"):
        parameters(NOTEBOOK, [given])
