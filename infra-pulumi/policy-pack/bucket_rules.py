"""The rules, as functions of a resource's type and inputs; they know nothing of Pulumi."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Props = Mapping[str, Any]
_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_GITHUB_SUBJECT = "token.actions.githubusercontent.com:sub"
_BUCKET = "aws:s3/bucket:Bucket"
# What a bucket must have beside it, and how to say so.
_COMPANIONS = {
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "BucketOwnershipControls",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "BucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "BucketServerSideEncryptionConfiguration"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": "BucketVersioning",
}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule for one type of resource."""

    description: str
    resource_type: str
    judge: Callable[[Props], Iterable[str]]


@dataclass(frozen=True, kw_only=True)
class StackRule:
    """A rule for all resources of a stack together."""

    description: str
    judge: Callable[[Sequence[tuple[str, Props]]], Iterable[str]]


def violations(name: str, resource_type: str, props: Props) -> list[str]:
    """What breaks the rule of that name, in words for whoever must mend it."""
    rule = RULES[name]
    return list(rule.judge(props)) if resource_type == rule.resource_type else []


def _public_access(props: Props) -> Iterator[str]:
    for block in _BLOCKS:
        if props.get(block) is not True:
            yield f"{block} must be true"


def _ownership(props: Props) -> Iterator[str]:
    if props.get("rule", {}).get("objectOwnership") != "BucketOwnerEnforced":
        yield "rule.objectOwnership must be BucketOwnerEnforced, which turns ACLs off"


def _versioning(props: Props) -> Iterator[str]:
    if props.get("versioningConfiguration", {}).get("status") != "Enabled":
        yield "versioningConfiguration.status must be Enabled, so that a deletion can be undone"


def _force_destroy(props: Props) -> Iterator[str]:
    if props.get("forceDestroy"):
        yield "forceDestroy must not be true: destroying the stack would delete the data"


def _transport(props: Props) -> Iterator[str]:
    if not any(_denies_plain_http(statement) for statement in _statements(props.get("policy"))):
        yield "policy must deny s3:* to everyone when aws:SecureTransport is false"
    for statement in _statements(props.get("policy")):
        is_open = statement.get("Principal") in ("*", {"AWS": "*"}) and not statement.get("Condition")
        if statement.get("Effect") == "Allow" and is_open:
            yield f"policy statement {statement.get('Sid', '(no Sid)')} allows everyone in the world"


def _denies_plain_http(statement: Props) -> bool:
    actions = statement.get("Action")
    return (
        statement.get("Effect") == "Deny"
        and statement.get("Principal") in ("*", {"AWS": "*"})
        and "s3:*" in ([actions] if isinstance(actions, str) else actions or [])
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    )


def _rotation(props: Props) -> Iterator[str]:
    is_symmetric = props.get("customerMasterKeySpec") in (None, "SYMMETRIC_DEFAULT")
    if is_symmetric and props.get("enableKeyRotation") is not True:
        yield "enableKeyRotation must be true"


def _boundary(props: Props) -> Iterator[str]:
    if not props.get("permissionsBoundary"):
        yield "permissionsBoundary must be set, so that nothing attached later can exceed it"


def _access_key(props: Props) -> Iterator[str]:
    yield "must not be made: use a role with MFA for people, OIDC for workflows"


def _password(props: Props) -> Iterator[str]:
    if props.get("passwordResetRequired") is not True:
        yield "passwordResetRequired must be true"


def _workflow_trust(props: Props) -> Iterator[str]:
    """A trust for GitHub that does not compare the whole subject lets in other branches, forks or repositories."""
    for statement in _statements(props.get("assumeRolePolicy")):
        if "githubusercontent" not in json.dumps(statement.get("Principal", "")):
            continue
        subjects = statement.get("Condition", {}).get("StringEquals", {}).get(_GITHUB_SUBJECT)
        for subject in [subjects] if isinstance(subjects, str) else subjects or [""]:
            if not subject.startswith("repo:") or "*" in subject or subject.endswith(":pull_request"):
                yield (
                    f"the trust for GitHub must compare {_GITHUB_SUBJECT} by StringEquals with one repository and"
                    f" environment or branch, not {subject or 'nothing'!r}"
                )


def _companions(resources: Sequence[tuple[str, Props]]) -> Iterator[str]:
    """Each bucket must be named by one of each companion."""
    for resource_type, props in resources:
        if resource_type == _BUCKET and (name := props.get("bucket")):
            for companion, short in _COMPANIONS.items():
                if not any(kind == companion and other.get("bucket") == name for kind, other in resources):
                    yield f"bucket {name} has no {short}"


def _statements(policy: object) -> list[Props]:
    """The statements of a document, given as text or as it is; one that is not known yet has none."""
    if isinstance(policy, str):
        try:
            policy = json.loads(policy)
        except ValueError:
            return []
    found = policy.get("Statement", []) if isinstance(policy, Mapping) else []
    return [found] if isinstance(found, Mapping) else list(found)


RULES = {
    "access-key": Rule(description="No static keys.", resource_type="aws:iam/accessKey:AccessKey", judge=_access_key),
    "bucket-force-destroy": Rule(
        description="Buckets are not destroyed with their objects.", resource_type=_BUCKET, judge=_force_destroy
    ),
    "bucket-ownership": Rule(
        description="Objects belong to the bucket's owner.",
        resource_type="aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        judge=_ownership,
    ),
    "bucket-public-access": Rule(
        description="Nothing is public.",
        resource_type="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        judge=_public_access,
    ),
    "bucket-transport": Rule(
        description="Buckets are reached by TLS and open to nobody in particular.",
        resource_type="aws:s3/bucketPolicy:BucketPolicy",
        judge=_transport,
    ),
    "bucket-versioning": Rule(
        description="Deletions can be undone.",
        resource_type="aws:s3/bucketVersioning:BucketVersioning",
        judge=_versioning,
    ),
    "key-rotation": Rule(description="Keys rotate.", resource_type="aws:kms/key:Key", judge=_rotation),
    "user-boundary": Rule(description="Users have a boundary.", resource_type="aws:iam/user:User", judge=_boundary),
    "user-password": Rule(
        description="First passwords must be changed.",
        resource_type="aws:iam/userLoginProfile:UserLoginProfile",
        judge=_password,
    ),
    "workflow-trust": Rule(
        description="Workflows are trusted by their whole subject.",
        resource_type="aws:iam/role:Role",
        judge=_workflow_trust,
    ),
}
STACK_RULES = {
    "bucket-companions": StackRule(
        description="Each bucket has its public access block, ownership, encryption and versioning.", judge=_companions
    ),
}
