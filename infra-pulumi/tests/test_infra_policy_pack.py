"""The policy pack: our own stack keeps every rule, and breaking any rule is told."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi_policy
import pytest
from bucket_rules import RULES, unprotected, violations
from proof.recording import Recording
from stack_rules import STACK_RULES

PLAIN_HTTP_TOLD = "policy must deny s3:* to everyone when aws:SecureTransport is false"
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
def test_our_stack_keeps_the_rule(stack: Recording, full_stack: Recording, name: str) -> None:
    """No resource of ours breaks a rule, and there is one for each rule but that against access keys."""
    ours = [
        made for made in [*stack.resources, *full_stack.resources] if f"aws:{made.kind}" == RULES[name].resource_type
    ]
    assert bool(ours) is (name != "access-key")
    for made in ours:
        assert violations(name, f"aws:{made.kind}", made.inputs) == [], made.name


@pytest.mark.parametrize("name", STACK_RULES)
def test_our_stack_keeps_the_rules_for_stacks(stack: Recording, full_stack: Recording, name: str) -> None:
    """The rules over the whole stack hold too."""
    for recording in (stack, full_stack):
        resources = [(f"aws:{made.kind}", made.inputs) for made in recording.resources]
        assert list(STACK_RULES[name].judge(resources)) == []


def test_our_stack_protects_what_must_not_go(stack: Recording) -> None:
    """Buckets and key are protected; others need not be."""
    for made in stack.resources:
        assert unprotected(f"aws:{made.kind}", is_protected=made.is_protected) == [], made.name
    (told,) = unprotected("aws:kms/key:Key", is_protected=False)
    assert told.startswith("the option `protect` must be true")


@pytest.mark.parametrize(
    ("name", "props", "told"),
    [
        ("access-key", {"user": "ada"}, "must not be made"),
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
            "kmsMasterKeyId must name a key of your own",
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
        ("bucket-transport", {"policy": json.dumps({"Statement": [OLD_TLS]})}, PLAIN_HTTP_TOLD),
        ("bucket-transport", {"policy": {"Statement": [OLD_TLS, {**DENIAL, "Effect": "Allow"}]}}, PLAIN_HTTP_TOLD),
        (
            "bucket-transport",
            {"policy": {"Statement": [OLD_TLS, {**DENIAL, "Action": "s3:GetObject"}]}},
            PLAIN_HTTP_TOLD,
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
            "policy statement Oops allows everyone in the world",
        ),
        ("bucket-versioning", {"versioningConfiguration": {"status": "Suspended"}}, "versioningConfiguration.status"),
        ("key-rotation", {"enableKeyRotation": False}, "enableKeyRotation must be true"),
        ("trail", {"enableLogging": False, "enableLogFileValidation": True}, "enableLogging must not be false"),
        ("trail", {"enableLogging": True}, "enableLogFileValidation must be true"),
        ("user-boundary", {"name": "ada"}, "permissionsBoundary must be set"),
        ("user-password", {"user": "ada"}, "passwordResetRequired must be true"),
        ("workflow-trust", github_trust(None), "the trust for GitHub must compare"),
        ("workflow-trust", github_trust("repo:acme/x:*"), "the trust for GitHub must compare"),
        ("workflow-trust", github_trust("repo:acme/x:pull_request"), "the trust for GitHub must compare"),
        (
            "workflow-trust",
            github_trust("repo:acme/x:environment:e", "StringLike"),
            "the trust for GitHub must compare",
        ),
    ],
)
def test_breaking_a_rule_is_told(name: str, props: dict[str, Any], told: str) -> None:
    """Each way of breaking a rule gives one message that says what must be."""
    (message,) = violations(name, RULES[name].resource_type, props)
    assert message.startswith(told)


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
def test_keeping_a_rule_is_not_told(name: str, props: dict[str, Any]) -> None:
    """What is right in another form than ours is right."""
    assert violations(name, RULES[name].resource_type, props) == []


def test_rules_look_at_their_own_type_only() -> None:
    """A bucket is not judged as a user."""
    assert violations("user-boundary", "aws:s3/bucket:Bucket", {}) == []


def test_a_policy_that_is_no_document_denies_nothing() -> None:
    """A text that is no JSON is told as what it lacks."""
    assert len(violations("bucket-transport", "aws:s3/bucketPolicy:BucketPolicy", {"policy": "not JSON"})) == 2


def stack_without(*names: str, stack: Recording) -> list[tuple[str, dict[str, Any]]]:
    """Our stack's resources without those of these names."""
    return [(f"aws:{made.kind}", made.inputs) for made in stack.resources if made.name not in names]


