"""What an error about a bucket has to name, and the fixes that depend on where credentials come from."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

KEY_VARIABLES = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"


# The option of a remote -> the variable that botocore reads.
_VARIABLES = {"--region": "AWS_DEFAULT_REGION", "--profile": "AWS_PROFILE"}


@dataclass(frozen=True, kw_only=True)
class RequestContext:
    """The place that a request goes to, and how it is signed.

    Attributes:
        remote: The name of DVC's remote; empty for an address that belongs to none.
        region, profile: The values in use, from the remote or from the environment.
        remote_region, remote_profile: The remote's own settings, which every clone shares.
        has_environment_keys: Whether the environment has keys; they take precedence over AWS_PROFILE.
        identity: Returns who signs; it may ask a server, so it is called only for an error that needs it.
    """

    remote: str
    url: str
    bucket: str
    endpoint: str
    region: str
    profile: str
    remote_region: str
    remote_profile: str
    has_environment_keys: bool
    identity: Callable[[], str]

    @property
    def server(self) -> str:
        """The server, for a message."""
        return self.endpoint or f"S3 in {self.region or 'the default region'}"

    @property
    def place(self) -> str:
        """What the URL is, for a message."""
        return "remote" if self.remote else "address"

    @property
    def check_fix(self) -> str:
        """How to find out more about a refusal."""
        server = f" --endpoint-url {self.endpoint}" if self.endpoint else ""
        return (
            "`invoke data.doctor`" if self.remote else f"`aws s3 ls {self.url}{server}` shows what the server answers"
        )

    @property
    def bucket_fix(self) -> str:
        """How to name another bucket."""
        if not self.remote:
            return (
                "correct `source` or `output` in data/datasets.toml, or set AWS_ENDPOINT_URL_S3 to the bucket's server"
            )
        command = f"`invoke data.remote-add {self.remote} s3://BUCKET/PREFIX --replace`"
        return f"{command} with the name that an admin knows"

    def setting_fix(self, change: str) -> str:
        """What changes a setting: a command that keeps the remote's others, or a variable of the environment."""
        if not self.remote:
            option, _, value = change.partition(" ")
            return f"set {_VARIABLES[option]}={value}"
        options = {"--endpoint": self.endpoint, "--region": self.remote_region, "--profile": self.remote_profile}
        kept = "".join(f" {name} {value}" for name, value in options.items() if value and name not in change)
        return f"`invoke data.remote-add {self.remote} {self.url}{kept} {change} --replace`"

    def role_fix(self, role: str) -> str:
        """How to sign with another role. The remote's profile is shared, so it is changed only if it decides."""
        if self.remote_profile:
            return f"use a profile with the role {role}: {self.setting_fix('--profile NAME')}"
        if self.has_environment_keys:
            return f"set {KEY_VARIABLES} to a session of the role {role}"
        return f"`export AWS_PROFILE=NAME`, a profile with the role {role} (`invoke infra.configure` writes it)"

    @property
    def session_fix(self) -> str:
        """How to start a new session."""
        if self.profile:
            return f"`aws sso login --profile {self.profile}` (or renew that profile's keys)"
        return f"assume the role again, and set {KEY_VARIABLES}"


def identity_text(arn: str) -> str:
    """The role or user of an ARN of STS or IAM: `role NAME (account 123456789012)`."""
    match = re.fullmatch(r"arn:[\w-]+:(?:sts|iam)::(\d*):(assumed-role|role|user|root|federated-user)(?:/(.*))?", arn)
    if match is None:
        return arn
    account, kind, name = match[1], match[2], match[3] or ""
    if kind == "assumed-role":
        return f"role {name.split('/')[0]} (account {account})"
    return f"{kind} {name.split('/')[-1]} (account {account})" if name else f"{kind} (account {account})"
