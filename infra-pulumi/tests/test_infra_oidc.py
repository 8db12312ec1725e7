"""Which workflow may assume which role, and tests of the code that decides it."""

from __future__ import annotations

from typing import Any

import pytest
from proof.example import PROVIDER, example_settings
from proof.oidc_trust import conditions_hold, is_trusted
from proof.recording import Recording, run_program

ISSUER = "token.actions.githubusercontent.com"
REPOSITORY = "repo:acme@1001/shrinkwrap@2002"
BY_NAME = "repo:acme/shrinkwrap"


def token(subject: str, audience: str = "sts.amazonaws.com") -> dict[str, str | list[str]]:
    return {f"{ISSUER}:sub": subject, f"{ISSUER}:aud": audience}


@pytest.mark.parametrize(
    ("subject", "may_read", "may_publish"),
    [
        (f"{REPOSITORY}:environment:data-read", True, False),
        (f"{REPOSITORY}:environment:infra-preview", False, False),
        (f"{REPOSITORY}:ref:refs/heads/main", False, True),
        (f"{REPOSITORY}:pull_request", False, False),
        (f"{REPOSITORY}:environment:production", False, False),
        (f"{REPOSITORY}:environment:data-read-not", False, False),
        (f"{REPOSITORY}:environment:Data-Read", False, False),
        (f"{REPOSITORY}:ref:refs/heads/main2", False, False),
        (f"{REPOSITORY}:ref:refs/heads/feature", False, False),
        (f"{REPOSITORY}:ref:refs/heads/feature/refs/heads/main", False, False),
        (f"{REPOSITORY}:ref:refs/tags/main", False, False),
        (f"{BY_NAME}:environment:data-read", False, False),
        (f"{BY_NAME}:ref:refs/heads/main", False, False),
        # The names were recycled: another owner, another repository, or both.
        ("repo:acme@1001/shrinkwrap@9999:environment:data-read", False, False),
        ("repo:acme@9999/shrinkwrap@2002:environment:data-read", False, False),
        ("repo:acme@9999/shrinkwrap@9999:ref:refs/heads/main", False, False),
        # The ids are those of the repository, and the name is not.
        ("repo:acme@1001/renamed@2002:environment:data-read", False, False),
        ("repo:acme@10011/shrinkwrap@2002:environment:data-read", False, False),
        ("repo:acme@1001/shrinkwrap@20022:environment:data-read", False, False),
        ("repo:acme@1001/shrinkwrap:environment:data-read", False, False),
        ("repo:acme/shrinkwrap@2002:environment:data-read", False, False),
        ("repo:acme-1001/shrinkwrap-2002:environment:data-read", False, False),
        (f"{REPOSITORY}-fork:environment:data-read", False, False),
        ("repo:stranger/shrinkwrap:environment:data-read", False, False),
        ("repo:stranger/shrinkwrap:ref:refs/heads/main", False, False),
        ("repo:stranger/shrinkwrap:pull_request", False, False),
        ("", False, False),
    ],
)
def test_only_the_bound_workflow_gets_a_role(stack: Recording, subject: str, may_read: bool, may_publish: bool) -> None:
    """Pull requests outside the environment, forks, other branches, tags and repositories get no role."""
    for role, may in (("ci-read", may_read), ("ci-publish", may_publish)):
        policy = stack.one("iam/role:Role", f"role-traffic-{role}").policy("assumeRolePolicy")
        assert is_trusted(policy, provider_arn=PROVIDER, token=token(subject)) is may, role


@pytest.fixture(scope="module")
def switching_stack() -> Recording:
    """A stack whose repository has not switched to immutable subjects, or may not have."""
    settings = example_settings()
    settings["projects"]["traffic"]["github"]["subjects"] = "both"
    return run_program(settings)


