"""Adding and choosing remotes, in `.dvc/config`, which never gets a secret."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from data_share.errors import DataShareError
from data_share.remotes.remotes import Remote, read_remotes, unknown_remote
from data_share.repository.configuration import edit_configuration
from data_share.repository.repository import Repository
from terminal import unknown_name_text

_SECRET_WORDS = (
    *("access_key_id", "secret_access_key", "session_token", "sse_customer_key", "password"),
    *("x-amz-signature", "aws_secret"),
)


@dataclass(frozen=True, kw_only=True)
class RemoteSettings:
    """A remote, as the user describes it.

    Attributes:
        url: `s3://BUCKET/PREFIX`, or a folder: absolute, or relative to the repository.
        endpoint: URL of a server other than AWS that speaks S3.
        profile: Name of an AWS profile.
    """

    name: str
    url: str
    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None

    @property
    def options(self) -> dict[str, str]:
        """The settings other than the URL, under DVC's names."""
        options = {"endpointurl": self.endpoint, "region": self.region, "profile": self.profile}
        return {name: value for name, value in options.items() if value}


def add_remote(root: Path, settings: RemoteSettings, *, is_default: bool = False, replace: bool = False) -> Remote:
    """Add a remote to `.dvc/config`, which is in git: names and places, never a secret.

    A remote that has the same settings stays unchanged.

    Args:
        replace: Change the remote of that name if it has other settings.

    Raises:
        DataShareError: The name or a setting is not valid, contains a secret, or the name is taken.
    """
    repository = Repository(root)
    section = _checked_section(settings)
    if not settings.url.startswith("s3://"):
        section["url"] = _folder_url(settings.url, repository)
    with edit_configuration(repository) as configuration:
        name = f'remote "{settings.name}"'
        existing = configuration.get(name)
        if existing is not None and not replace and not _is_same(existing, section, repository.root):
            raise DataShareError(
                f"remote '{settings.name}' already exists, with the URL {existing.get('url')};"
                " change its settings with --replace"
            )
        if replace or existing is None:
            configuration[name] = section
        if is_default:
            configuration.setdefault("core", {})["remote"] = settings.name
    return read_remotes(repository).by_name[settings.name]


def use_remote(root: Path, name: str, *, is_local: bool = False) -> Remote:
    """Make a remote the default, for every clone or (`is_local`) for this clone only.

    Raises:
        DataShareError: No remote has that name.
    """
    repository = Repository(root)
    remotes = read_remotes(repository)
    if name not in remotes.by_name:
        raise unknown_remote(name, remotes.by_name)
    with edit_configuration(repository, is_local=is_local) as configuration:
        configuration.setdefault("core", {})["remote"] = name
    return remotes.by_name[name]


def _checked_section(settings: RemoteSettings) -> dict[str, str]:
    """The section of `.dvc/config`."""
    name, url, options = settings.name, settings.url, settings.options
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise _invalid(name, "a name consists of small letters, digits, '-' and '_'")
    scheme = url.partition("://")[0] if "://" in url else ""
    if scheme not in ("", "s3"):
        unknown = unknown_name_text("kind of remote", f"{scheme}://", ["s3://", "a folder"], plural="kinds of remote")
        raise _invalid(name, f"{unknown}. Only DVC itself can use other kinds: `dvc remote add`")
    if any(map(_has_secret, (url, *options.values()))):
        raise _invalid(
            name,
            "these settings contain a secret, and .dvc/config is in git, so nothing was written."
            " Keep keys in an AWS profile and name that: --profile NAME",
        )
    if not scheme:
        if options:
            raise _invalid(name, f"a folder has no {', '.join(options)}; a bucket is s3://BUCKET/PREFIX")
        if not url.strip():
            raise _invalid(name, "the URL is empty; write s3://BUCKET/PREFIX or a folder")
        return {"url": url}
    _check_bucket_url(name, url)
    if endpoint := options.get("endpointurl"):
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise _invalid(name, f"the endpoint {endpoint!r} is not an address such as https://s3.example.org")
    return {"url": url.rstrip("/"), **options}


def _check_bucket_url(name: str, url: str) -> None:
    if not re.fullmatch(r"s3://[a-zA-Z0-9][a-zA-Z0-9.\-]{1,61}[a-zA-Z0-9](/[^?#]*)?", url):
        raise _invalid(name, f"{url!r} is not a bucket; write s3://BUCKET/PREFIX")
    if ".." in url.split("/"):
        raise _invalid(name, f"{url!r} leads out of the bucket; write s3://BUCKET/PREFIX")


def _has_secret(text: str) -> bool:
    has_login = "://" in text and "@" in urlsplit(text).netloc
    has_secret_word = any(word in text.lower() for word in _SECRET_WORDS)
    has_access_key = re.search(r"\b(AKIA|ASIA)[A-Z0-9]{12,}\b", text) is not None
    return has_login or has_secret_word or has_access_key


def _folder_url(url: str, repository: Repository) -> str:
    """A folder of the repository relative to `.dvc`, so that it works in other clones; another folder as it is."""
    folder = (repository.root / url).resolve()
    is_inside = folder.is_relative_to(repository.root)
    return os.path.relpath(folder, repository.dvc_folder) if is_inside else str(folder)


def _is_same(existing: Mapping[str, Any], section: Mapping[str, str], root: Path) -> bool:
    def comparable(values: Mapping[str, Any]) -> dict[str, str]:
        url = str(values.get("url", ""))
        place = url if "://" in url else str((root / ".dvc" / url).resolve())
        return {**{key: str(value) for key, value in values.items()}, "url": place}

    return comparable(existing) == comparable(section)


def _invalid(name: str, problem: str) -> DataShareError:
    return DataShareError(f"remote '{name}': {problem}")
