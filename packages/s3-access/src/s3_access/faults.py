"""The error for each refusal of AWS and other S3 servers, with what the user can do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from s3_access.context import KEY_VARIABLES, RequestContext, identity_text
from s3_access.errors import StoreError

# The permission that each request needs; https://docs.aws.amazon.com/AmazonS3/latest/API/
_ACTIONS = {
    "ListObjectsV2": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "DeleteObjects": "s3:DeleteObject",
}
# The first role of the infrastructure that has each permission.
_ROLES = {
    "s3:ListBucket": "reader",
    "s3:GetObject": "reader",
    "kms:Decrypt": "reader",
    "s3:PutObject": "contributor",
    "s3:AbortMultipartUpload": "contributor",
    "kms:GenerateDataKey": "contributor",
    "s3:DeleteObject": "steward",
}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"}
_REDIRECTS = {"PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "307"}
_BAD_KEYS = {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidToken",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
}
_DENIED = {"AccessDenied", "403", "Forbidden", "AllAccessDisabled", "AccessDeniedException", "AccountProblem"}
_MISSING = {"NoSuchKey", "NoSuchUpload", "404"}
_REPLACED = {"PreconditionFailed", "412"}
_BUSY = {"SlowDown", "ServiceUnavailable", "InternalError", "500", "502", "503", "504", "RequestTimeout", "Throttling"}
# Exceptions of botocore by name, so that this module does not import it.
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
_RUN_AGAIN = "run it again: it continues"


def store_error(error: Exception, context: RequestContext, *, operation: str) -> StoreError:
    """The error for an exception of botocore.

    Args:
        operation: The request that failed, by its name in the S3 API.
    """
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        # A profile that assumes a role asks STS first, whatever the request to the bucket is.
        is_assuming = getattr(error, "operation_name", "") == "AssumeRole"
        return _refused(response, context, "AssumeRole" if is_assuming else operation)
    return _unanswered(error, context, operation)


def _refused(response: Mapping[str, Any], context: RequestContext, operation: str) -> StoreError:
    """The error for a server's answer."""
    details, meta = response["Error"], response.get("ResponseMetadata", {})
    code, message = str(details.get("Code", "")), str(details.get("Message", "")).strip()
    headers = {str(name).lower(): value for name, value in (meta.get("HTTPHeaders") or {}).items()}
    if code in _EXPIRED or (code == "400" and "expired" in message.lower()):
        return _fault("expired", "the session has expired", context, fix=context.session_fix)
    if code == "RequestTimeTooSkewed":
        return _fault("skew", _skew_text(headers), context, fix="`sudo timedatectl set-ntp true` (or set the clock)")
    if code in _REDIRECTS:
        region = details.get("Region") or headers.get("x-amz-bucket-region") or _named_region(message)
        return _wrong_region(region, context)
    if code == "NoSuchBucket" or (code == "404" and operation == "ListObjectsV2"):
        return _fault("no-bucket", f"the bucket '{context.bucket}' does not exist", context, fix=context.bucket_fix)
    if code in _BAD_KEYS:
        problem = f"the server does not accept these credentials ({code})"
        return _fault("keys", problem, context, fix=context.session_fix)
    if code in _DENIED:
        return (_not_assumed if operation == "AssumeRole" else _denied)(message, context, operation)
    if code in _MISSING:
        problem = "an object disappeared during the transfer"
        fix = "`invoke data.check` lists what the remote does not have" if context.remote else _RUN_AGAIN
        return _fault("gone", problem, context, fix=fix)
    if code in _REPLACED:
        return _fault("changed", "the object was replaced by another version", context, fix=_RUN_AGAIN)
    if code in _BUSY:
        problem = f"the server cannot serve the request now ({code})"
        return _fault("busy", problem, context, fix="run it again later: it continues")
    if code == "BadDigest":
        problem = "the server received other bytes than were sent (BadDigest)"
        return _fault("damaged", problem, context, fix=_RUN_AGAIN)
    return _fault("refused", f"{operation} was refused: {code} {message}".strip(), context, fix=context.check_fix)


