"""Rules for single resources, as functions of their type and inputs, independent of Pulumi."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Props = Mapping[str, Any]
_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_GITHUB_SUBJECT = "token.actions.githubusercontent.com:sub"
_BUCKET = "aws:s3/bucket:Bucket"
_SSE_KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"
_SSE_CUSTOMER = "s3:x-amz-server-side-encryption-customer-algorithm"
# Without one of these, the data is lost.
_PROTECTED = (_BUCKET, "aws:kms/key:Key")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule for one type of resource.

    Attributes:
        find: Returns a message for each violation in the inputs of a resource.
    """

    description: str
    resource_type: str
    find: Callable[[Props], Iterable[str]]


def violations(name: str, resource_type: str, props: Props) -> list[str]:
    """Violations of the rule of this name; each message states what must change."""
    rule = RULES[name]
    return list(rule.find(props)) if resource_type == rule.resource_type else []


def unprotected(resource_type: str, *, is_protected: bool) -> list[str]:
    """Violations of the rule about `protect`, which is an option of the program and not an input of the resource."""
    if resource_type in _PROTECTED and not is_protected:
        return ["the option `protect` must be true, so that no change of the program can destroy the data or its key"]
    return []


def _public_access(props: Props) -> Iterator[str]:
    for block in _BLOCKS:
        if props.get(block) is not True:
            yield f"{block} must be true"


def _ownership(props: Props) -> Iterator[str]:
    if props.get("rule", {}).get("objectOwnership") != "BucketOwnerEnforced":
        yield "rule.objectOwnership must be BucketOwnerEnforced, which disables ACLs"


def _versioning(props: Props) -> Iterator[str]:
    if props.get("versioningConfiguration", {}).get("status") != "Enabled":
        yield "versioningConfiguration.status must be Enabled, so that a deletion can be undone"


def _force_destroy(props: Props) -> Iterator[str]:
    if props.get("forceDestroy"):
        yield "forceDestroy must not be true, because destroying the stack would then delete the data"


def _encryption(props: Props) -> Iterator[str]:
    for rule in props.get("rules") or [{}]:
        default = rule.get("applyServerSideEncryptionByDefault") or {}
        algorithm = default.get("sseAlgorithm")
        if algorithm not in ("AES256", "aws:kms"):
            yield "rules[].applyServerSideEncryptionByDefault.sseAlgorithm must be aws:kms (AES256 for logs)"
        if algorithm == "aws:kms":
            if not _is_set(default, "kmsMasterKeyId"):
                yield "kmsMasterKeyId must name your own key, whose policy you control"
            if rule.get("bucketKeyEnabled") is not True:
                yield "bucketKeyEnabled must be true; without it, AWS charges a KMS request for every object"
            if "SSE-C" not in list(rule.get("blockedEncryptionTypes") or ()):
                yield "blockedEncryptionTypes must include SSE-C, because AWS does not store its keys"


def _lifecycle(props: Props) -> Iterator[str]:
    rules = [rule for rule in props.get("rules") or () if rule.get("status") == "Enabled"]
    if not any((rule.get("noncurrentVersionExpiration") or {}).get("noncurrentDays") for rule in rules):
        yield "an enabled rule must have noncurrentVersionExpiration.noncurrentDays, or old versions never expire"
    if not any((rule.get("abortIncompleteMultipartUpload") or {}).get("daysAfterInitiation") for rule in rules):
        yield "an enabled rule must have abortIncompleteMultipartUpload.daysAfterInitiation, or parts never expire"


def _transport(props: Props) -> Iterator[str]:
    statements = _statements(props.get("policy"))
    if not any(_denies(statement, "s3:*", _is_plain_http) for statement in statements):
        yield "policy must deny s3:* to everyone when aws:SecureTransport is false"
    if not any(_denies(statement, "s3:*", _is_old_tls) for statement in statements):
        yield "policy must deny s3:* to everyone when s3:TlsVersion is less than 1.2"
    for statement in statements:
        is_open = statement.get("Principal") in ("*", {"AWS": "*"}) and not statement.get("Condition")
        if statement.get("Effect") == "Allow" and is_open:
            yield f"policy statement {statement.get('Sid', '(no Sid)')} allows access to everyone"


def denies_other_keys(policy: object) -> bool:
    """Whether a bucket's policy denies uploads that are encrypted with another key or with a key the caller sends."""
    return all(
        any(_denies(statement, "s3:PutObject", matches) for statement in _statements(policy))
        for matches in (_is_other_key, _is_customer_key)
    )


def _denies(statement: Props, action: str, matches: Callable[[Props], bool]) -> bool:
    """Whether a statement denies an action to everyone, under a condition that matches."""
    actions = statement.get("Action")
    return (
        statement.get("Effect") == "Deny"
        and statement.get("Principal") in ("*", {"AWS": "*"})
        and bool({action, "s3:*"} & {actions if isinstance(actions, str) else "", *_texts(actions)})
        and matches(statement.get("Condition") or {})
    )


