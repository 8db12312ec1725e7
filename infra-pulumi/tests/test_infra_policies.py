"""Every policy document passes a linter and permits no more than is needed."""

from __future__ import annotations

import pytest
from proof.example import example_settings
from proof.policy_lint import findings
from proof.recording import Recording, run_program
from shrinkwrap_infra.policies import data_policy, document, policy_text
from shrinkwrap_infra.policies.role_policies import CHANGE_SETTINGS, DataKind

# Accepted findings of the linter: the document, the kind of finding, and a part of its text.
ACCEPTED = [
    # The linter accepts only integers as numbers; AWS's own examples compare s3:TlsVersion with 1.2.
    ("data-policy.policy", "MISMATCHED_TYPE", "s3:TlsVersion requires a value of type Numeric but given ['1.2']"),
    ("logs-policy.policy", "MISMATCHED_TYPE", "s3:TlsVersion requires a value of type Numeric but given ['1.2']"),
    # `s3:*` includes a few actions that, to the linter, do not support s3:TlsVersion; the denial has no effect on them.
    ("data-policy.policy", "UNKNOWN_CONDITION_FOR_ACTION", "s3:TlsVersion for action s3:"),
    ("logs-policy.policy", "UNKNOWN_CONDITION_FOR_ACTION", "s3:TlsVersion for action s3:"),
    # The linter's list of actions is older than AWS's metadata tables.
    ("data-policy.policy", "UNKNOWN_ACTION", "s3:UpdateBucket*"),
    ("role-admin-policy.policy", "UNKNOWN_ACTION", "s3:UpdateBucket*"),
    # In the policy of a key, `*` means that key alone.
    ("data-key.policy", "RESOURCE_STAR", "kms:"),
    # A CloudShell environment has no name before it is created.
    ("user-boundary.policy", "RESOURCE_STAR", "cloudshell:"),
    ("user-self-service.policy", "RESOURCE_STAR", "cloudshell:"),
    # The linter knows SAML and a few web identity providers, but not GitHub.
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
    # A role that sets the policy of a bucket can give access to its objects. This one exists for that:
    # docs/decisions/0010.
    ("role-break-glass-policy.policy", "RESOURCE_POLICY_PRIVILEGE_ESCALATION", "does allow s3:PutBucketPolicy"),
]


def test_the_linter_reports_only_accepted_findings(stack: Recording, full_stack: Recording) -> None:
    """No document has an unknown action, condition key or resource; each accepted finding still occurs."""
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
    """The linter works."""
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
                "s3:GetObjectVersion",
                "s3:ListBucket",
                "s3:ListBucketVersions",
                "s3:PutObject",
                "s3:RestoreObject",
            ],
        ),
    ],
)
def test_data_roles_have_the_least_actions(kind: DataKind, actions: list[str]) -> None:
    """Each role has exactly the actions that DVC needs: only the steward deletes, and no role has a wildcard."""
    policy = data_policy(kind, bucket="b", prefix="p/", key_arn="k", region="r")
    assert sorted(action for statement in policy["Statement"] for action in statement["Action"]) == actions


def test_the_admin_role_has_no_access_to_data(stack: Recording) -> None:
    """Its policy denies every action on objects of the data bucket, without any condition."""
    policy = stack.one("iam/rolePolicy:RolePolicy", "role-admin-policy").policy()
    data = "arn:aws:s3:::acme-shrinkwrap-test/"
    (denial,) = [s for s in policy["Statement"] if any(r.startswith(data) for r in s["Resource"])]
    assert (denial["Effect"], denial.get("Condition")) == ("Deny", None)
    assert {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"} <= set(
        denial["Action"]
    )


def test_the_admin_role_changes_no_setting(stack: Recording) -> None:
    """Every action that it allows only reads."""
    policy = stack.one("iam/rolePolicy:RolePolicy", "role-admin-policy").policy()
    allowed = [action for s in policy["Statement"] if s["Effect"] == "Allow" for action in s["Action"]]
    assert allowed
    assert all(action.partition(":")[2].startswith(("Describe", "Get", "List")) for action in allowed)


