"""ARNs, which are known before the resources exist; each has the partition of its region."""

from __future__ import annotations

from dataclasses import dataclass

from .regions import partition, partition_of


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a stack is: every ARN of its resources follows from this and a name."""

    account_id: str
    region: str
    stack: str

    @property
    def partition(self) -> str:
        return partition(self.region)

    def iam(self, kind: str, name: str) -> str:
        """The ARN of a role, user, policy, device or provider."""
        return f"arn:{self.partition}:iam::{self.account_id}:{kind}/{name}"

    def regional(self, service: str, resource: str) -> str:
        """The ARN of a resource that belongs to the region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"

    def own_iam(self, kind: str) -> str:
        """A pattern that matches the ARNs of all roles, users or policies of the stack."""
        return self.iam(kind, f"shrinkwrap-{self.stack}-*")


def bucket_arn(name: str, *, region: str) -> str:
    """The ARN of a bucket, whose partition is the one of the region."""
    return f"arn:{partition(region)}:s3:::{name}"


def bucket_arn_like(name: str, arn: str) -> str:
    """The ARN of a bucket in the partition of another ARN."""
    return f"arn:{partition_of(arn)}:s3:::{name}"
