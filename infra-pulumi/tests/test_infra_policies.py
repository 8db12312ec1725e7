"""Every policy document: valid in the eyes of a linter, and no more than is needed."""

from __future__ import annotations

import pytest
from proof.policy_lint import findings
from proof.recording import Recording
from shrinkwrap_infra.policies import data_policy, document, policy_text
from shrinkwrap_infra.policies.role_policies import DataKind

# What the linter says and we mean: the document, the kind of finding, and a part of its text.
ACCEPTED = [
    # It takes numbers for whole ones; AWS's own examples compare s3:TlsVersion with 1.2.
    ("data-policy.policy", "MISMATCHED_TYPE", "s3:TlsVersion requires a value of type Numeric but given ['1.2']"),
    ("logs-policy.policy", "MISMATCHED_TYPE", "s3:TlsVersion requires a value of type Numeric but given ['1.2']"),
    # `s3:*` includes a few actions for which it knows no s3:TlsVersion; for these the denial has no meaning.
    ("data-policy.policy", "UNKNOWN_CONDITION_FOR_ACTION", "s3:TlsVersion for action s3:"),
    ("logs-policy.policy", "UNKNOWN_CONDITION_FOR_ACTION", "s3:TlsVersion for action s3:"),
    # A key's policy speaks of that key alone, and calls it `*`.
    ("data-key.policy", "RESOURCE_STAR", "kms:"),
    # A CloudShell has no name before it is made.
    ("user-boundary.policy", "RESOURCE_STAR", "cloudshell:"),
    ("user-self-service.policy", "RESOURCE_STAR", "cloudshell:"),
    # It knows SAML and a few web providers, GitHub not.
    ("role-ci-preview.assumeRolePolicy", "UNKNOWN_FEDERATION_SOURCE", "githubusercontent.com"),
    ("role-ci-preview.assumeRolePolicy", "UNKNOWN_CONDITION_FOR_ACTION", "githubusercontent.com:"),
    ("role-traffic-ci-read.assumeRolePolicy", "UNKNOWN_FEDERATION_SOURCE", "githubusercontent.com"),
    ("role-traffic-ci-publish.assumeRolePolicy", "UNKNOWN_FEDERATION_SOURCE", "githubusercontent.com"),
    ("role-traffic-ci-read.assumeRolePolicy", "UNKNOWN_CONDITION_FOR_ACTION", "githubusercontent.com:"),
    (
        "role-traffic-ci-publish.assumeRolePolicy",
        "UNKNOWN_CONDITION_FOR_ACTION",
        "token.actions.githubusercontent.com:",
    ),
    # Who sets a bucket's policy and lifecycle can in the end reach or expire what is in it: docs/decisions/0010.
    ("role-admin-policy.policy", "RESOURCE_POLICY_PRIVILEGE_ESCALATION", "does allow s3:PutBucketPolicy"),
    ("role-admin-policy.policy", "RESOURCE_POLICY_PRIVILEGE_ESCALATION", "does allow s3:PutLifecycleConfiguration"),
]


def test_the_linter_has_nothing_to_say_but_what_is_meant(stack: Recording, full_stack: Recording) -> None:
    """No unknown action, condition key or resource in any document; each accepted finding still occurs."""
    seen = set()
    for name, policy in {**dict(stack.policies()), **dict(full_stack.policies())}.items():
        for finding in findings(policy):
            accepted = [
                entry for entry in ACCEPTED if entry[0] == name and finding.startswith(entry[1]) and entry[2] in finding
            ]
            assert accepted, f"{name}: {finding}"
            seen.update(accepted)
    assert seen == set(ACCEPTED)


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ({"Action": "s3:ReadObject", "Resource": "arn:aws:s3:::b/*"}, "UNKNOWN_ACTION"),
        ({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b"}, "RESOURCE_MISMATCH"),
        (
            {
                "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::b/*",
                "Condition": {"StringEquals": {"s3:prefix": "traffic/"}},
            },
            "UNKNOWN_CONDITION_FOR_ACTION",
        ),
    ],
)
def test_the_linter_finds_mistakes(statement: dict[str, object], finding: str) -> None:
    """The linter is there and at work."""
    policy = document.document({"Sid": "S", "Effect": "Allow", **statement})
    assert [text.split(":")[0] for text in findings(policy)] == [finding]


@pytest.mark.parametrize(
    ("kind", "actions"),
    [
        ("reader", ["kms:Decrypt", "s3:GetObject", "s3:ListBucket"]),
        (
            "contributor",
            [
                "kms:Decrypt",
                "kms:GenerateDataKey",
                "s3:AbortMultipartUpload",
                "s3:GetObject",
                "s3:ListBucket",
                "s3:PutObject",
            ],
        ),
        (
            "steward",
            [
                "kms:Decrypt",
                "kms:GenerateDataKey",
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:GetObject",
                "s3:ListBucket",
                "s3:PutObject",
            ],
        ),
    ],
)
def test_data_roles_have_the_least_actions(kind: DataKind, actions: list[str]) -> None:
    """Exactly what DVC was found to need: nobody but the steward deletes, nobody has a wildcard."""
    policy = data_policy(kind, bucket="b", prefix="p/", key_arn="k", region="r")
    assert sorted(action for statement in policy["Statement"] for action in statement["Action"]) == actions


