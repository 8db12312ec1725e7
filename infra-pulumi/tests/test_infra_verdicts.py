"""The effective permissions: every cell of the verdict table, judged by a policy engine under the stack's policies."""

from __future__ import annotations

from pathlib import Path

import pytest
from proof.recording import Recording
from proof.verdicts import Case, engine_is_missing, judge, read_cases

CASES = read_cases()
SERVICES = {"log-delivery", "trail", "s3", "replication"}


@pytest.fixture(scope="module")
def verdicts(stack: Recording, full_stack: Recording) -> dict[Case, str]:
    """One process judges all cases of a stack; only the full one replicates."""
    of_services = [case for case in CASES if case.caller in SERVICES]
    of_people = [case for case in CASES if case.caller not in SERVICES]
    return judge(of_people, stack) | judge(of_services, full_stack)


@pytest.mark.skipif(engine_is_missing() is not None, reason=str(engine_is_missing()))
@pytest.mark.parametrize("case", CASES, ids=str)
def test_verdict(verdicts: dict[Case, str], case: Case) -> None:
    """The engine says what the table says."""
    assert (verdicts[case] == "Allowed") is case.is_allowed, verdicts[case]


def test_the_table_is_no_subset() -> None:
    """The table has at least 120 cases, each once, allowed and forbidden ones for every role."""
    assert len(CASES) >= 120
    assert len(set(CASES)) == len(CASES)
    for caller in {case.caller for case in CASES} - {"stranger", "invited"}:
        assert {case.is_allowed for case in CASES if case.caller == caller} == {True, False}, caller


def test_the_readme_counts_the_table() -> None:
    """What the README says of the table is so."""
    told = f"{len(CASES):,} verdicts, {sum(case.is_allowed for case in CASES)} of them yes"
    assert told in (Path(__file__).resolve().parents[1] / "README.md").read_text("utf-8")
