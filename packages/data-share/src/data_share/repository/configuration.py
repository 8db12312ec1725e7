"""DVC's configuration: read, edited, and the location of its cache."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data_share.errors import DataShareError
from data_share.repository.repository import Repository


def read_configuration(repository: Repository) -> Mapping[str, Any]:
    """DVC's configuration: all its levels merged, checked by DVC, with absolute paths.

    Raises:
        DataShareError: DVC cannot read it.
    """
    from dvc.config import Config, ConfigError

    try:
        configuration: Mapping[str, Any] = Config(str(repository.dvc_folder))
    except ConfigError as error:
        raise DataShareError(f"DVC's configuration cannot be read: {error}") from error
    return configuration


def cache_folder(root: Path) -> Path:
    """The folder of DVC's cache, as `dvc cache dir` prints it, without loading DVC.

    Raises:
        DataShareError: A file of the configuration cannot be read.
    """
    folder = root.resolve() / ".dvc" / "cache"
    for file in _configuration_files(root.resolve()):
        if setting := _cache_setting(file):
            # Relative to the file that has the setting.
            folder = Path(os.path.normpath(file.parent / Path(setting).expanduser()))
    return folder


@contextmanager
def edit_configuration(repository: Repository, *, is_local: bool = False) -> Iterator[dict[str, Any]]:
    """Change `.dvc/config` (or `.dvc/config.local`) in the block; it is written when the block ends.

    DVC's own editing drops comments, and empties the file if a path is not ASCII.

    Yields:
        The settings as they are in the file.

    Raises:
        DataShareError: DVC cannot read the result; then the file is unchanged.
    """
    path = repository.dvc_folder / ("config.local" if is_local else "config")
    before = path.read_bytes() if path.exists() else b""
    configuration = _parsed(before, path)
    yield configuration
    line_end = "\r\n" if b"\r\n" in before else "\n"
    text = "".join(f"{_as_dvc_writes(line)}{line_end}" for line in configuration.write())
    _replace(path, text.encode("utf-8"))
    try:
        read_configuration(repository)
    except DataShareError:
        _replace(path, before)
        raise


def share_configuration(root: Path, checkout: Path) -> None:
    """Make another checkout use the cache and the remotes of this clone, as they are configured now.

    A commit's own `.dvc/config` may name a bucket that has moved since.
    """
    source = Repository(root)
    settings = read_configuration(source)
    with edit_configuration(Repository(checkout), is_local=True) as configuration:
        # No symbolic link: it leads out of the folders that a container is given.
        types = ["reflink", "hardlink", "copy"]
        configuration["cache"] = {"dir": str(cache_folder(root).resolve()), "type": types}
        configuration["remote"] = {name: dict(remote) for name, remote in settings.get("remote", {}).items()}
        if default := settings.get("core", {}).get("remote"):
            configuration.setdefault("core", {})["remote"] = default


def _configuration_files(root: Path) -> Iterator[Path]:
    """The files of DVC's levels, each before those that override it."""
    import platformdirs

    system = os.environ.get("DVC_SYSTEM_CONFIG_DIR") or platformdirs.site_config_dir("dvc", "iterative")
    user = os.environ.get("DVC_GLOBAL_CONFIG_DIR") or platformdirs.user_config_dir("dvc", "iterative")
    yield from (Path(folder) / "config" for folder in (system, user))
    yield from (root / ".dvc" / name for name in ("config", "config.local"))


def _cache_setting(file: Path) -> str | None:
    try:
        content = file.read_bytes()
    except OSError:
        return None
    # Most files do not have the setting; parsing them takes longer.
    if b"cache" not in content.lower():
        return None
    sections = {name.lower(): section for name, section in _parsed(content, file).items()}
    settings = {key.lower(): value for key, value in sections.get("cache", {}).items()}
    return str(settings["dir"]).strip("'\"") if settings.get("dir") else None


def _parsed(content: bytes, path: Path) -> Any:
    from configobj import ConfigObj, ConfigObjError

    options = {"list_values": False, "interpolation": False, "write_empty_values": True}
    try:
        return ConfigObj(content.decode("utf-8").splitlines(), encoding="utf-8", **options)
    except (ConfigObjError, UnicodeDecodeError) as error:
        raise DataShareError(f"{path} cannot be read: {error}") from error


def _as_dvc_writes(line: str | bytes) -> str:
    """A line of the configuration, with the names of remotes quoted as DVC quotes them."""
    text = line.decode("utf-8") if isinstance(line, bytes) else line
    return re.sub(r'^(\s*)\[(\w+ "[^"]+")\]', r"\1['\2']", text)


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise DataShareError(f"{path} cannot be written: {error.strerror}") from error
