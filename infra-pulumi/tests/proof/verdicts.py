"""The verdict table: each line is a request, each column a caller; an engine in a separate process evaluates them."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .example import ACCOUNT, BUCKET, KEY, OPERATORS, REGION
from .recording import Recording

TABLE = Path(__file__).resolve().parents[1] / "fixtures" / "verdicts.txt"
_ENGINE = Path(__file__).resolve().parents[1] / "iam-simulate"
_OTHER_ACCOUNT = "444455556666"
_EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
_ROLE_COLUMNS = {
    "reader": "traffic-reader",
    "contributor": "traffic-contributor",
    "steward": "traffic-steward",
    "admin": "admin",
    "break-glass": "break-glass",
    "ci-read": "traffic-ci-read",
    "ci-publish": "traffic-ci-publish",
    "ci-preview": "ci-preview",
    "climate": "climate-contributor",
    # The same roles, to which a policy with all permissions was attached by mistake.
    "promoted-steward": "traffic-steward",
    "promoted-admin": "admin",
}
_SERVICES = {
    "events": "events.amazonaws.com",
    "log-delivery": "logging.s3.amazonaws.com",
    "s3": "s3.amazonaws.com",
    "trail": "cloudtrail.amazonaws.com",
}
# Callers of which some exist only in the stack with all optional settings.
SERVICE_CALLERS = frozenset({*_SERVICES, "replication"})
_USER = f"arn:aws:iam::{ACCOUNT}:user/shrinkwrap-test-"
_DEVICE = f"arn:aws:iam::{ACCOUNT}:mfa/shrinkwrap-test-"
_ROLE = f"arn:aws:iam::{ACCOUNT}:role/shrinkwrap-test-"
_SSO_NAME = "AWSReservedSSO_Administrator_0123456789abcdef"  # pragma: allowlist secret
SSO = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/{REGION}/{_SSO_NAME}"
_OPERATORS_SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/{OPERATORS.rpartition('/')[2]}/session"
_ASSUME_ANYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}],
}
_SSO_SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/{_SSO_NAME}/session"
RESOURCES = {
    "bucket": f"arn:aws:s3:::{BUCKET}",
    "logs": f"arn:aws:s3:::{BUCKET}-logs",
    "own": f"arn:aws:s3:::{BUCKET}/traffic/files/md5/ab/cdef",
    "other": f"arn:aws:s3:::{BUCKET}/climate/files/md5/ab/cdef",
    "loose": f"arn:aws:s3:::{BUCKET}/loose",
    "alike": f"arn:aws:s3:::{BUCKET}/traffic2/files/md5/ab/cdef",
    "log": f"arn:aws:s3:::{BUCKET}-logs/access/2026-11-22",
    "key": KEY,
    "other-key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/99999999-2222-3333-4444-555555555555",
    "ada": f"{_USER}ada",
    "grace": f"{_USER}grace",
    "ada-device": f"{_DEVICE}ada",
    "grace-device": f"{_DEVICE}grace",
    # For actions that do not support resources.
    "all": "*",
    "cloudshell": f"arn:aws:cloudshell:{REGION}:{ACCOUNT}:environment/11111111-2222-3333-4444-555555555555",
    "role-reader": f"{_ROLE}traffic-reader",
    "role-contributor": f"{_ROLE}traffic-contributor",
    "role-steward": f"{_ROLE}traffic-steward",
    "role-admin": f"{_ROLE}admin",
    "role-break-glass": f"{_ROLE}break-glass",
    "role-ci-read": f"{_ROLE}traffic-ci-read",
    "role-ci-preview": f"{_ROLE}ci-preview",
    "role-climate": f"{_ROLE}climate-contributor",
    "role-ci-publish": f"{_ROLE}traffic-ci-publish",
    "role-replication": f"{_ROLE}replication",
    "state-bucket": "arn:aws:s3:::acme-pulumi-state",
    "state": "arn:aws:s3:::acme-pulumi-state/.pulumi/stacks/shrinkwrap/test.json",
    "state-other": "arn:aws:s3:::acme-pulumi-state/secrets.txt",
    "trail": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/shrinkwrap-test",
    "other-trail": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/another-teams",
    "alarm": f"arn:aws:sns:{REGION}:{ACCOUNT}:shrinkwrap-test-alarm",
    "other-alarm": f"arn:aws:sns:{REGION}:{ACCOUNT}:another-teams",
    "rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/shrinkwrap-test-alarm-settings",
    "other-rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/another-teams",
    "budget": f"arn:aws:budgets::{ACCOUNT}:budget/shrinkwrap-test",
    "trail-log": f"arn:aws:s3:::{BUCKET}-logs/trail/AWSLogs/{ACCOUNT}/CloudTrail/1.json.gz",
    "copied": "arn:aws:s3:::acme-shrinkwrap-copy/traffic/files/md5/ab/cdef",
    "copied-elsewhere": "arn:aws:s3:::another-teams/traffic/files/md5/ab/cdef",
    "copy-key": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/99999999-2222-3333-4444-555555555555",
    "role-elsewhere": f"arn:aws:iam::{ACCOUNT}:role/another-teams",
}
# The engine does not know that this family of keys is open-ended. Another key of the same type replaces it, both in the
# policies and in the requests.
_UNKNOWN_KEY, _STAND_IN = "kms:EncryptionContext:aws:s3:arn", "aws:PrincipalTag/stand-in"
_TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
_CLASS = "s3:x-amz-storage-class"
_SSE = "s3:x-amz-server-side-encryption"
_VIA_S3 = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
_FOR_BUCKET = {_UNKNOWN_KEY: RESOURCES["bucket"]}
# Every request to S3 uses TLS 1.3 by default; each word in the table's context column changes some of these values.
CONTEXTS: dict[str, dict[str, str]] = {
    "plain": {},
    "direct": {},
    "tls": {},
    # The bucket's policy also allows every action to everyone.
    "opened": {},
    "mfa": {},
    # How old a sign-in with MFA is, and which region's endpoint gives a session.
    "recent": {"aws:MultiFactorAuthAge": "60"},
    "stale": {"aws:MultiFactorAuthAge": "7200"},
    "here": {"aws:RequestedRegion": REGION},
    "elsewhere": {"aws:RequestedRegion": "us-east-1"},
    "http": {"aws:SecureTransport": "false"},
    "old-tls": {"s3:TlsVersion": "1.1"},
    "prefix-own": {"s3:prefix": "traffic/files/md5/ab"},
    "prefix-other": {"s3:prefix": "climate/files/md5/ab"},
    "prefix-root": {"s3:prefix": ""},
    "our-key": {_SSE: "aws:kms", f"{_SSE}-aws-kms-key-id": KEY},
    "wrong-key": {_SSE: "aws:kms", f"{_SSE}-aws-kms-key-id": RESOURCES["other-key"]},
    "managed-key": {_SSE: "aws:kms"},
    "s3-key": {_SSE: "AES256"},
    "standard": {_CLASS: "STANDARD"},
    "glacier": {_CLASS: "GLACIER"},
    "deep-archive": {_CLASS: "DEEP_ARCHIVE"},
    "one-zone": {_CLASS: "ONEZONE_IA"},
    "intelligent": {_CLASS: "INTELLIGENT_TIERING"},
    "customer-key": {f"{_SSE}-customer-algorithm": "AES256"},
    # The resource for which a service acts.
    "from-bucket": {"aws:SourceArn": f"arn:aws:s3:::{BUCKET}", "aws:SourceAccount": ACCOUNT},
    "from-bucket-elsewhere": {"aws:SourceArn": "arn:aws:s3:::another-teams", "aws:SourceAccount": ACCOUNT},
    "from-account-elsewhere": {"aws:SourceArn": f"arn:aws:s3:::{BUCKET}", "aws:SourceAccount": _OTHER_ACCOUNT},
    "from-trail": {"aws:SourceArn": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/shrinkwrap-test"},
    "from-trail-elsewhere": {"aws:SourceArn": f"arn:aws:cloudtrail:{REGION}:{_OTHER_ACCOUNT}:trail/shrinkwrap-test"},
    "from-rule": {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/shrinkwrap-test-alarm-key"},
    "from-rule-elsewhere": {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/another-teams"},
    "owned": {"s3:x-amz-acl": "bucket-owner-full-control"},
    "via-s3-copy": {
        "kms:ViaService": "s3.eu-west-1.amazonaws.com",
        _UNKNOWN_KEY: "arn:aws:s3:::acme-shrinkwrap-copy",
    },
    "via-s3": {**_VIA_S3, **_FOR_BUCKET},
    "via-s3-object": {**_VIA_S3, _UNKNOWN_KEY: RESOURCES["own"]},
    "via-s3-other-bucket": {**_VIA_S3, _UNKNOWN_KEY: "arn:aws:s3:::another-teams"},
    "via-s3-other-region": {"kms:ViaService": "s3.us-east-1.amazonaws.com", **_FOR_BUCKET},
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A request by one caller, and whether it must be allowed."""

    caller: str
    action: str
    resource: str
    context: str
    is_allowed: bool

    def __str__(self) -> str:
        return f"{self.caller} {self.action} {self.resource} {self.context}"


