"""What is here of each image, and how far it is from what the lock says now."""

from __future__ import annotations

from dataclasses import replace

from image_build.listing import ListedImage, shown_images


def test_images_are_listed() -> None:
    """A row each: built or not, size, age, and the first packages that drifted; what is not known is a dash."""
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
    assert shown_images([new, current, stale, same]) == (
        "image  groups          fingerprint  built?      size      age       drift\n"
        "new    main            f1           absent      –         –         –\n"
        "eda    main, notebook  f2           current     915.6 MB  1.2 days  none\n"
        "old    main, notebook  f3           stale (f0)  915.6 MB  9.0 days"
        "  a 1 is missing, b 2 is extra, c is 1, not 2, and 2 more\n"
        "base   main, notebook  f4           stale (f0)  915.6 MB  9.0 days"
        "  same packages; base, Dockerfile or sources differ\n"
    )
