"""The model of a transfer's duration: what each term is, and which one decides.

    T         = sum over groups of moving + finishing
    moving    = max(8 × bytes / bits_per_s + latency_s, objects × object_s, ceil(objects / jobs) × latency_s)
    finishing = fixed_s + files × file_s

A group is a number of objects that move `jobs` at a time; the groups follow each other (`plan.groups`). All terms are
seconds. `bits_per_s` and `latency_s` describe the link. `object_s` is what one small object adds while `jobs` of them
are on their way, which includes the work of this machine (open, hash, sign, write) and of the server. `trial.measure`
measures it. Finishing a push is a second listing of the remote, and finishing a pull is DVC's placing of the files and
reading them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Direction: TypeAlias = Literal["push", "pull"]
Term: TypeAlias = Literal["bytes", "objects", "answers"]


@dataclass(frozen=True, kw_only=True)
class LinkRate:
    """How fast a direction of the link to a remote is.

    Attributes:
        latency_s: How long the answer to a request of one byte takes.
        source: `declared`, `measured` or `remembered`.
        object_s: Seconds per small object, `object_jobs` at a time; 0 if it was not measured.
        object_jobs: How many objects moved at a time when that was measured.
    """

    bits_per_s: float
    latency_s: float
    source: str
    object_s: float = 0.0
    object_jobs: int = 0


@dataclass(frozen=True, kw_only=True)
class Load:
    """A group of objects.

    Attributes:
        jobs: How many of them move at a time.
    """

    size_bytes: int
    objects: int
    jobs: int


@dataclass(frozen=True, kw_only=True)
class Finishing:
    """What follows when all objects have moved.

    Attributes:
        fixed_s: Seconds however few the files are.
        file_s: Seconds of each file.
    """

    fixed_s: float = 0.0
    file_s: float = 0.0

    def seconds(self, files: int) -> float:
        return self.fixed_s + files * self.file_s

    def updated(self, files: int, seconds: float) -> Finishing:
        """The costs after a transfer: many files show the cost of a file, and a few show the fixed cost."""
        if files >= _MANY_FILES:
            return Finishing(fixed_s=self.fixed_s, file_s=max(0.0, seconds - self.fixed_s) / files)
        return Finishing(fixed_s=max(0.0, seconds - files * self.file_s), file_s=self.file_s)


_MANY_FILES: Final = 100
_ALMOST_ALL: Final = 0.8
# Until a transfer of this clone has shown its own: those of a machine with two cores and a server on it.
FIRST_FINISHING: Final[dict[Direction, Finishing]] = {
    "push": Finishing(fixed_s=0.02, file_s=0.0001),
    "pull": Finishing(fixed_s=1.8, file_s=0.0005),
}


def moving_s(rate: LinkRate, load: Load) -> float:
    """How long a group of objects takes."""
    terms = _terms(rate, load)
    return max(terms["bytes"] + rate.latency_s, terms["objects"], terms["answers"]) if load.objects else 0.0


def deciding_term(rate: LinkRate, loads: Iterable[Load]) -> Term | None:
    """The term that decides almost all of the time of all groups; None if there is none."""
    spent_s: dict[Term, float] = {"bytes": 0.0, "objects": 0.0, "answers": 0.0}
    for load in loads:
        terms = _terms(rate, load)
        term = max(terms, key=lambda name: terms[name])
        spent_s[term] += terms[term]
    term = max(spent_s, key=lambda name: spent_s[name])
    return term if spent_s[term] >= _ALMOST_ALL * sum(spent_s.values()) > 0 else None


def _terms(rate: LinkRate, load: Load) -> dict[Term, float]:
    return {
        "bytes": load.size_bytes * 8 / rate.bits_per_s,
        "objects": load.objects * rate.object_s,
        "answers": math.ceil(load.objects / load.jobs) * rate.latency_s,
    }
