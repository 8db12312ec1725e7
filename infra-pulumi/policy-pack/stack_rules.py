"""The rules for all resources of a stack together: what each bucket must have beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bucket_rules import Props, denies_other_keys

# Type and inputs.
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
    """A rule for all resources of a stack together."""

    description: str
    judge: Callable[[Resources], Iterable[str]]


def _companions(resources: Resources) -> Iterator[str]:
    """Each bucket must be named by one of each companion; one that takes no logs itself also logs somewhere."""
    for name in _names(resources):
        is_data = name in _data_buckets(resources)
        for companion in (*_COMPANIONS, *([_LOGGING] if is_data else [])):
            if not _beside(resources, companion, name):
                yield f"bucket {name} has no {companion.rpartition(':')[2]}"


def _own_key(resources: Resources) -> Iterator[str]:
    for name in _data_buckets(resources):
        rules = [rule for props in _beside(resources, _ENCRYPTION, name) for rule in props.get("rules") or ()]
        defaults = [rule.get("applyServerSideEncryptionByDefault") or {} for rule in rules]
        if any(default.get("sseAlgorithm") != "aws:kms" for default in defaults):
            yield f"bucket {name} must be encrypted by aws:kms; only where logs are delivered, S3 asks for AES256"
        policies = _beside(resources, _POLICY, name)
        if policies and not any(denies_other_keys(props.get("policy")) for props in policies):
            yield f"the policy of bucket {name} must deny s3:PutObject with another key and with a customer's key"


def _trails(resources: Resources) -> Iterator[str]:
    recorded = [
        start
        for kind, props in resources
        if kind == _TRAIL
        for selector in props.get("advancedEventSelectors") or ()
        for field in selector.get("fieldSelectors") or ()
        if field.get("field") == "resources.ARN"
        for start in field.get("startsWiths") or ()
    ]
    for name in _data_buckets(resources):
        if f"arn:aws:s3:::{name}/" not in recorded:
            yield f"no trail records the requests for objects of bucket {name}"


def _budget(resources: Resources) -> Iterator[str]:
    told = [props for kind, props in resources if kind == "aws:budgets/budget:Budget" and props.get("notifications")]
    if _names(resources) and not told:
        yield "no budget tells anybody what the buckets of this stack cost"


def _names(resources: Resources) -> list[str]:
    return [props["bucket"] for kind, props in resources if kind == _BUCKET and props.get("bucket")]


def _data_buckets(resources: Resources) -> list[str]:
    """Buckets to which no logs are delivered."""
    logs = {props.get("targetBucket") for kind, props in resources if kind == _LOGGING}
    logs |= {props.get("s3BucketName") for kind, props in resources if kind == _TRAIL}
    return [name for name in _names(resources) if name not in logs]


def _beside(resources: Resources, kind: str, bucket: str) -> list[Props]:
    return [props for known, props in resources if known == kind and props.get("bucket") == bucket]


STACK_RULES = {
    "bucket-companions": StackRule(
        description="Each bucket has what keeps it safe: access block, ownership, encryption, versions, policy, logs.",
        judge=_companions,
    ),
    "bucket-own-key": StackRule(description="Data is under a key of your own and no other.", judge=_own_key),
    "bucket-trail": StackRule(description="Every request for data is in an audit trail.", judge=_trails),
    "budget": StackRule(description="Somebody is told what it costs.", judge=_budget),
}
