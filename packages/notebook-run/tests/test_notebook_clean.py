"""Local environments that no notebook of the current lock uses are removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from notebook_run.local import clean


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Environments named `used`, `busy` and `old`, of which a notebook uses the first and a process the second."""
    folder = tmp_path / ".shrinkwrap/envs"
    for name in ("used", "busy", "old"):
        (folder / name / "bin").mkdir(parents=True)
        (folder / name / clean.COMPLETE).write_text("1234")
    monkeypatch.setattr(clean, "_used_keys", lambda root: {"used"})
    kernel = SimpleNamespace(pid=7, cmdline=lambda: [f"{folder.resolve()}/busy/bin/python", "-m", "ipykernel"])
    other = SimpleNamespace(pid=8, cmdline=lambda: [f"{folder.resolve()}/older/bin/python"])

    def processes() -> Iterator[Any]:
        yield from (other, kernel)

    monkeypatch.setattr(clean.psutil, "process_iter", processes)
    return folder


def test_only_unused_environments_are_removed(store: Path) -> None:
    """One that a notebook uses is not listed; one that a process uses is kept, with the number of the process."""
    found = clean.clean_environments(store.parents[1])
    assert [(each.folder.name, each.size_bytes, each.process) for each in found] == [("busy", 4, 7), ("old", 4, None)]
    assert sorted(path.name for path in store.iterdir()) == ["busy", "used"]


def test_a_dry_run_removes_nothing(store: Path) -> None:
    """It lists the same environments."""
    found = clean.clean_environments(store.parents[1], is_dry_run=True)
    assert [each.folder.name for each in found] == ["busy", "old"]
    assert sorted(path.name for path in store.iterdir()) == ["busy", "old", "used"]
