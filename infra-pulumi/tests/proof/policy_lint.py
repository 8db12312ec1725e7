"""Linting policy documents with parliament, which knows every action and condition key there is."""

from __future__ import annotations

import importlib.util
import json
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any


def findings(document: dict[str, Any]) -> list[str]:
    """What parliament finds wrong, one text per finding; a trust policy has no resource, which it insists on."""
    is_trust = "AssumeRole" in str(document) and "Principal" in str(document)
    statements = [
        {"Resource": "arn:aws:iam::111122223333:role/it", **statement} if is_trust else statement
        for statement in document["Statement"]
    ]
    analyzed = _parliament().analyze_policy_string(json.dumps({**document, "Statement": statements}))
    return sorted(
        f"{found.issue}: {found.detail} {found.location.get('string', '')}".strip() for found in analyzed.findings
    )


def _parliament() -> ModuleType:
    """parliament 1.6 asks setuptools' pkg_resources for two paths; setuptools 82 has no pkg_resources any more."""
    if "pkg_resources" not in sys.modules:
        stand_in = ModuleType("pkg_resources")
        stand_in.resource_filename = _resource_filename  # type: ignore[attr-defined]
        sys.modules["pkg_resources"] = stand_in
    with warnings.catch_warnings():
        # Old escapes in its regular expressions, and two files that it leaves to the garbage collector to close.
        warnings.simplefilter("ignore")
        import parliament  # type: ignore[import-untyped]
    assert isinstance(parliament, ModuleType)
    return parliament


def _resource_filename(package: str, name: str) -> str:
    found = importlib.util.find_spec(package)
    assert found is not None and found.origin is not None
    return str(Path(found.origin).parent / name)
