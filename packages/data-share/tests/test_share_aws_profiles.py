"""Profiles are added to the user's AWS settings; nothing else in there changes by a byte."""

from __future__ import annotations

import io
import json
import os
import stat
from pathlib import Path

import pytest

from data_share.__main__ import main
from data_share.aws_profiles import Profile, add_profiles, check_source, profile_names, role_profile, with_profile
from data_share.errors import FileAccessError, ProfileError

from .conftest import Share
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
def test_what_stands_there_stays(text: str) -> None:
    """Comments, order, spaces, line ends and an unfinished last line are kept; the profile comes after them."""
    added = with_profile(text, PROFILE, source="config")
    assert added.startswith(text)
    assert added.replace("\r\n", "\n").endswith(LINES)
    assert PROFILE.name in profile_names(added)
    assert set(profile_names(text)) == set(profile_names(added)) - {PROFILE.name}


@pytest.mark.parametrize("text", OTHERS)
def test_a_second_time_changes_nothing(text: str) -> None:
    """The profile is there once, however often it is asked for."""
    added = with_profile(text, PROFILE, source="config")
    assert with_profile(added, PROFILE, source="config") == added


def test_line_ends_are_the_files_own() -> None:
    """A file with Windows line ends gets no others."""
    added = with_profile(OTHERS[3], PROFILE, source="config")
    assert added.count("\n") == added.count("\r\n")


def test_a_profile_that_says_something_else_is_not_changed_unasked() -> None:
    """The error shows what stands there and what it would become."""
    there = LINES.replace("= sso", "= work").replace("region = eu-central-1\n", "output = json\n")
    with pytest.raises(ProfileError) as error:
        with_profile(there, PROFILE, source="config")
    assert str(error.value) == (
        "config: profile 'shrinkwrap-dev-traffic-reader' is there already and says something else;"
        " nothing was written:\n"
        "  source_profile is work, and would become sso\n"
        "  region is not set, and would become eu-central-1\n"
        "  Change it with --replace, or by hand."
    )


def test_replacing_changes_only_what_differs() -> None:
    """In the profile, what is not ours stays; so does every other profile."""
    mine = "[profile z]\nregion = q\n"
    there = mine + LINES.replace("= sso", "= work").replace("region", "# mine\noutput = json\nregion") + mine
    replaced = with_profile(there, PROFILE, source="config", replace=True)
    assert replaced == there.replace("= work", "= sso")


def test_a_setting_of_a_nested_table_is_none_of_the_profile() -> None:
    """An indented `region` belongs to the setting above it."""
    there = LINES.replace("region = eu-central-1\n", "s3 =\n  region = eu-central-1\n")
    replaced = with_profile(there, PROFILE, source="config", replace=True)
    assert replaced == there.replace("reader]\n", "reader]\nregion = eu-central-1\n")


def test_an_iam_user_is_asked_for_mfa() -> None:
    """The device is in the role's account and called like the user."""
    profile = role_profile(f"{ROLE}admin", source_profile="me", region="r", user="shrinkwrap-dev-ada")
    assert profile.settings()["mfa_serial"] == "arn:aws:iam::111122223333:mfa/shrinkwrap-dev-ada"
    assert "mfa_serial" not in PROFILE.settings()


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_the_files_mode_stays(tmp_path: Path, mode: int) -> None:
    """A file that others may read stays so, one that they may not as well."""
    file = tmp_path / "config"
    file.write_text("[default]\n")
    file.chmod(mode)
    assert add_profiles([PROFILE], {"AWS_CONFIG_FILE": str(file)}) == file
    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert [found.name for found in tmp_path.iterdir()] == ["config"]


def test_a_new_file_is_the_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without AWS_CONFIG_FILE it is ~/.aws/config, and its folder is made."""
    monkeypatch.setenv("HOME", str(tmp_path))
    file = add_profiles([PROFILE], {})
    assert file == tmp_path / ".aws" / "config"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Settings that are kept elsewhere are changed there."""
    (tmp_path / "real").write_text("[default]\n")
    (tmp_path / "config").symlink_to("real")
    add_profiles([PROFILE], {"AWS_CONFIG_FILE": str(tmp_path / "config")})
    assert (tmp_path / "config").is_symlink()
    assert (tmp_path / "real").read_text() == "[default]\n\n" + LINES