def read_cases(table: Path = TABLE) -> list[Case]:
    """A table, one case per cell."""
    cases: list[Case] = []
    callers: list[str] = []
    for line in table.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        action, resource, context, *cells = line.split()
        if action == "action":
            # A new table starts.
            callers = cells
            continue
        cases += [
            Case(
                caller=caller,
                action=action,
                resource=resource,
                context=context,
                is_allowed={"+": True, "-": False}[cell],
            )
            for caller, cell in zip(callers, cells, strict=True)
        ]
    return cases


def missing_engine_reason() -> str | None:
    """Why the engine cannot run on this machine; None if it can."""
    if shutil.which("node") is None:
        return "the policy engine needs node, which is not on PATH; fix: install Node.js 20 or newer"
    if not (_ENGINE / "node_modules").is_dir():
        return f"the policy engine is not installed; fix: run `npm ci` in {_ENGINE}"
    return None


def evaluate(cases: list[Case], stack: Recording) -> dict[Case, str]:
    """The engine's verdict on every case, under the policies of this stack."""
    simulations = json.dumps([simulation(case, stack) for case in cases]).replace(_UNKNOWN_KEY, _STAND_IN)
    command = ["node", str(_ENGINE / "evaluate.mjs")]
    done = subprocess.run(command, input=simulations, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    verdicts = {}
    for case, result in zip(cases, json.loads(done.stdout), strict=True):
        assert "error" not in result, f"{case}: {result['error']}"
        assert not result["ignored"], f"{case}: the engine ignores {result['ignored']}"
        verdicts[case] = result["verdict"]
    return verdicts


def simulation(case: Case, stack: Recording) -> dict[str, Any]:
    """The case in the engine's format, with every policy that AWS would evaluate."""
    principal, own_context, identity_policies, boundary = _caller(case, stack)
    resource = RESOURCES[case.resource]
    context = {**own_context, **(_TLS if case.action.startswith("s3:") else {})}
    for word in case.context.split("+"):
        context |= CONTEXTS[word]
    request = {
        "principal": principal,
        "action": case.action,
        "resource": {"resource": resource, "accountId": ACCOUNT},
        "contextVariables": context,
    }
    return {
        "request": request,
        "identityPolicies": [{"name": f"p{n}", "policy": policy} for n, policy in enumerate(identity_policies)],
        "serviceControlPolicies": [],
        "resourceControlPolicies": [],
        "resourcePolicy": _resource_policy(case, stack),
        **({"permissionBoundaryPolicies": [{"name": "boundary", "policy": boundary}]} if boundary else {}),
    }


def _caller(case: Case, stack: Recording) -> tuple[str, dict[str, str], list[dict[str, Any]], dict[str, Any] | None]:
    """The ARN of the caller, the context of its credentials, its policies and its boundary."""
    mfa = {"aws:MultiFactorAuthPresent": "true" if "mfa" in case.context else "false"}
    if case.caller in _SERVICES:
        return _SERVICES[case.caller], {"aws:PrincipalIsAWSService": "true"}, [], None
    if case.caller == "replication":
        policy = stack.one("iam/rolePolicy:RolePolicy", "replication-policy").policy()
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/shrinkwrap-test-replication/session"
        return arn, _who(ACCOUNT, f"{_ROLE}replication"), [policy], None
    if case.caller in _ROLE_COLUMNS:
        name = _ROLE_COLUMNS[case.caller]
        policy = stack.one("iam/rolePolicy:RolePolicy", f"role-{name}-policy").policy()
        # Credentials of a role do not record MFA.
        context = _who(ACCOUNT, f"{_ROLE}{name}")
        extra = [_EVERYTHING] if case.caller.startswith("promoted-") else []
        return f"arn:aws:sts::{ACCOUNT}:assumed-role/shrinkwrap-test-{name}/session", context, [policy, *extra], None
    if case.caller == "sso":
        # AWS makes this role for an administrator's permission set; its credentials do not record MFA.
        return _SSO_SESSION, _who(ACCOUNT, SSO), [_EVERYTHING], None
    if case.caller == "operators":
        return _OPERATORS_SESSION, _who(ACCOUNT, OPERATORS), [_ASSUME_ANYTHING], None
    if case.caller in ("ada", "promoted", "linus", "grace"):
        name = "ada" if case.caller == "promoted" else case.caller
        own = stack.one("iam/userPolicy:UserPolicy", f"user-{name}-roles").policy()
        self_service = stack.one("iam/policy:Policy", "user-self-service").policy()
        boundary = stack.one("iam/policy:Policy", "user-boundary").policy()
        extra = [_EVERYTHING] if case.caller == "promoted" else []
        context = _who(ACCOUNT, f"{_USER}{name}") | mfa | {"aws:username": f"shrinkwrap-test-{name}"}
        return f"{_USER}{name}", context, [own, self_service, *extra], boundary
    account = ACCOUNT if case.caller == "owner" else _OTHER_ACCOUNT
    arn = f"arn:aws:iam::{account}:user/root-of-all"
    return arn, _who(account, arn) | mfa | {"aws:username": "root-of-all"}, [_EVERYTHING], None


def _who(account: str, arn: str) -> dict[str, str]:
    return {"aws:PrincipalArn": arn, "aws:PrincipalAccount": account, "aws:PrincipalIsAWSService": "false"}


def _resource_policy(case: Case, stack: Recording) -> dict[str, Any] | None:
    if case.resource == "role-replication":
        return stack.one("iam/role:Role", "replication-role").policy("assumeRolePolicy")
    if case.resource.startswith("role-") and case.action.startswith("sts:"):
        name = RESOURCES[case.resource].removeprefix(_ROLE)
        known = {role.name for role in stack.all("iam/role:Role")}
        if f"role-{name}" not in known:
            return _trusting_the_account()
        return stack.one("iam/role:Role", f"role-{name}").policy("assumeRolePolicy")
    if case.resource == "alarm":
        return stack.one("sns/topicPolicy:TopicPolicy", "alarm-policy").policy()
    if case.action.startswith("kms:"):
        return stack.one("kms/key:Key", "data-key").policy()
    if not case.action.startswith("s3:") or case.resource.startswith(("state", "copied")):
        return None
    name = "logs" if case.resource in ("log", "logs", "trail-log") else "data"
    policy = stack.one("s3/bucketPolicy:BucketPolicy", f"{name}-policy").policy()
    if case.caller == "invited" or "opened" in case.context.split("+"):
        home = f"arn:aws:s3:::{BUCKET}{'-logs' if name == 'logs' else ''}"
        opened = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": [home, f"{home}/*"]}
        policy["Statement"].append(opened)
    return policy


def _trusting_the_account() -> dict[str, Any]:
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": root, "Action": "sts:AssumeRole"}],
    }
