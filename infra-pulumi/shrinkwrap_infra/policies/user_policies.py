"""What an IAM user may do: look after their own login, assume their roles with MFA, use CloudShell. Nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from .document import Document, Statement, allow, deny, document

_WITH_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def assume_policy(*, role_arns: Sequence[str]) -> Document:
    """Assume these roles and no others."""
    return document(allow("AssumeOwnRoles", ["sts:AssumeRole"], sorted(role_arns), _WITH_MFA))


def self_service_policy(*, account_id: str) -> Document:
    """Password, MFA device and CloudShell."""
    return document(*_self_service(account_id))


def user_boundary(*, account_id: str, stack: str) -> Document:
    """The most a user can ever be given, whoever attaches what: no data, no access keys, only roles of this stack."""
    return document(
        *_self_service(account_id),
        allow(
            "AssumeRolesOfTheStack",
            ["sts:AssumeRole"],
            [f"arn:aws:iam::{account_id}:role/shrinkwrap-{stack}-*"],
            _WITH_MFA,
        ),
        deny(
            "NoLastingKeys",
            [
                "iam:CreateAccessKey",
                "iam:CreateServiceSpecificCredential",
                "iam:UpdateAccessKey",
                "iam:UploadSSHPublicKey",
                "iam:UploadSigningCertificate",
            ],
            ["*"],
        ),
    )


def _self_service(account_id: str) -> list[Statement]:
    own_user = f"arn:aws:iam::{account_id}:user/${{aws:username}}"
    own_device = f"arn:aws:iam::{account_id}:mfa/${{aws:username}}"
    return [
        # The console's page on which a device is assigned asks for both; they know no resource.
        allow("SeeRules", ["iam:GetAccountPasswordPolicy", "iam:ListVirtualMFADevices"], ["*"]),
        allow(
            "OwnPasswordAndMfa",
            [
                "iam:ChangePassword",
                "iam:EnableMFADevice",
                "iam:GetMFADevice",
                "iam:GetUser",
                "iam:ListMFADevices",
                "iam:ResyncMFADevice",
            ],
            [own_user],
        ),
        # A device can be deleted only once it is deactivated, so this needs no MFA; an aborted setup must be undoable.
        allow("OwnDevice", ["iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice"], [own_device]),
        allow("ReplaceOwnDevice", ["iam:DeactivateMFADevice"], [own_user], _WITH_MFA),
        allow(
            "CloudShell",
            [
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
            ],
            ["*"],
            _WITH_MFA,
        ),
    ]
