"""What nobody may do with the buckets, whatever their own policy says, and which services may write logs."""

from __future__ import annotations

from collections.abc import Sequence

from .document import Document, Statement, allow_service, deny_everyone, document

_SSE = "s3:x-amz-server-side-encryption"
_SSE_KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"
_SSE_CUSTOMER = "s3:x-amz-server-side-encryption-customer-algorithm"


def data_bucket_policy(*, bucket: str, account_id: str, key_arn: str, steward_arns: Sequence[str]) -> Document:
    """Only denials: whoever may do something says so in the role's own policy.

    A header that is not sent is no wrong one: the bucket's default encryption then applies. But `aws:kms` without a key
    would mean the account's AWS managed key.
    """
    objects = [f"arn:aws:s3:::{bucket}/*"]
    # Credentials from AssumeRole carry no MFA mark; a steward's MFA is asked for where the role is assumed.
    without_mfa = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    not_steward = {"ArnNotEquals": {"aws:PrincipalArn": list(steward_arns)}} if steward_arns else {}
    return document(
        *_transport(bucket),
        *_own_account(bucket, account_id),
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
        deny_everyone("DenyCustomerKey", ["s3:PutObject"], objects, {"Null": {_SSE_CUSTOMER: "false"}}),
        deny_everyone("DenyDeletionWithoutMfa", ["s3:DeleteObject"], objects, {**without_mfa, **not_steward}),
        deny_everyone(
            "DenyRemovalOfVersionsWithoutMfa",
            ["s3:BypassGovernanceRetention", "s3:DeleteObjectVersion"],
            objects,
            without_mfa,
        ),
    )


def log_bucket_policy(*, log_bucket: str, bucket: str, account_id: str, trail_arn: str) -> Document:
    """The log services may write, each for our source only; the rest is left to the account's own policies."""
    home = f"arn:aws:s3:::{log_bucket}"
    from_bucket = {
        "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"},
        "StringEquals": {"aws:SourceAccount": account_id},
    }
    from_trail = {"StringEquals": {"aws:SourceArn": trail_arn}}
    from_trail_as_owner = {"StringEquals": {"aws:SourceArn": trail_arn, "s3:x-amz-acl": "bucket-owner-full-control"}}
    return document(
        *_transport(log_bucket),
        *_own_account(log_bucket, account_id),
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


def _transport(bucket: str) -> list[Statement]:
    everything = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    return [
        deny_everyone("DenyPlainHttp", ["s3:*"], everything, {"Bool": {"aws:SecureTransport": "false"}}),
        deny_everyone("DenyOldTls", ["s3:*"], everything, {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
    ]


def _own_account(bucket: str, account_id: str) -> list[Statement]:
    """Services of AWS have no account; anonymous callers have none either, and are denied."""
    everything = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    is_foreign = {
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        "StringNotEquals": {"aws:PrincipalAccount": account_id},
    }
    return [deny_everyone("DenyOtherAccounts", ["s3:*"], everything, is_foreign)]
