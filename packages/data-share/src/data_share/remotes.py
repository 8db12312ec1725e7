"""Where data are shared: the remotes of DVC's configuration, listed, added and chosen in one place."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from data_share.errors import NoRemoteError, RemoteSettingError, UnknownRemoteError, unknown_name
from data_share.repository import Repository

# Only these; `.dvc/config` is in git, so nothing that opens a door may be in it.
_S3_OPTIONS = ("endpointurl", "region", "profile")
_SECRETS = ("access_key_id", "secret_access_key", "session_token", "sse_customer_key", "password")
_UNSUPPORTED = ("version_aware", "worktree", "sse_customer_key", "sse_customer_algorithm")


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A remote as DVC's configuration has it.

    Attributes:
        url: `s3://BUCKET/PREFIX` or an absolute path.
        settings: DVC's other settings of it. May hold secrets, from `.dvc/config.local`.
    """

    name: str
    url: str
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_s3(self) -> bool:
        return self.url.startswith("s3://")

    @property
    def bucket(self) -> str:
        return urlsplit(self.url).netloc if self.is_s3 else ""

    @property
    def prefix(self) -> str:
        """Of all keys: empty, or ending in a slash."""
        path = self.url.removeprefix("s3://").partition("/")[2].strip("/") if self.is_s3 else ""
        return f"{path}/" if path else ""

    def facts(self) -> dict[str, str]:
        """What may be shown."""
        options = {name: str(self.settings[name]) for name in _S3_OPTIONS if self.settings.get(name)}
        return {"name": self.name, "url": self.url, **(options if self.is_s3 else {})}


@dataclass(frozen=True, kw_only=True)
class Remotes:
    """All remotes, and the name of the one that is used if none is named."""

    by_name: Mapping[str, Remote]
    default: str | None

    def remote(self, name: str | None = None) -> Remote:
        """The remote of that name, or the default one.

        Raises:
            NoRemoteError: None was named and none is the default.
            UnknownRemoteError: There is none of that name.
            RemoteSettingError: It is of a kind that only DVC itself can use.
        """
        wanted = name or self.default
        if not wanted:
            raise NoRemoteError(self.by_name)
        if wanted not in self.by_name:
            raise UnknownRemoteError(wanted, self.by_name)
        remote = self.by_name[wanted]
        if not remote.is_s3 and "://" in remote.url:
            raise RemoteSettingError(
                wanted, f"{remote.url} is neither a folder nor s3://; use `dvc push` and `dvc pull`"
            )
        if special := [setting for setting in _UNSUPPORTED if remote.settings.get(setting)]:
            raise RemoteSettingError(wanted, f"it has the setting {special[0]}; use `dvc push` and `dvc pull`")
        return remote


def load_remotes(repository: Repository) -> Remotes:
    """The remotes of the configuration."""
    config = repository.config()
    by_name = {
        name: Remote(name=name, url=str(settings.get("url", "")), settings=settings)
        for name, settings in (config.get("remote") or {}).items()
    }
    return Remotes(by_name=by_name, default=(config.get("core") or {}).get("remote"))


def add_remote(
    root: Path,
    name: str,
    url: str,
    *,
    endpoint: str | None = None,
    region: str | None = None,
    profile: str | None = None,
    is_default: bool = False,
    replace: bool = False,
) -> Remote:
    """Write a remote into `.dvc/config`, which is in git: names and places, never a secret.

    A remote that says the same is left as it is.

    Args:
        root: The repository.
        url: `s3://BUCKET/PREFIX`, or a folder: absolute, or relative to `root`.
        replace: Change the remote of that name if it says something else.

    Raises:
        RemoteSettingError: The name or a setting cannot be, holds a secret, or the name is taken.
    """
    repository = Repository(root)
    settings = _checked_settings(name, url, {"endpointurl": endpoint, "region": region, "profile": profile})
    if not url.startswith("s3://"):
        folder = (repository.root / url).resolve()
        inside = folder.is_relative_to(repository.root)
        settings["url"] = os.path.relpath(folder, repository.root / ".dvc") if inside else str(folder)
    with repository.edited_config() as config:
        section = f'remote "{name}"'
        there = config.get(section)
        if there is not None and not replace and not _is_same(there, settings, repository.root):
            raise RemoteSettingError(name, f"is there already, for {there.get('url')}; replace it with --replace")
        if replace or there is None:
            config[section] = settings
        if is_default:
            config.setdefault("core", {})["remote"] = name
    return load_remotes(repository).by_name[name]


def use_remote(root: Path, name: str, *, is_local: bool = False) -> Remote:
    """Make a remote the default, for everyone or (`is_local`) for this clone alone.

    Raises:
        UnknownRemoteError: There is none of that name.
    """
    repository = Repository(root)
    remotes = load_remotes(repository)
    if name not in remotes.by_name:
        raise UnknownRemoteError(name, remotes.by_name)
    with repository.edited_config(is_local=is_local) as config:
        config.setdefault("core", {})["remote"] = name
    return remotes.by_name[name]


def _checked_settings(name: str, url: str, options: Mapping[str, str | None]) -> dict[str, str]:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise RemoteSettingError(name, "a name has small letters, digits, '-' and '_'")
    given = {option: value for option, value in options.items() if value}
    scheme = url.partition("://")[0] if "://" in url else ""
    if scheme not in ("", "s3"):
        known = unknown_name("kind of remote", f"{scheme}://", ["s3://", "a folder"])
        raise RemoteSettingError(name, f"{known}. Other kinds are DVC's alone: `dvc remote add`")
    for text in (url, *given.values()):
        _refuse_secrets(name, text)
    if not scheme:
        if given:
            raise RemoteSettingError(name, f"a folder has no {', '.join(given)}; a bucket is s3://BUCKET/PREFIX")
        if not url.strip():
            raise RemoteSettingError(name, "the URL is empty; write s3://BUCKET/PREFIX or a folder")
        return {"url": url}
    if not re.fullmatch(r"s3://[a-zA-Z0-9][a-zA-Z0-9.\-]{1,61}[a-zA-Z0-9](/[^?#]*)?", url):
        raise RemoteSettingError(name, f"{url!r} is no bucket; write s3://BUCKET/PREFIX")
    if ".." in url.split("/"):
        raise RemoteSettingError(name, f"{url!r} leads out of the bucket; write s3://BUCKET/PREFIX")
    if endpoint := given.get("endpointurl"):
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RemoteSettingError(name, f"the endpoint {endpoint!r} is no address such as https://s3.example.org")
    return {"url": url.rstrip("/"), **given}


def _refuse_secrets(name: str, text: str) -> None:
    parts = urlsplit(text) if "://" in text else None
    has_login = parts is not None and "@" in parts.netloc
    names_one = any(secret in text.lower() for secret in (*_SECRETS, "x-amz-signature", "aws_secret"))
    looks_like_key = re.search(r"\b(AKIA|ASIA)[A-Z0-9]{12,}\b", text) is not None
    if has_login or names_one or looks_like_key:
        raise RemoteSettingError(
            name,
            "this holds a secret, and .dvc/config is in git, so nothing was written."
            " Keep keys in an AWS profile and name that: --profile NAME",
        )


def _is_same(there: Mapping[str, Any], settings: Mapping[str, str], root: Path) -> bool:
    def plain(values: Mapping[str, Any]) -> dict[str, str]:
        url = str(values.get("url", ""))
        place = url if "://" in url else str((root / ".dvc" / url).resolve())
        return {**{key: str(value) for key, value in values.items()}, "url": place}

    return plain(there) == plain(settings)
