"""Policy documents and their statements."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Statement = dict[str, Any]
Document = dict[str, Any]
# By operator, then by condition key: the value or values.
Condition = Mapping[str, Mapping[str, str | Sequence[str]]]

_VERSION = "2012-10-17"


def document(*statements: Statement) -> Document:
    return {"Version": _VERSION, "Statement": list(statements)}


def allow(sid: str, actions: Sequence[str], resources: Sequence[str], condition: Condition | None = None) -> Statement:
    """A statement of an identity's policy that allows actions."""
    return _statement("Allow", sid, {"Action": list(actions), "Resource": list(resources)}, condition)


def deny(sid: str, actions: Sequence[str], resources: Sequence[str], condition: Condition | None = None) -> Statement:
    """A statement of an identity's policy that denies actions."""
    return _statement("Deny", sid, {"Action": list(actions), "Resource": list(resources)}, condition)


def deny_everyone(sid: str, actions: Sequence[str], resources: Sequence[str], condition: Condition) -> Statement:
    """A statement of a bucket's policy that denies actions to every caller."""
    body = {"Principal": "*", "Action": list(actions), "Resource": list(resources)}
    return _statement("Deny", sid, body, condition)


def allow_service(
    sid: str, service: str, actions: Sequence[str], resources: Sequence[str], condition: Condition
) -> Statement:
    """A statement of a resource's policy that allows actions to an AWS service."""
    body = {"Principal": {"Service": service}, "Action": list(actions), "Resource": list(resources)}
    return _statement("Allow", sid, body, condition)


def trust(
    sid: str, principal: Mapping[str, str | Sequence[str]], action: str, condition: Condition | None
) -> Statement:
    """A statement of a role's trust policy."""
    return _statement("Allow", sid, {"Principal": dict(principal), "Action": action}, condition)


def policy_text(policy: Document) -> str:
    """The document as JSON; equal documents have equal texts."""
    return json.dumps(policy, sort_keys=True, separators=(",", ":"))


def _statement(effect: str, sid: str, body: Mapping[str, Any], condition: Condition | None) -> Statement:
    statement = {"Sid": sid, "Effect": effect, **body}
    if condition is not None:
        statement["Condition"] = {operator: dict(keys) for operator, keys in condition.items()}
    return statement