@pytest.mark.parametrize(
    ("rule", "without", "told"),
    [
        ("bucket-companions", "data-encryption", "has no BucketServerSideEncryptionConfiguration"),
        ("bucket-companions", "logs-lifecycle", "has no BucketLifecycleConfiguration"),
        ("bucket-companions", "data-ownership", "has no BucketOwnershipControls"),
        ("bucket-companions", "logs-policy", "has no BucketPolicy"),
        ("bucket-companions", "data-public-access", "has no BucketPublicAccessBlock"),
        ("bucket-companions", "logs-versioning", "has no BucketVersioning"),
        ("bucket-companions", "data-logging", "has no BucketLogging"),
        ("bucket-trail", "data-trail", "no trail records the requests for objects of bucket acme-shrinkwrap-test"),
        ("budget", "monthly-budget", "no budget tells anybody"),
    ],
)
def test_what_a_stack_lacks_is_told(stack: Recording, rule: str, without: str, told: str) -> None:
    """Without one of what our stack has, the rule for it says what is missing, of which bucket."""
    (message,) = STACK_RULES[rule].judge(stack_without(without, stack=stack))
    assert told in message


def test_data_is_under_a_key_of_ones_own(stack: Recording) -> None:
    """S3's own key is for logs, and the policy of a bucket with data must deny other keys."""
    judge, bucket = STACK_RULES["bucket-own-key"].judge, "acme-shrinkwrap-test"
    others = stack_without("data-encryption", "data-policy", stack=stack)
    kind = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    simple = {"bucket": bucket, "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]}
    assert list(judge([*others, (kind, simple)])) == [
        f"bucket {bucket} must be encrypted by aws:kms; only where logs are delivered, S3 asks for AES256"
    ]
    document = stack.one("s3/bucketPolicy:BucketPolicy", "data-policy").policy()
    for sid in ("DenyOtherKey", "DenyCustomerKey"):
        left = {"Statement": [statement for statement in document["Statement"] if statement["Sid"] != sid]}
        policy = ("aws:s3/bucketPolicy:BucketPolicy", {"bucket": bucket, "policy": json.dumps(left)})
        (message,) = judge([*others, policy])
        assert message.startswith(f"the policy of bucket {bucket} must deny s3:PutObject with another key"), sid


def test_another_buckets_companion_does_not_count() -> None:
    """Each missing companion is one message; what belongs to another bucket is none."""
    versioning = ("aws:s3/bucketVersioning:BucketVersioning", {"bucket": "other"})
    told = list(STACK_RULES["bucket-companions"].judge([("aws:s3/bucket:Bucket", {"bucket": "mine"}), versioning]))
    assert (len(told), told[-1]) == (7, "bucket mine has no BucketLogging")
    assert "bucket mine has no BucketVersioning" in told


def test_the_pack_has_every_rule_and_reports_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulumi is handed all rules as mandatory, and each hands on what its function says."""
    pack: dict[str, Any] = {}
    monkeypatch.setattr(pulumi_policy, "PolicyPack", lambda **arguments: pack.update(arguments))
    runpy.run_path(str(Path(__file__).resolve().parents[1] / "policy-pack" / "__main__.py"))
    policies = {policy.name: policy for policy in pack["policies"]}
    assert pack["enforcement_level"] is pulumi_policy.EnforcementLevel.MANDATORY
    assert set(policies) == {*RULES, *STACK_RULES, "protect"}
    told: list[str] = []
    user = SimpleNamespace(resource_type="aws:iam/user:User", props={})
    bucket = SimpleNamespace(
        resource_type="aws:s3/bucket:Bucket", props={"bucket": "mine"}, opts=SimpleNamespace(protect=False)
    )

    def report(message: str, urn: str | None) -> None:
        told.append(message)

    policies["user-boundary"].validate(user, report)
    policies["protect"].validate(bucket, report)
    policies["budget"].validate(SimpleNamespace(resources=[bucket]), report)
    assert [message.split()[0] for message in told] == ["permissionsBoundary", "the", "no"]
