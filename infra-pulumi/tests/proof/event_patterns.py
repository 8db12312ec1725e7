"""Evaluates an event pattern of EventBridge, with the part of its language that the alarm uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether every field of the pattern is in the event with one of the pattern's values.

    Raises:
        NotImplementedError: The pattern has a comparison that is not implemented.
    """
    for key, expected in pattern.items():
        if key not in event:
            return False
        if isinstance(expected, Mapping):
            if not isinstance(event[key], Mapping) or not matches(expected, event[key]):
                return False
        elif not any(_fits(value, event[key]) for value in expected):
            return False
    return True


def _fits(expected: Any, actual: Any) -> bool:
    if not isinstance(expected, Mapping):
        # A JSON `true` is not the text "true".
        return type(expected) is type(actual) and bool(expected == actual)
    if set(expected) != {"prefix"}:
        raise NotImplementedError(f"comparison {sorted(expected)}")
    return isinstance(actual, str) and actual.startswith(expected["prefix"])
