"""What takes the space in an image, as a table and a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_BAR = 40
_OURS = "VIRTUAL_ENV=/opt/venv"


def shown_bytes(size: int) -> str:
    """Decimal units, as registries and disks count."""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if abs(value) < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.2f} GB"


def base_bytes(history: Sequence[tuple[str, int]]) -> int | None:
    """What an image has from its base, which need not be here: BuildKit keeps what it pulls to itself.

    Args:
        history: Of the image, the oldest first: what made it, and its unpacked bytes.

    Returns:
        None if no step of images/notebook/Dockerfile is in it.
    """
    # The first of our steps copies the home, the second sets this variable.
    position = next((number for number, (step, _) in enumerate(history) if _OURS in step), 0)
    return sum(size for _, size in history[: position - 1]) if position else None


def size_table(parts: Mapping[str, int], *, total: int, rows: int = 20) -> str:
    """The largest parts with a bar each; the smaller ones in one row."""
    ordered = sorted(parts.items(), key=lambda item: (-item[1], item[0]))
    shown = ordered[:rows]
    if rest := ordered[rows:]:
        shown.append((f"{len(rest)} more", sum(size for _, size in rest)))
    width = max((len(name) for name, _ in shown), default=0)
    largest = max((size for _, size in shown), default=1) or 1
    lines = [
        f"{name:<{width}}  {shown_bytes(size):>9}  {size / max(total, 1):6.1%}  {'█' * round(_BAR * size / largest)}"
        for name, size in shown
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)
