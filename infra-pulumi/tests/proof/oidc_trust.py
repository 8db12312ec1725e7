"""Evaluates a trust policy for the token of an OIDC provider, with the part of IAM's logic that trust policies use."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping
from typing import Any

# Claims of a token by their condition keys; a claim that is a list has several values.
Token = Mapping[str, str | list[str]]


def is_trusted(policy: Mapping[str, Any], *, provider_arn: str, token: Token) -> bool:
    """Whether the bearer of this token may assume the role; a matching Deny overrides every Allow.

    Raises:
        NotImplementedError: The policy has an operator or a statement that is not implemented.
    """
    matching = [
        statement["Effect"]
        for statement in policy["Statement"]
        if _applies(statement, provider_arn) and conditions_hold(statement.get("Condition", {}), token)
    ]
    return "Allow" in matching and "Deny" not in matching


def conditions_hold(conditions: Mapping[str, Mapping[str, str | list[str]]], token: Token) -> bool:
    """Whether all operators and keys hold: one value of each key must match (none, for a negated operator)."""
    # IAM compares condition keys without regard to case.
    lowered = {key.lower(): value for key, value in token.items()}
    return all(
        _holds(operator, _list(expected), lowered.get(key.lower()))
        for operator, keys in conditions.items()
        for key, expected in keys.items()
    )


def _applies(statement: Mapping[str, Any], provider_arn: str) -> bool:
    if unknown := statement.keys() - {"Sid", "Effect", "Principal", "Action", "Condition"}:
        raise NotImplementedError(f"statement with {', '.join(sorted(unknown))}")
    principal = statement["Principal"]
    federated = [principal] if isinstance(principal, str) else _list(principal.get("Federated", []))
    actions = [action.lower() for action in _list(statement["Action"])]
    may_assume = any(fnmatch.fnmatchcase("sts:assumerolewithwebidentity", action) for action in actions)
    return may_assume and bool({"*", provider_arn} & set(federated))


def _holds(operator: str, expected: list[str], actual: str | list[str] | None) -> bool:
    quantifier, _, rest = operator.rpartition(":")
    name = rest.removesuffix("IfExists")
    if name == "Null":
        return expected[0] == ("true" if actual is None else "false")
    if name not in _OPERATORS:
        raise NotImplementedError(f"condition operator {operator}")
    matches, is_negated = _OPERATORS[name]
    if quantifier:
        values = [] if actual is None else _list(actual)
        results = [any(matches(value, pattern) for pattern in expected) is not is_negated for value in values]
        # Without any value ForAllValues is true, which makes a trust policy with no other condition unsafe.
        return {"ForAnyValue": any, "ForAllValues": all}[quantifier](results)
    if actual is None:
        return is_negated or rest.endswith("IfExists")
    if isinstance(actual, list):
        raise NotImplementedError(f"{operator} without ForAnyValue or ForAllValues on a list")
    return any(matches(actual, pattern) for pattern in expected) is not is_negated


def _like(value: str, pattern: str) -> bool:
    """Match case-sensitively; `*` matches any text, `?` any one character, and nothing else is special."""
    translated = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch(translated, value, flags=re.DOTALL) is not None


def _equal(value: str, expected: str) -> bool:
    return value == expected


def _equal_ignoring_case(value: str, expected: str) -> bool:
    return value.lower() == expected.lower()


# How a value of the token is compared with one of the policy, and whether the operator negates the result.
_OPERATORS: dict[str, tuple[Callable[[str, str], bool], bool]] = {
    "StringEquals": (_equal, False),
    "StringNotEquals": (_equal, True),
    "StringEqualsIgnoreCase": (_equal_ignoring_case, False),
    "StringNotEqualsIgnoreCase": (_equal_ignoring_case, True),
    "StringLike": (_like, False),
    "StringNotLike": (_like, True),
    "Bool": (_equal_ignoring_case, False),
}


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