def test_break_glass_cannot_read_data(stack: Recording) -> None:
    """Its own policy denies reading, writing and the key, so that no bucket policy it sets can allow them to itself."""
    policy = stack.one("iam/rolePolicy:RolePolicy", "role-break-glass-policy").policy()
    denied = {action for s in policy["Statement"] if s["Effect"] == "Deny" for action in s["Action"]}
    assert all("Condition" not in s for s in policy["Statement"] if s["Effect"] == "Deny")
    assert {"kms:CreateGrant", "kms:Decrypt", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"} <= denied


@pytest.mark.parametrize("action", CHANGE_SETTINGS)
def test_the_bucket_denies_its_settings_to_every_role_of_the_stack(stack: Recording, action: str) -> None:
    """Roles and users of the stack except break-glass are denied each setting, whatever their own policies allow."""
    policy = stack.one("s3/bucketPolicy:BucketPolicy", "data-policy").policy()
    (denial,) = [s for s in policy["Statement"] if s["Sid"] == "DenySettingsToOwnCallers"]
    assert action in denial["Action"]
    own = [f"arn:aws:iam::111122223333:{kind}/shrinkwrap-test-*" for kind in ("role", "user")]
    assert denial["Condition"] == {
        "ArnLike": {"aws:PrincipalArn": own},
        "ArnNotEquals": {"aws:PrincipalArn": ["arn:aws:iam::111122223333:role/shrinkwrap-test-break-glass"]},
    }


def test_without_the_role_break_glass_no_role_is_exempt() -> None:
    """The role exists only if a person has it."""
    settings = example_settings()
    settings["people"]["linus"]["roles"] = ["climate/contributor"]
    del settings["people"]["operators"]
    recording = run_program(settings)
    assert "role-break-glass" not in {role.name for role in recording.all("iam/role:Role")}
    policy = recording.one("s3/bucketPolicy:BucketPolicy", "data-policy").policy()
    by_sid = {statement["Sid"]: statement["Condition"] for statement in policy["Statement"]}
    assert "ArnNotEquals" not in by_sid["DenySettingsToOwnCallers"]
    assert by_sid["DenyRemovalOfVersionsWithoutMfa"] == {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}


def test_users_have_the_least_actions(stack: Recording) -> None:
    """Users have exactly the actions that the console needs for their own password and device, and for CloudShell."""
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
    """Wildcards in actions occur only in denials and in the policy of the key."""
    for name, policy in [*stack.policies(), *full_stack.policies()]:
        for statement in policy["Statement"]:
            if statement["Effect"] == "Allow" and name != "data-key.policy":
                assert "*" not in "".join(statement["Action"]), f"{name} {statement['Sid']}"


def test_no_policy_allows_long_lived_keys(stack: Recording) -> None:
    """No policy allows creating an access key, even where the boundary would deny it."""
    for name, policy in stack.policies():
        allowed = [action for s in policy["Statement"] if s["Effect"] == "Allow" for action in s["Action"]]
        assert "iam:CreateAccessKey" not in allowed, name


def test_the_boundary_denies_long_lived_keys(stack: Recording) -> None:
    """The denial is explicit, so that a user cannot create a long-lived key whatever else the boundary allows."""
    policy = stack.one("iam/policy:Policy", "user-boundary").policy()
    denied = [action for s in policy["Statement"] if s["Effect"] == "Deny" for action in s["Action"]]
    assert denied == [
        "iam:CreateAccessKey",
        "iam:CreateServiceSpecificCredential",
        "iam:UpdateAccessKey",
        "iam:UploadSSHPublicKey",
        "iam:UploadSigningCertificate",
    ]


def test_no_policy_allows_public_access(stack: Recording) -> None:
    """No statement allows an action to the principal `*`."""
    for name, policy in stack.policies():
        for statement in policy["Statement"]:
            if statement["Effect"] == "Allow":
                assert statement.get("Principal") not in ("*", {"AWS": "*"}), f"{name} {statement['Sid']}"


def test_documents_are_within_the_limits_of_aws(full_stack: Recording) -> None:
    """Characters in IAM: managed policy 6,144, inline policy of a role 10,240, trust policy 2,048; in S3 20 KB."""
    limits = {
        "iam/policy:Policy": 6144,
        "iam/rolePolicy:RolePolicy": 10240,
        "iam/userPolicy:UserPolicy": 2048,
        "s3/bucketPolicy:BucketPolicy": 20480,
    }
    for resource in full_stack.resources:
        if resource.kind in limits:
            assert len(resource.inputs["policy"]) <= limits[resource.kind], resource.name
        assert len(resource.inputs.get("assumeRolePolicy", "")) <= 2048, resource.name


def test_equal_documents_have_equal_texts() -> None:
    """The order of the keys does not matter, so that Pulumi sees no change."""
    assert policy_text({"b": [1], "a": "x"}) == policy_text({"a": "x", "b": [1]}) == '{"a":"x","b":[1]}'
