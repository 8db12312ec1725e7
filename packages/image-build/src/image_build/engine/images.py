"""What the engine reports about an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_OUR_STEP = "VIRTUAL_ENV=/opt/venv"
_SYSTEM_STEP = "COPY /system/ /"


@dataclass(frozen=True, kw_only=True)
class InspectedImage:
    """An image that the engine has.

    Attributes:
        placed: When this engine got it or named it, as after each build; None if the engine does not know. The time
            of creation in the image itself is that of its commit, so that a rebuild has the same digest.
        digest: Of the manifest, or of the configuration in an engine without containerd's store.
        size_bytes: Unpacked.
        system_bytes: The part of it that its Debian packages contribute.
        base_bytes: The part of it that its base contributes; None for an image that is not from our Dockerfile.
    """

    digest: str
    tags: tuple[str, ...]
    labels: Mapping[str, str]
    placed: datetime | None
    size_bytes: int
    base_bytes: int | None
    system_bytes: int = 0


def placed_time(facts: Mapping[str, Any]) -> datetime | None:
    """When the engine built, pulled or named an image, from what `docker image inspect` reports."""
    text = (facts.get("Metadata") or {}).get("LastTagTime")
    time = datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
    # An engine without containerd's store does not record when it pulls an image: its zero is the year 1.
    return time if time and time > datetime(1970, 1, 2, tzinfo=UTC) else None


def base_bytes(history: Sequence[tuple[str, int]]) -> int | None:
    """The unpacked size of an image's base. The base itself need not be local: BuildKit keeps what it pulls.

    Args:
        history: Steps of the image, the oldest first, with their unpacked bytes.

    Returns:
        None if the history has no step of images/notebook/Dockerfile.
    """
    # The first of our steps copies the home folder, the second sets this variable.
    position = next((number for number, (step, _) in enumerate(history) if _OUR_STEP in step), 0)
    return sum(size for _, size in history[: position - 1]) if position else None


def system_bytes(history: Sequence[tuple[str, int]]) -> int:
    """The unpacked size of the layers with Debian packages, of an image and of its parents."""
    return sum(size for step, size in history if _SYSTEM_STEP in step)
