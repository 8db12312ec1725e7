"""Reading objects of a remote to see whether their content is what their names promise."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from data_share.records.objects import digest_of, is_list
from data_share.stores.store import Store
from terminal import progress


def damaged_objects(store: Store, sizes: Mapping[str, int]) -> frozenset[str]:
    """The objects whose content is wrong; every one is downloaded, and nothing is kept.

    Args:
        sizes: Size in bytes of each object to read.

    Raises:
        StoreError: The remote refuses an object or cannot be reached.
    """
    with progress("reading", sum(sizes.values())) as on_bytes, ThreadPoolExecutor(store.jobs) as pool:

        def is_damaged(oid: str) -> bool:
            hashed = hashlib.md5(usedforsecurity=False)
            for chunk in store.chunks(oid, 0):
                hashed.update(chunk)
                on_bytes(len(chunk))
            return hashed.hexdigest() != digest_of(oid)

        # Large objects first, so that no thread is left with one at the end.
        oids = sorted(sizes, key=lambda oid: (-sizes[oid], oid))
        return frozenset(oid for oid, damaged in zip(oids, pool.map(is_damaged, oids), strict=True) if damaged)


def has_impossible_size(oid: str, size_bytes: int) -> bool:
    """Whether no content of this size can have the object's MD5."""
    if is_list(oid):
        # The shortest list is `[]`.
        return size_bytes < 2
    return (size_bytes == 0) != (digest_of(oid) == hashlib.md5(usedforsecurity=False).hexdigest())
