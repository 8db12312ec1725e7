"""Profiles in the user's AWS settings file: added, never changed unasked, everything else byte for byte as it was."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_share.errors import FileAccessError, ProfileError, unknown_name

_HEAD = re.compile(r"^\s*\[(?P<name>[^\]]*)\]")
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
        """In the order in which they are written."""
        mfa = {"mfa_serial": self.mfa_serial} if self.mfa_serial else {}
        return {"role_arn": self.role_arn, "source_profile": self.source_profile, **mfa, "region": self.region}


def role_profile(role_arn: str, *, source_profile: str, region: str, user: str | None = None) -> Profile:
    """The profile for a role, called like the role.

    Args:
        user: An IAM user's name; their MFA device has it, too.
    """
    account = role_arn.split(":")[4]
    serial = f"arn:aws:iam::{account}:mfa/{user}" if user else None
    name = role_arn.rpartition("/")[2]
    return Profile(name=name, role_arn=role_arn, source_profile=source_profile, region=region, mfa_serial=serial)


def with_profile(text: str, profile: Profile, *, source: str, replace: bool = False) -> str:
    """The text of a settings file with this profile in it.

    Args:
        source: Name of the file, for errors.
        replace: Change a profile of that name that says something else.

    Raises:
        ProfileError: There is a profile of that name that says something else.
    """
    lines = text.splitlines(keepends=True)
    end = "\r\n" if "\r\n" in text else "\n"
    span = _section(lines, profile.name)
    wanted = profile.settings()
    if span is None:
        # An unfinished last line gets its end, or the head of the profile would be part of it.
        gap = ("" if not text or text.endswith(("\n", "\r")) else end) + (end if text.strip() else "")
        body = "".join(f"{key} = {value}{end}" for key, value in wanted.items())
        return f"{text}{gap}[profile {profile.name}]{end}{body}"
    there = {key: value for _, key, value in _settings(lines, span)}
    differing = {key: (there.get(key), value) for key, value in wanted.items() if there.get(key) != value}
    if not differing:
        return text
    if not replace:
        raise ProfileError(profile.name, source, differing)
    return "".join(_changed(lines, span, {key: value for key, (_, value) in differing.items()}, end))


def profile_names(text: str, *, is_credentials: bool = False) -> list[str]:
    """Names of the profiles in a settings file or a credentials file, which leaves out the word `profile`."""
    heads = [match["name"].strip() for line in text.splitlines() if (match := _HEAD.match(line))]
    return [name for head in heads if (name := head if is_credentials else _profile_name(head))]


def add_profiles(profiles: Sequence[Profile], environment: Mapping[str, str], *, replace: bool = False) -> Path:
    """Write them into the user's AWS settings file, all or none.

    Returns:
        The file.

    Raises:
        ProfileError: A profile of that name says something else.
        FileAccessError: The file cannot be read or written.
    """
    file = settings_file(environment)
    text = before = _text_of(file)
    for profile in profiles:
        text = with_profile(text, profile, source=str(file), replace=replace)
    if text != before:
        _write(file, text)
    return file


def check_source(name: str, environment: Mapping[str, str]) -> None:
    """See that the profile whose credentials assume the role is there.

    Raises:
        ProfileError: It is not.
    """
    files = {settings_file(environment): False, _credentials_file(environment): True}
    known = [found for file, is_own in files.items() for found in profile_names(_text_of(file), is_credentials=is_own)]
    if name not in known:
        problem = unknown_name("profile", name, sorted(set(known)))
        raise ProfileError(name, " or ".join(map(str, files)), problem=problem)


def settings_file(environment: Mapping[str, str]) -> Path:
    """Where AWS's tools look for it."""
    return Path(environment.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser()


def _credentials_file(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials").expanduser()


def _section(lines: Sequence[str], name: str) -> tuple[int, int] | None:
    """The lines of a profile, from behind its head to the next head."""
    heads = [(at, match["name"].strip()) for at, line in enumerate(lines) if (match := _HEAD.match(line))]
    for number, (at, head) in enumerate(heads):
        if _profile_name(head) == name:
            return at + 1, heads[number + 1][0] if number + 1 < len(heads) else len(lines)
    return None


def _profile_name(head: str) -> str | None:
    if head == "default":
        return head
    match = re.fullmatch(r"profile\s+(['\"]?)(?P<name>.+)\1", head)
    return match["name"] if match else None


def _settings(lines: Sequence[str], span: tuple[int, int]) -> Iterator[tuple[int, str, str]]:
    for at in range(*span):
        if match := _SETTING.match(lines[at]):
            yield at, match["key"], match["value"]


def _changed(lines: Sequence[str], span: tuple[int, int], new: Mapping[str, str], end: str) -> list[str]:
    """The lines with these settings of a section set: each where it stands, new ones first in the section."""
    changed = list(lines)
    missing = dict(new)
    for at, key, _ in _settings(lines, span):
        if key in missing:
            changed[at] = f"{key} = {missing.pop(key)}{end}"
    return [*changed[: span[0]], *(f"{key} = {value}{end}" for key, value in missing.items()), *changed[span[0] :]]


def _text_of(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise FileAccessError(f"{file} cannot be read: {error}") from None


def _write(file: Path, text: str) -> None:
    """Whole or not at all; the mode stays, a new file is the user's alone, a link stays a link."""
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
        raise FileAccessError(f"{file} cannot be written: {error}") from None
