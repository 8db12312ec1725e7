"""Permissions of each role: the minimum that DVC needs, determined with real servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ..arns import Place, bucket_arn, bucket_arn_like
from ..regions import s3_names
from .document import Condition, Document, Statement, allow, deny, document

DataKind = Literal["reader", "contributor", "steward"]


def data_policy(kind: DataKind, *, bucket: str, prefix: str, key_arn: str, region: str) -> Document:
    """Permission to list and get; for a contributor also to put; for a steward also to delete, and to see old versions.

    Only garbage collection needs to delete, and only bringing a version back needs to see versions.

    Args:
        kind: The kind of role.
        bucket: Name of the bucket.
        prefix: The prefix of the project, with its slash.
        key_arn: ARN of the key that encrypts the data.
        region: Region of the bucket.
    """
    home = bucket_arn(bucket, region=region)
    objects = [f"{home}/{prefix}*"]
    # S3 reports a missing key as 404 only to callers that may list, and it checks that without a prefix. With a plain
    # StringLike, DVC would fail with "Forbidden" at the first new file. The price is that all roles can list all names,
    # which are hashes.
    own_prefix = {"StringLikeIfExists": {"s3:prefix": [prefix.rstrip("/"), f"{prefix}*"]}}
    statements = [
        allow("List", ["s3:ListBucket"], [home], own_prefix),
        allow("Get", ["s3:GetObject"], objects),
        _key_use("Decrypt", "kms:Decrypt", key_arn=key_arn, bucket=bucket, region=region),
    ]
    if kind in ("contributor", "steward"):
        statements += [
            allow("Put", ["s3:AbortMultipartUpload", "s3:PutObject"], objects),
            _key_use("Encrypt", "kms:GenerateDataKey", key_arn=key_arn, bucket=bucket, region=region),
        ]
    if kind == "steward":
        statements += [
            allow("Delete", ["s3:DeleteObject"], objects),
            allow("ListVersions", ["s3:ListBucketVersions"], [home], own_prefix),
            allow("GetVersions", ["s3:GetObjectVersion", "s3:RestoreObject"], objects),
        ]
    return document(*statements)


def admin_policy(*, bucket: str, log_bucket: str, key_arn: str) -> Document:
    """Permission to see the settings, the names and the logs; not to change a setting, and not for data."""
    data, logs = bucket_arn_like(bucket, key_arn), bucket_arn_like(log_bucket, key_arn)
    return document(
        allow("SeeSettings", _SEE_SETTINGS, [data, logs]),
        allow("ListData", ["s3:ListBucket", "s3:ListBucketVersions"], [data]),
        allow("ListLogs", ["s3:ListBucket"], [logs]),
        allow("ReadLogs", ["s3:GetObject"], [f"{logs}/*"]),
        allow("SeeKey", _SEE_KEY, [key_arn]),
        # These hold even if a wider policy is attached to the role, or if the bucket's policy allows more.
        deny("NoData", [*_READ_DATA, *_WRITE_DATA, *_REMOVE_DATA], [f"{data}/*"]),
        deny("NoSettings", CHANGE_SETTINGS, [data, logs]),
        deny("NoUseOfTheKey", _USE_KEY, [key_arn]),
    )


def break_glass_policy(*, bucket: str, key_arn: str) -> Document:
    """Permission to change the bucket's settings and to remove data and versions for good; not to read data.

    The role exists for taking a stack down, for repairs, and for emergencies. It could still open the bucket to another
    role of the account, so each of its sessions and each of its changes raises the alarm.
    """
    data = bucket_arn_like(bucket, key_arn)
    return document(
        allow("SeeSettings", _SEE_SETTINGS, [data]),
        allow("ChangeSettings", _BREAK_GLASS_SETTINGS, [data]),
        allow("ListData", ["s3:ListBucket", "s3:ListBucketVersions"], [data]),
        allow("RemoveData", _REMOVE_DATA, [f"{data}/*"]),
        deny("NoData", [*_READ_DATA, *_WRITE_DATA], [f"{data}/*"]),
        deny("NoUseOfTheKey", _USE_KEY, [key_arn]),
    )


def preview_policy(*, place: Place, buckets: Sequence[str], key_arn: str, state_bucket: str | None) -> Document:
    """Permission to read the settings of this stack's resources, which a preview compares; no data, no logs.

    Args:
        place: Where the stack is.
        buckets: Names of the data bucket and the log bucket.
        key_arn: ARN of the key that encrypts the data.
        state_bucket: The bucket with the stack's state, which a preview reads without locking; None if not in S3.
    """
    homes = [bucket_arn(name, region=place.region) for name in buckets]
    own = f"shrinkwrap-{place.stack}"
    budget = f"arn:{place.partition}:budgets::{place.account_id}:budget/{own}"
    provider = place.iam("oidc-provider", "token.actions.githubusercontent.com")
    statements = [
        allow("SeeBuckets", [*_SEE_SETTINGS, *_SEE_MORE_SETTINGS], homes),
        allow("SeeKey", [*_SEE_KEY, "kms:ListResourceTags"], [key_arn]),
        # These actions do not support resources.
        allow("SeeLists", ["cloudtrail:DescribeTrails", "kms:ListAliases", "sns:GetSubscriptionAttributes"], ["*"]),
        allow("SeeRoles", _SEE_ROLES, [place.own_iam("role")]),
        allow("SeeUsers", _SEE_USERS, [place.own_iam("user")]),
        allow("SeePolicies", _SEE_POLICIES, [place.own_iam("policy")]),
        allow("SeeProvider", ["iam:GetOpenIDConnectProvider"], [provider]),
        allow("SeeTrail", _SEE_TRAIL, [place.regional("cloudtrail", f"trail/{own}")]),
        allow("SeeAlarm", _SEE_TOPIC, [place.regional("sns", f"{own}-alarm")]),
        allow("SeeRules", _SEE_RULES, [place.regional("events", f"rule/{own}-*")]),
        allow("SeeBudget", _SEE_BUDGET, [budget]),
    ]
    if state_bucket is not None:
        state = bucket_arn(state_bucket, region=place.region)
        statements += [
            allow("ListState", ["s3:ListBucket"], [state]),
            allow("ReadState", ["s3:GetObject"], [f"{state}/.pulumi/*"]),
        ]
    return document(*statements)


def replication_policy(
    *, bucket: str, region: str, key_arn: str, replica_bucket_arn: str, replica_key_arn: str, has_object_lock: bool
) -> Document:
    """The permissions that S3 needs to copy new versions with their locks; deletions are not copied."""
    home = bucket_arn(bucket, region=region)
    locks = ["s3:GetObjectLegalHold", "s3:GetObjectRetention"] if has_object_lock else []
    replica_region = replica_key_arn.split(":")[3]
    replica_name = replica_bucket_arn.rpartition(":")[2]
    return document(
        allow("See", ["s3:GetReplicationConfiguration", "s3:ListBucket"], [home]),
        allow(
            "Read",
            [
                *locks,
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionTagging",
            ],
            [f"{home}/*"],
        ),
        allow("Write", ["s3:ReplicateObject", "s3:ReplicateTags"], [f"{replica_bucket_arn}/*"]),
        _key_use("Decrypt", "kms:Decrypt", key_arn=key_arn, bucket=bucket, region=region),
        _key_use("Encrypt", "kms:Encrypt", key_arn=replica_key_arn, bucket=replica_name, region=replica_region),
    )


def _key_use(sid: str, action: str, *, key_arn: str, bucket: str, region: str) -> Statement:
    """Permission to use the key, only through S3 and only for this bucket.

    With a bucket key, the encryption context is the ARN of the bucket, not of the object.
    """
    home = bucket_arn(bucket, region=region)
    services = s3_names(region)
    condition: Condition = {
        "StringEquals": {"kms:ViaService": services[0] if len(services) == 1 else services},
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
# Every setting of a bucket. Patterns also match the settings that AWS adds later. S3 refuses a policy that names an
# action which it does not know, but accepts a pattern.
CHANGE_SETTINGS = [
    "s3:CreateBucket*",
    "s3:DeleteBucket*",
    "s3:PauseReplication*",
    "s3:Put*Configuration",
    "s3:PutBucket*",
    "s3:TagResource*",
    "s3:UntagResource*",
    "s3:UpdateBucket*",
]
_BREAK_GLASS_SETTINGS = [
    "s3:PutBucketLogging",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketPolicy",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
]
_READ_DATA = ["s3:GetObject", "s3:GetObjectVersion"]
_WRITE_DATA = ["s3:PutObject", "s3:PutObjectAcl", "s3:ReplicateObject", "s3:RestoreObject"]
_REMOVE_DATA = ["s3:BypassGovernanceRetention", "s3:DeleteObject", "s3:DeleteObjectVersion"]
_USE_KEY = ["kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"]
# A refresh reads these settings of a bucket too; an admin does not need them.
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
_SEE_TOPIC = ["sns:GetTopicAttributes", "sns:ListTagsForResource"]
_SEE_RULES = ["events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"]
_SEE_BUDGET = ["budgets:ListTagsForResource", "budgets:ViewBudget"]
