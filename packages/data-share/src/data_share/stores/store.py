"""What a remote does for a transfer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

OnSent: TypeAlias = Callable[[int], None]
"""Called with the number of bytes sent since the previous call; it may raise to stop the transfer."""

CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A measured stretch of a transfer.

    Attributes:
        requests: How many requests moved the bytes.
    """

    size_bytes: int
    duration_s: float
    requests: int = 1


@dataclass(frozen=True, kw_only=True)
class ListingCost:
    """What `Store.sizes` does.

    Attributes:
        requests: How many there are.
        rounds: How many answers it waits for, one after the other.
        objects: How many the answers name.
    """

    requests: int = 0
    rounds: int = 0
    objects: int = 0


class Store(Protocol):
    """The objects of a remote. Its methods raise `StoreError`.

    Attributes:
        where: Bucket and prefix, or folder.
        jobs: How many objects move at a time.
        is_link: Whether objects move over a network of unknown rate.
    """

    where: str
    jobs: int
    is_link: bool

    def sizes(self, oids: Collection[str]) -> dict[str, int]:
        """Size in bytes of each of these objects that the remote has."""

    def listing_cost(self, oids: Collection[str], *, added: int) -> ListingCost:
        """What `sizes` of these objects will do when this many objects were added since the last listing."""

    def all_sizes(self) -> dict[str, int]:
        """Size in bytes of every object that the remote has."""

    def recent(self, age_s: float) -> set[str]:
        """The objects that were added within this many last seconds."""

    def read(self, oid: str) -> bytes:
        """The content of a small object."""

    def chunks(self, oid: str, offset: int) -> Iterator[bytes]:
        """The content of an object from an offset to its end."""

    def put(self, oid: str, path: Path, on_sent: OnSent) -> None:
        """Upload a file; the object appears completely or not at all."""

    def sent_bytes(self, oid: str, size_bytes: int) -> int:
        """How much of an object of this size an interrupted push has uploaded."""

    def remove(self, oids: Collection[str]) -> dict[str, str]:
        """Remove objects; returns the reason for each one that the remote reports as not removed."""

    def probe_up(self, size_bytes: int) -> Probe:
        """Upload this many random bytes and leave nothing behind."""

    def probe_down(self, oid: str, size_bytes: int) -> Probe:
        """Download this many bytes of an object, or all of it."""

    def trial_puts(self) -> AbstractContextManager[Callable[[str, Path], None]]:
        """Within it, upload small files with the work of `put`; nothing is left behind."""

    def describe(self, oid: str) -> str:
        """The location of an object, for a message."""