@pytest.mark.parametrize(
    ("subject", "may_read", "may_publish"),
    [
        (f"{REPOSITORY}:environment:data-read", True, False),
        (f"{REPOSITORY}:ref:refs/heads/main", False, True),
        (f"{BY_NAME}:environment:data-read", True, False),
        (f"{BY_NAME}:ref:refs/heads/main", False, True),
        # GitHub gives every repository that takes over a name immutable subjects, whose ids are others.
        ("repo:acme@9999/shrinkwrap@9999:environment:data-read", False, False),
        ("repo:acme@1001/shrinkwrap@9999:ref:refs/heads/main", False, False),
        (f"{BY_NAME}:environment:infra-preview", False, False),
        (f"{BY_NAME}:pull_request", False, False),
        (f"{BY_NAME}-fork:environment:data-read", False, False),
        ("repo:stranger/shrinkwrap:environment:data-read", False, False),
    ],
)
def test_a_repository_that_switches_may_use_both_forms(
    switching_stack: Recording, subject: str, may_read: bool, may_publish: bool
) -> None:
    """Before and after the switch, the same jobs get the same roles; a repository with a recycled name gets none."""
    for role, may in (("ci-read", may_read), ("ci-publish", may_publish)):
        policy = switching_stack.one("iam/role:Role", f"role-traffic-{role}").policy("assumeRolePolicy")
        assert is_trusted(policy, provider_arn=PROVIDER, token=token(subject)) is may, role


def test_capitals_of_an_owner_count() -> None:
    """A token has the name as GitHub spells it, and IAM compares it with its capitals."""
    settings = example_settings()
    settings["projects"]["traffic"]["github"]["repository"] = "ACME/Shrinkwrap"
    policy = run_program(settings).one("iam/role:Role", "role-traffic-ci-read").policy("assumeRolePolicy")
    subjects = {f"repo:{owner}@1001/{name}@2002" for owner in ("ACME", "acme") for name in ("Shrinkwrap", "shrinkwrap")}
    trusted = {
        subject
        for subject in subjects
        if is_trusted(policy, provider_arn=PROVIDER, token=token(f"{subject}:environment:data-read"))
    }
    assert trusted == {"repo:ACME@1001/Shrinkwrap@2002"}


def test_only_the_preview_environment_gets_the_preview_role(stack: Recording) -> None:
    """A project's environment, the main branch, and a fork's environment of the same name do not get it."""
    policy = stack.one("iam/role:Role", "role-ci-preview").policy("assumeRolePolicy")
    trusted = [
        subject
        for subject in (
            f"{REPOSITORY}:environment:infra-preview",
            f"{REPOSITORY}:environment:data-read",
            f"{REPOSITORY}:environment:infra-plan",
            f"{REPOSITORY}:environment:infra-up",
            f"{BY_NAME}:environment:infra-preview",
            f"{REPOSITORY}:ref:refs/heads/main",
            f"{REPOSITORY}:pull_request",
            "repo:stranger/shrinkwrap:environment:infra-preview",
        )
        if is_trusted(policy, provider_arn=PROVIDER, token=token(subject))
    ]
    assert trusted == [f"{REPOSITORY}:environment:infra-preview", f"{REPOSITORY}:environment:infra-plan"]


@pytest.mark.parametrize("role", ["ci-read", "ci-publish"])
def test_the_token_must_be_meant_for_aws(stack: Recording, role: str) -> None:
    """A token for another audience or from another issuer is refused, and so is an empty one."""
    policy = stack.one("iam/role:Role", f"role-traffic-{role}").policy("assumeRolePolicy")
    subject = policy["Statement"][0]["Condition"]["StringEquals"][f"{ISSUER}:sub"]
    assert is_trusted(policy, provider_arn=PROVIDER, token=token(subject))
    assert not is_trusted(policy, provider_arn=PROVIDER, token=token(subject, audience="https://github.com/acme"))
    assert not is_trusted(policy, provider_arn=PROVIDER.replace("github", "gitlab"), token=token(subject))
    assert not is_trusted(policy, provider_arn=PROVIDER, token={})


def test_workflows_cannot_assume_roles_of_people(stack: Recording) -> None:
    """A workflow of the main branch cannot become a steward or an admin."""
    for name in ("role-admin", "role-traffic-steward", "role-traffic-contributor", "role-traffic-reader"):
        policy = stack.one("iam/role:Role", name).policy("assumeRolePolicy")
        assert not is_trusted(policy, provider_arn=PROVIDER, token=token(f"{REPOSITORY}:ref:refs/heads/main"))


