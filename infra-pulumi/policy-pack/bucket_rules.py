"""The rules for single resources, as functions of type and inputs; they know nothing of Pulumi."""

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
# Whose loss is the data's loss.
_PROTECTED = (_BUCKET, "aws:kms/key:Key")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule for one type of resource."""

    description: str
    resource_type: str
    judge: Callable[[Props], Iterable[str]]


def violations(name: str, resource_type: str, props: Props) -> list[str]:
    """What breaks the rule of that name, in words for whoever must mend it."""
    rule = RULES[name]
    return list(rule.judge(props)) if resource_type == rule.resource_type else []


def unprotected(resource_type: str, *, is_protected: bool) -> list[str]:
    """What breaks the rule on `protect`, which is no input of a resource but an option of the program."""
    if resource_type in _PROTECTED and not is_protected:
        return [
            "the option `protect` must be true: neither data nor its key may be destroyed by a change of the program"
        ]
    return []


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


def _encryption(props: Props) -> Iterator[str]:
    for rule in props.get("rules") or [{}]:
        default = rule.get("applyServerSideEncryptionByDefault") or {}
        algorithm = default.get("sseAlgorithm")
        if algorithm not in ("AES256", "aws:kms"):
            yield "rules[].applyServerSideEncryptionByDefault.sseAlgorithm must be aws:kms (AES256 for logs)"
        if algorithm == "aws:kms":
            if not _is_set(default, "kmsMasterKeyId"):
                yield "kmsMasterKeyId must name a key of your own, whose policy you decide"
            if rule.get("bucketKeyEnabled") is not True:
                yield "bucketKeyEnabled must be true: without it, each object is a request to KMS that is paid for"
            if "SSE-C" not in list(rule.get("blockedEncryptionTypes") or ()):
                yield "blockedEncryptionTypes must have SSE-C, whose keys nobody keeps"


def _lifecycle(props: Props) -> Iterator[str]:
    rules = [rule for rule in props.get("rules") or () if rule.get("status") == "Enabled"]
    if not any((rule.get("noncurrentVersionExpiration") or {}).get("noncurrentDays") for rule in rules):
        yield "an enabled rule must have noncurrentVersionExpiration.noncurrentDays, or old versions stay for ever"
    if not any((rule.get("abortIncompleteMultipartUpload") or {}).get("daysAfterInitiation") for rule in rules):
        yield "an enabled rule must have abortIncompleteMultipartUpload.daysAfterInitiation, or unfinished parts stay"


def _transport(props: Props) -> Iterator[str]:
    statements = _statements(props.get("policy"))
    if not any(_denies(statement, "s3:*", _is_plain_http) for statement in statements):
        yield "policy must deny s3:* to everyone when aws:SecureTransport is false"
    if not any(_denies(statement, "s3:*", _is_old_tls) for statement in statements):
        yield "policy must deny s3:* to everyone when s3:TlsVersion is less than 1.2"
    for statement in statements:
        is_open = statement.get("Principal") in ("*", {"AWS": "*"}) and not statement.get("Condition")
        if statement.get("Effect") == "Allow" and is_open:
            yield f"policy statement {statement.get('Sid', '(no Sid)')} allows everyone in the world"


def denies_other_keys(policy: object) -> bool:
    """Whether a bucket's policy lets nobody put an object under another key, or under a key of the caller's own."""
    return all(
        any(_denies(statement, "s3:PutObject", speaks) for statement in _statements(policy))
        for speaks in (_is_other_key, _is_customer_key)
    )


def _denies(statement: Props, action: str, speaks: Callable[[Props], bool]) -> bool:
    """Whether a statement denies an action to everyone where its condition says so."""
    actions = statement.get("Action")
    return (
        statement.get("Effect") == "Deny"
        and statement.get("Principal") in ("*", {"AWS": "*"})
        and bool({action, "s3:*"} & {actions if isinstance(actions, str) else "", *_texts(actions)})
        and speaks(statement.get("Condition") or {})
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
        yield "permissionsBoundary must be set, so that nothing attached later can exceed it"


def _access_key(props: Props) -> Iterator[str]:
    yield "must not be made: use a role with MFA for people, OIDC for workflows"


def _password(props: Props) -> Iterator[str]:
    if props.get("passwordResetRequired") is not True:
        yield "passwordResetRequired must be true"


def _trail(props: Props) -> Iterator[str]:
    if props.get("enableLogging") is False:
        yield "enableLogging must not be false"
    if props.get("enableLogFileValidation") is not True:
        yield "enableLogFileValidation must be true, so that an altered log shows"


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


def _is_set(props: Props, key: str) -> bool:
    """Whether there is an input, which in a preview may not be known yet; the engine leaves out what is None."""
    return key in list(props)


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
    "bucket-encryption": Rule(
        description="What lies in a bucket is encrypted with a key of your own.",
        resource_type="aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        judge=_encryption,
    ),
    "bucket-force-destroy": Rule(
        description="Buckets are not destroyed with their objects.", resource_type=_BUCKET, judge=_force_destroy
    ),
    "bucket-lifecycle": Rule(
        description="Old versions and unfinished uploads go.",
        resource_type="aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        judge=_lifecycle,
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
        description="Buckets are reached by TLS 1.2 or newer and open to nobody in particular.",
        resource_type="aws:s3/bucketPolicy:BucketPolicy",
        judge=_transport,
    ),
    "bucket-versioning": Rule(
        description="Deletions can be undone.",
        resource_type="aws:s3/bucketVersioning:BucketVersioning",
        judge=_versioning,
    ),
    "key-rotation": Rule(description="Keys rotate.", resource_type="aws:kms/key:Key", judge=_rotation),
    "trail": Rule(
        description="The audit trail runs and shows alterations.",
        resource_type="aws:cloudtrail/trail:Trail",
        judge=_trail,
    ),
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
