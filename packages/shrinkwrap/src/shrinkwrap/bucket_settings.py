"""Lets clients of a bucket use the settings of a DVC remote that has the same bucket, through the environment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from dataset_spec import read_datasets
from terminal import ShrinkwrapError

# DVC's name of a setting -> the variables that AWS's tools read. A value of the environment wins.
_VARIABLES: Final = {
    "endpointurl": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    "region": ("AWS_DEFAULT_REGION",),
    "configpath": ("AWS_CONFIG_FILE",),
    "credentialpath": ("AWS_SHARED_CREDENTIALS_FILE",),
}
_CREDENTIALS: Final = {
    "profile": "AWS_PROFILE",
    "access_key_id": "AWS_ACCESS_KEY_ID",
    "secret_access_key": "AWS_SECRET_ACCESS_KEY",  # pragma: allowlist secret
    "session_token": "AWS_SESSION_TOKEN",
}


def use_settings_of_datasets(root: Path, names: Sequence[str] | None) -> None:
    """The same as `use_bucket_settings` for the buckets of the named datasets, or of all."""
    tables = read_datasets(root)
    # Unknown names are reported by what the command does.
    use_bucket_settings(root, [url for n in (names or tables) if n in tables for url in tables[n].bucket_urls])


def use_bucket_settings(root: Path, urls: Iterable[str]) -> None:
    """Set the variables that the remotes with the buckets of these URLs say, and that are not set.

    Args:
        root: The project.

    Raises:
        ShrinkwrapError: Two buckets need different values of one variable.
    """
    if not (urls := set(urls)) or not (root / ".dvc").is_dir():
        return
    from data_share import list_remotes

    by_bucket = {remote.bucket: remote.settings for remote in list_remotes(root).by_name.values() if remote.is_s3}
    chosen: dict[str, str] = {}
    for bucket in sorted({urlsplit(url).netloc for url in urls} & set(by_bucket)):
        for name, value in _variables(by_bucket[bucket], os.environ).items():
            if chosen.setdefault(name, value) != value:
                raise ShrinkwrapError(
                    f"the buckets of these datasets need different values of {name}, by the settings of their remotes."
                    " Name fewer datasets with --dataset, or set the variable to what fits all of them."
                )
    os.environ.update(chosen)


def _variables(settings: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    found = {
        names[0]: str(settings[setting])
        for setting, names in _VARIABLES.items()
        if settings.get(setting) and not any(environment.get(name) for name in names)
    }
    # Keys without their secret, or with the profile of another place, are no credentials: all of them or none.
    if not any(environment.get(name) for name in _CREDENTIALS.values()):
        found |= {name: str(settings[setting]) for setting, name in _CREDENTIALS.items() if settings.get(setting)}
    return found