@pytest.mark.parametrize(
    ("conditions", "claims", "holds"),
    [
        ({}, {}, True),
        ({"StringEquals": {"k": "a"}}, {"k": "a"}, True),
        ({"StringEquals": {"k": "a"}}, {"K": "a"}, True),
        ({"StringEquals": {"k": "a"}}, {"k": "A"}, False),
        ({"StringEquals": {"k": "a*"}}, {"k": "ab"}, False),
        ({"StringEquals": {"k": ["a", "b"]}}, {"k": "b"}, True),
        ({"StringEquals": {"k": "a"}}, {}, False),
        ({"StringEqualsIfExists": {"k": "a"}}, {}, True),
        ({"StringEqualsIfExists": {"k": "a"}}, {"k": "b"}, False),
        ({"StringEqualsIgnoreCase": {"k": "a"}}, {"k": "A"}, True),
        ({"StringNotEquals": {"k": "a"}}, {"k": "b"}, True),
        ({"StringNotEquals": {"k": ["a", "b"]}}, {"k": "b"}, False),
        ({"StringNotEquals": {"k": "a"}}, {}, True),
        ({"StringLike": {"k": "a*"}}, {"k": "abc"}, True),
        ({"StringLike": {"k": "a?c"}}, {"k": "abc"}, True),
        ({"StringLike": {"k": "a?c"}}, {"k": "ac"}, False),
        ({"StringLike": {"k": "a.c"}}, {"k": "abc"}, False),
        ({"StringLike": {"k": "a[bc]"}}, {"k": "ab"}, False),
        ({"StringLike": {"k": "repo:acme/*"}}, {"k": "repo:acme/x:ref:refs/heads/main"}, True),
        ({"StringLike": {"k": "*:main"}}, {"k": "a:main:b"}, False),
        ({"StringNotLike": {"k": "a*"}}, {"k": "abc"}, False),
        ({"Bool": {"k": "true"}}, {"k": "True"}, True),
        ({"Bool": {"k": "true"}}, {}, False),
        ({"Null": {"k": "true"}}, {}, True),
        ({"Null": {"k": "false"}}, {"k": "a"}, True),
        ({"Null": {"k": "false"}}, {}, False),
        ({"ForAnyValue:StringEquals": {"k": ["a", "b"]}}, {"k": ["x", "b"]}, True),
        ({"ForAnyValue:StringEquals": {"k": "a"}}, {"k": ["x"]}, False),
        ({"ForAnyValue:StringEquals": {"k": "a"}}, {}, False),
        ({"ForAnyValue:StringLike": {"k": "a*"}}, {"k": "abc"}, True),
        ({"ForAllValues:StringLike": {"k": "a*"}}, {"k": ["ab", "ac"]}, True),
        ({"ForAllValues:StringLike": {"k": "a*"}}, {"k": ["ab", "b"]}, False),
        ({"ForAllValues:StringEquals": {"k": "a"}}, {}, True),
        ({"StringEquals": {"k": "a", "l": "b"}}, {"k": "a"}, False),
        ({"StringEquals": {"k": "a"}, "StringLike": {"l": "b*"}}, {"k": "a", "l": "c"}, False),
    ],
)
def test_conditions_hold_as_in_iam(conditions: Any, claims: dict[str, str | list[str]], holds: bool) -> None:
    """All operators and keys must hold, for one value; absent keys fail unless negated, IfExists or ForAllValues."""
    assert conditions_hold(conditions, claims) is holds


@pytest.mark.parametrize(
    ("effects", "verdict"), [(["Allow"], True), (["Deny"], False), (["Allow", "Deny"], False), ([], False)]
)
def test_a_denial_wins(effects: list[str], verdict: bool) -> None:
    """One matching Deny overrides every Allow; without any match, access is denied."""
    statement = {"Principal": {"Federated": PROVIDER}, "Action": "sts:AssumeRoleWithWebIdentity"}
    policy = {"Statement": [{"Effect": effect, **statement} for effect in effects]}
    assert is_trusted(policy, provider_arn=PROVIDER, token={}) is verdict


@pytest.mark.parametrize("operator", ["ArnLike", "NumericEquals", "IpAddress"])
def test_unknown_operators_are_an_error(operator: str) -> None:
    """An operator that is not implemented fails the test instead of being ignored."""
    with pytest.raises(NotImplementedError, match=operator):
        conditions_hold({operator: {"k": "a"}}, {"k": "a"})


def test_unknown_statements_are_an_error() -> None:
    """NotPrincipal and NotAction would change the meaning, so they fail the test."""
    statement = {"Effect": "Allow", "NotPrincipal": "*", "Action": "sts:AssumeRoleWithWebIdentity"}
    with pytest.raises(NotImplementedError, match="NotPrincipal"):
        is_trusted({"Statement": [statement]}, provider_arn=PROVIDER, token={})
