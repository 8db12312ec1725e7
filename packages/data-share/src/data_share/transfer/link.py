"""The link of a transfer: its rate for a plan, and what a transfer shows about it."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from data_share.repository.cache import LocalCache
from data_share.stores.store import Store
from data_share.transfer.duration import Direction, LinkRate, deciding_term
from data_share.transfer.finishing import NOTHING, Finishing, listing_again, measure_placing
from data_share.transfer.moving import Moved
from data_share.transfer.plan import Plan, TransferItem, groups
from data_share.transfer.rates import RememberedRates, measured_down, measured_up
from data_share.transfer.trial import measure

# The rate of a shorter transfer is not accurate.
_RATE_S = 2.0
# What each of a few objects costs on a machine with two cores: so few are moved sooner than they are measured.
_OBJECT_S: Final[dict[Direction, float]] = {"push": 0.0035, "pull": 0.0025}
_ALIKE_BYTES = 10_000


class Link:
    """One direction of the link to a remote.

    Args:
        name: The name under which rates are remembered.
        declared: A rate that replaces all that would be measured.
        is_measured_again: Whether both directions are measured even if their rates are remembered.
    """

    def __init__(
        self,
        direction: Direction,
        name: str,
        store: Store,
        cache: LocalCache,
        memory: RememberedRates,
        *,
        declared: LinkRate | None = None,
        is_measured_again: bool = False,
    ) -> None:
        self._direction = direction
        self._name = name
        self._store = store
        self._cache = cache
        self._memory = memory
        self._declared = declared
        self._is_measured_again = is_measured_again

    def rate(self, items: Sequence[TransferItem], *, save_rates: bool) -> LinkRate | None:
        """The declared or remembered rate, else a measured one; None where nothing moves over a link.

        Args:
            save_rates: Remember rates that are measured.
        """
        if self._declared:
            return self._declared
        plan_bytes = sum(item.left_bytes for item in items)
        if not self._is_measured_again:
            if not items or not self._store.is_link:
                return None
            if rate := self._memory.find(self._name, self._direction, plan_bytes):
                return self._with_objects(rate, items, save_rates=save_rates)
        # A measurement that was asked for is good for any transfer.
        measured_bytes = math.inf if self._is_measured_again else plan_bytes
        found: dict[Direction, LinkRate | None] = {"push": None, "pull": None}
        if self._is_measured_again or self._direction == "push":
            found["push"] = measured_up(self._store, measured_bytes)
        if self._is_measured_again or self._direction == "pull":
            is_pull = self._direction == "pull" and items
            sizes = {item.oid: item.size_bytes for item in items} if is_pull else self._store.all_sizes()
            found["pull"] = measured_down(self._store, sizes, measured_bytes)
        for direction, rate in found.items():
            if rate and save_rates:
                self._memory.save(self._name, direction, rate)
        # The rate of a folder is that of the disk's cache, which does not predict a transfer.
        rate = found[self._direction]
        return self._with_objects(rate, items, save_rates=save_rates) if self._store.is_link and rate else None

    def listing_again(self, oids: Collection[str], rate: LinkRate | None, *, added: int) -> Finishing:
        """What follows a push of this many objects; with a declared rate, only bytes count.

        Args:
            oids: The objects that the remote must have then.
        """
        if self._declared or rate is None:
            return NOTHING
        return listing_again(self._store.listing_cost(oids, added=added), rate.latency_s)

    def placing(self, rate: LinkRate | None, *, folder: Path, files: int, size_bytes: int) -> Finishing:
        """What follows a pull: it is remembered, else measured; with a declared rate, only bytes count.

        Args:
            folder: A folder on the disk of the working tree.
            files: How many are placed.
            size_bytes: What they contain.
        """
        if self._declared or rate is None:
            return NOTHING
        return self._memory.finishing(self._name) or measure_placing(folder, files, size_bytes)

    def remember(self, plan: Plan, moved: Moved) -> None:
        """Remember what a transfer showed: a real one is the best measurement, of the term that decided it."""
        rate = plan.rate
        if rate is None or self._declared or not self._store.is_link:
            return
        if self._direction == "pull":
            finishing = plan.finishing.updated(plan.files_to_place, plan.bytes_to_place, moved.finishing_s)
            self._memory.save_finishing(self._name, finishing)
        if moved.moving_s < _RATE_S:
            return
        # If answers decided, the rate of the link stays as it was measured: the transfer did not show it.
        term = deciding_term(rate, plan.loads)
        if term == "bytes":
            rate = replace(rate, bits_per_s=moved.size_bytes * 8 / moved.moving_s, valid_bytes=math.inf)
        elif term == "objects":
            rate = replace(rate, object_s=moved.moving_s / moved.files)
        self._memory.save(self._name, self._direction, rate)

    def _with_objects(self, rate: LinkRate, items: Sequence[TransferItem], *, save_rates: bool) -> LinkRate:
        """The rate with what each of many small objects costs; it depends on how many move at a time."""
        small = next((group for group in groups(items, most_jobs=self._store.jobs) if group.is_small), None)
        unmeasured = replace(rate, object_s=_OBJECT_S[self._direction], object_jobs=0)
        if small is None:
            return unmeasured
        mean_bytes = small.load.size_bytes / len(small.items)
        if rate.object_jobs == small.jobs and _are_alike(rate.object_bytes, mean_bytes):
            return rate
        object_s = measure(self._direction, self._store, self._cache, small.items, rate=rate, jobs=small.jobs)
        if not object_s:
            return unmeasured
        rate = replace(rate, object_s=object_s, object_jobs=small.jobs, object_bytes=mean_bytes)
        if save_rates:
            self._memory.save(self._name, self._direction, rate)
        return rate


def _are_alike(one_bytes: float, other_bytes: float) -> bool:
    """Whether objects of these sizes take about as long."""
    return abs(one_bytes - other_bytes) <= max(_ALIKE_BYTES, one_bytes / 2)