def test_all_or_none_is_written(tmp_path: Path) -> None:
    """If one profile is refused, none is added."""
    file = tmp_path / "config"
    file.write_text(LINES.replace("= sso", "= work"))
    other = Profile(name="other", role_arn="a", source_profile="b", region="c")
    with pytest.raises(ProfileError):
        add_profiles([other, PROFILE], {"AWS_CONFIG_FILE": str(file)})
    assert file.read_text() == LINES.replace("= sso", "= work")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A folder of that name, or bytes that are no UTF-8."""
    with pytest.raises(FileAccessError, match="cannot be read"):
        add_profiles([PROFILE], {"AWS_CONFIG_FILE": str(tmp_path)})
    (tmp_path / "config").write_bytes(b"\xff")
    with pytest.raises(FileAccessError, match="cannot be read"):
        add_profiles([PROFILE], {"AWS_CONFIG_FILE": str(tmp_path / "config")})


def test_the_source_profile_must_be_there(tmp_path: Path) -> None:
    """It may be in either of AWS's files; else the nearest name is told."""
    (tmp_path / "config").write_text("[default]\n[profile corporate]\n")
    (tmp_path / "credentials").write_text("[keys]\n")
    environment = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }
    for name in ("default", "corporate", "keys"):
        check_source(name, environment)
    with pytest.raises(ProfileError, match="there is no profile 'corporat'; did you mean 'corporate'"):
        check_source("corporat", environment)


@pytest.fixture
def outputs_file(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Outputs beside the project, and AWS settings with an SSO profile."""
    (tmp_path / "config").write_text("[profile sso]\nsso_session = corp\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(OUTPUTS))
    return file


def test_configure_writes_the_remote_and_nothing_secret(share: Share, outputs_file: Path, project: Project) -> None:
    """The remote is the default; without a terminal and --profiles, AWS's settings stay as they are."""
    before = (outputs_file.parent / "config").read_bytes()
    answer = share("configure", str(outputs_file), "--project", "traffic")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == (
        "remote 'team' is s3://acme-data/traffic, in .dvc/config; commit that\n"
        "no AWS profile was written; --profiles --source-profile NAME writes them\n"
    )
    config = (project.root / ".dvc/config").read_text()
    assert "url = s3://acme-data/traffic" in config
    assert "region = eu-central-1" in config
    assert (outputs_file.parent / "config").read_bytes() == before
    again = share("configure", str(outputs_file), "--project", "traffic")
    assert again.code == 0
    assert (project.root / ".dvc/config").read_text() == config


def test_configure_writes_a_profile_per_role(share: Share, outputs_file: Path) -> None:
    """Named roles only; what was there comes first, byte for byte."""
    words = ("configure", str(outputs_file), "--project=traffic", "--role=contributor", "--profiles")
    answer = share(*words, "--source-profile=sso", "--json")
    assert answer.code == 0, answer.err
    name = "shrinkwrap-dev-traffic-contributor"
    assert [profile["name"] for profile in json.loads(answer.out)["profiles"]] == [name]
    text = (outputs_file.parent / "config").read_text()
    assert text.startswith("[profile sso]\nsso_session = corp\n\n")
    assert profile_names(text) == ["sso", name]


class Terminal(io.StringIO):
    """What somebody types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "profiles"), [("y\nsso\n", 1), ("n\n", 0), ("\n", 0)])
def test_configure_asks_before_it_writes(
    outputs_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    profiles: int,
) -> None:
    """On a terminal it asks, and for the profile whose credentials are used; without a yes, nothing is written."""
    config = outputs_file.parent / "config"
    config.write_bytes(b"# mine\r\n[profile sso] ; corp\r\nsso_session = corp")
    before = config.read_bytes()
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    assert main(argv=["configure", str(outputs_file), "--project=traffic", "--role=contributor"]) == 0
    assert f"Write AWS profiles for traffic/contributor into {config}? [y/N]" in capsys.readouterr().err
    after = config.read_bytes()
    assert after.startswith(before)
    assert (len(profile_names(after.decode())) - 1, after.count(b"\r\n") == after.count(b"\n")) == (profiles, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "error: FILE: has several projects; name one of climate, traffic with --project\n"),
        (("--project=traffic", "--role=writer"), "error: FILE: there is no role 'writer'. There is: admin,"),
        (("--project=traffic", "--profiles"), "error: a profile needs the credentials of another one; name that with"),
        (("--project=traffic", "--profiles", "--source-profile=so"), "there is no profile 'so'; did you mean 'sso'?"),
    ],
)
def test_configure_refuses_what_it_cannot_do(
    share: Share, outputs_file: Path, words: tuple[str, ...], message: str
) -> None:
    """Wrong input is exit code 2 and one sentence."""
    answer = share("configure", str(outputs_file), *words)
    assert answer.code == 2
    assert message.replace("FILE", str(outputs_file)) in answer.err


def test_configure_tells_a_file_that_is_not_there(share: Share) -> None:
    """No traceback."""
    answer = share("configure", "nowhere.json")
    assert answer.code == 1
    assert answer.err.startswith("error: nowhere.json cannot be read: ")
