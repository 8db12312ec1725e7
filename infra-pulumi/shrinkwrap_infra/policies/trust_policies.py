"""Trust policies: who may assume a role."""

from __future__ import annotations

from collections.abc import Sequence

from ..arns import Place, bucket_arn
from .document import Condition, Document, document, trust

GITHUB_ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"


def people_trust(
    *, user_arns: Sequence[str], principal_arns: Sequence[str], only_in_region: str | None = None
) -> Document | None:
    """Trust users with MFA, and roles of an identity provider, whose credentials do not record MFA.

    The identity provider is responsible for MFA of its users.

    Args:
        user_arns: IAM users of the stack.
        principal_arns: Roles of an identity provider.
        only_in_region: The only region whose endpoint may give a session, because the alarm about sessions listens in
            one region; users then need MFA within the last hour. None for a role without an alarm.

    Returns:
        None without users and principals: a trust policy cannot be empty, so the role is not created.
    """
    statements = []
    in_region: Condition = {} if only_in_region is None else {"StringEquals": {"aws:RequestedRegion": only_in_region}}
    if user_arns:
        with_mfa: Condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
        if only_in_region is not None:
            with_mfa = {**with_mfa, "NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}, **in_region}
        statements.append(trust("UsersWithMfa", {"AWS": sorted(set(user_arns))}, "sts:AssumeRole", with_mfa))
    if principal_arns:
        statements.append(
            trust("IdentityProvider", {"AWS": sorted(set(principal_arns))}, "sts:AssumeRole", in_region or None)
        )
    return document(*statements) if statements else None


def workflow_trust(*, provider_arn: str, subjects: Sequence[str]) -> Document:
    """Trust a workflow whose token has exactly one of these subjects.

    Args:
        provider_arn: ARN of the account's OIDC provider for GitHub.
        subjects: `repo:OWNER@ID/NAME@ID:environment:E` or `repo:OWNER@ID/NAME@ID:ref:refs/heads/B`, and for a
            repository that has not switched also the form without ids. A fork's token contains the fork's ids, and
            pull requests from forks get no token at all.
    """
    condition = {
        "StringEquals": {
            f"{GITHUB_ISSUER}:aud": AUDIENCE,
            f"{GITHUB_ISSUER}:sub": subjects[0] if len(subjects) == 1 else list(subjects),
        }
    }
    return document(trust("Workflow", {"Federated": provider_arn}, "sts:AssumeRoleWithWebIdentity", condition))


def environment_subjects(repositories: Sequence[str], environment: str) -> list[str]:
    """The subjects of jobs in an environment, by what the subjects of the repository begin with."""
    return [f"{repository}:environment:{environment}" for repository in repositories]


def branch_subjects(repositories: Sequence[str], branch: str) -> list[str]:
    """The subjects of jobs on a branch, in no environment."""
    return [f"{repository}:ref:refs/heads/{branch}" for repository in repositories]


def replication_trust(*, place: Place, bucket: str) -> Document:
    """Trust S3 when it replicates our bucket, and no other."""
    condition = {
        "StringEquals": {"aws:SourceAccount": place.account_id},
        "ArnEquals": {"aws:SourceArn": bucket_arn(bucket, region=place.region)},
    }
    return document(trust("Replication", {"Service": "s3.amazonaws.com"}, "sts:AssumeRole", condition))
