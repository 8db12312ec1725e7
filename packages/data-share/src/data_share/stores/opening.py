"""Opening the store of a remote."""

from __future__ import annotations

from pathlib import Path

from data_share.remotes.remotes import Remote
from data_share.repository.repository import Repository
from data_share.stores.folder import FolderStore
from data_share.stores.s3 import S3Store
from data_share.stores.store import Store


def open_store(remote: Remote, repository: Repository) -> Store:
    """The objects of a remote; a bucket is contacted only when it is used."""
    if remote.is_s3:
        return S3Store(remote, memory=repository.own_folder / "uploads.json")
    return FolderStore(Path(remote.url))
