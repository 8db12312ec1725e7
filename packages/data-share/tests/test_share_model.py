"""Two to four clones that push, pull, collect garbage, are killed and damage objects, in random order.

No object that a branch, a capsule or a young list needs is ever lost, and no wrong file is ever reported as right.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from data_share.garbage import collect, needed, plan
from data_share.transfer import moving

from .share_model import World

# About a minute for all tests here. SHRINKWRAP_TEST_MODEL_STEPS=5000 searches for longer.
_STEPS = int(os.environ.get("SHRINKWRAP_TEST_MODEL_STEPS", "60"))
_SEEDS_TO_SEE_A_BREAK = 8


def play(folder: Path, seed: int, steps: int = _STEPS) -> World:
    """Let random events happen; the message of a failure has the seed and all events."""
    world = World(folder, seed)
    try:
        for _ in range(steps):
            world.step()
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n  " + "\n  ".join(world.trace)) from error
    return world


def test_nothing_is_lost_and_nothing_wrong_is_reported_as_right(tmp_path: Path) -> None:
    """The events also happened: commands succeeded, were killed and were refused, and garbage was removed."""
    done = play(tmp_path / "first", 1).done + play(tmp_path / "second", 2).done
    assert all(done[kind] for kind in ("succeeded", "killed", "refused", "pulled", "removed"))


class _Equal(str):
    """A text that equals every other one."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


def without_young_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = plan._kept
    monkeypatch.setattr(plan, "_kept", lambda stored, data: kept(replace(stored, young=frozenset()), data))


def without_capsules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needed, "capsule_record", lambda *_: None)


def without_branches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needed, "kept_commits", lambda *_: [])


def without_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "read_server_branches", lambda _: collect.ServerBranches())


def without_the_hash_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "digest_of", lambda oid: _Equal(oid))


BREAKS: list[Callable[[pytest.MonkeyPatch], Any]] = [
    without_young_lists,
    without_capsules,
    without_branches,
    without_the_server,
    without_the_hash_check,
]


@pytest.mark.parametrize("damage", BREAKS, ids=lambda each: each.__name__.replace("_", " "))
def test_the_model_sees_a_broken_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[pytest.MonkeyPatch], Any]
) -> None:
    """Without one of the roots of data.gc, or without the hash check of data.pull, the same events fail."""
    damage(monkeypatch)
    with pytest.raises(AssertionError, match=r"which are needed|are damaged|are wrong"):
        for seed in range(1, _SEEDS_TO_SEE_A_BREAK + 1):
            play(tmp_path / str(seed), seed)
