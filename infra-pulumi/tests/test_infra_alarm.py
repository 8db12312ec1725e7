"""The alarm: which events of CloudTrail raise it, and who gets mail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from proof.event_patterns import matches
from proof.example import ACCOUNT, BUCKET, KEY, REGION, example_settings
from proof.recording import Recording, run_program

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:shrinkwrap-test-alarm"


def event(service: str, name: str, **parameters: str) -> dict[str, Any]:
    """An event as CloudTrail records it and EventBridge delivers it; only the fields that patterns can use."""
    is_data = service == "s3" and name in ("GetObject", "PutObject", "DeleteObject")
    return {
        "source": f"aws.{service}",
        "detail-type": "AWS API Call via CloudTrail",
        "region": REGION,
        "detail": {
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "managementEvent": not is_data,
            "readOnly": name.startswith(("Get", "Describe", "List", "AssumeRole", "Decrypt")),
            "requestParameters": parameters,
        },
    }


BREAK_GLASS = f"arn:aws:iam::{ACCOUNT}:role/shrinkwrap-test-break-glass"


@pytest.mark.parametrize(
    ("rule", "detail", "is_alarm"),
    [
        *[
            ("settings", event("s3", name, bucketName=BUCKET), True)
            for name in (
                "PutBucketPolicy",
                "DeleteBucketPolicy",
                "PutBucketEncryption",
                "PutBucketLifecycle",
                "PutBucketObjectLockConfiguration",
                "PutBucketVersioning",
                "PutBucketPublicAccessBlock",
                "PutBucketReplication",
                "PutBucketLogging",
                "DeleteBucket",
                "ASettingThatS3GetsLater",
            )
        ],
        ("settings", event("s3", "PutBucketPolicy", bucketName=f"{BUCKET}-logs"), True),
        ("settings", event("s3", "PutBucketPolicy", bucketName="another-teams"), False),
        ("settings", event("s3", "PutBucketPolicy", bucketName=f"{BUCKET}-copy"), False),
        ("settings", event("s3", "GetBucketPolicy", bucketName=BUCKET), False),
        ("settings", event("s3", "PutObject", bucketName=BUCKET, key="traffic/x"), False),
        ("settings", event("s3", "DeleteObject", bucketName=BUCKET, key="traffic/x"), False),
        ("key", event("kms", "PutKeyPolicy", keyId=KEY), True),
        ("key", event("kms", "ScheduleKeyDeletion", keyId=KEY.rpartition("/")[2]), True),
        ("key", event("kms", "CreateGrant", keyId=KEY), True),
        ("key", event("kms", "Decrypt", keyId=KEY), False),
        ("key", event("kms", "PutKeyPolicy", keyId=KEY.replace("1111", "2222")), False),
        ("break-glass", event("sts", "AssumeRole", roleArn=BREAK_GLASS), True),
        ("break-glass", event("sts", "AssumeRoleWithSAML", roleArn=BREAK_GLASS), True),
        ("break-glass", event("sts", "AssumeRole", roleArn=BREAK_GLASS.replace("break-glass", "admin")), False),
    ],
)
def test_what_raises_the_alarm(stack: Recording, rule: str, detail: dict[str, Any], is_alarm: bool) -> None:
    """Each change of a setting of both buckets, each change of the key, and each session of break-glass; no use."""
    assert matches(json.loads(event_rule(stack, rule)["eventPattern"]), detail) is is_alarm


def event_rule(stack: Recording, name: str) -> dict[str, Any]:
    return stack.one("cloudwatch/eventRule:EventRule", f"alarm-{name}").inputs


def test_sessions_are_delivered_although_they_only_read(stack: Recording) -> None:
    """EventBridge leaves out events that only read, unless the rule has this state."""
    assert event_rule(stack, "break-glass")["state"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    assert event_rule(stack, "settings")["state"] == event_rule(stack, "key")["state"] == "ENABLED"


def test_every_rule_sends_mail(stack: Recording) -> None:
    """Each rule has the topic as its target, and only these rules may publish to it."""
    rules = [rule.inputs["name"] for rule in stack.all("cloudwatch/eventRule:EventRule")]
    targets = [target.inputs for target in stack.all("cloudwatch/eventTarget:EventTarget")]
    assert {target["rule"]: target["arn"] for target in targets} == dict.fromkeys(rules, TOPIC)

    (statement,) = stack.one("sns/topicPolicy:TopicPolicy", "alarm-policy").policy()["Statement"]
    assert (statement["Principal"], statement["Action"]) == ({"Service": "events.amazonaws.com"}, ["sns:Publish"])
    arns = {f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}" for name in rules}
    assert set(statement["Condition"]["ArnEquals"].pop("aws:SourceArn")) == arns
    assert statement["Condition"] == {"ArnEquals": {}}


def test_the_mail_goes_to_the_budgets_addresses_or_to_others() -> None:
    """Without the setting `alarm`, the addresses of the budget are used."""
    settings = example_settings()
    assert addresses(run_program(settings)) == ["admins@example.com"]
    settings["alarm"] = {"emails": ["a@example.com", "b@example.com"]}
    assert addresses(run_program(settings)) == ["a@example.com", "b@example.com"]


def addresses(stack: Recording) -> list[str]:
    mails = stack.all("sns/topicSubscription:TopicSubscription")
    assert all((mail.inputs["protocol"], mail.inputs["topic"]) == ("email", TOPIC) for mail in mails)
    return [mail.inputs["endpoint"] for mail in mails]


@pytest.mark.parametrize(
    ("service", "is_read", "is_recorded"),
    [
        ("s3.amazonaws.com", False, True),
        ("iam.amazonaws.com", False, True),
        ("kms.amazonaws.com", False, True),
        ("sts.amazonaws.com", True, True),
        ("s3.amazonaws.com", True, True),
        ("kms.amazonaws.com", True, False),
    ],
)
def test_the_trail_records_management_events(stack: Recording, service: str, is_read: bool, is_recorded: bool) -> None:
    """Policies, encryption, roles, keys and AssumeRole are recorded; uses of keys, which are reads, are not."""
    trail = stack.one("cloudtrail/trail:Trail", "data-trail").inputs
    # IAM records its events in another region, and a session can come from any region's endpoint.
    assert (trail["isMultiRegionTrail"], trail["includeGlobalServiceEvents"]) == (True, True)
    event = {"eventCategory": "Management", "readOnly": str(is_read).lower(), "eventSource": service}
    selected = [
        all(
            event.get(field["field"]) in field.get("equals", [event.get(field["field"])])
            and event.get(field["field"]) not in field.get("notEquals", [])
            for field in selector["fieldSelectors"]
        )
        for selector in trail["advancedEventSelectors"]
        if {"field": "eventCategory", "equals": ["Management"]} in selector["fieldSelectors"]
    ]
    assert any(selected) is is_recorded
