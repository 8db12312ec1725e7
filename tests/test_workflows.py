"""Promises that every workflow keeps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted(ROOT.glob(".github/**/*.yml"))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned(workflow: Path) -> None:
    """Each foreign action is pinned by its full commit, with its version in a comment."""
    uses = re.findall(r"uses: (?!\./)(.+)", workflow.read_text("utf-8"))
    assert [line for line in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", line)] == []


@pytest.mark.parametrize("workflow", sorted(ROOT.glob(".github/workflows/*.yml")), ids=lambda path: path.stem)
def test_workflow_starts_without_permissions(workflow: Path) -> None:
    """No job has a permission that it does not name."""
    assert "\npermissions: {}\n" in workflow.read_text("utf-8")
