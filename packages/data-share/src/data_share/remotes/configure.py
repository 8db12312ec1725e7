"""Configuring this clone for a bucket of the infrastructure: its DVC remote, and AWS profiles for its roles."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_share.errors import DataShareError
from data_share.remotes.aws_profiles import Profile, add_profiles, check_source_profile, role_profile, settings_file
from data_share.remotes.editing import RemoteSettings, add_remote
from data_share.remotes.remotes import Remote, remote_json
from data_share.remotes.stack_outputs import StackOutputs


@dataclass(frozen=True, kw_only=True)
class ConfigureRequest:
    """What to configure.

    Attributes:
        project: The project whose prefix of the bucket is used; None for the only one.
        name: Name of the remote.
        roles: Roles that get a profile; all that users may assume, if empty.
        profiles: Write the AWS profiles without asking.
        source_profile: The profile whose credentials assume the roles.
        user: Name of the IAM user whose MFA device is used.
        replace: Change a remote or a profile that has the same name and other settings.
    """

    project: str | None = None
    name: str = "team"
    roles: Sequence[str] = ()
    profiles: bool = False
    source_profile: str | None = None
    user: str | None = None
    replace: bool = False


@dataclass(frozen=True, kw_only=True)
class Configured:
    """What was configured.

    Attributes:
        file: The user's AWS settings file, written or not.
    """

    remote: Remote
    profiles: tuple[Profile, ...]
    file: Path


def configure_remote(root: Path, outputs: StackOutputs, request: ConfigureRequest = ConfigureRequest()) -> Configured:
    """Make the bucket of a stack the default remote and, if the user agrees, write an AWS profile per role.

    Raises:
        DataShareError: The project, a role or the source profile does not exist, or a name is taken.
    """
    project = outputs.project(request.project)
    roles = outputs.user_roles(project, request.roles)
    profiles: tuple[Profile, ...] = ()
    file = settings_file(os.environ)
    # All questions come first, so that a wrong answer changes nothing.
    if roles and (request.profiles or _is_confirmed(f"Write AWS profiles for {', '.join(roles)} into {file}?")):
        source_profile = request.source_profile or _ask_source_profile()
        check_source_profile(source_profile, os.environ)
        profiles = tuple(
            role_profile(arn, source_profile=source_profile, region=outputs.region, user=request.user)
            for arn in roles.values()
        )
    settings = RemoteSettings(name=request.name, url=outputs.url(project), region=outputs.region)
    remote = add_remote(root, settings, is_default=True, replace=request.replace)
    if profiles:
        add_profiles(profiles, os.environ, replace=request.replace)
    return Configured(remote=remote, profiles=profiles, file=file)


def configured_json(configured: Configured) -> dict[str, Any]:
    """What was configured, for programs."""
    profiles = [{"name": profile.name, **profile.settings()} for profile in configured.profiles]
    return {"remote": remote_json(configured.remote), "profiles": profiles, "file": str(configured.file)}


def configured_text(configured: Configured) -> str:
    """What was configured, for the user."""
    remote = configured.remote
    lines = [f"remote '{remote.name}' is {remote.url}, in .dvc/config; commit that"]
    for profile in configured.profiles:
        lines.append(
            f"profile '{profile.name}' is in {configured.file}; use it with: export AWS_PROFILE={profile.name}"
        )
    if not configured.profiles:
        lines.append("no AWS profile was written; --profiles --source-profile NAME writes them")
    return "\n".join(lines)


def _is_confirmed(question: str) -> bool:
    """Ask the user; without a terminal, the answer is no."""
    if not sys.stdin.isatty():
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _ask_source_profile() -> str:
    if not sys.stdin.isatty():
        raise DataShareError("a profile needs the credentials of another one; name that with --source-profile")
    print("Which profile's credentials assume the role? ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()
