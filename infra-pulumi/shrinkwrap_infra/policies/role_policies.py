"""What each role may do: the least that DVC needs for it, found out against real servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from .document import Condition, Document, Statement, allow, deny, document

DataKind = Literal["reader", "contributor", "steward"]


def data_policy(kind: DataKind, *, bucket: str, prefix: str, key_arn: str, region: str) -> Document:
    """List and get; a contributor also puts; a steward also deletes, which only garbage collection needs.

    Args:
        kind: each one may do what those before it may.
        prefix: of the project, with its slash.
    """
    objects = [f"arn:aws:s3:::{bucket}/{prefix}*"]
    # S3 answers 404 for a key that is not there only to those who may list, and asks without a prefix; with a plain
    # StringLike, DVC would die with "Forbidden" on the first new file. Price: all roles can list all names (hashes).
    own_prefix = {"StringLikeIfExists": {"s3:prefix": [prefix.rstrip("/"), f"{prefix}*"]}}
    statements = [
        allow("List", ["s3:ListBucket"], [f"arn:aws:s3:::{bucket}"], own_prefix),
        allow("Get", ["s3:GetObject"], objects),
        _key_use("Decrypt", "kms:Decrypt", key_arn=key_arn, bucket=bucket, region=region),
    ]
    if kind in ("contributor", "steward"):
        statements += [
            allow("Put", ["s3:AbortMultipartUpload", "s3:PutObject"], objects),
            _key_use("Encrypt", "kms:GenerateDataKey", key_arn=key_arn, bucket=bucket, region=region),
        ]
    if kind == "steward":
        statements.append(allow("Delete", ["s3:DeleteObject"], objects))
    return document(*statements)


def admin_policy(*, bucket: str, log_bucket: str, key_arn: str) -> Document:
    """Settings and logs of the buckets; no data, and neither opening the bucket nor removing it or its key."""
    data, logs = f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{log_bucket}"
    return document(
        allow("SeeSettings", _SEE_SETTINGS, [data, logs]),
        allow("ChangeSettings", _CHANGE_SETTINGS, [data]),
        allow("ListData", ["s3:ListBucket", "s3:ListBucketVersions"], [data]),
        allow("ListLogs", ["s3:ListBucket"], [logs]),
        allow("ReadLogs", ["s3:GetObject"], [f"{logs}/*"]),
        allow("SeeKey", _SEE_KEY, [key_arn]),
        # Stays true if a wider policy is attached or the bucket's own policy is rewritten by this very role.
        deny(
            "NoDeletionWithoutMfa",
            ["s3:DeleteObject", "s3:DeleteObjectVersion"],
            [f"{data}/*"],
            {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
        ),
    )


def preview_policy(
    *, account_id: str, region: str, stack: str, buckets: Sequence[str], key_arn: str, state_bucket: str | None
) -> Document:
    """Settings of what this stack manages, to be compared with what the program asks for; no data, no logs.

    Args:
        buckets: names of the data and the log bucket.
        state_bucket: where the state of the stack is; a preview reads it and takes no lock.
    """
    iam = f"arn:aws:iam::{account_id}:"
    own = f"shrinkwrap-{stack}-*"
    provider = f"{iam}oidc-provider/token.actions.githubusercontent.com"
    statements = [
        allow("SeeBuckets", [*_SEE_SETTINGS, *_SEE_MORE_SETTINGS], [f"arn:aws:s3:::{name}" for name in buckets]),
        allow("SeeKey", [*_SEE_KEY, "kms:ListResourceTags"], [key_arn]),
        # These know no resource.
        allow("SeeLists", ["cloudtrail:DescribeTrails", "kms:ListAliases"], ["*"]),
        allow("SeeRoles", _SEE_ROLES, [f"{iam}role/{own}"]),
        allow("SeeUsers", _SEE_USERS, [f"{iam}user/{own}"]),
        allow("SeePolicies", _SEE_POLICIES, [f"{iam}policy/{own}"]),
        allow("SeeProvider", ["iam:GetOpenIDConnectProvider"], [provider]),
        allow("SeeTrail", _SEE_TRAIL, [f"arn:aws:cloudtrail:{region}:{account_id}:trail/shrinkwrap-{stack}"]),
        allow("SeeBudget", _SEE_BUDGET, [f"arn:aws:budgets::{account_id}:budget/shrinkwrap-{stack}"]),
    ]
    if state_bucket is not None:
        statements += [
            allow("ListState", ["s3:ListBucket"], [f"arn:aws:s3:::{state_bucket}"]),
            allow("ReadState", ["s3:GetObject"], [f"arn:aws:s3:::{state_bucket}/.pulumi/*"]),
        ]
    return document(*statements)


def replication_policy(
    *, bucket: str, region: str, key_arn: str, replica_bucket_arn: str, replica_key_arn: str
) -> Document:
    """What S3 itself needs to copy new versions; deletions are not copied."""
    replica_region = replica_key_arn.split(":")[3]
    replica_name = replica_bucket_arn.rpartition(":")[2]
    return document(
        allow("See", ["s3:GetReplicationConfiguration", "s3:ListBucket"], [f"arn:aws:s3:::{bucket}"]),
        allow(
            "Read",
            ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"],
            [f"arn:aws:s3:::{bucket}/*"],
        ),
        allow("Write", ["s3:ReplicateObject", "s3:ReplicateTags"], [f"{replica_bucket_arn}/*"]),
        _key_use("Decrypt", "kms:Decrypt", key_arn=key_arn, bucket=bucket, region=region),
        _key_use("Encrypt", "kms:Encrypt", key_arn=replica_key_arn, bucket=replica_name, region=replica_region),
    )


def _key_use(sid: str, action: str, *, key_arn: str, bucket: str, region: str) -> Statement:
    """The key, only through S3 and only for this bucket (with a bucket key the context is the bucket's ARN)."""
    home = f"arn:aws:s3:::{bucket}"
    condition: Condition = {
        "StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"},
        "StringLike": {"kms:EncryptionContext:aws:s3:arn": [home, f"{home}/*"]},
    }
    return allow(sid, [action], [key_arn], condition)


_SEE_SETTINGS = [
    "s3:GetBucketLocation",
    "s3:GetBucketLogging",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPolicyStatus",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
]
_CHANGE_SETTINGS = [
    "s3:PutBucketLogging",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketPolicy",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
]
# What a refresh reads of a bucket beyond what an admin has a use for.
_SEE_MORE_SETTINGS = [
    "s3:GetAccelerateConfiguration",
    "s3:GetBucketAcl",
    "s3:GetBucketCORS",
    "s3:GetBucketRequestPayment",
    "s3:GetBucketWebsite",
    "s3:ListBucket",
    "s3:ListTagsForResource",
]
_SEE_KEY = ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus"]
_SEE_ROLES = [
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:ListRoleTags",
]
_SEE_USERS = [
    "iam:GetLoginProfile",
    "iam:GetUser",
    "iam:GetUserPolicy",
    "iam:ListAttachedUserPolicies",
    "iam:ListUserTags",
]
_SEE_POLICIES = ["iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListPolicyVersions"]
_SEE_TRAIL = [
    "cloudtrail:GetEventSelectors",
    "cloudtrail:GetInsightSelectors",
    "cloudtrail:GetTrail",
    "cloudtrail:GetTrailStatus",
    "cloudtrail:ListTags",
]
_SEE_BUDGET = ["budgets:ListTagsForResource", "budgets:ViewBudget"]
