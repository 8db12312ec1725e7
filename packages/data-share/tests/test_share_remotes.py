"""Adding, choosing and listing remotes, and the secrets that must never be written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from data_share import RemoteSettings, add_remote, remote_json

from .conftest import Share
from .tracked import Project


def test_a_bucket_is_one_command(project: Project, share: Share) -> None:
    """A bucket on any endpoint is written as DVC reads it, and can become the default."""
    flags = ("--endpoint", "https://s3.example.org", "--region", "eu-1", "--profile", "team", "--default")
    result = share("remote-add", "team", "s3://acme-data/traffic", *flags)
    assert result.code == 0
    listing = subprocess.run(
        [sys.executable, "-m", "dvc", "config", "--list"], cwd=project.root, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert {
        "core.remote=team",
        "remote.team.url=s3://acme-data/traffic",
        "remote.team.endpointurl=https://s3.example.org",
        "remote.team.region=eu-1",
        "remote.team.profile=team",
    } <= set(listing)
    assert "* team  s3://acme-data/traffic  endpointurl https://s3.example.org" in share("remote-list").out
    assert not (project.root / ".dvc/config.local").exists()


def test_a_folder_of_the_repository_is_relative(project: Project, share: Share, tmp_path: Path) -> None:
    """A folder of the repository is written relative to it, for other clones; another one is absolute."""
    share("remote-add", "near", "data/remote box")
    share("remote-add", "far", str(tmp_path / "share"))
    config = (project.root / ".dvc/config").read_text()
    assert "url = ../data/remote box" in config
    assert f"url = {tmp_path / 'share'}" in config
    remotes = {each["name"]: each["url"] for each in json.loads(share("remote-list", "--json").out)["remotes"]}
    assert remotes["near"] == str(project.root / "data/remote box")
    share("remote-use", "near")
    assert share("push").code == 0
    assert (project.root / "data/remote box/files/md5").is_dir()


def test_a_folder_is_relative_to_the_user(
    project: Project, share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a subfolder of the project, a folder is relative to that subfolder."""
    monkeypatch.chdir(project.root / "data")
    share("remote-add", "near", "../box 2")
    share("remote-add", "far", "../../share")
    remotes = {each["name"]: each["url"] for each in json.loads(share("remote-list", "--json").out)["remotes"]}
    assert (remotes["near"], remotes["far"]) == (str(project.root / "box 2"), str(tmp_path / "share"))


def test_comments_are_kept(project: Project, share: Share) -> None:
    """Comments and non-ASCII letters in .dvc/config are kept."""
    config = project.root / ".dvc/config"
    before = "# für alle\n" + config.read_text().replace("['remote", "# der Schrank\n['remote")
    config.write_text(before)
    share("remote-add", "team", "s3://acme-data/traffic", "--default")
    after = before.replace("remote = box", "remote = team")
    assert config.read_text() == f"{after}['remote \"team\"']\n    url = s3://acme-data/traffic\n"


def test_line_ends_are_kept(project: Project, share: Share) -> None:
    """A file with Windows line ends keeps them."""
    config = project.root / ".dvc/config"
    config.write_bytes(config.read_bytes().replace(b"\n", b"\r\n"))
    before = config.read_bytes()
    assert share("remote-add", "team", "s3://acme-data/traffic").code == 0
    assert config.read_bytes() == before + b"['remote \"team\"']\r\n    url = s3://acme-data/traffic\r\n"


