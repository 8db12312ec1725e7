"""Judging a trust policy for a token of an OIDC provider: the part of IAM's logic that such policies use."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping
from typing import Any

# Claims of a token under their condition keys; a claim that is a list has several values.
Token = Mapping[str, str | list[str]]


def is_trusted(policy: Mapping[str, Any], *, provider_arn: str, token: Token) -> bool:
    """Whether the policy lets the bearer of this token assume the role; a matching Deny wins.

    Raises:
        NotImplementedError: for an operator or a statement that this code does not know; it never guesses.
    """
    matching = [
        statement["Effect"]
        for statement in policy["Statement"]
        if _concerns(statement, provider_arn) and conditions_hold(statement.get("Condition", {}), token)
    ]
    return "Allow" in matching and "Deny" not in matching


def conditions_hold(conditions: Mapping[str, Mapping[str, str | list[str]]], token: Token) -> bool:
    """All operators and all keys must hold; of one key's values, one is enough (none, for a negated operator)."""
    lowered = {key.lower(): value for key, value in token.items()}  # Condition keys know no case.
    return all(
        _holds(operator, _list(wanted), lowered.get(key.lower()))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _concerns(statement: Mapping[str, Any], provider_arn: str) -> bool:
    if unknown := statement.keys() - {"Sid", "Effect", "Principal", "Action", "Condition"}:
        raise NotImplementedError(f"statement with {', '.join(sorted(unknown))}")
    principal = statement["Principal"]
    federated = [principal] if isinstance(principal, str) else _list(principal.get("Federated", []))
    actions = [action.lower() for action in _list(statement["Action"])]
    may_assume = any(fnmatch.fnmatchcase("sts:assumerolewithwebidentity", action) for action in actions)
    return may_assume and bool({"*", provider_arn} & set(federated))


def _holds(operator: str, wanted: list[str], actual: str | list[str] | None) -> bool:
    quantifier, _, rest = operator.rpartition(":")
    name = rest.removesuffix("IfExists")
    if name == "Null":
        return wanted[0] == ("true" if actual is None else "false")
    if name not in _OPERATORS:
        raise NotImplementedError(f"condition operator {operator}")
    matches, is_negated = _OPERATORS[name]
    if quantifier:
        values = [] if actual is None else _list(actual)
        results = [any(matches(value, pattern) for pattern in wanted) is not is_negated for value in values]
        # With no value at all, ForAllValues is true: the trap of a trust policy that has nothing else.
        return {"ForAnyValue": any, "ForAllValues": all}[quantifier](results)
    if actual is None:
        return is_negated or rest.endswith("IfExists")
    if isinstance(actual, list):
        raise NotImplementedError(f"{operator} without ForAnyValue or ForAllValues on a list")
    return any(matches(actual, pattern) for pattern in wanted) is not is_negated


def _like(value: str, pattern: str) -> bool:
    """`*` is any text, `?` any one letter; nothing else is special, and letters have case."""
    translated = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(translated, value, flags=re.DOTALL) is not None


def _equal(value: str, wanted: str) -> bool:
    return value == wanted


def _equal_whatever_case(value: str, wanted: str) -> bool:
    return value.lower() == wanted.lower()


# How one value is compared with one of the policy's, and whether the operator negates.
_OPERATORS: dict[str, tuple[Callable[[str, str], bool], bool]] = {
    "StringEquals": (_equal, False),
    "StringNotEquals": (_equal, True),
    "StringEqualsIgnoreCase": (_equal_whatever_case, False),
    "StringNotEqualsIgnoreCase": (_equal_whatever_case, True),
    "StringLike": (_like, False),
    "StringNotLike": (_like, True),
    "Bool": (_equal_whatever_case, False),
}


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
