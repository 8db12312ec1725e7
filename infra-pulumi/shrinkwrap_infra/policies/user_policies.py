"""Permissions of an IAM user: manage the user's own login, assume the user's roles with MFA, use CloudShell."""

from __future__ import annotations

from collections.abc import Sequence

from ..arns import Place
from .document import Document, Statement, allow, deny, document

_WITH_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def assume_policy(*, role_arns: Sequence[str]) -> Document:
    """Permission to assume these roles."""
    return document(allow("AssumeOwnRoles", ["sts:AssumeRole"], sorted(role_arns), _WITH_MFA))


def self_service_policy(*, place: Place) -> Document:
    """Permission to manage the user's own password and MFA device, and to use CloudShell."""
    return document(*_self_service(place))


def user_boundary(*, place: Place) -> Document:
    """The upper limit of a user's permissions, whatever is attached: no data, no access keys, roles of this stack."""
    return document(
        *_self_service(place),
        allow(
            "AssumeRolesOfTheStack",
            ["sts:AssumeRole"],
            [place.own_iam("role")],
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


def _self_service(place: Place) -> list[Statement]:
    own_user = place.iam("user", "${aws:username}")
    own_device = place.iam("mfa", "${aws:username}")
    return [
        # The console's page for assigning a device needs both; these actions do not support resources.
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
        # This does not require MFA, so that a user can undo an unfinished setup. It is safe, because only a deactivated
        # device can be deleted.
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
