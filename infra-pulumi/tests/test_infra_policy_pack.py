"""The policy pack: our own stack keeps every rule, and breaking any rule is told."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi_policy
import pytest
from bucket_rules import RULES, STACK_RULES, violations
from proof.recording import Recording

DENIAL = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
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


def test_our_buckets_have_their_companions(stack: Recording) -> None:
    """The rule over the whole stack holds too."""
    resources = [(f"aws:{made.kind}", made.inputs) for made in stack.resources]
    assert list(STACK_RULES["bucket-companions"].judge(resources)) == []


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
        ("bucket-transport", {"policy": json.dumps({"Statement": []})}, "policy must deny s3:*"),
        ("bucket-transport", {"policy": "not JSON"}, "policy must deny s3:*"),
        ("bucket-transport", {"policy": {"Statement": {**DENIAL, "Effect": "Allow"}}}, "policy must deny s3:*"),
        ("bucket-transport", {"policy": {"Statement": {**DENIAL, "Action": "s3:GetObject"}}}, "policy must deny s3:*"),
        (
            "bucket-transport",
            {"policy": {"Statement": [DENIAL, {"Sid": "Oops", "Effect": "Allow", "Principal": "*", "Action": "s3:*"}]}},
            "policy statement Oops allows everyone in the world",
        ),
        ("bucket-versioning", {"versioningConfiguration": {"status": "Suspended"}}, "versioningConfiguration.status"),
        ("key-rotation", {"enableKeyRotation": False}, "enableKeyRotation must be true"),
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
        ("bucket-transport", {"policy": {"Statement": [DENIAL]}}),
        ("bucket-transport", {"policy": json.dumps({"Statement": {**DENIAL, "Action": ["s3:*"]}})}),
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


def test_a_bucket_without_companions_is_told() -> None:
    """Each missing companion is one message; another bucket's does not count."""
    versioning = ("aws:s3/bucketVersioning:BucketVersioning", {"bucket": "other"})
    told = list(STACK_RULES["bucket-companions"].judge([("aws:s3/bucket:Bucket", {"bucket": "mine"}), versioning]))
    assert told == [
        "bucket mine has no BucketOwnershipControls",
        "bucket mine has no BucketPublicAccessBlock",
        "bucket mine has no BucketServerSideEncryptionConfiguration",
        "bucket mine has no BucketVersioning",
    ]


def test_the_pack_has_every_rule_and_reports_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulumi is handed all rules as mandatory, and each hands on what its function says."""
    pack: dict[str, Any] = {}
    monkeypatch.setattr(pulumi_policy, "PolicyPack", lambda **arguments: pack.update(arguments))
    runpy.run_path(str(Path(__file__).resolve().parents[1] / "policy-pack" / "__main__.py"))
    policies = {policy.name: policy for policy in pack["policies"]}
    assert pack["enforcement_level"] is pulumi_policy.EnforcementLevel.MANDATORY
    assert set(policies) == {*RULES, *STACK_RULES}
    told: list[str] = []
    user = SimpleNamespace(resource_type="aws:iam/user:User", props={})
    bucket = SimpleNamespace(resource_type="aws:s3/bucket:Bucket", props={"bucket": "mine"})

    def report(message: str, urn: str | None) -> None:
        told.append(message)

    policies["user-boundary"].validate(user, report)
    policies["bucket-companions"].validate(SimpleNamespace(resources=[bucket]), report)
    assert len(told) == 5
