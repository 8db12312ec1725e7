"""Profiles are added to the user's AWS settings; no other byte changes."""

from __future__ import annotations

import io
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from data_share import (
    Configured,
    ConfigureRequest,
    DataShareError,
    FailedError,
    configure_remote,
    configured_json,
    configured_text,
    read_stack_outputs,
)
from data_share.remotes.aws_profiles import (
    Profile,
    add_profiles,
    check_source_profile,
    profile_names,
    role_profile,
    with_profile,
)

from .test_share_stack_outputs import OUTPUTS, ROLE
from .tracked import Project

PROFILE = role_profile(f"{ROLE}traffic-reader", source_profile="sso", region="eu-central-1")
LINES = (
    "[profile shrinkwrap-dev-traffic-reader]\n"
    "role_arn = arn:aws:iam::111122223333:role/shrinkwrap-dev-traffic-reader\n"
    "source_profile = sso\n"
    "region = eu-central-1\n"
)
OTHERS = [
    "",
    "# my settings\n[default]\nregion=us-east-1\n",
    "[profile sso]\nsso_start_url = https://x  ; why\n\n\n# end",
    "[profile a]\r\ns3 =\r\n    max_concurrent_requests = 20\r\nregion = x\r\n",
    "[default]\noutput\t=\tjson\n[sso-session corp]\nsso_region = eu-central-1\n[profile 'räum 1']\nregion=x",
    "\ufeff[default]\n",
]


@pytest.mark.parametrize("text", OTHERS)
def test_other_settings_are_kept(text: str) -> None:
    """Comments, order, spaces, line ends and a last line without an end are kept; the profile is appended."""
    added = with_profile(text, PROFILE, source="config")
    assert added.startswith(text)
    assert added.replace("\r\n", "\n").endswith(LINES)
    assert PROFILE.name in profile_names(added)
    assert set(profile_names(text)) == set(profile_names(added)) - {PROFILE.name}


@pytest.mark.parametrize("text", OTHERS)
def test_a_profile_is_added_once(text: str) -> None:
    """Adding a profile again changes nothing."""
    added = with_profile(text, PROFILE, source="config")
    assert with_profile(added, PROFILE, source="config") == added


def test_line_ends_of_the_file_are_kept() -> None:
    """A file with Windows line ends keeps them."""
    added = with_profile(OTHERS[3], PROFILE, source="config")
    assert added.count("\n") == added.count("\r\n")


def test_a_profile_with_other_settings_is_refused() -> None:
    """The error has the current and the new value of each setting."""
    existing = LINES.replace("= sso", "= work").replace("region = eu-central-1\n", "output = json\n")
    with pytest.raises(DataShareError) as error:
        with_profile(existing, PROFILE, source="config")
    assert str(error.value) == (
        "config: profile 'shrinkwrap-dev-traffic-reader' already exists with other settings;"
        " nothing was written:\n"
        "  source_profile is work, and would become sso\n"
        "  region is not set, and would become eu-central-1\n"
        "  Change it with --replace, or by hand."
    )


def test_replacing_changes_only_different_settings() -> None:
    """Other settings of the profile, and other profiles, do not change."""
    other = "[profile z]\nregion = q\n"
    existing = other + LINES.replace("= sso", "= work").replace("region", "# mine\noutput = json\nregion") + other
    replaced = with_profile(existing, PROFILE, source="config", replace=True)
    assert replaced == existing.replace("= work", "= sso")


def test_a_nested_setting_is_not_changed() -> None:
    """An indented `region` belongs to the setting above it, not to the profile."""
    existing = LINES.replace("region = eu-central-1\n", "s3 =\n  region = eu-central-1\n")
    replaced = with_profile(existing, PROFILE, source="config", replace=True)
    assert replaced == existing.replace("reader]\n", "reader]\nregion = eu-central-1\n")


def test_an_iam_user_has_an_mfa_device() -> None:
    """The MFA device is in the role's partition and account, and has the user's name."""
    profile = role_profile(f"{ROLE}admin", source_profile="me", region="r", user="shrinkwrap-dev-ada")
    assert profile.settings()["mfa_serial"] == "arn:aws:iam::111122223333:mfa/shrinkwrap-dev-ada"
    assert "mfa_serial" not in PROFILE.settings()
    chinese = role_profile("arn:aws-cn:iam::111122223333:role/x", source_profile="me", region="r", user="ada")
    assert chinese.settings()["mfa_serial"] == "arn:aws-cn:iam::111122223333:mfa/ada"


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_the_mode_of_the_file_is_kept(tmp_path: Path, mode: int) -> None:
    """The mode of the file does not change."""
    file = tmp_path / "config"
    file.write_text("[default]\n")
    file.chmod(mode)
    assert add_profiles([PROFILE], {"AWS_CONFIG_FILE": str(file)}) == file
    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert [found.name for found in tmp_path.iterdir()] == ["config"]


def test_a_new_file_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without AWS_CONFIG_FILE, ~/.aws/config is created, and only the user can read it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    file = add_profiles([PROFILE], {})
    assert file == tmp_path / ".aws" / "config"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_symbolic_link_is_kept(tmp_path: Path) -> None:
    """A symbolic link stays one; the file that it points to is changed."""
    (tmp_path / "real").write_text("[default]\n")
    (tmp_path / "config").symlink_to("real")
    add_profiles([PROFILE], {"AWS_CONFIG_FILE": str(tmp_path / "config")})
    assert (tmp_path / "config").is_symlink()
    assert (tmp_path / "real").read_text() == "[default]\n\n" + LINES


