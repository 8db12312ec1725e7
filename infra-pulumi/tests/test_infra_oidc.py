"""Which workflow may assume which role; and that the code that judges it is right."""

from __future__ import annotations

from typing import Any

import pytest
from proof.example import PROVIDER
from proof.oidc_trust import conditions_hold, is_trusted
from proof.recording import Recording

ISSUER = "token.actions.githubusercontent.com"
REPOSITORY = "repo:acme/shrinkwrap"


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
        (f"{REPOSITORY}-fork:environment:data-read", False, False),
        ("repo:stranger/shrinkwrap:environment:data-read", False, False),
        ("repo:stranger/shrinkwrap:ref:refs/heads/main", False, False),
        ("repo:stranger/shrinkwrap:pull_request", False, False),
        ("", False, False),
    ],
)
def test_only_the_bound_workflow_gets_a_role(stack: Recording, subject: str, may_read: bool, may_publish: bool) -> None:
    """Pull requests outside the environment, forks, other branches, tags and repositories get nothing."""
    for role, may in (("ci-read", may_read), ("ci-publish", may_publish)):
        policy = stack.one("iam/role:Role", f"role-traffic-{role}").policy("assumeRolePolicy")
        assert is_trusted(policy, provider_arn=PROVIDER, token=token(subject)) is may, role


def test_only_the_previews_environment_gets_the_previews_role(stack: Recording) -> None:
    """Neither the environment of a project's jobs, nor the main branch, nor a fork's environment of that name."""
    policy = stack.one("iam/role:Role", "role-ci-preview").policy("assumeRolePolicy")
    trusted = [
        subject
        for subject in (
            f"{REPOSITORY}:environment:infra-preview",
            f"{REPOSITORY}:environment:data-read",
            f"{REPOSITORY}:environment:infra-up",
            f"{REPOSITORY}:ref:refs/heads/main",
            f"{REPOSITORY}:pull_request",
            "repo:stranger/shrinkwrap:environment:infra-preview",
        )
        if is_trusted(policy, provider_arn=PROVIDER, token=token(subject))
    ]
    assert trusted == [f"{REPOSITORY}:environment:infra-preview"]


@pytest.mark.parametrize("role", ["ci-read", "ci-publish"])
def test_the_token_must_be_meant_for_aws(stack: Recording, role: str) -> None:
    """A token that was made for another audience, or of another issuer, opens nothing; nor does an empty one."""
    policy = stack.one("iam/role:Role", f"role-traffic-{role}").policy("assumeRolePolicy")
    subject = policy["Statement"][0]["Condition"]["StringEquals"][f"{ISSUER}:sub"]
    assert is_trusted(policy, provider_arn=PROVIDER, token=token(subject))
    assert not is_trusted(policy, provider_arn=PROVIDER, token=token(subject, audience="https://github.com/acme"))
    assert not is_trusted(policy, provider_arn=PROVIDER.replace("github", "gitlab"), token=token(subject))
    assert not is_trusted(policy, provider_arn=PROVIDER, token={})


def test_tokens_open_no_role_of_people(stack: Recording) -> None:
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
    """Operators and keys are joined by and, values by or; absent keys fail unless negated, IfExists or ForAllValues."""
    assert conditions_hold(conditions, claims) is holds


@pytest.mark.parametrize(
    ("effects", "verdict"), [(["Allow"], True), (["Deny"], False), (["Allow", "Deny"], False), ([], False)]
)
def test_a_denial_wins(effects: list[str], verdict: bool) -> None:
    """Whatever allows, one matching Deny is enough; without any match the answer is no."""
    statement = {"Principal": {"Federated": PROVIDER}, "Action": "sts:AssumeRoleWithWebIdentity"}
    policy = {"Statement": [{"Effect": effect, **statement} for effect in effects]}
    assert is_trusted(policy, provider_arn=PROVIDER, token={}) is verdict


@pytest.mark.parametrize("operator", ["ArnLike", "NumericEquals", "IpAddress"])
def test_unknown_operators_are_not_guessed(operator: str) -> None:
    """An operator that the judge does not know ends the test."""
    with pytest.raises(NotImplementedError, match=operator):
        conditions_hold({operator: {"k": "a"}}, {"k": "a"})


def test_unknown_statements_are_not_guessed() -> None:
    """NotPrincipal and NotAction change the meaning, so they end the test."""
    statement = {"Effect": "Allow", "NotPrincipal": "*", "Action": "sts:AssumeRoleWithWebIdentity"}
    with pytest.raises(NotImplementedError, match="NotPrincipal"):
        is_trusted({"Statement": [statement]}, provider_arn=PROVIDER, token={})
