"""What a server's refusal becomes, without a server; tests/e2e/share tries real ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, SSLError

from data_share.faults import Place, role_text, store_error

PLACE = Place(
    remote="team",
    url="s3://acme/x",
    bucket="acme",
    endpoint="",
    region="eu-1",
    profile="ada",
    set_region="eu-1",
    set_profile="ada",
    has_keys_set=False,
    who=lambda: "role reader (account 1)",
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
def test_who_an_arn_is(arn: str, text: str) -> None:
    """Role or user, and account; what is no ARN stays as it is."""
    assert role_text(arn) == text


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
    """A refused request is told as the permission it lacks, of the role that has it, with the setting to change."""
    error = store_error(refusal("AccessDenied", operation), PLACE, operation=operation)
    assert (error.kind, error.action, error.who) == ("denied", action, "role reader (account 1)")
    assert str(error) == (
        f"role reader (account 1) may not do {action} on bucket 'acme'\n"
        "  remote: s3://acme/x\n"
        "  as: role reader (account 1)\n"
        f"  missing: {action}\n"
        f"  to mend: use a profile with the role {role}: `invoke data.remote-add team s3://acme/x --region eu-1"
        " --profile NAME --replace`, or ask an admin for that role"
    )


@pytest.mark.parametrize(
    ("place", "mend"),
    [
        (PLACE, "use a profile with the role reader: `invoke data.remote-add team s3://acme/x --region eu-1 --profile"),
        (
            replace(PLACE, set_profile=""),
            "`export AWS_PROFILE=NAME`, a profile with the role reader (`invoke infra.configure` writes it), or ask",
        ),
        (
            replace(PLACE, set_profile="", has_keys_set=True),
            "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN to a session of the role reader",
        ),
    ],
)
def test_who_signs_is_changed_where_it_is_decided(place: Place, mend: str) -> None:
    """Keys of the environment go before AWS_PROFILE, and the remote's profile, which is everybody's, before both."""
    assert store_error(refusal("AccessDenied", "GetObject"), place, operation="GetObject").mend.startswith(mend)


@pytest.mark.parametrize(
    ("error", "kind", "mend"),
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
def test_each_fault_has_a_remedy(error: Exception, kind: str, mend: str) -> None:
    """Whatever botocore raises has a kind for programs and a remedy for people."""
    told = store_error(error, PLACE, operation="PutObject")
    assert told.kind == kind
    assert mend in told.mend
