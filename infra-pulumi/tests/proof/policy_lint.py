"""Lints policy documents with parliament, which knows every action and condition key of AWS."""

from __future__ import annotations

import importlib.util
import json
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any


def findings(document: dict[str, Any]) -> list[str]:
    """The findings of parliament, one text each.

    Parliament requires a resource, which a trust policy does not have, so a trust policy gets one here.
    """
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
    """Import parliament with a replacement for pkg_resources.

    Parliament 1.6 uses setuptools' pkg_resources for two paths, and setuptools 82 removed it.
    """
    if "pkg_resources" not in sys.modules:
        replacement = ModuleType("pkg_resources")
        replacement.resource_filename = _resource_filename  # type: ignore[attr-defined]
        sys.modules["pkg_resources"] = replacement
    with warnings.catch_warnings():
        # Its regular expressions have invalid escapes, and it leaves two files open.
        warnings.simplefilter("ignore")
        import parliament  # type: ignore[import-untyped]
    assert isinstance(parliament, ModuleType)
    return parliament


def _resource_filename(package: str, name: str) -> str:
    found = importlib.util.find_spec(package)
    assert found is not None and found.origin is not None
    return str(Path(found.origin).parent / name)
