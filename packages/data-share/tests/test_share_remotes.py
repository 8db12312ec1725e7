"""Remotes: adding, choosing, listing, and what must never be written down."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from data_share import add_remote

from .conftest import Share
from .tracked import Project


def test_a_bucket_is_one_command(project: Project, share: Share) -> None:
    """A bucket on any endpoint is written as DVC itself reads it, and may become the default."""
    flags = ("--endpoint", "https://s3.example.org", "--region", "eu-1", "--profile", "team", "--default")
    answer = share("remote-add", "team", "s3://acme-data/traffic", *flags)
    assert answer.code == 0
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


def test_a_folder_inside_stays_relative(project: Project, share: Share, tmp_path: Path) -> None:
    """A folder of the repository is written relative to it, so that a clone elsewhere works; another one absolute."""
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


def test_comments_stay(project: Project, share: Share) -> None:
    """What somebody wrote into .dvc/config stays as it is, letters of their own included."""
    config = project.root / ".dvc/config"
    before = "# für alle\n" + config.read_text().replace("['remote", "# der Schrank\n['remote")
    config.write_text(before)
    share("remote-add", "team", "s3://acme-data/traffic", "--default")
    after = before.replace("remote = box", "remote = team")
    assert config.read_text() == f"{after}['remote \"team\"']\n    url = s3://acme-data/traffic\n"


def test_line_ends_stay(project: Project, share: Share) -> None:
    """A file with Windows line ends gets no others."""
    config = project.root / ".dvc/config"
    config.write_bytes(config.read_bytes().replace(b"\n", b"\r\n"))
    before = config.read_bytes()
    assert share("remote-add", "team", "s3://acme-data/traffic").code == 0
    assert config.read_bytes() == before + b"['remote \"team\"']\r\n    url = s3://acme-data/traffic\r\n"


def test_adding_twice(project: Project, share: Share) -> None:
    """The same again changes nothing; something else under the same name needs --replace."""
    share("remote-add", "team", "s3://acme-data/traffic")
    before = (project.root / ".dvc/config").read_text()
    assert share("remote-add", "team", "s3://acme-data/traffic").code == 0
    assert (project.root / ".dvc/config").read_text() == before
    answer = share("remote-add", "team", "s3://other/traffic")
    assert (answer.code, (project.root / ".dvc/config").read_text()) == (2, before)
    assert "is there already, for s3://acme-data/traffic; replace it with --replace" in answer.err
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
    """A key or a password in a URL or option is refused, and the file stays as it was."""
    before = (project.root / ".dvc/config").read_text()
    answer = share("remote-add", *words)
    assert (answer.code, (project.root / ".dvc/config").read_text()) == (2, before)
    assert "this holds a secret, and .dvc/config is in git" in answer.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("Team!", "s3://acme/x"), "a name has small letters, digits, '-' and '_'"),
        (("team", "gs://acme/x"), "there is no kind of remote 'gs://'; did you mean 's3://'?"),
        (("team", "s3://"), "'s3://' is no bucket; write s3://BUCKET/PREFIX"),
        (("team", "s3://acme/../other"), "leads out of the bucket"),
        (("team", "s3://acme/x", "--endpoint", "s3.example.org"), "is no address such as https://s3.example.org"),
        (("team", "folder", "--region", "eu-1"), "a folder has no region"),
        (("team", ""), "the URL is empty"),
    ],
)
def test_a_remote_that_cannot_be(project: Project, share: Share, words: tuple[str, ...], problem: str) -> None:
    """Each mistake is told with what to write instead, and nothing is written."""
    before = (project.root / ".dvc/config").read_text()
    answer = share("remote-add", *words)
    assert (answer.code, (project.root / ".dvc/config").read_text()) == (2, before)
    assert problem in answer.err


def test_no_remote(project: Project, share: Share) -> None:
    """Without any remote, every command says how to add one."""
    (project.root / ".dvc/config").write_text("[core]\n    analytics = false\n")
    for command in ("push", "pull", "check", "doctor"):
        answer = share(command)
        assert answer.code == 2
        assert "no remote is set; add one: `invoke data.remote-add NAME s3://BUCKET/PREFIX`" in answer.err


@pytest.mark.parametrize("command", ["push", "pull", "check", "doctor", "gc"])
def test_an_unknown_remote(share: Share, command: str) -> None:
    """A remote that is not there gets the nearest name."""
    answer = share(command, "--remote", "bx")
    assert answer.code == 2
    assert "there is no remote 'bx'; did you mean 'box'? There is: box" in answer.err


def test_a_remote_of_another_kind(project: Project, share: Share) -> None:
    """A kind of remote that only DVC can use is named as such."""
    project.configure("['remote \"box\"']\n    url = ssh://host/path\n")
    assert "ssh://host/path is neither a folder nor s3://" in share("push").err


def test_choosing_for_this_clone_alone(project: Project, share: Share, tmp_path: Path) -> None:
    """--only-here goes to the file that git ignores."""
    share("remote-add", "far", str(tmp_path / "share"))
    before = (project.root / ".dvc/config").read_text()
    assert share("remote-use", "far", "--only-here").code == 0
    assert (project.root / ".dvc/config").read_text() == before
    assert json.loads(share("remote-list", "--json").out)["default"] == "far"


def test_the_doctor_looks_at_a_folder(project: Project, share: Share) -> None:
    """For a folder, the doctor says what is in it and what room there is; one that is not there yet is no fault."""
    assert "the folder is not there yet; the first push makes it" in share("doctor").out
    share("push")
    answer = share("doctor")
    assert (answer.code, "5 objects" in answer.out, " free" in answer.out) == (0, True, True)
    project.configure("['remote \"box\"']\n    url = /proc/nothing/here\n")
    assert share("push").code == 1


def test_other_programs_add_remotes_too(project: Project) -> None:
    """add_remote is the one place that writes them, for infrastructure's outputs as for people."""
    remote = add_remote(project.root, "team", "s3://acme/traffic", region="eu-1", is_default=True)
    assert remote.facts() == {"name": "team", "url": "s3://acme/traffic", "region": "eu-1"}
    assert (remote.bucket, remote.prefix) == ("acme", "traffic/")


def test_no_repository(share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of a repository's root, it says what is missing."""
    monkeypatch.chdir(tmp_path)
    answer = share("push")
    assert (answer.code, "there is no folder .dvc in it" in answer.err) == (2, True)


def test_a_configuration_that_cannot_be_read(project: Project, share: Share) -> None:
    """A broken .dvc/config is told without a traceback."""
    (project.root / ".dvc/config").write_text("[core\n")
    answer = share("push")
    assert (answer.code, answer.err.startswith("error: DVC's configuration cannot be read")) == (2, True)
