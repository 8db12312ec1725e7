"""Settings of an example stack, as Pulumi passes them to the program."""

from __future__ import annotations

from typing import Any

ACCOUNT = "111122223333"
REGION = "eu-central-1"
BUCKET = "acme-shrinkwrap-test"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
ANALYSTS = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/{REGION}/AWSReservedSSO_Analysts_0123456789abcdef"
)
OPERATORS = ANALYSTS.replace("Analysts", "Operators")
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"


def github_repository() -> dict[str, Any]:
    """A repository that was created when GitHub already had immutable subjects."""
    return {"repository": "acme/shrinkwrap", "owner_id": 1001, "repository_id": 2002}


def example_settings() -> dict[str, Any]:
    """Two projects, one with workflows; users and a role of an identity provider; no other optional setting."""
    return {
        "account_id": ACCOUNT,
        "region": REGION,
        "bucket": {"name": BUCKET, "noncurrent_days": 90, "multipart_days": 7, "log_days": 365},
        "budget": {"monthly_usd": 20, "emails": ["admins@example.com"]},
        "projects": {
            "traffic": {"github": {**github_repository(), "environment": "data-read", "branch": "main"}},
            "climate": {},
        },
        "preview": {
            **github_repository(),
            "environment": "infra-preview",
            "plan_environment": "infra-plan",
            "state_bucket": "acme-pulumi-state",
        },
        "people": {
            "ada": {"roles": ["traffic/contributor"]},
            "grace": {"roles": ["traffic/steward", "admin"], "pgp_key": "keybase:grace"},
            "linus": {"roles": ["climate/contributor", "break-glass"]},
            "analysts": {"roles": ["traffic/reader"], "principal": ANALYSTS},
            "operators": {"roles": ["break-glass"], "principal": OPERATORS},
        },
    }


def full_settings() -> dict[str, Any]:
    """The example with all optional settings."""
    settings = example_settings()
    settings["bucket"]["object_lock"] = {"mode": "GOVERNANCE", "days": 30}
    settings["bucket"]["replica"] = {
        "bucket_arn": "arn:aws:s3:::acme-shrinkwrap-copy",
        "key_arn": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/99999999-2222-3333-4444-555555555555",
        "has_object_lock": True,
    }
    settings["github_provider_arn"] = PROVIDER
    return settings


def settings_in(region: str, name: str) -> dict[str, Any]:
    """The full example in another region, with the ARNs of its partition."""
    settings = full_settings()
    settings["region"] = region
    for person in ("analysts", "operators"):
        arn = {"analysts": ANALYSTS, "operators": OPERATORS}[person]
        settings["people"][person]["principal"] = arn.replace("arn:aws:", f"arn:{name}:")
    settings["github_provider_arn"] = PROVIDER.replace("arn:aws:", f"arn:{name}:")
    replica = settings["bucket"]["replica"]
    replica["bucket_arn"] = replica["bucket_arn"].replace("arn:aws:", f"arn:{name}:")
    replica["key_arn"] = f"arn:{name}:kms:{region}:{ACCOUNT}:key/99999999-2222-3333-4444-555555555555"
    if name == "aws-us-gov":
        del settings["budget"]
        settings["alarm"] = {"emails": ["admins@example.com"]}
    return settings
