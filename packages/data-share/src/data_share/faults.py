"""What AWS and other S3 servers answer when something is wrong, as what a person can do about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from data_share.errors import StoreError

# The permission that a refused request lacked; https://docs.aws.amazon.com/AmazonS3/latest/API/
_ACTIONS = {
    "ListObjectsV2": "s3:ListBucket",
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "DeleteObjects": "s3:DeleteObject",
}
_ROLES = {
    "s3:ListBucket": "reader",
    "s3:GetObject": "reader",
    "kms:Decrypt": "reader",
    "s3:PutObject": "contributor",
    "s3:AbortMultipartUpload": "contributor",
    "kms:GenerateDataKey": "contributor",
    "s3:DeleteObject": "steward",
}
_VARIABLES = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"}
_REDIRECTS = {"PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "307"}
_BAD_KEYS = {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidToken",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
}
_DENIED = {"AccessDenied", "403", "Forbidden", "AllAccessDisabled", "AccessDeniedException"}
_BUSY = {"SlowDown", "ServiceUnavailable", "InternalError", "500", "502", "503", "504", "RequestTimeout", "Throttling"}
_UNREACHABLE = {
    "EndpointConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ConnectionClosedError",
    "ProxyConnectionError",
    "HTTPClientError",
    "ResponseStreamingError",
    "IncompleteReadError",
}
_NO_SESSION = {"SSOTokenLoadError", "UnauthorizedSSOTokenError", "TokenRetrievalError", "InvalidConfigError"}
_NO_KEYS = {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "NoAuthTokenError"}


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a fault is about.

    Attributes:
        region, profile: What holds, wherever it comes from.
        set_region, set_profile: What the remote itself says.
        has_keys_set: Whether the environment has keys, which go before AWS_PROFILE.
        who: Says who asks, when that is needed; it may ask a server.
    """

    remote: str
    url: str
    bucket: str
    endpoint: str
    region: str
    profile: str
    set_region: str
    set_profile: str
    has_keys_set: bool
    who: Callable[[], str]

    def command(self, change: str) -> str:
        """The command that changes a setting of the remote and leaves the others."""
        options = {"--endpoint": self.endpoint, "--region": self.set_region, "--profile": self.set_profile}
        kept = "".join(f" {name} {value}" for name, value in options.items() if value and name not in change)
        return f"`invoke data.remote-add {self.remote} {self.url}{kept} {change} --replace`"

    def sign_as(self, role: str) -> str:
        """How somebody else signs; the remote's own profile is everybody's, so it is changed only if it decides."""
        if self.set_profile:
            return f"use a profile with the role {role}: {self.command('--profile NAME')}"
        if self.has_keys_set:
            return f"set {_VARIABLES} to a session of the role {role}"
        return f"`export AWS_PROFILE=NAME`, a profile with the role {role} (`invoke infra.configure` writes it)"

    @property
    def sign_in(self) -> str:
        """The command that gives a new session."""
        if self.profile:
            return f"`aws sso login --profile {self.profile}` (or renew that profile's keys)"
        return f"assume the role again, and set {_VARIABLES}"


def store_error(error: Exception, place: Place, *, operation: str) -> StoreError:
    """The fault behind an exception of botocore, in words."""
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        # A profile that assumes a role asks STS first, whatever the bucket is asked for.
        is_assuming = getattr(error, "operation_name", "") == "AssumeRole"
        return _answered(response, place, "AssumeRole" if is_assuming else operation)
    return _unanswered(error, place, operation)


def _answered(response: Mapping[str, Any], place: Place, operation: str) -> StoreError:
    said, meta = response["Error"], response.get("ResponseMetadata", {})
    code, message = str(said.get("Code", "")), str(said.get("Message", "")).strip()
    headers = {str(name).lower(): value for name, value in (meta.get("HTTPHeaders") or {}).items()}
    if code in _EXPIRED or (code == "400" and "expired" in message.lower()):
        return _fault("expired", "the session has expired", place, mend=place.sign_in)
    if code == "RequestTimeTooSkewed":
        return _fault("skew", _skew(headers), place, mend="`sudo timedatectl set-ntp true` (or set the clock by hand)")
    if code in _REDIRECTS:
        region = said.get("Region") or headers.get("x-amz-bucket-region") or _named_region(message)
        problem = f"the bucket is not in region {place.region or '(none set)'}"
        problem += f" but in {region}" if region else ""
        return _fault("region", problem, place, mend=place.command(f"--region {region or 'REGION'}"))
    if code == "NoSuchBucket" or (code == "404" and operation == "ListObjectsV2"):
        mend = f"`invoke data.remote-add {place.remote} s3://BUCKET/PREFIX --replace` with the name that an admin knows"
        return _fault("no-bucket", f"there is no bucket '{place.bucket}'", place, mend=mend)
    if code in _BAD_KEYS:
        return _fault("keys", f"the server does not accept these credentials ({code})", place, mend=place.sign_in)
    if code in _DENIED and operation == "AssumeRole":
        return _not_assumed(message, place)
    if code in _DENIED or code == "AccountProblem":
        return _denied(message, place, operation)
    if code in ("NoSuchKey", "NoSuchUpload", "404"):
        mend = "`invoke data.check` lists what is missing"
        return _fault("gone", "an object went away in the middle", place, mend=mend)
    if code in _BUSY:
        return _fault(
            "busy", f"the server cannot serve it now ({code})", place, mend="run it again later: it continues"
        )
    if code == "BadDigest":
        mend = "run it again: it continues"
        return _fault("damaged", "what arrived was not what was sent (BadDigest)", place, mend=mend)
    return _fault("refused", f"{operation} was refused: {code} {message}".strip(), place, mend="`invoke data.doctor`")


