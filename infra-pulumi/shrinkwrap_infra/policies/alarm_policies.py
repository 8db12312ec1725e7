"""Which events raise the alarm, and who may publish to its topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .document import Document, allow_service, document

# A pattern of EventBridge: by field, the values of which one must match.
Pattern = Mapping[str, Any]

_BY_TRAIL = "AWS API Call via CloudTrail"


def settings_pattern(*, buckets: Sequence[str]) -> Pattern:
    """Every change of a bucket's settings: policy, encryption, lock, lifecycle, and any setting S3 gets later.

    Requests for objects are management events of no bucket, so uploads do not match.
    """
    changed = {"requestParameters": {"bucketName": list(buckets)}}
    return _pattern("aws.s3", "s3.amazonaws.com", {**_WRITES, **changed})


def key_pattern(*, key_arn: str) -> Pattern:
    """Every change of the key: its policy, its state, its rotation, and new grants."""
    names = [key_arn, key_arn.rpartition("/")[2]]
    return _pattern("aws.kms", "kms.amazonaws.com", {**_WRITES, "requestParameters": {"keyId": names}})


def session_pattern(*, role_arn: str) -> Pattern:
    """Every session of a role, and every attempt."""
    parameters = {"requestParameters": {"roleArn": [role_arn]}}
    return _pattern("aws.sts", "sts.amazonaws.com", {"eventName": [{"prefix": "AssumeRole"}], **parameters})


def alarm_topic_policy(*, topic_arn: str, rule_arns: Sequence[str]) -> Document:
    """Allow EventBridge to publish for these rules, and no other service."""
    from_rules = {"ArnEquals": {"aws:SourceArn": list(rule_arns)}}
    return document(allow_service("Rules", "events.amazonaws.com", ["sns:Publish"], [topic_arn], from_rules))


def _pattern(source: str, service: str, detail: Pattern) -> Pattern:
    return {"source": [source], "detail-type": [_BY_TRAIL], "detail": {"eventSource": [service], **detail}}


_WRITES: Pattern = {"managementEvent": [True], "readOnly": [False]}
