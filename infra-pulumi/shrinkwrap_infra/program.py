"""The complete stack, from raw settings to outputs."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from .access import DataAccess, DataAccessArgs
from .alarm import ChangeAlarm, ChangeAlarmArgs
from .bucket import DataBucket, DataBucketArgs
from .regions import sign_in_address
from .settings import parse_settings


def make_stack(raw_settings: object, *, stack: str) -> None:
    """Declare all resources, and export what the rest of the project needs to know about them.

    Raises:
        SettingsError: The settings have mistakes; no resource was declared.
    """
    settings = parse_settings(raw_settings, stack=stack)
    provider = aws.Provider(
        "aws",
        region=settings.region,
        # The provider refuses credentials of any other account.
        allowed_account_ids=[settings.account_id],
        default_tags={"tags": {"project": "shrinkwrap", "stack": stack}},
    )
    opts = pulumi.ResourceOptions(providers=[provider])
    bucket_args = DataBucketArgs(settings=settings)
    bucket = DataBucket("data-bucket", bucket_args, opts)
    access_args = DataAccessArgs(settings=settings, log_bucket=bucket_args.log_bucket_name, key_arn=bucket.key_arn)
    access = DataAccess("data-access", access_args, opts)
    alarm_args = ChangeAlarmArgs(settings=settings, buckets=bucket_args.names, key_arn=bucket.key_arn)
    ChangeAlarm("change-alarm", alarm_args, opts)

    pulumi.export("bucket", bucket.bucket)
    pulumi.export("region", settings.region)
    pulumi.export("prefixes", {project.name: project.prefix for project in settings.projects})
    pulumi.export("roles", access.role_arns)
    pulumi.export("key_arn", bucket.key_arn)
    pulumi.export("log_bucket", bucket.log_bucket)
    pulumi.export("sign_in", sign_in_address(settings.region, settings.account_id))
    pulumi.export("initial_passwords", access.initial_passwords)
