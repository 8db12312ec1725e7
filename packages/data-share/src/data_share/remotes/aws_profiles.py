"""Profiles in the user's AWS settings file: added, changed only with `replace`; all other bytes stay the same."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_share.errors import DataShareError, FailedError
from terminal import unknown_name_text

_HEADER = re.compile(r"^\s*\[(?P<name>[^\]]*)\]")
# A line that starts with white space belongs to the setting above it.
_SETTING = re.compile(r"^(?P<key>[^\s#;=\[][^=]*?)\s*=\s*(?P<value>.*?)\s*$")


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A profile that assumes a role."""

    name: str
    role_arn: str
    source_profile: str
    region: str
    mfa_serial: str | None = None

    def settings(self) -> dict[str, str]:
        """The settings, in the order in which they are written."""
        mfa = {"mfa_serial": self.mfa_serial} if self.mfa_serial else {}
        return {"role_arn": self.role_arn, "source_profile": self.source_profile, **mfa, "region": self.region}


def role_profile(role_arn: str, *, source_profile: str, region: str, user: str | None = None) -> Profile:
    """The profile for a role, with the name of the role.

    Args:
        user: Name of an IAM user; the user's MFA device has the same name.
    """
    partition, account = role_arn.split(":")[1], role_arn.split(":")[4]
    serial = f"arn:{partition}:iam::{account}:mfa/{user}" if user else None
    name = role_arn.rpartition("/")[2]
    return Profile(name=name, role_arn=role_arn, source_profile=source_profile, region=region, mfa_serial=serial)


def with_profile(text: str, profile: Profile, *, source: str, replace: bool = False) -> str:
    """The text of a settings file with this profile in it.

    Args:
        source: Name of the file, for errors.
        replace: Change a profile that has the same name and other settings.

    Raises:
        DataShareError: A profile with this name has other settings.
    """
    lines = text.splitlines(keepends=True)
    line_end = "\r\n" if "\r\n" in text else "\n"
    span = _section(lines, profile.name)
    settings = profile.settings()
    if span is None:
        # Without a line end, the header of the profile would become part of the last line.
        gap = ("" if not text or text.endswith(("\n", "\r")) else line_end) + (line_end if text.strip() else "")
        body = "".join(f"{key} = {value}{line_end}" for key, value in settings.items())
        return f"{text}{gap}[profile {profile.name}]{line_end}{body}"
    existing = {setting.key: setting.value for setting in _settings(lines, span)}
    new = {key: value for key, value in settings.items() if existing.get(key) != value}
    if not new:
        return text
    if not replace:
        changes = "".join(
            f"\n  {key} is {existing.get(key) or 'not set'}, and would become {value}" for key, value in new.items()
        )
        raise DataShareError(
            f"{source}: profile '{profile.name}' already exists with other settings; nothing was written:{changes}"
            "\n  Change it with --replace, or by hand."
        )
    return "".join(_with_settings(lines, span, new, line_end))


def profile_names(text: str, *, is_credentials: bool = False) -> list[str]:
    """Names of the profiles in a settings file, or in a credentials file, whose headers omit the word `profile`."""
    headers = [match["name"].strip() for line in text.splitlines() if (match := _HEADER.match(line))]
    return [name for header in headers if (name := header if is_credentials else _profile_name(header))]


def add_profiles(profiles: Sequence[Profile], environment: Mapping[str, str], *, replace: bool = False) -> Path:
    """Add all profiles to the user's AWS settings file, or none.

    Returns:
        The file.

    Raises:
        DataShareError: A profile with one of the names has other settings.
        FailedError: The file cannot be read or written.
    """
    file = settings_file(environment)
    text = before = _read(file)
    for profile in profiles:
        text = with_profile(text, profile, source=str(file), replace=replace)
    if text != before:
        _write(file, text)
    return file


def check_source_profile(name: str, environment: Mapping[str, str]) -> None:
    """Check that the profile whose credentials assume a role exists.

    Raises:
        DataShareError: It does not exist.
    """
    files = {settings_file(environment): False, _credentials_file(environment): True}
    known = {
        profile
        for file, is_credentials in files.items()
        for profile in profile_names(_read(file), is_credentials=is_credentials)
    }
    if name not in known:
        raise DataShareError(f"{' or '.join(map(str, files))}: {unknown_name_text('profile', name, known)}")


def settings_file(environment: Mapping[str, str]) -> Path:
    """The settings file that AWS's tools use."""
    return Path(environment.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser()


def _credentials_file(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials").expanduser()


@dataclass(frozen=True, kw_only=True)
class _Setting:
    line: int
    key: str
    value: str


def _section(lines: Sequence[str], name: str) -> range | None:
    """The lines of a profile, from the one after its header to the next header."""
    headers = [(at, match["name"].strip()) for at, line in enumerate(lines) if (match := _HEADER.match(line))]
    for number, (at, header) in enumerate(headers):
        if _profile_name(header) == name:
            return range(at + 1, headers[number + 1][0] if number + 1 < len(headers) else len(lines))
    return None


def _profile_name(header: str) -> str | None:
    if header == "default":
        return header
    match = re.fullmatch(r"profile\s+(['\"]?)(?P<name>.+)\1", header)
    return match["name"] if match else None


def _settings(lines: Sequence[str], span: range) -> Iterator[_Setting]:
    for at in span:
        if match := _SETTING.match(lines[at]):
            yield _Setting(line=at, key=match["key"], value=match["value"])


def _with_settings(lines: Sequence[str], span: range, new: Mapping[str, str], line_end: str) -> list[str]:
    """The lines with new values: existing settings in their lines, others first in the section."""
    changed = list(lines)
    added = dict(new)
    for setting in _settings(lines, span):
        if setting.key in added:
            changed[setting.line] = f"{setting.key} = {added.pop(setting.key)}{line_end}"
    first = [f"{key} = {value}{line_end}" for key, value in added.items()]
    return [*changed[: span.start], *first, *changed[span.start :]]


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise FailedError(f"{file} cannot be read: {error}") from None


def _write(file: Path, text: str) -> None:
    """Replace the file at once. Its mode stays; only the user can read a new file; a symbolic link stays one."""
    try:
        target = file.resolve()
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o600
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as fresh:
                fresh.write(text.encode("utf-8"))
                fresh.flush()
                os.fsync(fresh.fileno())
            Path(name).chmod(mode)
            Path(name).replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise FailedError(f"{file} cannot be written: {error}") from None
