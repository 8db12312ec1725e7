"""A push or a pull prints occasional progress from the engine's events."""

from __future__ import annotations

from typing import Any

from image_build.engine.transfer_log import TransferLog


def event(layer: str, status: str, current: int = 0, total: int = 0) -> dict[str, Any]:
    return {"id": layer, "status": status, "progressDetail": {"current": current, "total": total} if total else {}}


def test_a_long_transfer_reports_progress() -> None:
    """At most every two seconds: the bytes moved of those known, and the layers that are done."""
    log = TransferLog(start_s=0)
    assert log.add(event("a", "Pushing", 1_000_000, 4_000_000), now_s=1.9) is None
    assert log.add(event("b", "Layer already exists"), now_s=2.0) == "  …  1.00 MB of 4.00 MB, 1 of 2 layers done"
    assert log.add(event("a", "Pushing", 3_000_000, 4_000_000), now_s=3.9) is None
    assert log.add(event("a", "Pushed"), now_s=4.1) == "  …  4.00 MB of 4.00 MB, 2 of 2 layers done"


def test_events_without_bytes_print_nothing() -> None:
    """A transfer that only compares layers prints nothing."""
    log = TransferLog(start_s=0)
    assert log.add({"status": "The push refers to repository [x]"}, now_s=5) is None
    assert log.add(event("a", "Waiting"), now_s=9) is None
