"""The policy pack: our own stack follows every rule, and every violation is reported."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi_policy
import pytest
from bucket_rules import RULES, unprotected, violations
from proof.example import settings_in
from proof.recording import Recording, run_program
from stack_rules import STACK_RULES

PLAIN_HTTP_MESSAGE = "policy must deny s3:* to everyone when aws:SecureTransport is false"
DENIAL = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
OLD_TLS = {**DENIAL, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}}
KMS = {
    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "k"},
    "bucketKeyEnabled": True,
    "blockedEncryptionTypes": ["SSE-C"],
}
LIFECYCLE = {
    "status": "Enabled",
    "noncurrentVersionExpiration": {"noncurrentDays": 1},
    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
}
BLOCKS = {
    "blockPublicAcls": True,
    "blockPublicPolicy": True,
    "ignorePublicAcls": True,
    "restrictPublicBuckets": True,
}


def github_trust(subject: str | None, operator: str = "StringEquals") -> dict[str, Any]:
    condition = {operator: {"token.actions.githubusercontent.com:sub": subject}} if subject else {}
    provider = {"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}
    statement = {"Effect": "Allow", "Principal": provider, "Action": "x", "Condition": condition}
    return {"assumeRolePolicy": json.dumps({"Statement": statement})}


@pytest.mark.parametrize("name", RULES)
def test_our_stack_follows_the_rule(stack: Recording, full_stack: Recording, name: str) -> None:
    """No resource of our stack violates a rule, and it has resources for every rule except the one on access keys."""
    ours = [
        resource
        for resource in [*stack.resources, *full_stack.resources]
        if f"aws:{resource.kind}" == RULES[name].resource_type
    ]
    assert bool(ours) is (name != "access-key")
    for resource in ours:
        assert violations(name, f"aws:{resource.kind}", resource.inputs) == [], resource.name


@pytest.mark.parametrize("name", STACK_RULES)
def test_our_stack_follows_the_rules_for_stacks(stack: Recording, full_stack: Recording, name: str) -> None:
    """Our stack also follows the rules for all of its resources together."""
    for recording in (stack, full_stack):
        resources = [(f"aws:{resource.kind}", resource.inputs) for resource in recording.resources]
        assert list(STACK_RULES[name].find(resources)) == []


@pytest.mark.parametrize(("region", "name"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_a_stack_in_another_partition_follows_the_rules(region: str, name: str) -> None:
    """Its ARNs begin differently, and GovCloud has no budgets."""
    recording = run_program(settings_in(region, name))
    resources = [(f"aws:{resource.kind}", resource.inputs) for resource in recording.resources]
    assert {rule: list(STACK_RULES[rule].find(resources)) for rule in STACK_RULES} == {rule: [] for rule in STACK_RULES}


def test_our_stack_protects_buckets_and_key(stack: Recording) -> None:
    """Buckets and the key must be protected; other resources need not be."""
    for resource in stack.resources:
        assert unprotected(f"aws:{resource.kind}", is_protected=resource.is_protected) == [], resource.name
    (message,) = unprotected("aws:kms/key:Key", is_protected=False)
    assert message.startswith("the option `protect` must be true")


@pytest.mark.parametrize(
    ("name", "props", "expected"),
    [
        ("access-key", {"user": "ada"}, "access keys must not be created"),
        ("bucket-force-destroy", {"forceDestroy": True}, "forceDestroy must not be true"),
        ("bucket-ownership", {"rule": {"objectOwnership": "ObjectWriter"}}, "rule.objectOwnership must be"),
        ("bucket-ownership", {}, "rule.objectOwnership must be"),
        ("bucket-public-access", {**BLOCKS, "blockPublicAcls": False}, "blockPublicAcls must be true"),
        ("bucket-public-access", {**BLOCKS, "blockPublicPolicy": False}, "blockPublicPolicy must be true"),
        ("bucket-public-access", {**BLOCKS, "ignorePublicAcls": None}, "ignorePublicAcls must be true"),
        ("bucket-public-access", {**BLOCKS, "restrictPublicBuckets": False}, "restrictPublicBuckets must be true"),
        ("bucket-encryption", {"rules": []}, "rules[].applyServerSideEncryptionByDefault.sseAlgorithm must be"),
        (
            "bucket-encryption",
            {"rules": [{**KMS, "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}]},
            "kmsMasterKeyId must name your own key",
        ),
        ("bucket-encryption", {"rules": [{**KMS, "bucketKeyEnabled": False}]}, "bucketKeyEnabled must be true"),
        ("bucket-encryption", {"rules": [{**KMS, "blockedEncryptionTypes": ["NONE"]}]}, "blockedEncryptionTypes must"),
        (
            "bucket-lifecycle",
            {"rules": [{**LIFECYCLE, "noncurrentVersionExpiration": None}]},
            "an enabled rule must have noncurrentVersionExpiration",
        ),
        (
            "bucket-lifecycle",
            {"rules": [{**LIFECYCLE, "abortIncompleteMultipartUpload": None}]},
            "an enabled rule must have abortIncompleteMultipartUpload",
        ),
        ("bucket-transport", {"policy": json.dumps({"Statement": [OLD_TLS]})}, PLAIN_HTTP_MESSAGE),
        ("bucket-transport", {"policy": {"Statement": [OLD_TLS, {**DENIAL, "Effect": "Allow"}]}}, PLAIN_HTTP_MESSAGE),
        (
            "bucket-transport",
            {"policy": {"Statement": [OLD_TLS, {**DENIAL, "Action": "s3:GetObject"}]}},
            PLAIN_HTTP_MESSAGE,
        ),
        (
            "bucket-transport",
            {"policy": {"Statement": [DENIAL]}},
            "policy must deny s3:* to everyone when s3:TlsVersion",
        ),
        (
            "bucket-transport",
            {
                "policy": {
                    "Statement": [
                        DENIAL,
                        {**OLD_TLS, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.1"}}},
                    ]
                }
            },
            "policy must deny s3:* to everyone when s3:TlsVersion",
        ),
        (
            "bucket-transport",
            {
                "policy": {
                    "Statement": [
                        DENIAL,
                        OLD_TLS,
                        {"Sid": "Oops", "Effect": "Allow", "Principal": "*", "Action": "s3:*"},
                    ]
                }
            },
            "policy statement Oops allows access to everyone",
        ),
        ("bucket-versioning", {"versioningConfiguration": {"status": "Suspended"}}, "versioningConfiguration.status"),
        ("key-rotation", {"enableKeyRotation": False}, "enableKeyRotation must be true"),
        ("trail", {"enableLogging": False, "enableLogFileValidation": True}, "enableLogging must not be false"),
        ("trail", {"enableLogging": True}, "enableLogFileValidation must be true"),
        ("user-boundary", {"name": "ada"}, "permissionsBoundary must be set"),
        ("user-password", {"user": "ada"}, "passwordResetRequired must be true"),
        ("workflow-trust", github_trust(None), "the trust policy for GitHub must compare"),
        ("workflow-trust", github_trust("repo:acme/x:*"), "the trust policy for GitHub must compare"),
        ("workflow-trust", github_trust("repo:acme/x:pull_request"), "the trust policy for GitHub must compare"),
        (
            "workflow-trust",
            github_trust("repo:acme/x:environment:e", "StringLike"),
            "the trust policy for GitHub must compare",
        ),
    ],
)
def test_a_violation_is_reported(name: str, props: dict[str, Any], expected: str) -> None:
    """Each violation is one message that states what must change."""
    (message,) = violations(name, RULES[name].resource_type, props)
    assert message.startswith(expected)


@pytest.mark.parametrize(
    ("name", "props"),
    [
        ("bucket-encryption", {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]}),
        ("bucket-lifecycle", {"rules": [LIFECYCLE]}),
        ("bucket-transport", {"policy": {"Statement": [DENIAL, OLD_TLS]}}),
        ("bucket-transport", {"policy": json.dumps({"Statement": [{**DENIAL, "Action": ["s3:*"]}, OLD_TLS]})}),
        ("key-rotation", {"customerMasterKeySpec": "ECC_NIST_P256"}),
        ("workflow-trust", github_trust("repo:acme/x:environment:e")),
        ("workflow-trust", {"assumeRolePolicy": {"Statement": [{"Principal": {"Service": "s3.amazonaws.com"}}]}}),
    ],
)
def test_following_a_rule_is_not_reported(name: str, props: dict[str, Any]) -> None:
    """Inputs that differ from ours in form but follow the rule are accepted."""
    assert violations(name, RULES[name].resource_type, props) == []


def test_a_rule_checks_only_its_own_type() -> None:
    """A rule about users does not check a bucket."""
    assert violations("user-boundary", "aws:s3/bucket:Bucket", {}) == []


def test_a_policy_that_is_not_json_denies_nothing() -> None:
    """Both required denials are reported as missing."""
    assert len(violations("bucket-transport", "aws:s3/bucketPolicy:BucketPolicy", {"policy": "not JSON"})) == 2


def stack_without(*names: str, stack: Recording) -> list[tuple[str, dict[str, Any]]]:
    """The resources of our stack, except those with these names."""
    return [(f"aws:{resource.kind}", resource.inputs) for resource in stack.resources if resource.name not in names]


@pytest.mark.parametrize(
    ("rule", "without", "expected"),
    [
        ("bucket-companions", "data-encryption", "has no BucketServerSideEncryptionConfiguration"),
        ("bucket-companions", "logs-lifecycle", "has no BucketLifecycleConfiguration"),
        ("bucket-companions", "data-ownership", "has no BucketOwnershipControls"),
        ("bucket-companions", "logs-policy", "has no BucketPolicy"),
        ("bucket-companions", "data-public-access", "has no BucketPublicAccessBlock"),
        ("bucket-companions", "logs-versioning", "has no BucketVersioning"),
        ("bucket-companions", "data-logging", "has no BucketLogging"),
        ("bucket-trail", "data-trail", "no trail records the requests for objects of bucket acme-shrinkwrap-test"),
        ("budget", "monthly-budget", "no budget sends notifications"),
    ],
)
def test_a_missing_resource_is_reported(stack: Recording, rule: str, without: str, expected: str) -> None:
    """If one resource of our stack is removed, its rule reports what is missing and for which bucket."""
    (message,) = STACK_RULES[rule].find(stack_without(without, stack=stack))
    assert expected in message


def test_data_must_be_encrypted_with_its_own_key(stack: Recording) -> None:
    """Only logs may use S3's own key, and the policy of a bucket with data must deny other keys."""
    find, bucket = STACK_RULES["bucket-own-key"].find, "acme-shrinkwrap-test"
    others = stack_without("data-encryption", "data-policy", stack=stack)
    kind = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    simple = {"bucket": bucket, "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]}
    assert list(find([*others, (kind, simple)])) == [
        f"bucket {bucket} must be encrypted by aws:kms; S3 requires AES256 only for buckets that store logs"
    ]
    document = stack.one("s3/bucketPolicy:BucketPolicy", "data-policy").policy()
    for sid in ("DenyOtherKey", "DenyCustomerKey"):
        reduced = {"Statement": [statement for statement in document["Statement"] if statement["Sid"] != sid]}
        policy = ("aws:s3/bucketPolicy:BucketPolicy", {"bucket": bucket, "policy": json.dumps(reduced)})
        (message,) = find([*others, policy])
        assert message.startswith(f"the policy of bucket {bucket} must deny s3:PutObject with another key"), sid


def test_another_buckets_companion_does_not_count() -> None:
    """Each missing companion is one message; a companion that names another bucket does not count."""
    versioning = ("aws:s3/bucketVersioning:BucketVersioning", {"bucket": "other"})
    messages = list(STACK_RULES["bucket-companions"].find([("aws:s3/bucket:Bucket", {"bucket": "mine"}), versioning]))
    assert (len(messages), messages[-1]) == (7, "bucket mine has no BucketLogging")
    assert "bucket mine has no BucketVersioning" in messages


def test_the_pack_has_every_rule_and_reports_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pack has all rules as mandatory policies, and each policy reports the messages of its rule."""
    pack: dict[str, Any] = {}
    monkeypatch.setattr(pulumi_policy, "PolicyPack", lambda **arguments: pack.update(arguments))
    runpy.run_path(str(Path(__file__).resolve().parents[1] / "policy-pack" / "__main__.py"))
    policies = {policy.name: policy for policy in pack["policies"]}
    assert pack["enforcement_level"] is pulumi_policy.EnforcementLevel.MANDATORY
    assert set(policies) == {*RULES, *STACK_RULES, "protect"}
    messages: list[str] = []
    user = SimpleNamespace(resource_type="aws:iam/user:User", props={})
    bucket = SimpleNamespace(
        resource_type="aws:s3/bucket:Bucket", props={"bucket": "mine"}, opts=SimpleNamespace(protect=False)
    )

    def report(message: str, urn: str | None) -> None:
        messages.append(message)

    policies["user-boundary"].validate(user, report)
    policies["protect"].validate(bucket, report)
    policies["budget"].validate(SimpleNamespace(resources=[bucket]), report)
    assert [message.split()[0] for message in messages] == ["permissionsBoundary", "the", "no"]
