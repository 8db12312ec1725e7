"""Placing files in the working tree, and reading them to see that they are right."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence

from data_share.errors import FailedError, files_text
from data_share.records.objects import digest_of
from data_share.repository.cache import LocalCache
from data_share.repository.dvc import PlacingError, no_room, place_files
from data_share.repository.repository import Repository
from data_share.transfer.listing import TrackedFile
from terminal import progress_if_slow


class Placing:
    """Places files from the cache.

    Args:
        environment: More variables for the `dvc` program.
    """

    def __init__(self, repository: Repository, cache: LocalCache, environment: Mapping[str, str] | None) -> None:
        self._repository = repository
        self._cache = cache
        self._environment = environment

    def place(self, targets: Sequence[str], files: Sequence[TrackedFile]) -> tuple[TrackedFile, ...]:
        """Place outputs, or single files of them.

        Args:
            files: The files that the working tree did not have as recorded.

        Returns:
            Files that are still wrong although they were placed twice: the cache has them wrong.

        Raises:
            FailedError: DVC would overwrite files that are in no cache, or the system refuses.
        """
        self._place(targets, files)
        wrong = self._wrong(files)
        # DVC remembers the MD5 of a file by its size and time, so it takes some damaged files for right ones.
        return self._placed_again(wrong) if wrong else ()

    def replace(self, files: Sequence[TrackedFile]) -> None:
        """Place files whose objects were fetched again.

        Raises:
            FailedError: A file is still wrong.
        """
        if wrong := self._placed_again(files):
            datasets: dict[str, list[str]] = {}
            for file in wrong:
                datasets.setdefault(file.dataset, []).append(file.path)
            raise FailedError(
                f"files in the working tree are wrong, although their objects are right:{files_text(datasets)}\n"
                "  Another program may be writing them, or the disk is damaged. Remove them, then run it again."
            )

    def _placed_again(self, files: Sequence[TrackedFile]) -> tuple[TrackedFile, ...]:
        for file in files:
            (self._repository.root / file.path).unlink(missing_ok=True)
        self._place([file.path for file in files], files)
        return self._wrong(files)

    def _place(self, targets: Sequence[str], files: Sequence[TrackedFile]) -> None:
        try:
            place_files(self._repository, targets, self._environment)
        except PlacingError as error:
            # DVC does not report why a file could not be placed, and removes what it had placed.
            missing = [file for file in files if not (self._repository.root / file.path).exists()]
            needed_bytes = sum(self._cache.size_bytes(file.oid) or 0 for file in missing)
            if shutil.disk_usage(self._repository.root).free < needed_bytes:
                raise no_room() from error
            raise

    def _wrong(self, files: Sequence[TrackedFile]) -> tuple[TrackedFile, ...]:
        root = self._repository.root
        with progress_if_slow("reading the files that were placed"):
            wrong = tuple(file for file in files if self._cache.read_digest(root / file.path) != digest_of(file.oid))
            for file in wrong:
                self._cache.read_digest(self._cache.path(file.oid))
            self._cache.save_digests()
        return wrong
