"""Settings of an example stack, as Pulumi hands them over."""

from __future__ import annotations

from typing import Any

ACCOUNT = "111122223333"
REGION = "eu-central-1"
BUCKET = "acme-shrinkwrap-test"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
ANALYSTS = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/{REGION}/AWSReservedSSO_Analysts_0123456789abcdef"
)
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"


def example_settings() -> dict[str, Any]:
    """Two projects, one of them with workflows; users and an identity provider's role; all that is optional is off."""
    return {
        "account_id": ACCOUNT,
        "region": REGION,
        "bucket": {"name": BUCKET, "noncurrent_days": 90, "multipart_days": 7, "log_days": 365},
        "budget": {"monthly_usd": 20, "emails": ["admins@example.com"]},
        "projects": {
            "traffic": {"github": {"repository": "acme/shrinkwrap", "environment": "data-read", "branch": "main"}},
            "climate": {},
        },
        "preview": {
            "repository": "acme/shrinkwrap",
            "environment": "infra-preview",
            "state_bucket": "acme-pulumi-state",
        },
        "people": {
            "ada": {"roles": ["traffic/contributor"]},
            "grace": {"roles": ["traffic/steward", "admin"], "pgp_key": "keybase:grace"},
            "linus": {"roles": ["climate/contributor"]},
            "analysts": {"roles": ["traffic/reader"], "principal": ANALYSTS},
        },
    }


def full_settings() -> dict[str, Any]:
    """The example with everything that is optional on."""
    settings = example_settings()
    settings["bucket"]["object_lock"] = {"mode": "GOVERNANCE", "days": 30}
    settings["bucket"]["replica"] = {
        "bucket_arn": "arn:aws:s3:::acme-shrinkwrap-copy",
        "key_arn": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/99999999-2222-3333-4444-555555555555",
    }
    settings["github_provider_arn"] = PROVIDER
    return settings