def test_all_profiles_or_none_are_written(tmp_path: Path) -> None:
    """If one profile is refused, no profile is added."""
    file = tmp_path / "config"
    file.write_text(LINES.replace("= sso", "= work"))
    other = Profile(name="other", role_arn="a", source_profile="b", region="c")
    with pytest.raises(DataShareError):
        add_profiles([other, PROFILE], {"AWS_CONFIG_FILE": str(file)})
    assert file.read_text() == LINES.replace("= sso", "= work")


def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    """A folder with that name, or bytes that are not UTF-8, are an error."""
    with pytest.raises(FailedError, match="cannot be read"):
        add_profiles([PROFILE], {"AWS_CONFIG_FILE": str(tmp_path)})
    (tmp_path / "config").write_bytes(b"\xff")
    with pytest.raises(FailedError, match="cannot be read"):
        add_profiles([PROFILE], {"AWS_CONFIG_FILE": str(tmp_path / "config")})


def test_the_source_profile_must_exist(tmp_path: Path) -> None:
    """The source profile may be in either of AWS's files; the error for an unknown one has the nearest name."""
    (tmp_path / "config").write_text("[default]\n[profile corporate]\n")
    (tmp_path / "credentials").write_text("[keys]\n")
    environment = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }
    for name in ("default", "corporate", "keys"):
        check_source_profile(name, environment)
    with pytest.raises(DataShareError, match="unknown profile 'corporat'; did you mean 'corporate'"):
        check_source_profile("corporat", environment)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """AWS settings with an SSO profile; standard input is not a terminal."""
    file = tmp_path / "config"
    file.write_text("[profile sso]\nsso_session = corp\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return file


def configure(created: Project, **options: Any) -> Configured:
    outputs = read_stack_outputs(json.dumps(OUTPUTS), source="o.json")
    return configure_remote(created.root, outputs, ConfigureRequest(**options))


def test_configure_writes_the_remote_and_no_secret(project: Project, settings: Path) -> None:
    """The remote becomes the default; without a terminal and without `profiles`, AWS's settings do not change."""
    before = settings.read_bytes()
    assert configured_text(configure(project, project="traffic")) == (
        "remote 'team' is s3://acme-data/traffic, in .dvc/config; commit that\n"
        "no AWS profile was written; --profiles --source-profile NAME writes them"
    )
    config = (project.root / ".dvc/config").read_text()
    assert "url = s3://acme-data/traffic" in config
    assert "region = eu-central-1" in config
    assert "remote = team" in config
    assert settings.read_bytes() == before
    configure(project, project="traffic")
    assert (project.root / ".dvc/config").read_text() == config


def test_configure_writes_a_profile_per_role(project: Project, settings: Path) -> None:
    """Only named roles get a profile, after the existing settings."""
    configured = configure(project, project="traffic", roles=["contributor"], profiles=True, source_profile="sso")
    name = "shrinkwrap-dev-traffic-contributor"
    assert [profile["name"] for profile in configured_json(configured)["profiles"]] == [name]
    assert f"profile '{name}' is in {settings}; use it with: export AWS_PROFILE={name}" in configured_text(configured)
    text = settings.read_text()
    assert text.startswith("[profile sso]\nsso_session = corp\n\n")
    assert profile_names(text) == ["sso", name]


class Terminal(io.StringIO):
    """What a user types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "profiles"), [("y\nsso\n", 1), ("n\n", 0), ("\n", 0)])
def test_configure_asks_before_it_writes_profiles(
    project: Project,
    settings: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    profiles: int,
) -> None:
    """On a terminal, configure asks whether to write profiles and which profile assumes the roles."""
    settings.write_bytes(b"# mine\r\n[profile sso] ; corp\r\nsso_session = corp")
    before = settings.read_bytes()
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    configure(project, project="traffic", roles=["contributor"])
    assert f"Write AWS profiles for traffic/contributor into {settings}? [y/N]" in capsys.readouterr().err
    after = settings.read_bytes()
    assert after.startswith(before)
    assert (len(profile_names(after.decode())) - 1, after.count(b"\r\n") == after.count(b"\n")) == (profiles, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "o.json: has several projects; name one of climate, traffic with --project"),
        ({"project": "traffic", "roles": ["writer"]}, "o.json: unknown role 'writer'. Known roles: admin,"),
        ({"project": "traffic", "profiles": True}, "a profile needs the credentials of another one; name that with"),
        (
            {"project": "traffic", "profiles": True, "source_profile": "so"},
            "unknown profile 'so'; did you mean 'sso'?",
        ),
    ],
)
def test_configure_refuses_wrong_input(project: Project, settings: Path, options: dict[str, Any], message: str) -> None:
    """Wrong input has exit code 2 and one message, and changes no file."""
    before = (settings.read_bytes(), (project.root / ".dvc/config").read_bytes())
    with pytest.raises(DataShareError) as caught:
        configure(project, **options)
    assert caught.value.exit_code == 2
    assert message in str(caught.value)
    assert (settings.read_bytes(), (project.root / ".dvc/config").read_bytes()) == before
