"""Regions and partitions of AWS: which exist, and how names differ between the partitions."""

from __future__ import annotations

# By the beginning of a region's name. AWS has more partitions, in which nothing of this program has been tried.
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
_OTHER_PARTITIONS = ("eu-isoe-", "eusc-", "us-iso-", "us-isob-", "us-isof-")
_SIGN_IN = {
    "aws": "signin.aws.amazon.com",
    "aws-cn": "signin.amazonaws.cn",
    "aws-us-gov": "signin.amazonaws-us-gov.com",
}


def known_regions() -> list[str]:
    """The regions that the locked AWS provider knows, in the partitions that this program supports."""
    # Imported here, so that the policies can be used where Pulumi is not installed.
    from pulumi_aws import Region

    return sorted(region.value for region in Region if not region.value.startswith(_OTHER_PARTITIONS))


def partition(region: str) -> str:
    """The partition of a region: the second part of every ARN in it."""
    return next((name for beginning, name in _PARTITIONS.items() if region.startswith(beginning)), "aws")


def partition_of(arn: str) -> str:
    """The partition of an ARN."""
    return arn.split(":")[1]


def has_budgets(region: str) -> bool:
    """Whether AWS Budgets exists in the partition of the region; a GovCloud account is paid by another account."""
    return partition(region) != "aws-us-gov"


def s3_names(region: str) -> list[str]:
    """The names of S3 in the condition `kms:ViaService`. In China, AWS documents two domains."""
    names = [f"s3.{region}.amazonaws.com"]
    return [*names, f"{names[0]}.cn"] if partition(region) == "aws-cn" else names


def sign_in_address(region: str, account_id: str) -> str:
    """Where the IAM users of an account sign in."""
    return f"https://{account_id}.{_SIGN_IN[partition(region)]}/console"
