"""The error for each refusal of a server, without a server; tests/e2e/share uses real ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, SSLError

from s3_access.context import RequestContext, identity_text
from s3_access.faults import store_error

CONTEXT = RequestContext(
    remote="team",
    url="s3://acme/x",
    bucket="acme",
    endpoint="",
    region="eu-1",
    profile="ada",
    remote_region="eu-1",
    remote_profile="ada",
    has_environment_keys=False,
    identity=lambda: "role reader (account 1)",
)


def refusal(code: str, operation: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": {}}, operation)


@pytest.mark.parametrize(
    ("arn", "text"),
    [
        (
            "arn:aws:sts::123456789012:assumed-role/shrinkwrap-reader/ada",
            "role shrinkwrap-reader (account 123456789012)",
        ),
        ("arn:aws:iam::123456789012:user/people/ada", "user ada (account 123456789012)"),
        ("arn:aws:iam::123456789012:root", "root (account 123456789012)"),
        ("something else", "something else"),
    ],
)
def test_the_identity_of_an_arn(arn: str, text: str) -> None:
    """An ARN becomes role or user, and account; another text stays the same."""
    assert identity_text(arn) == text


@pytest.mark.parametrize(
    ("operation", "action", "role"),
    [
        ("ListObjectsV2", "s3:ListBucket", "reader"),
        ("GetObject", "s3:GetObject", "reader"),
        ("UploadPart", "s3:PutObject", "contributor"),
        ("AbortMultipartUpload", "s3:AbortMultipartUpload", "contributor"),
        ("DeleteObjects", "s3:DeleteObject", "steward"),
    ],
)
def test_a_denial_names_action_and_role(operation: str, action: str, role: str) -> None:
    """A refusal names the missing permission, the role that has it, and the setting to change."""
    error = store_error(refusal("AccessDenied", operation), CONTEXT, operation=operation)
    assert (error.kind, error.action, error.identity) == ("denied", action, "role reader (account 1)")
    assert str(error) == (
        f"role reader (account 1) is not allowed to do {action} on bucket 'acme'\n"
        "  remote: s3://acme/x\n"
        "  as: role reader (account 1)\n"
        f"  missing: {action}\n"
        f"  fix: use a profile with the role {role}: `invoke data.remote-add team s3://acme/x --region eu-1"
        " --profile NAME --replace`, or ask an admin for that role"
    )


@pytest.mark.parametrize(
    ("context", "fix"),
    [
        (
            CONTEXT,
            "use a profile with the role reader: `invoke data.remote-add team s3://acme/x --region eu-1 --profile",
        ),
        (
            replace(CONTEXT, remote_profile=""),
            "`export AWS_PROFILE=NAME`, a profile with the role reader (`invoke infra.configure` writes it), or ask",
        ),
        (
            replace(CONTEXT, remote_profile="", has_environment_keys=True),
            "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN to a session of the role reader",
        ),
    ],
)
def test_the_fix_depends_on_the_source_of_the_credentials(context: RequestContext, fix: str) -> None:
    """Keys in the environment take precedence over AWS_PROFILE, and the remote's shared profile over both."""
    assert store_error(refusal("AccessDenied", "GetObject"), context, operation="GetObject").fix.startswith(fix)


@pytest.mark.parametrize(
    ("error", "kind", "fix"),
    [
        (refusal("ExpiredToken", "GetObject"), "expired", "`aws sso login --profile ada`"),
        (refusal("SlowDown", "PutObject"), "busy", "run it again later: it continues"),
        (refusal("BadDigest", "PutObject"), "damaged", "run it again: it continues"),
        (refusal("NoSuchBucket", "ListObjectsV2"), "no-bucket", "`invoke data.remote-add team s3://BUCKET/PREFIX"),
        (refusal("Surprise", "PutObject"), "refused", "`invoke data.doctor`"),
        (NoCredentialsError(), "no-keys", "`aws sso login --profile ada`"),
        (EndpointConnectionError(endpoint_url="https://x"), "unreachable", "HTTPS_PROXY"),
        (SSLError(endpoint_url="https://x", error="self-signed"), "certificate", "set AWS_CA_BUNDLE"),
    ],
)
def test_each_fault_has_a_fix(error: Exception, kind: str, fix: str) -> None:
    """Each exception of botocore becomes an error with a kind for programs and a fix for the user."""
    found = store_error(error, CONTEXT, operation="PutObject")
    assert found.kind == kind
    assert fix in found.fix
