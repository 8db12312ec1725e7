"""The data bucket: its key, its logs, and every setting that keeps what is in it safe."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi import Input, ResourceOptions
from pulumi_aws import budgets, cloudtrail, iam, kms, s3

from .policies import (
    data_bucket_policy,
    key_policy,
    log_bucket_policy,
    policy_text,
    replication_policy,
    replication_trust,
)
from .roles import role_arn
from .settings import BucketSettings, Budget, Replica, Settings

_BUDGET_SERVICES = ["AWS CloudTrail", "AWS Key Management Service", "Amazon Simple Storage Service"]


@dataclass(frozen=True, kw_only=True)
class DataBucketArgs:
    """What a bucket is made from."""

    settings: Settings

    @property
    def bucket(self) -> BucketSettings:
        return self.settings.bucket

    @property
    def log_bucket_name(self) -> str:
        return f"{self.bucket.name}-logs"

    @property
    def trail_name(self) -> str:
        return f"shrinkwrap-{self.settings.stack}"

    @property
    def trail_arn(self) -> str:
        return f"arn:aws:cloudtrail:{self.settings.region}:{self.settings.account_id}:trail/{self.trail_name}"


class DataBucket(pulumi.ComponentResource):
    """A bucket that is safe by construction.

    Attributes:
        bucket: name of the data bucket.
        log_bucket: name of the bucket its access logs and audit trail go to.
        key_arn: the key everything in it is encrypted with.
    """

    def __init__(self, name: str, args: DataBucketArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("shrinkwrap:infra:DataBucket", name, None, opts)
        self._args = args
        key = self._key()
        self.key_arn = key.arn
        logs = self._log_bucket()
        data = self._data_bucket(key)
        self.bucket = data.bucket
        self.log_bucket = logs.bucket
        self._audit(data, logs)
        self._budget(args.settings.budget)
        if args.bucket.replica is not None:
            self._replicate(data, args.bucket.replica)
        self.register_outputs({"bucket": self.bucket, "log_bucket": self.log_bucket, "key_arn": self.key_arn})

    def _key(self) -> kms.Key:
        settings = self._args.settings
        key = kms.Key(
            "data-key",
            description=f"Data of shrinkwrap {settings.stack}",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            policy=policy_text(key_policy(account_id=settings.account_id)),
            opts=ResourceOptions(parent=self, protect=True),
        )
        alias = f"alias/shrinkwrap-{settings.stack}"
        kms.Alias("data-key-alias", name=alias, target_key_id=key.key_id, opts=self._child())
        return key

    def _data_bucket(self, key: kms.Key) -> s3.Bucket:
        args, settings = self._args, self._args.settings
        lock = args.bucket.object_lock
        data = s3.Bucket(
            "data",
            bucket=args.bucket.name,
            force_destroy=False,
            object_lock_enabled=True if lock else None,
            opts=ResourceOptions(parent=self, protect=True),
        )
        closed, self._versioning = self._close("data", data)
        s3.BucketServerSideEncryptionConfiguration(
            "data-encryption",
            bucket=data.bucket,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms",
                        "kms_master_key_id": key.arn,
                    },
                    "bucket_key_enabled": True,
                    "blocked_encryption_types": ["SSE-C"],
                }
            ],
            opts=self._child(),
        )
        self._expire_old_versions("data", data, args.bucket)
        if lock is not None:
            s3.BucketObjectLockConfiguration(
                "data-object-lock",
                bucket=data.bucket,
                rule={"default_retention": {"mode": lock.mode, "days": lock.days}},
                opts=self._child(),
            )
        stewards = [
            role_arn(settings.account_id, settings.stack, role)
            for role in settings.held_roles
            if role.kind == "steward"
        ]

        def policy(key_arn: str) -> str:
            return policy_text(
                data_bucket_policy(
                    bucket=args.bucket.name,
                    account_id=settings.account_id,
                    key_arn=key_arn,
                    steward_arns=stewards,
                )
            )

        s3.BucketPolicy("data-policy", bucket=data.bucket, policy=key.arn.apply(policy), opts=self._child(closed))
        return data

    def _log_bucket(self) -> s3.Bucket:
        args = self._args
        logs = s3.Bucket(
            "logs",
            bucket=args.log_bucket_name,
            force_destroy=False,
            opts=ResourceOptions(parent=self, protect=True),
        )
        closed, _ = self._close("logs", logs)
        s3.BucketServerSideEncryptionConfiguration(
            "logs-encryption",
            bucket=logs.bucket,
            # S3 delivers access logs only to buckets that are encrypted with its own keys.
            rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
            opts=self._child(),
        )
        s3.BucketLifecycleConfiguration(
            "logs-lifecycle",
            bucket=logs.bucket,
            rules=[
                {
                    "id": "expire-logs",
                    "status": "Enabled",
                    "filter": {},
                    "expiration": {"days": args.bucket.log_days},
                    "noncurrent_version_expiration": {"noncurrent_days": args.bucket.noncurrent_days},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": args.bucket.multipart_days},
                }
            ],
            opts=self._child(),
        )
        policy = log_bucket_policy(
            log_bucket=args.log_bucket_name,
            bucket=args.bucket.name,
            account_id=args.settings.account_id,
            trail_arn=args.trail_arn,
        )
        self._log_policy = s3.BucketPolicy(
            "logs-policy", bucket=logs.bucket, policy=policy_text(policy), opts=self._child(closed)
        )
        return logs

    def _close(self, name: str, bucket: s3.Bucket) -> tuple[s3.BucketPublicAccessBlock, s3.BucketVersioning]:
        """What both buckets have: nothing public, no ACLs, every version kept."""
        block = s3.BucketPublicAccessBlock(
            f"{name}-public-access",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child(),
        )
        s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=bucket.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self._child(),
        )
        versioning = s3.BucketVersioning(
            f"{name}-versioning",
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=self._child(),
        )
        return block, versioning

    def _expire_old_versions(self, name: str, bucket: s3.Bucket, settings: BucketSettings) -> None:
        """A current version never expires: DVC's objects are needed as long as a commit names them."""
        s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.bucket,
            rules=[
                {
                    "id": "expire-noncurrent-versions",
                    "status": "Enabled",
                    "filter": {},
                    "expiration": {"expired_object_delete_marker": True},
                    "noncurrent_version_expiration": {"noncurrent_days": settings.noncurrent_days},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": settings.multipart_days},
                }
            ],
            opts=self._child(self._versioning),
        )

    def _audit(self, data: s3.Bucket, logs: s3.Bucket) -> None:
        """Who asked for what: S3's own logs, and each data event in a trail whose files cannot be altered unseen."""
        s3.BucketLogging(
            "data-logging",
            bucket=data.bucket,
            target_bucket=logs.bucket,
            target_prefix="access/",
            opts=self._child(self._log_policy),
        )
        cloudtrail.Trail(
            "data-trail",
            name=self._args.trail_name,
            s3_bucket_name=logs.bucket,
            s3_key_prefix="trail",
            enable_logging=True,
            enable_log_file_validation=True,
            include_global_service_events=False,
            advanced_event_selectors=[
                {
                    "name": "Every request for an object",
                    "field_selectors": [
                        {"field": "eventCategory", "equals": ["Data"]},
                        {"field": "resources.type", "equals": ["AWS::S3::Object"]},
                        {"field": "resources.ARN", "starts_withs": [f"arn:aws:s3:::{self._args.bucket.name}/"]},
                    ],
                }
            ],
            opts=self._child(self._log_policy),
        )

    def _budget(self, budget: Budget) -> None:
        emails: list[Input[str]] = list(budget.emails)
        budgets.Budget(
            "monthly-budget",
            name=f"shrinkwrap-{self._args.settings.stack}",
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(budget.monthly_usd),
            limit_unit="USD",
            cost_filters=[{"name": "Service", "values": _BUDGET_SERVICES}],
            notifications=[
                {
                    "comparison_operator": "GREATER_THAN",
                    "threshold": threshold,
                    "threshold_type": "PERCENTAGE",
                    "notification_type": kind,
                    "subscriber_email_addresses": emails,
                }
                for kind, threshold in (("ACTUAL", 80), ("FORECASTED", 100))
            ],
            opts=self._child(),
        )

    def _replicate(self, data: s3.Bucket, replica: Replica) -> None:
        settings = self._args.settings
        role = iam.Role(
            "replication-role",
            name=f"shrinkwrap-{settings.stack}-replication",
            assume_role_policy=policy_text(
                replication_trust(account_id=settings.account_id, bucket=self._args.bucket.name)
            ),
            opts=self._child(),
        )

        def policy(key_arn: str) -> str:
            return policy_text(
                replication_policy(
                    bucket=self._args.bucket.name,
                    region=settings.region,
                    key_arn=key_arn,
                    replica_bucket_arn=replica.bucket_arn,
                    replica_key_arn=replica.key_arn,
                )
            )

        granted = iam.RolePolicy(
            "replication-policy", role=role.name, policy=self.key_arn.apply(policy), opts=self._child()
        )
        s3.BucketReplicationConfig(
            "data-replication",
            bucket=data.bucket,
            role=role.arn,
            rules=[
                {
                    "id": "everything-but-deletions",
                    "status": "Enabled",
                    "filter": {},
                    "delete_marker_replication": {"status": "Disabled"},
                    "source_selection_criteria": {"sse_kms_encrypted_objects": {"status": "Enabled"}},
                    "destination": {
                        "bucket": replica.bucket_arn,
                        "encryption_configuration": {"replica_kms_key_id": replica.key_arn},
                    },
                }
            ],
            opts=self._child(self._versioning, granted),
        )

    def _child(self, *after: pulumi.Resource) -> ResourceOptions:
        return ResourceOptions(parent=self, depends_on=list(after))
