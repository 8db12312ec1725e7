"""Counts with their nouns, and the sentence for a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable


def count_text(count: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: "1 file", "2,310 files", "3 entries"."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name that the user probably meant; None if none is close. Case does not matter."""
    import difflib  # Only wrong input pays for this import.

    names = {known_name.lower(): known_name for known_name in sorted(known, reverse=True)}
    close = difflib.get_close_matches(name.lower(), names, n=1)
    return names[close[0]] if close else None


def unknown_name_text(kind: str, name: str, known: Iterable[str], *, plural: str | None = None) -> str:
    """The sentence for an unknown name: what was requested, the nearest known name, and all known names.

    Such as "unknown dataset 'climat'; did you mean 'climate'? Known datasets: climate, pems-detector".
    """
    names = sorted(known)
    nearest = nearest_name(name, names)
    hint = f"; did you mean '{nearest}'?" if nearest else "."
    return f"unknown {kind} '{name}'{hint} Known {plural or f'{kind}s'}: {', '.join(names) or 'none'}"
