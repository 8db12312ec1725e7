"""What must be done before Pulumi can run is said, each thing with how to do it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import run_pulumi
from run_pulumi import CannotRun

ROOT = Path(__file__).resolve().parents[2]
# Answers each command that the checks ask from a file beside it, and keeps what it was called with.
FAKE = """#!/bin/sh
here=$(dirname "$0")
echo "$@" >>"$here/calls"
case ${2-} in -* | '') name=$1 ;; *) name=$1-$2 ;; esac
[ -e "$here/$name.err" ] && { cat "$here/$name.err" >&2; exit 255; }
[ -e "$here/$name.out" ] && cat "$here/$name.out"
exit 0
"""

MakeCli = Callable[..., str]


@pytest.fixture
def make_cli(tmp_path: Path) -> MakeCli:
    """Makes a `pulumi` that gives these answers, by command; an answer that begins with `error` is a failure."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def make(**answers: str) -> str:
        cli = folder / "pulumi"
        cli.write_text(FAKE)
        cli.chmod(0o755)
        for name, text in answers.items():
            (folder / f"{name}.{'err' if text.startswith('error') else 'out'}").write_text(text)
        return str(cli)

    return make


def infra_folder(tmp_path: Path, **settings: str) -> Path:
    for stack, text in settings.items():
        (tmp_path / f"Pulumi.{stack}.yaml").write_text(text)
    return tmp_path


def told(error: pytest.ExceptionInfo[CannotRun]) -> str:
    assert error.value.exit_code == 2
    return str(error.value)


def test_no_cli_says_how_to_get_it(tmp_path: Path) -> None:
    """Without the CLI on PATH, it is named with a way to install it on macOS and on Linux."""
    with pytest.raises(CannotRun) as error:
        run_pulumi.checked_cli(str(tmp_path))
    assert "there is no Pulumi CLI on PATH. It is a program of its own, not the Python package:" in told(error)
    assert "brew install pulumi/tap/pulumi" in told(error)
    assert "https://get.pulumi.com" in told(error)


@pytest.mark.parametrize("version", ["v3.249.9", "v2.300.0", "v3.9.0"])
def test_an_old_cli_is_refused(make_cli: MakeCli, version: str) -> None:
    """What it is and what is needed."""
    cli = make_cli(version=version)
    with pytest.raises(CannotRun, match=rf"is version {version[1:]}; needed is 3\.250\.0 or newer"):
        run_pulumi.checked_cli(str(Path(cli).parent))


@pytest.mark.parametrize("version", ["v3.250.0", "v3.272.0-dev.1", "3.300.1", "v4.0.0"])
def test_a_new_enough_cli_is_taken(make_cli: MakeCli, version: str) -> None:
    """Numbers are compared, not letters."""
    cli = make_cli(version=version)
    assert run_pulumi.checked_cli(str(Path(cli).parent)) == cli


def test_a_broken_cli_is_told(make_cli: MakeCli) -> None:
    """A `pulumi` that is something else is not taken for one."""
    cli = make_cli(version="error: cannot execute binary file")
    with pytest.raises(
        CannotRun, match=r"does not tell its version .error: cannot execute binary file.; install it anew"
    ):
        run_pulumi.checked_cli(str(Path(cli).parent))


@pytest.mark.parametrize(
    "words",
    [
        "PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions",
        "this command requires logging in; try running `pulumi login` first",
    ],
)
def test_not_logged_in_says_how(make_cli: MakeCli, words: str) -> None:
    """Whatever the age of the CLI, both places for the state are shown: a folder, and a bucket for a team."""
    cli = make_cli(whoami=f"error: {words}")
    with pytest.raises(CannotRun) as error:
        run_pulumi.backend_url(cli)
    assert "Pulumi is not logged in anywhere" in told(error)
    assert "pulumi login file://$HOME/.shrinkwrap-state" in told(error)
    assert "pulumi login s3://BUCKET" in told(error)


def test_a_state_that_is_not_there_is_told(make_cli: MakeCli) -> None:
    """Pulumi's own words stay."""
    cli = make_cli(whoami="error: unable to open bucket file:///gone")
    with pytest.raises(CannotRun, match="cannot reach the place of its state: unable to open bucket file:///gone"):
        run_pulumi.backend_url(cli)


def test_a_stack_without_settings_is_refused(make_cli: MakeCli, tmp_path: Path) -> None:
    """The nearest name, all names, and how a new one begins."""
    with pytest.raises(CannotRun) as error:
        run_pulumi.check_stack(make_cli(), "prd", infra_folder(tmp_path, dev="config:\n", prod="config:\n"))
    assert told(error) == (
        "the stack 'prd' has no settings; did you mean 'prod'? There is: dev, prod."
        " A new stack starts from a copy: cp infra-pulumi/Pulumi.dev.yaml infra-pulumi/Pulumi.prd.yaml"
    )


def test_an_unknown_stack_is_refused(make_cli: MakeCli, tmp_path: Path) -> None:
    """It has settings, but the place of the state does not know it."""
    cli = make_cli(**{"stack-ls": json.dumps([{"name": "organization/shrinkwrap/prod"}])})
    with pytest.raises(CannotRun) as error:
        run_pulumi.check_stack(cli, "dev", infra_folder(tmp_path, dev="config:\n"))
    assert told(error) == (
        "there is no stack 'dev' in the place that Pulumi is logged in to; There is: prod."
        " To begin it: pulumi stack init dev --cwd infra-pulumi"
    )
    run_pulumi.check_stack(cli, "prod", infra_folder(tmp_path, prod="config:\n"))


