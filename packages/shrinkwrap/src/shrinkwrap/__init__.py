"""The commands of the product, of which `shrinkwrap.program` makes a console program; and `load`, for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiment import load

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    # A command must not pay for importing pandas.
    if name == "load":
        from experiment import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