def _denied(message: str, context: RequestContext, operation: str) -> StoreError:
    # AWS's full form: "User: ARN is not authorized to perform: ACTION on resource: … because …".
    named_action = re.search(r"not authorized to perform: ([\w:]+)", message)
    action = named_action[1] if named_action else _ACTIONS.get(operation, f"s3:{operation}")
    identity = _named_identity(message) or context.identity()
    problem = f"{identity} is not allowed to do {action} on bucket '{context.bucket}'"
    if "explicit deny" in message:
        reason = re.search(r"with an explicit deny in (an? [\w -]+ policy)", message)
        problem += f": {reason[1] if reason else 'a policy'} forbids it"
    role = _ROLES.get(action)
    fix = f"{context.role_fix(role)}, or ask an admin for that role" if role else f"ask an admin for {action}"
    return StoreError(
        "denied", problem, where=context.url, identity=identity, action=action, fix=fix, place=context.place
    )


def _not_assumed(message: str, context: RequestContext, _: str) -> StoreError:
    """STS refuses a session of the profile's role: a wrong code, no MFA, or a user whom the role does not trust."""
    identity = _named_identity(message)
    if "MultiFactorAuthentication" in message:
        problem = "the code of the MFA device was not accepted"
        fix = "run it again with the device's current code"
    else:
        problem = (
            f"{identity or 'the signing user'} is not allowed to assume the role of the profile '{context.profile}'"
        )
        fix = "ask an admin for that role (a line of `people` in the stack's settings); users need MFA for it"
    return StoreError(
        "denied", problem, where=context.url, identity=identity, action="sts:AssumeRole", fix=fix, place=context.place
    )


def _unanswered(error: Exception, context: RequestContext, operation: str) -> StoreError:
    """The error for an exception without a server's answer."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & _NO_SESSION:
        problem = f"the session has expired, or was never started: {error}"
        return _fault("expired", problem, context, fix=context.session_fix)
    if "ProfileNotFound" in kinds:
        fix = f"`aws configure sso --profile {context.profile or 'NAME'}`, or `invoke infra.configure`"
        return _fault("no-profile", str(error), context, fix=fix)
    if kinds & _NO_KEYS:
        choice = f"`export AWS_PROFILE=NAME` (`invoke infra.configure` writes the profile), or set {KEY_VARIABLES}"
        fix = context.session_fix if context.profile else choice
        return _fault("no-keys", "no AWS credentials were found", context, fix=fix)
    if isinstance(error, EOFError) or "RefreshWithMFAUnsupportedError" in kinds:
        problem = (
            f"the profile '{context.profile}' needs a code of an MFA device, and without a terminal none can be typed"
        )
        fix = "run it in a terminal once; the session is then used for an hour, without a terminal, too"
        return _fault("mfa", problem, context, fix=fix)
    if "NoRegionError" in kinds:
        return _fault("region", "no region is set", context, fix=context.setting_fix("--region REGION"))
    if "SSLError" in kinds:
        problem = f"this machine does not trust the certificate of {context.server}"
        return _fault(
            "certificate", problem, context, fix="set AWS_CA_BUNDLE to the file of your company's certificates"
        )
    if kinds & _UNREACHABLE or isinstance(error, OSError):
        problem = f"{context.server} does not answer ({_short(error)})"
        return _fault("unreachable", problem, context, fix=f"check the network (and HTTPS_PROXY), then {_RUN_AGAIN}")
    return _fault("refused", f"{operation} failed: {_short(error)}", context, fix=context.check_fix)


def _fault(kind: str, problem: str, context: RequestContext, *, fix: str) -> StoreError:
    return StoreError(kind, problem, where=context.url, fix=fix, place=context.place)


def _wrong_region(region: str, context: RequestContext) -> StoreError:
    problem = f"the bucket is not in region {context.region or '(none set)'}"
    problem += f" but in {region}" if region else ""
    return _fault("region", problem, context, fix=context.setting_fix(f"--region {region or 'REGION'}"))


def _skew_text(headers: Mapping[str, str]) -> str:
    try:
        server_time = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return "this machine's clock differs too much from the server's"
    minutes = (datetime.now(UTC) - server_time).total_seconds() / 60
    direction = "ahead of" if minutes > 0 else "behind"
    return f"this machine's clock is {abs(minutes):.0f} minutes {direction} the server's"


def _named_region(message: str) -> str:
    match = re.search(r"expecting '([a-z0-9-]+)'", message)
    return match[1] if match else ""


def _named_identity(message: str) -> str:
    match = re.search(r"User: (\S+) is not authorized", message)
    return identity_text(match[1]) if match else ""


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
