"""The local version of each image, and how it differs from the lock."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

from image_build.engine.images import placed_time
from image_build.listing import ListedImage, drift_text, images_table
from terminal import render


def test_the_age_of_an_image_is_that_of_its_name_here() -> None:
    """Its time of creation is that of its commit. An older engine does not know when it pulled an image."""
    facts = {"Created": "2020-01-01T00:00:00Z", "Metadata": {"LastTagTime": "2026-11-25T21:03:00.517177845Z"}}
    assert placed_time(facts) == datetime(2026, 11, 25, 21, 3, 0, 517177, tzinfo=UTC)
    assert placed_time({**facts, "Metadata": {"LastTagTime": "0001-01-01T00:00:00Z"}}) is None
    assert placed_time({"Created": "2020-01-01T00:00:00Z"}) is None


def test_images_are_listed() -> None:
    """A row has state, size and age; a line has the first packages that differ in a stale image."""
    new = ListedImage(name="new", groups=("main",), fingerprint="f1", state="absent")
    current = ListedImage(
        name="eda",
        groups=("main", "notebook"),
        fingerprint="f2",
        state="current",
        built_for="f2",
        size_bytes=915_600_000,
        age_days=1.25,
        drift=(),
    )
    drift = ("a 1 is missing", "b 2 is extra", "c is 1, not 2", "d is 1, not 2", "e is 1, not 2")
    stale = replace(current, name="old", fingerprint="f3", state="stale", built_for="f0", age_days=9.0, drift=drift)
    same = replace(stale, name="base", fingerprint="f4", drift=())
    images = [new, current, stale, same]
    lines = render(images_table(images)).splitlines()
    assert [re.split("  +", line) for line in lines if "─" not in line] == [
        ["image", "groups", "fingerprint", "state", "size", "age"],
        ["new", "main", "f1", "absent", "–", "–"],
        ["eda", "main, notebook", "f2", "current", "916 MB", "1.2 days"],
        ["old", "main, notebook", "f3", "stale", "916 MB", "9.0 days"],
        ["base", "main, notebook", "f4", "stale", "916 MB", "9.0 days"],
    ]
    assert drift_text(images) == (
        "old: local is env-f0, which differs: a 1 is missing, b 2 is extra, c is 1, not 2, and 2 more\n"
        "base: local is env-f0, which has the same packages; base, Dockerfile or sources differ"
    )