def _denied(message: str, place: Place, operation: str) -> StoreError:
    # AWS says it in full: "User: ARN is not authorized to perform: ACTION on resource: … because …".
    told = re.search(r"not authorized to perform: ([\w:]+)", message)
    action = told[1] if told else _ACTIONS.get(operation, f"s3:{operation}")
    user = re.search(r"User: (\S+) is not authorized", message)
    who = role_text(user[1]) if user else place.who()
    problem = f"{who} may not do {action} on bucket '{place.bucket}'"
    if "explicit deny" in message:
        reason = re.search(r"with an explicit deny in (an? [\w -]+ policy)", message)
        problem += f": {reason[1] if reason else 'a policy'} forbids it"
    role = _ROLES.get(action)
    mend = f"{place.sign_as(role)}, or ask an admin for that role" if role else f"ask an admin for {action}"
    return StoreError("denied", problem, where=place.url, who=who, action=action, mend=mend)


def _not_assumed(message: str, place: Place) -> StoreError:
    """STS gives no session of the profile's role: a wrong code, no MFA, or a person who is not named for it."""
    user = re.search(r"User: (\S+) is not authorized", message)
    who = role_text(user[1]) if user else ""
    if "MultiFactorAuthentication" in message:
        problem, mend = "the code of the MFA device was not accepted", "run it again with the code that it shows now"
    else:
        problem = f"{who or 'whoever signs'} may not assume the role of the profile '{place.profile}'"
        mend = "ask an admin for that role (a line of `people` in the stack's settings); users need MFA for it"
    return StoreError("denied", problem, where=place.url, who=who, action="sts:AssumeRole", mend=mend)


def _unanswered(error: Exception, place: Place, operation: str) -> StoreError:
    kinds = {kind.__name__ for kind in type(error).__mro__}
    at = place.endpoint or f"S3 in {place.region or 'the default region'}"
    if kinds & _NO_SESSION:
        return _fault("expired", f"the session has expired, or there is none: {error}", place, mend=place.sign_in)
    if "ProfileNotFound" in kinds:
        mend = f"`aws configure sso --profile {place.profile or 'NAME'}`, or `invoke infra.configure`"
        return _fault("no-profile", f"{error}", place, mend=mend)
    if kinds & _NO_KEYS:
        to_choose = f"`export AWS_PROFILE=NAME` (`invoke infra.configure` writes such a profile), or set {_VARIABLES}"
        mend = place.sign_in if place.profile else to_choose
        return _fault("no-keys", "there are no AWS credentials here", place, mend=mend)
    if isinstance(error, EOFError) or "RefreshWithMFAUnsupportedError" in kinds:
        problem = f"the profile '{place.profile}' asks for a code of an MFA device, and nobody is here to type it"
        mend = "run it in a terminal once; the session is then used for an hour, without a terminal too"
        return _fault("mfa", problem, place, mend=mend)
    if "NoRegionError" in kinds:
        return _fault("region", "no region is set", place, mend=place.command("--region REGION"))
    if "SSLError" in kinds:
        mend = "set AWS_CA_BUNDLE to the file of your company's certificates"
        return _fault("certificate", f"the certificate of {at} is not trusted here", place, mend=mend)
    if kinds & _UNREACHABLE or isinstance(error, OSError):
        mend = "look at the network (and HTTPS_PROXY), then run it again: it continues"
        return _fault("unreachable", f"{at} does not answer ({_short(error)})", place, mend=mend)
    return _fault("refused", f"{operation} failed: {_short(error)}", place, mend="`invoke data.doctor`")


def _fault(kind: str, problem: str, place: Place, *, mend: str) -> StoreError:
    return StoreError(kind, problem, where=place.url, mend=mend)


def _skew(headers: Mapping[str, str]) -> str:
    try:
        theirs = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return "this machine's clock differs too much from the server's"
    minutes = (datetime.now(UTC) - theirs).total_seconds() / 60
    return f"this machine's clock is {abs(minutes):.0f} minutes {'ahead of' if minutes > 0 else 'behind'} the server's"


def _named_region(message: str) -> str:
    match = re.search(r"expecting '([a-z0-9-]+)'", message)
    return match[1] if match else ""


def role_text(arn: str) -> str:
    """Who an ARN of STS or IAM is: `role NAME (account 123456789012)`."""
    match = re.fullmatch(r"arn:[\w-]+:(?:sts|iam)::(\d*):(assumed-role|role|user|root|federated-user)(?:/(.*))?", arn)
    if match is None:
        return arn
    account, kind, name = match[1], match[2], match[3] or ""
    if kind == "assumed-role":
        return f"role {name.split('/')[0]} (account {account})"
    return f"{kind} {name.split('/')[-1]} (account {account})" if name else f"{kind} (account {account})"


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
