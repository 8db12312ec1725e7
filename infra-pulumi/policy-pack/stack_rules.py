"""Rules for all resources of a stack together: which other resources each bucket needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bucket_rules import Props, denies_other_keys

# The type and the inputs of each resource.
Resources = Sequence[tuple[str, Props]]
_BUCKET, _TRAIL = "aws:s3/bucket:Bucket", "aws:cloudtrail/trail:Trail"
_ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
_LOGGING, _POLICY = "aws:s3/bucketLogging:BucketLogging", "aws:s3/bucketPolicy:BucketPolicy"
_COMPANIONS = (
    _ENCRYPTION,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    _POLICY,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketVersioning:BucketVersioning",
)


@dataclass(frozen=True, kw_only=True)
class StackRule:
    """A rule for all resources of a stack together.

    Attributes:
        find: Returns a message for each violation.
    """

    description: str
    find: Callable[[Resources], Iterable[str]]


def _companions(resources: Resources) -> Iterator[str]:
    """Each bucket needs one resource of each companion type; a bucket that does not store logs also needs logging."""
    for name in _names(resources):
        is_data = name in _data_buckets(resources)
        for companion in (*_COMPANIONS, *([_LOGGING] if is_data else [])):
            if not _inputs_for(resources, companion, name):
                yield f"bucket {name} has no {companion.rpartition(':')[2]}"


def _own_key(resources: Resources) -> Iterator[str]:
    for name in _data_buckets(resources):
        rules = [rule for props in _inputs_for(resources, _ENCRYPTION, name) for rule in props.get("rules") or ()]
        defaults = [rule.get("applyServerSideEncryptionByDefault") or {} for rule in rules]
        if any(default.get("sseAlgorithm") != "aws:kms" for default in defaults):
            yield f"bucket {name} must be encrypted by aws:kms; S3 requires AES256 only for buckets that store logs"
        policies = _inputs_for(resources, _POLICY, name)
        if policies and not any(denies_other_keys(props.get("policy")) for props in policies):
            yield f"the policy of bucket {name} must deny s3:PutObject with another key and with a customer key"


def _trails(resources: Resources) -> Iterator[str]:
    recorded_prefixes = _recorded_prefixes(resources)
    for name in _data_buckets(resources):
        # The beginning of the ARN is the partition of the region.
        if not any(prefix.endswith(f":s3:::{name}/") for prefix in recorded_prefixes):
            yield f"no trail records the requests for objects of bucket {name}"


def _recorded_prefixes(resources: Resources) -> list[str]:
    """What the ARNs of objects begin with whose requests a trail records."""
    return [
        prefix
        for kind, props in resources
        if kind == _TRAIL
        for selector in props.get("advancedEventSelectors") or ()
        for field in selector.get("fieldSelectors") or ()
        if field.get("field") == "resources.ARN"
        for prefix in field.get("startsWiths") or ()
    ]


def _budget(resources: Resources) -> Iterator[str]:
    has_budget = any(kind == "aws:budgets/budget:Budget" and props.get("notifications") for kind, props in resources)
    # AWS Budgets does not exist in GovCloud.
    is_govcloud = any(prefix.startswith("arn:aws-us-gov:") for prefix in _recorded_prefixes(resources))
    if _names(resources) and not has_budget and not is_govcloud:
        yield "no budget sends notifications about the cost of this stack's buckets"


def _names(resources: Resources) -> list[str]:
    return [props["bucket"] for kind, props in resources if kind == _BUCKET and props.get("bucket")]


def _data_buckets(resources: Resources) -> list[str]:
    """Names of the buckets that do not store logs."""
    logs = {props.get("targetBucket") for kind, props in resources if kind == _LOGGING}
    logs |= {props.get("s3BucketName") for kind, props in resources if kind == _TRAIL}
    return [name for name in _names(resources) if name not in logs]


def _inputs_for(resources: Resources, kind: str, bucket: str) -> list[Props]:
    """Inputs of the resources of a type that name this bucket."""
    return [props for known, props in resources if known == kind and props.get("bucket") == bucket]


STACK_RULES = {
    "bucket-companions": StackRule(
        description="Each bucket has an access block, ownership, encryption, lifecycle, versioning, policy, logging.",
        find=_companions,
    ),
    "bucket-own-key": StackRule(description="Data is encrypted with your own key and no other.", find=_own_key),
    "bucket-trail": StackRule(description="An audit trail records every request for data.", find=_trails),
    "budget": StackRule(description="A budget sends notifications about the cost.", find=_budget),
}
