"""The model of a transfer's duration: what each term is, and which one decides.

    T         = sum over groups of moving + finishing
    moving    = max(latency_s + 8 × bytes / bits_per_s, latency_s + (objects - 1) × object_s, rounds × latency_s)
    rounds    = ceil(objects / jobs)
    finishing = fixed_s + files × file_s + bytes × byte_s

A group is a number of objects that move `jobs` at a time; the groups follow each other (`plan.groups`). All terms are
seconds. `bits_per_s` and `latency_s` describe the link. `object_s` is what one small object adds while `jobs` of them
are on their way, which includes the work of this machine (open, hash, sign, write) and of the server. `trial.measure`
measures it. Finishing a push is a second listing of the remote (`listing_again`), and finishing a pull is DVC's placing
of the files and reading them (`finishing.measure_placing`).
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
        bits_per_s: Infinite if the link is too fast to be measured with the bytes of the transfer.
        latency_s: How long the answer to a request of one byte takes.
        source: `declared`, `measured` or `remembered`.
        object_s: Seconds per small object, `object_jobs` at a time; 0 if only bytes are to count.
        object_jobs: How many objects moved at a time when that was measured; 0 if it is a guess.
        object_bytes: Their mean size: their bytes are a part of `object_s`.
        valid_bytes: The size of the largest transfer that the rate predicts: a small one is measured with few bytes.
    """

    bits_per_s: float
    latency_s: float
    source: str
    object_s: float = 0.0
    object_jobs: int = 0
    object_bytes: float = 0.0
    valid_bytes: float = math.inf


@dataclass(frozen=True, kw_only=True)
class Load:
    """A group of objects.

    Attributes:
        jobs: How many of them move at a time.
        is_small: Whether they are so small that their number decides and not their size.
    """

    size_bytes: int
    objects: int
    jobs: int
    is_small: bool = False


_ALMOST_ALL: Final = 0.8


def moving_s(rate: LinkRate, load: Load) -> float:
    """How long a group of objects takes."""
    terms = _terms(rate, load)
    after_first_answer_s = max(terms["bytes"], terms["objects"])
    return max(rate.latency_s + after_first_answer_s, terms["answers"]) if load.objects else 0.0


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
    # The link was probed with large objects, if there are any. A few streams of small ones have a lower rate.
    are_bytes_measured_with_objects = load.is_small and rate.object_jobs == load.jobs
    return {
        "bytes": 0.0 if are_bytes_measured_with_objects else load.size_bytes * 8 / rate.bits_per_s,
        "objects": max(0, load.objects - 1) * rate.object_s,
        "answers": math.ceil(load.objects / load.jobs) * rate.latency_s,
    }
