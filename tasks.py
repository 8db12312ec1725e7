"""The commands, for Invoke; `packages/shrinkwrap` defines them."""

from __future__ import annotations

from shrinkwrap.program import adopt_invoke, namespace

__all__ = ["namespace"]

adopt_invoke()
