"""The bucket with the data: its key, its logs, and every setting that protects its contents."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi import Input, ResourceOptions
from pulumi_aws import budgets, cloudtrail, iam, kms, s3

from .arns import bucket_arn
from .documents import bucket_document
from .policies import (
    key_policy,
    log_bucket_policy,
    policy_text,
    replication_policy,
    replication_trust,
)
from .settings import BucketSettings, Budget, Replica, Settings

_BUDGET_SERVICES = ["AWS CloudTrail", "AWS Key Management Service", "Amazon Simple Storage Service"]


@dataclass(frozen=True, kw_only=True)
class DataBucketArgs:
    """Arguments of DataBucket."""

    settings: Settings

    @property
    def bucket(self) -> BucketSettings:
        return self.settings.bucket

    @property
    def log_bucket_name(self) -> str:
        return f"{self.bucket.name}-logs"

    @property
    def names(self) -> list[str]:
        """Names of the data bucket and the log bucket."""
        return [self.bucket.name, self.log_bucket_name]

    @property
    def trail_name(self) -> str:
        return f"shrinkwrap-{self.settings.stack}"

    @property
    def trail_arn(self) -> str:
        return self.settings.place.regional("cloudtrail", f"trail/{self.trail_name}")


class DataBucket(pulumi.ComponentResource):
    """A private, versioned, encrypted and audited bucket, with its key, its log bucket and a budget.

    Attributes:
        bucket: Name of the data bucket.
        log_bucket: Name of the bucket that stores its access logs and audit trail.
        key_arn: ARN of the key that encrypts the data.
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
        if args.settings.budget is not None:
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
            policy=policy_text(key_policy(place=settings.place)),
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
            opts=ResourceOptions(parent=self, protect=True, import_=args.bucket.name if args.bucket.exists else None),
        )
        public_access, self._versioning = self._make_private("data", data)
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
        policy = key.arn.apply(lambda key_arn: policy_text(bucket_document(settings, key_arn=key_arn)))
        s3.BucketPolicy("data-policy", bucket=data.bucket, policy=policy, opts=self._child(public_access))
        return data

    def _log_bucket(self) -> s3.Bucket:
        args = self._args
        logs = s3.Bucket(
            "logs",
            bucket=args.log_bucket_name,
            force_destroy=False,
            opts=ResourceOptions(parent=self, protect=True),
        )
        public_access, _ = self._make_private("logs", logs)
        s3.BucketServerSideEncryptionConfiguration(
            "logs-encryption",
            bucket=logs.bucket,
            # S3 delivers access logs only to buckets that are encrypted with S3's own keys.
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
            "logs-policy", bucket=logs.bucket, policy=policy_text(policy), opts=self._child(public_access)
        )
        return logs

    def _make_private(self, name: str, bucket: s3.Bucket) -> tuple[s3.BucketPublicAccessBlock, s3.BucketVersioning]:
        """Block public access, turn off ACLs, and turn on versioning."""
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
        """Expire replaced versions only: DVC needs the current ones as long as any commit refers to them."""
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
        """Record every request: in S3's access logs, and in a trail that shows whether its files were altered."""
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
            # Events of IAM and of STS in other regions are only in a trail of all regions. The first trail with
            # management events is free in each region, and the objects are in one region.
            is_multi_region_trail=True,
            include_global_service_events=True,
            advanced_event_selectors=[
                {
                    "name": "Every change of a setting, role, user or key",
                    "field_selectors": [
                        {"field": "eventCategory", "equals": ["Management"]},
                        {"field": "readOnly", "equals": ["false"]},
                    ],
                },
                {
                    # AssumeRole counts as reading. Uses of keys are left out: there are as many as requests.
                    "name": "Every session of a role, and every look at a setting",
                    "field_selectors": [
                        {"field": "eventCategory", "equals": ["Management"]},
                        {"field": "readOnly", "equals": ["true"]},
                        {"field": "eventSource", "not_equals": ["kms.amazonaws.com", "rdsdata.amazonaws.com"]},
                    ],
                },
                {
                    "name": "Every request for an object",
                    "field_selectors": [
                        {"field": "eventCategory", "equals": ["Data"]},
                        {"field": "resources.type", "equals": ["AWS::S3::Object"]},
                        {
                            "field": "resources.ARN",
                            "starts_withs": [
                                f"{bucket_arn(self._args.bucket.name, region=self._args.settings.region)}/"
                            ],
                        },
                    ],
                },
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
            assume_role_policy=policy_text(replication_trust(place=settings.place, bucket=self._args.bucket.name)),
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
                    has_object_lock=self._args.bucket.object_lock is not None,
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
