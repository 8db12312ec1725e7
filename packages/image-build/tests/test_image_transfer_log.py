"""A push or a pull says now and then how far it is, from what the engine tells."""

from __future__ import annotations

from typing import Any

from image_build.transfer_log import TransferLog


def event(layer: str, status: str, current: int = 0, total: int = 0) -> dict[str, Any]:
    return {"id": layer, "status": status, "progressDetail": {"current": current, "total": total} if total else {}}


def test_a_long_transfer_says_how_far_it_is() -> None:
    """Every two seconds at most, the bytes moved of those known, and the layers that are done."""
    log = TransferLog(began_s=0)
    assert log.add(event("a", "Pushing", 1_000_000, 4_000_000), now_s=1.9) is None
    assert log.add(event("b", "Layer already exists"), now_s=2.0) == "  …  1.0 MB of 4.0 MB, 1 of 2 layers done"
    assert log.add(event("a", "Pushing", 3_000_000, 4_000_000), now_s=3.9) is None
    assert log.add(event("a", "Pushed"), now_s=4.1) == "  …  4.0 MB of 4.0 MB, 2 of 2 layers done"


def test_nothing_is_said_before_there_is_a_figure() -> None:
    """Events without bytes, as of a transfer that only compares, are not talked about."""
    log = TransferLog(began_s=0)
    assert log.add({"status": "The push refers to repository [x]"}, now_s=5) is None
    assert log.add(event("a", "Waiting"), now_s=9) is None