def test_a_passphrase_is_needed_where_nobody_can_be_asked(tmp_path: Path) -> None:
    """Both variables are named; an empty passphrase is one, and so is a terminal to ask on."""
    settings = infra_folder(tmp_path, dev="config:\n") / "Pulumi.dev.yaml"
    with pytest.raises(CannotRun) as error:
        run_pulumi.check_passphrase("dev", "file:///state", {}, settings)
    assert "neither PULUMI_CONFIG_PASSPHRASE nor PULUMI_CONFIG_PASSPHRASE_FILE is set" in told(error)
    run_pulumi.check_passphrase("dev", "file:///state", {"PULUMI_CONFIG_PASSPHRASE": ""}, settings)
    run_pulumi.check_passphrase("dev", "file:///state", {}, settings, is_asked=True)
    run_pulumi.check_passphrase("dev", "https://api.pulumi.com", {}, settings)


def test_a_passphrase_file_must_be_there(tmp_path: Path) -> None:
    """A name that is no file is told, not taken for an empty passphrase."""
    settings = infra_folder(tmp_path, dev="config:\n") / "Pulumi.dev.yaml"
    with pytest.raises(CannotRun, match="names /nowhere/p, which is no file"):
        run_pulumi.check_passphrase("dev", "s3://b", {"PULUMI_CONFIG_PASSPHRASE_FILE": "/nowhere/p"}, settings)


def test_a_stack_with_its_own_key_needs_no_passphrase(tmp_path: Path) -> None:
    """`secretsprovider: awskms://…` in the settings."""
    settings = infra_folder(tmp_path, prod="secretsprovider: awskms://alias/x\nconfig:\n") / "Pulumi.prod.yaml"
    run_pulumi.check_passphrase("prod", "s3://b", {}, settings)


def test_settings_as_shipped_are_told_line_by_line() -> None:
    """Each line that still says YOUR-TEAM; comments may."""
    shipped = (ROOT / "infra-pulumi" / "Pulumi.dev.yaml").read_text("utf-8").splitlines()
    number = next(at for at, line in enumerate(shipped, 1) if line.strip().startswith("name: YOUR-TEAM"))
    with pytest.raises(CannotRun) as error:
        run_pulumi.check_settings(ROOT / "infra-pulumi" / "Pulumi.dev.yaml")
    assert f"\n  infra-pulumi/Pulumi.dev.yaml:{number}: name: YOUR-TEAM-shrinkwrap-dev\n" in told(error)
    assert "# " not in told(error)


def test_filled_in_settings_pass(tmp_path: Path) -> None:
    """What a comment says is nobody's setting."""
    run_pulumi.check_settings(infra_folder(tmp_path, dev="# YOUR-TEAM\nconfig:  # YOUR-TEAM\n") / "Pulumi.dev.yaml")


def test_the_programs_environment_is_the_active_one(tmp_path: Path) -> None:
    """Poetry answers with the active environment, and there is always a Poetry: ours comes last."""
    made = run_pulumi.program_environment({"PATH": "/usr/bin", "VIRTUAL_ENV": "/elsewhere"}, tmp_path)
    assert made["VIRTUAL_ENV"] == str(tmp_path)
    assert made["PATH"].split(os.pathsep) == [str(tmp_path / "bin"), "/usr/bin", str(ROOT / ".shrinkwrap/tools/bin")]


def test_outputs_ask_for_this_stack(make_cli: MakeCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """`outputs` is `pulumi stack output`, secrets only on demand; Pulumi's failure is exit code 1."""
    answers = {"version": "v3.272.0", "whoami": '{"url": "file:///s"}', "stack-ls": '[{"name": "dev"}]'}
    cli = make_cli(**answers, **{"stack-output": '{"bucket": "b"}'})
    monkeypatch.setenv("PATH", f"{Path(cli).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "x")
    command = [sys.executable, str(ROOT / "infra-pulumi" / "run_pulumi.py"), "outputs", "--json"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert (answer.returncode, answer.stdout) == (0, '{"bucket": "b"}'), answer.stderr
    calls = (Path(cli).parent / "calls").read_text().splitlines()
    assert calls[-1] == f"stack output --stack=dev --json --cwd={ROOT / 'infra-pulumi'}"
    (Path(cli).parent / "stack-output.err").write_text("error: something\n")
    answer = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert (answer.returncode, answer.stderr) == (1, "error: something\n")


def test_up_without_a_terminal_needs_yes(
    make_cli: MakeCli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is made without an answer or `--yes`."""
    answers = {"version": "v3.272.0", "whoami": '{"url": "file:///s"}', "stack-ls": '[{"name": "dev"}]'}
    cli = make_cli(**answers)
    monkeypatch.setenv("PATH", f"{Path(cli).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "x")
    monkeypatch.setattr(run_pulumi, "check_settings", lambda settings: None)
    monkeypatch.setattr(run_pulumi, "make_environment", lambda: Path("/environment"))
    assert run_pulumi.main(argv=["up"]) == 2
    assert "look at infra.preview, then add --yes" in capsys.readouterr().err
    assert run_pulumi.main(argv=["up", "--yes"]) == 0
    calls = (Path(cli).parent / "calls").read_text().splitlines()
    assert calls[-1].startswith("up --stack=dev --yes --non-interactive --suppress-progress --cwd=")
