"""Policies of the buckets: denials that override every other policy, and the services that may write logs."""

from __future__ import annotations

from collections.abc import Sequence

from ..arns import bucket_arn_like
from .document import Condition, Document, Statement, allow_service, deny_everyone, document
from .role_policies import CHANGE_SETTINGS

_SSE = "s3:x-amz-server-side-encryption"
_SSE_KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"
_STORAGE_CLASS = "s3:x-amz-storage-class"
_SSE_CUSTOMER = "s3:x-amz-server-side-encryption-customer-algorithm"


def data_bucket_policy(
    *,
    bucket: str,
    account_id: str,
    key_arn: str,
    steward_arns: Sequence[str],
    own_callers: Sequence[str],
    break_glass_arn: str | None = None,
) -> Document:
    """Only denials; permissions are in the policies of the roles.

    An upload without encryption headers is allowed, because the bucket's default encryption then applies. An upload
    with `aws:kms` and no key is denied, because it would use the account's AWS managed key.

    Args:
        bucket: Name of the bucket.
        account_id: The account of the stack.
        key_arn: ARN of the key that encrypts the data.
        steward_arns: ARNs of the roles that may delete.
        own_callers: Patterns that match the ARNs of all roles and users of the stack.
        break_glass_arn: ARN of the role that may change settings and remove versions; None if it does not exist.
    """
    home = bucket_arn_like(bucket, key_arn)
    objects = [f"{home}/*"]
    # Credentials from AssumeRole do not record MFA, nor do those of an identity provider. The trust policy requires the
    # MFA of a steward, and of the role break-glass, when the role is assumed.
    without_mfa = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    break_glass = [] if break_glass_arn is None else [break_glass_arn]
    return document(
        *_transport(home),
        *_own_account(home, account_id),
        deny_everyone(
            "DenyOtherEncryption",
            ["s3:PutObject"],
            objects,
            {"Null": {_SSE: "false"}, "StringNotEquals": {_SSE: "aws:kms"}},
        ),
        deny_everyone(
            "DenyOtherKey",
            ["s3:PutObject"],
            objects,
            {"Null": {_SSE_KEY: "false"}, "ArnNotEquals": {_SSE_KEY: key_arn}},
        ),
        deny_everyone("DenyManagedKey", ["s3:PutObject"], objects, {"Null": {_SSE: "false", _SSE_KEY: "true"}}),
        # Objects of other classes cost more to read, or cannot be read before they are restored.
        deny_everyone(
            "DenyOtherStorageClasses",
            ["s3:PutObject"],
            objects,
            {"Null": {_STORAGE_CLASS: "false"}, "StringNotEquals": {_STORAGE_CLASS: "STANDARD"}},
        ),
        deny_everyone("DenyCustomerKey", ["s3:PutObject"], objects, {"Null": {_SSE_CUSTOMER: "false"}}),
        # No role or user of the stack can open, unlock or expire the bucket, even with a wider policy attached.
        deny_everyone(
            "DenySettingsToOwnCallers",
            CHANGE_SETTINGS,
            [home],
            {"ArnLike": {"aws:PrincipalArn": list(own_callers)}, **_except(break_glass)},
        ),
        deny_everyone(
            "DenyDeletionWithoutMfa",
            ["s3:DeleteObject"],
            objects,
            {**without_mfa, **_except([*steward_arns, *break_glass])},
        ),
        deny_everyone(
            "DenyRemovalOfVersionsWithoutMfa",
            ["s3:BypassGovernanceRetention", "s3:DeleteObjectVersion"],
            objects,
            {**without_mfa, **_except(break_glass)},
        ),
    )


def log_bucket_policy(*, log_bucket: str, bucket: str, account_id: str, trail_arn: str) -> Document:
    """Allow the log services to write, each only for our bucket or trail; the roles' policies decide the rest."""
    home = bucket_arn_like(log_bucket, trail_arn)
    from_bucket = {
        "ArnEquals": {"aws:SourceArn": bucket_arn_like(bucket, trail_arn)},
        "StringEquals": {"aws:SourceAccount": account_id},
    }
    from_trail = {"StringEquals": {"aws:SourceArn": trail_arn}}
    from_trail_as_owner = {"StringEquals": {"aws:SourceArn": trail_arn, "s3:x-amz-acl": "bucket-owner-full-control"}}
    return document(
        *_transport(home),
        *_own_account(home, account_id),
        allow_service("AccessLogs", "logging.s3.amazonaws.com", ["s3:PutObject"], [f"{home}/access/*"], from_bucket),
        allow_service("TrailLooks", "cloudtrail.amazonaws.com", ["s3:GetBucketAcl"], [home], from_trail),
        allow_service(
            "TrailWrites",
            "cloudtrail.amazonaws.com",
            ["s3:PutObject"],
            [f"{home}/trail/AWSLogs/{account_id}/*"],
            from_trail_as_owner,
        ),
    )


def _except(arns: Sequence[str]) -> Condition:
    """The condition that exempts these roles from a denial."""
    return {"ArnNotEquals": {"aws:PrincipalArn": list(arns)}} if arns else {}


def _transport(home: str) -> list[Statement]:
    everything = [home, f"{home}/*"]
    return [
        deny_everyone("DenyPlainHttp", ["s3:*"], everything, {"Bool": {"aws:SecureTransport": "false"}}),
        deny_everyone("DenyOldTls", ["s3:*"], everything, {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
    ]


def _own_account(home: str, account_id: str) -> list[Statement]:
    """Deny other accounts. AWS services have no account and are exempt; anonymous callers have none and are denied."""
    everything = [home, f"{home}/*"]
    is_foreign = {
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        "StringNotEquals": {"aws:PrincipalAccount": account_id},
    }
    return [deny_everyone("DenyOtherAccounts", ["s3:*"], everything, is_foreign)]