def _is_plain_http(condition: Props) -> bool:
    return condition == {"Bool": {"aws:SecureTransport": "false"}}


def _is_old_tls(condition: Props) -> bool:
    lowest = condition.get("NumericLessThan", {}).get("s3:TlsVersion")
    return len(condition) == 1 and str(lowest) in ("1.2", "1.3")


def _is_other_key(condition: Props) -> bool:
    return any(_SSE_KEY in condition.get(operator, {}) for operator in ("ArnNotEquals", "StringNotEquals"))


def _is_customer_key(condition: Props) -> bool:
    return condition == {"Null": {_SSE_CUSTOMER: "false"}}


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _rotation(props: Props) -> Iterator[str]:
    is_symmetric = props.get("customerMasterKeySpec") in (None, "SYMMETRIC_DEFAULT")
    if is_symmetric and props.get("enableKeyRotation") is not True:
        yield "enableKeyRotation must be true"


def _boundary(props: Props) -> Iterator[str]:
    if not _is_set(props, "permissionsBoundary"):
        yield "permissionsBoundary must be set, so that no policy attached later can exceed it"


def _access_key(props: Props) -> Iterator[str]:
    yield "access keys must not be created; use a role with MFA for people, and OIDC for workflows"


def _password(props: Props) -> Iterator[str]:
    if props.get("passwordResetRequired") is not True:
        yield "passwordResetRequired must be true"


def _trail(props: Props) -> Iterator[str]:
    if props.get("enableLogging") is False:
        yield "enableLogging must not be false"
    if props.get("enableLogFileValidation") is not True:
        yield "enableLogFileValidation must be true, so that altered logs can be detected"


def _workflow_trust(props: Props) -> Iterator[str]:
    """A trust policy that compares only part of GitHub's subject also trusts other branches, forks or repositories."""
    for statement in _statements(props.get("assumeRolePolicy")):
        if "githubusercontent" not in json.dumps(statement.get("Principal", "")):
            continue
        subjects = statement.get("Condition", {}).get("StringEquals", {}).get(_GITHUB_SUBJECT)
        for subject in [subjects] if isinstance(subjects, str) else subjects or [""]:
            if not subject.startswith("repo:") or "*" in subject or subject.endswith(":pull_request"):
                yield (
                    f"the trust policy for GitHub must compare {_GITHUB_SUBJECT} by StringEquals with one repository"
                    f" and environment or branch, not {subject or 'nothing'!r}"
                )


def _is_set(props: Props, key: str) -> bool:
    """Whether an input is set, even to a value that a preview does not know yet; the engine omits None."""
    return key in list(props)


def _statements(policy: object) -> list[Props]:
    """The statements of a document, which is JSON text or a mapping; a document that is not known yet has none."""
    if isinstance(policy, str):
        try:
            policy = json.loads(policy)
        except ValueError:
            return []
    found = policy.get("Statement", []) if isinstance(policy, Mapping) else []
    return [found] if isinstance(found, Mapping) else list(found)


RULES = {
    "access-key": Rule(
        description="Static access keys are not created.", resource_type="aws:iam/accessKey:AccessKey", find=_access_key
    ),
    "bucket-encryption": Rule(
        description="The contents of a bucket are encrypted with your own key.",
        resource_type="aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        find=_encryption,
    ),
    "bucket-force-destroy": Rule(
        description="Buckets that contain objects are not destroyed.", resource_type=_BUCKET, find=_force_destroy
    ),
    "bucket-lifecycle": Rule(
        description="Old versions and unfinished uploads expire.",
        resource_type="aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        find=_lifecycle,
    ),
    "bucket-ownership": Rule(
        description="Objects belong to the bucket's owner.",
        resource_type="aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        find=_ownership,
    ),
    "bucket-public-access": Rule(
        description="Nothing is public.",
        resource_type="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        find=_public_access,
    ),
    "bucket-transport": Rule(
        description="Buckets require TLS 1.2 or newer and are not open to everyone.",
        resource_type="aws:s3/bucketPolicy:BucketPolicy",
        find=_transport,
    ),
    "bucket-versioning": Rule(
        description="Deletions can be undone.",
        resource_type="aws:s3/bucketVersioning:BucketVersioning",
        find=_versioning,
    ),
    "key-rotation": Rule(description="Keys rotate.", resource_type="aws:kms/key:Key", find=_rotation),
    "trail": Rule(
        description="The audit trail is on and detects alterations.",
        resource_type="aws:cloudtrail/trail:Trail",
        find=_trail,
    ),
    "user-boundary": Rule(
        description="Users have a permissions boundary.", resource_type="aws:iam/user:User", find=_boundary
    ),
    "user-password": Rule(
        description="First passwords must be changed.",
        resource_type="aws:iam/userLoginProfile:UserLoginProfile",
        find=_password,
    ),
    "workflow-trust": Rule(
        description="Trust in workflows compares the complete subject.",
        resource_type="aws:iam/role:Role",
        find=_workflow_trust,
    ),
}
