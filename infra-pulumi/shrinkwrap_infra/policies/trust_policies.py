"""Who may assume a role."""

from __future__ import annotations

from collections.abc import Sequence

from .document import Document, document, trust

GITHUB_ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"


def people_trust(*, user_arns: Sequence[str], principal_arns: Sequence[str]) -> Document | None:
    """Users need MFA; for the roles of an identity provider, which carry no MFA mark, MFA is the provider's duty.

    Returns:
        None if there is nobody: a trust policy cannot be empty, so the role is then left out.
    """
    statements = []
    if user_arns:
        with_mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
        statements.append(trust("UsersWithMfa", {"AWS": sorted(user_arns)}, "sts:AssumeRole", with_mfa))
    if principal_arns:
        statements.append(trust("IdentityProvider", {"AWS": sorted(principal_arns)}, "sts:AssumeRole", None))
    return document(*statements) if statements else None


def workflow_trust(*, provider_arn: str, subject: str) -> Document:
    """A workflow whose token has exactly this subject.

    Args:
        provider_arn: of the account's OIDC provider for GitHub.
        subject: `repo:OWNER/NAME:environment:E` or `repo:OWNER/NAME:ref:refs/heads/B`. A fork's token names the fork,
            and pull requests from forks get no token at all.
    """
    condition = {"StringEquals": {f"{GITHUB_ISSUER}:aud": AUDIENCE, f"{GITHUB_ISSUER}:sub": subject}}
    return document(trust("Workflow", {"Federated": provider_arn}, "sts:AssumeRoleWithWebIdentity", condition))


def environment_subject(repository: str, environment: str) -> str:
    return f"repo:{repository}:environment:{environment}"


def branch_subject(repository: str, branch: str) -> str:
    return f"repo:{repository}:ref:refs/heads/{branch}"


def replication_trust(*, account_id: str, bucket: str) -> Document:
    """S3, replicating our bucket and no one else's."""
    condition = {
        "StringEquals": {"aws:SourceAccount": account_id},
        "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"},
    }
    return document(trust("Replication", {"Service": "s3.amazonaws.com"}, "sts:AssumeRole", condition))