def test_a_remote_can_be_added_twice(project: Project, share: Share) -> None:
    """Adding the same remote again changes nothing; other settings under the same name need --replace."""
    share("remote-add", "team", "s3://acme-data/traffic")
    before = (project.root / ".dvc/config").read_text()
    assert share("remote-add", "team", "s3://acme-data/traffic").code == 0
    assert (project.root / ".dvc/config").read_text() == before
    result = share("remote-add", "team", "s3://other/traffic")
    assert (result.code, (project.root / ".dvc/config").read_text()) == (2, before)
    assert "already exists, with the URL s3://acme-data/traffic; change its settings with --replace" in result.err
    assert share("remote-add", "team", "s3://other/traffic", "--replace").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("team", "s3://AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI@acme/x"),  # pragma: allowlist secret
        ("team", "s3://acme/x", "--endpoint", "https://user:password@s3.example.org"),  # pragma: allowlist secret
        ("team", "s3://acme/x", "--profile", "AKIAIOSFODNN7EXAMPLE"),  # pragma: allowlist secret
        ("team", "s3://acme/x", "--endpoint", "https://s3.example.org/?X-Amz-Signature=1"),
    ],
)
def test_no_secret_is_written(project: Project, share: Share, words: tuple[str, ...]) -> None:
    """A key or a password in a URL or option is refused, and the file does not change."""
    before = (project.root / ".dvc/config").read_text()
    result = share("remote-add", *words)
    assert (result.code, (project.root / ".dvc/config").read_text()) == (2, before)
    assert "these settings contain a secret, and .dvc/config is in git" in result.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("Team!", "s3://acme/x"), "a name consists of small letters, digits, '-' and '_'"),
        (("team", "gs://acme/x"), "unknown kind of remote 'gs://'; did you mean 's3://'?"),
        (("team", "s3://"), "'s3://' is not a bucket; write s3://BUCKET/PREFIX"),
        (("team", "s3://acme/../other"), "leads out of the bucket"),
        (("team", "s3://acme/x", "--endpoint", "s3.example.org"), "is not an address such as https://s3.example.org"),
        (("team", "folder", "--region", "eu-1"), "a folder has no region"),
        (("team", ""), "the URL is empty"),
    ],
)
def test_invalid_settings_are_refused(project: Project, share: Share, words: tuple[str, ...], problem: str) -> None:
    """Each mistake has an error with advice, and nothing is written."""
    before = (project.root / ".dvc/config").read_text()
    result = share("remote-add", *words)
    assert (result.code, (project.root / ".dvc/config").read_text()) == (2, before)
    assert problem in result.err


def test_a_command_without_a_remote_fails(project: Project, share: Share) -> None:
    """Without a remote, every command explains how to add one."""
    (project.root / ".dvc/config").write_text("[core]\n    analytics = false\n")
    for command in ("push", "pull", "check", "doctor"):
        result = share(command)
        assert result.code == 2
        assert "no remote is set; add one: `invoke data.remote-add NAME s3://BUCKET/PREFIX`" in result.err


@pytest.mark.parametrize("command", ["push", "pull", "check", "doctor", "gc"])
def test_an_unknown_remote_is_refused(share: Share, command: str) -> None:
    """The error for an unknown remote has the nearest name."""
    result = share(command, "--remote", "bx")
    assert result.code == 2
    assert "unknown remote 'bx'; did you mean 'box'? Known remotes: box" in result.err


def test_a_remote_of_another_kind_is_refused(project: Project, share: Share) -> None:
    """A kind of remote that only DVC can use is refused with the commands of DVC."""
    project.configure("['remote \"box\"']\n    url = ssh://host/path\n")
    assert "ssh://host/path is neither a folder nor s3://" in share("push").err


def test_a_default_for_this_clone_only(project: Project, share: Share, tmp_path: Path) -> None:
    """--only-here writes to the file that git ignores."""
    share("remote-add", "far", str(tmp_path / "share"))
    before = (project.root / ".dvc/config").read_text()
    assert share("remote-use", "far", "--only-here").code == 0
    assert (project.root / ".dvc/config").read_text() == before
    assert json.loads(share("remote-list", "--json").out)["default"] == "far"


def test_the_doctor_checks_a_folder(project: Project, share: Share) -> None:
    """The doctor reports objects and free space of a folder; a folder that does not exist yet is not a failure."""
    assert "the folder does not exist; the first push creates it" in share("doctor").out
    share("push")
    result = share("doctor")
    assert (result.code, "5 objects" in result.out, " free" in result.out) == (0, True, True)
    project.configure("['remote \"box\"']\n    url = /proc/nothing/here\n")
    assert share("push").code == 1


def test_the_added_remote_is_returned(project: Project) -> None:
    """add_remote returns the remote as DVC reads it."""
    remote = add_remote(
        project.root, RemoteSettings(name="team", url="s3://acme/traffic", region="eu-1"), is_default=True
    )
    assert remote_json(remote) == {"name": "team", "url": "s3://acme/traffic", "region": "eu-1"}
    assert (remote.bucket, remote.prefix) == ("acme", "traffic/")


def test_a_project_without_dvc_is_refused(share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a project without DVC, the error names the missing folder."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/datasets.toml").touch()
    monkeypatch.chdir(tmp_path)
    result = share("push")
    assert (result.code, "it has no folder .dvc" in result.err) == (2, True)


def test_a_broken_configuration_is_an_error(project: Project, share: Share) -> None:
    """A broken .dvc/config is an error without a traceback."""
    (project.root / ".dvc/config").write_text("[core\n")
    result = share("push")
    assert (result.code, result.err.startswith("error: DVC's configuration cannot be read")) == (2, True)
