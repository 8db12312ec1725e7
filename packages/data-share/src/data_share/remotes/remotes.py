"""The remotes of DVC's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from data_share.errors import DataShareError
from data_share.repository.configuration import read_configuration
from data_share.repository.repository import Repository
from terminal import unknown_name_text

# These can be shown; other settings may be secrets.
_SHOWN_SETTINGS = ("endpointurl", "region", "profile")
_UNSUPPORTED_SETTINGS = ("version_aware", "worktree", "sse_customer_key", "sse_customer_algorithm")


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A remote of DVC's configuration.

    Attributes:
        url: `s3://BUCKET/PREFIX` or an absolute path.
        settings: DVC's other settings of the remote. They may contain secrets, from `.dvc/config.local`.
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
        """The prefix of all keys: empty, or ending in a slash."""
        path = self.url.removeprefix("s3://").partition("/")[2].strip("/") if self.is_s3 else ""
        return f"{path}/" if path else ""

    @property
    def link(self) -> str:
        """Where data are sent; remotes with the same link have the same rate."""
        return f"{self.url} {self.settings.get('endpointurl') or ''}".strip()


@dataclass(frozen=True, kw_only=True)
class Remotes:
    """All remotes, and the name of the default one."""

    by_name: Mapping[str, Remote]
    default: str | None

    def remote(self, name: str | None = None) -> Remote:
        """The remote with that name, or the default one.

        Raises:
            DataShareError: No remote is named and none is the default, none has that name, or only DVC can use it.
        """
        name = name or self.default
        if not name:
            raise _no_default(self.by_name)
        if name not in self.by_name:
            raise unknown_remote(name, self.by_name)
        remote = self.by_name[name]
        if not remote.is_s3 and "://" in remote.url:
            raise DataShareError(
                f"remote '{name}': {remote.url} is neither a folder nor s3://; use `dvc push` and `dvc pull`"
            )
        if special := [setting for setting in _UNSUPPORTED_SETTINGS if remote.settings.get(setting)]:
            raise DataShareError(f"remote '{name}': it has the setting {special[0]}; use `dvc push` and `dvc pull`")
        return remote


def list_remotes(root: Path) -> Remotes:
    """The remotes of a repository."""
    return read_remotes(Repository(root))


def read_remotes(repository: Repository) -> Remotes:
    """The remotes of the configuration."""
    configuration = read_configuration(repository)
    by_name = {
        name: Remote(name=name, url=str(settings.get("url", "")), settings=settings)
        for name, settings in (configuration.get("remote") or {}).items()
    }
    return Remotes(by_name=by_name, default=(configuration.get("core") or {}).get("remote"))


def unknown_remote(name: str, known: Mapping[str, Remote]) -> DataShareError:
    """The error for a remote that is not configured."""
    return DataShareError(f"{unknown_name_text('remote', name, known)} (`invoke data.remote-list`)")


def remote_json(remote: Remote) -> dict[str, str]:
    """A remote without its secrets, for programs."""
    shown = {name: str(remote.settings[name]) for name in _SHOWN_SETTINGS if remote.settings.get(name)}
    return {"name": remote.name, "url": remote.url, **(shown if remote.is_s3 else {})}


def remotes_json(remotes: Remotes) -> dict[str, Any]:
    """All remotes, for programs."""
    return {"default": remotes.default, "remotes": [remote_json(remote) for remote in remotes.by_name.values()]}


def remotes_text(remotes: Remotes) -> str:
    """All remotes, one per line; a star marks the default."""
    if not remotes.by_name:
        return "no remote; add one: `invoke data.remote-add NAME s3://BUCKET/PREFIX` (or a folder)"
    lines = []
    for name, remote in remotes.by_name.items():
        settings = "".join(
            f"  {key} {value}" for key, value in remote_json(remote).items() if key not in ("name", "url")
        )
        lines.append(f"{'*' if name == remotes.default else ' '} {name}  {remote.url}{settings}")
    return "\n".join(lines)


def _no_default(known: Mapping[str, Remote]) -> DataShareError:
    if known:
        names = ", ".join(sorted(known))
        advice = f"name one of {names} with --remote, or choose a default: `invoke data.remote-use NAME`"
    else:
        advice = "add one: `invoke data.remote-add NAME s3://BUCKET/PREFIX` (or a folder)"
    return DataShareError(f"no remote is set; {advice}")
