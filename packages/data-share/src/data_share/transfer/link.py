"""The link of a transfer: its rate for a plan, and what a transfer shows about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from data_share.repository.cache import LocalCache
from data_share.stores.store import Store
from data_share.transfer.duration import Direction, Finishing, LinkRate, deciding_term
from data_share.transfer.moving import Moved
from data_share.transfer.plan import Plan, TransferItem, groups
from data_share.transfer.rates import RememberedRates, measured_down, measured_up
from data_share.transfer.trial import measure

# The rate of a shorter transfer is not accurate.
_RATE_S = 2.0


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
        if not self._is_measured_again:
            if not items or not self._store.is_link:
                return None
            if rate := self._memory.find(self._name, self._direction):
                return self._with_objects(rate, items, save_rates=save_rates)
        found: dict[Direction, LinkRate | None] = {"push": None, "pull": None}
        if self._is_measured_again or self._direction == "push":
            found["push"] = measured_up(self._store)
        if self._is_measured_again or self._direction == "pull":
            is_pull = self._direction == "pull" and items
            sizes = {item.oid: item.size_bytes for item in items} if is_pull else self._store.all_sizes()
            found["pull"] = measured_down(self._store, sizes)
        for direction, rate in found.items():
            if rate and save_rates:
                self._memory.save(self._name, direction, rate)
        # The rate of a folder is that of the disk's cache, which does not predict a transfer.
        rate = found[self._direction]
        return self._with_objects(rate, items, save_rates=save_rates) if self._store.is_link and rate else None

    def finishing(self) -> Finishing:
        """What follows when the objects have moved; a declared rate says that nothing does."""
        return Finishing() if self._declared else self._memory.finishing(self._name, self._direction)

    def remember(self, plan: Plan, moved: Moved) -> None:
        """Remember what a transfer showed: a real one is the best measurement, of the term that decided it."""
        rate = plan.rate
        if rate is None or self._declared or not self._store.is_link:
            return
        finishing = plan.finishing.updated(plan.files_to_finish, moved.finishing_s)
        self._memory.save_finishing(self._name, self._direction, finishing)
        if moved.moving_s < _RATE_S:
            return
        # If answers decided, the rate of the link stays as it was measured: the transfer did not show it.
        term = deciding_term(rate, plan.loads)
        if term == "bytes":
            rate = replace(rate, bits_per_s=moved.size_bytes * 8 / moved.moving_s)
        elif term == "objects":
            rate = replace(rate, object_s=moved.moving_s / moved.files)
        self._memory.save(self._name, self._direction, rate)

    def _with_objects(self, rate: LinkRate, items: Sequence[TransferItem], *, save_rates: bool) -> LinkRate:
        """The rate with what each of many small objects costs; it depends on how many move at a time."""
        small = next((group for group in groups(items, most_jobs=self._store.jobs) if group.is_small), None)
        if small is None or (rate.object_s and rate.object_jobs == small.jobs):
            return rate
        object_s = measure(self._direction, self._store, self._cache, small.items, rate=rate, jobs=small.jobs)
        measured = replace(rate, object_s=object_s, object_jobs=small.jobs)
        if save_rates and object_s:
            self._memory.save(self._name, self._direction, measured)
        return measured