def test_the_admin_role_touches_no_data(stack: Recording) -> None:
    """Its policy allows nothing on objects of the data bucket, and denies their removal without MFA."""
    policy = stack.one("iam/rolePolicy:RolePolicy", "role-admin-policy").policy()
    data = "arn:aws:s3:::acme-shrinkwrap-test/"
    (denial,) = [s for s in policy["Statement"] if any(r.startswith(data) for r in s["Resource"])]
    assert (denial["Effect"], denial["Action"]) == ("Deny", ["s3:DeleteObject", "s3:DeleteObjectVersion"])
    assert denial["Condition"] == {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}


def test_users_have_the_least_actions(stack: Recording) -> None:
    """Exactly what the console needs for one's own password, device and CloudShell."""
    policy = stack.one("iam/policy:Policy", "user-self-service").policy()
    assert sorted(action for statement in policy["Statement"] for action in statement["Action"]) == [
        "cloudshell:CreateEnvironment",
        "cloudshell:CreateSession",
        "cloudshell:DeleteEnvironment",
        "cloudshell:DescribeEnvironments",
        "cloudshell:GetEnvironmentStatus",
        "cloudshell:GetFileDownloadUrls",
        "cloudshell:GetFileUploadUrls",
        "cloudshell:PutCredentials",
        "cloudshell:StartEnvironment",
        "cloudshell:StopEnvironment",
        "iam:ChangePassword",
        "iam:CreateVirtualMFADevice",
        "iam:DeactivateMFADevice",
        "iam:DeleteVirtualMFADevice",
        "iam:EnableMFADevice",
        "iam:GetAccountPasswordPolicy",
        "iam:GetMFADevice",
        "iam:GetUser",
        "iam:ListMFADevices",
        "iam:ListVirtualMFADevices",
        "iam:ResyncMFADevice",
    ]


def test_no_policy_allows_everything(stack: Recording, full_stack: Recording) -> None:
    """Wildcards in actions occur in denials and in the key's own policy, nowhere else."""
    for name, policy in [*stack.policies(), *full_stack.policies()]:
        for statement in policy["Statement"]:
            if statement["Effect"] == "Allow" and name != "data-key.policy":
                assert "*" not in "".join(statement["Action"]), f"{name} {statement['Sid']}"


def test_nothing_allows_lasting_keys(stack: Recording) -> None:
    """No policy allows making an access key, even where the boundary would deny it."""
    for name, policy in stack.policies():
        allowed = [action for s in policy["Statement"] if s["Effect"] == "Allow" for action in s["Action"]]
        assert "iam:CreateAccessKey" not in allowed, name


def test_the_boundary_denies_lasting_keys(stack: Recording) -> None:
    """A denial, not only no permission: whatever the boundary comes to allow, a user makes no key that lasts."""
    policy = stack.one("iam/policy:Policy", "user-boundary").policy()
    denied = [action for s in policy["Statement"] if s["Effect"] == "Deny" for action in s["Action"]]
    assert denied == [
        "iam:CreateAccessKey",
        "iam:CreateServiceSpecificCredential",
        "iam:UpdateAccessKey",
        "iam:UploadSSHPublicKey",
        "iam:UploadSigningCertificate",
    ]


def test_nothing_allows_the_public(stack: Recording) -> None:
    """No statement allows anything to the principal `*`."""
    for name, policy in stack.policies():
        for statement in policy["Statement"]:
            if statement["Effect"] == "Allow":
                assert statement.get("Principal") not in ("*", {"AWS": "*"}), f"{name} {statement['Sid']}"


def test_documents_fit_into_aws(full_stack: Recording) -> None:
    """IAM's limits in letters: 6,144 for a managed policy, 10,240 for a role's own, 2,048 for a trust; 20 KB in S3."""
    limits = {
        "iam/policy:Policy": 6144,
        "iam/rolePolicy:RolePolicy": 10240,
        "iam/userPolicy:UserPolicy": 2048,
        "s3/bucketPolicy:BucketPolicy": 20480,
    }
    for made in full_stack.resources:
        if made.kind in limits:
            assert len(made.inputs["policy"]) <= limits[made.kind], made.name
        assert len(made.inputs.get("assumeRolePolicy", "")) <= 2048, made.name


def test_the_same_document_gives_the_same_text() -> None:
    """The order in which a document is written down makes no difference that Pulumi would see."""
    assert policy_text({"b": [1], "a": "x"}) == policy_text({"a": "x", "b": [1]}) == '{"a":"x","b":[1]}'
