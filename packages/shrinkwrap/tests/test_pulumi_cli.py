"""Everything that Pulumi needs is checked before it runs, and each failed check reports its fix."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shrinkwrap import pulumi_cli
from shrinkwrap.pulumi_cli import stacks, wrapper
from shrinkwrap.pulumi_cli.checks import backend_url, check_passphrase, check_settings, check_stack
from shrinkwrap.pulumi_cli.cli import PulumiCli, find_cli
from shrinkwrap.pulumi_cli.errors import PulumiError, PulumiFailedError
from shrinkwrap.pulumi_cli.program_environment import program_variables

ROOT = Path(__file__).resolve().parents[3]
# Replies to each command with a file next to the script, and records its arguments.
FAKE = """#!/bin/sh
here=$(dirname "$0")
echo "$@" >>"$here/calls"
case ${2-} in -* | '') name=$1 ;; *) name=$1-$2 ;; esac
[ -e "$here/$name.err" ] && { cat "$here/$name.err" >&2; exit 255; }
[ -e "$here/$name.out" ] && cat "$here/$name.out"
exit 0
"""
# Takes longer to stop than `subprocess.run` waits after Ctrl-C.
SLOW_TO_STOP = """#!/bin/sh
trap 'sleep 0.6; touch "$1"; exit 1' INT
touch "$1.ready"
while :; do sleep 0.05; done
"""
LOGGED_IN = {"version": "v3.272.0", "whoami": '{"url": "file:///s"}', "stack-ls": '[{"name": "dev"}]'}

MakeCli = Callable[..., PulumiCli]


@pytest.fixture
def make_cli(tmp_path: Path) -> MakeCli:
    """Make a `pulumi` with these replies by command; a reply that begins with `error` is a failure."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def make(**replies: str) -> PulumiCli:
        cli = folder / "pulumi"
        cli.write_text(FAKE)
        cli.chmod(0o755)
        for name, text in replies.items():
            (folder / f"{name}.{'err' if text.startswith('error') else 'out'}").write_text(text)
        return PulumiCli(path=str(cli), root=tmp_path)

    return make


@pytest.fixture
def on_path(make_cli: MakeCli, monkeypatch: pytest.MonkeyPatch) -> Callable[..., PulumiCli]:
    """Make a logged-in `pulumi` the first one on PATH, and a passphrase known."""

    def make(**replies: str) -> PulumiCli:
        cli = make_cli(**LOGGED_IN, **replies)
        monkeypatch.setenv("PATH", f"{Path(cli.path).parent}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "x")
        write_settings(cli.root, dev="config:\n")
        return cli

    return make


def write_settings(root: Path, **texts: str) -> Path:
    """Write settings files by stack; return the last one."""
    folder = root / "infra-pulumi"
    folder.mkdir(exist_ok=True)
    for stack, text in texts.items():
        (folder / f"Pulumi.{stack}.yaml").write_text(text)
    return folder / f"Pulumi.{list(texts)[-1]}.yaml"


def calls(cli: PulumiCli) -> list[str]:
    return (Path(cli.path).parent / "calls").read_text().splitlines()


def message(error: pytest.ExceptionInfo[PulumiError]) -> str:
    assert error.value.exit_code == 2
    return str(error.value)


def test_a_missing_cli_is_reported_with_ways_to_install_it(tmp_path: Path) -> None:
    """The message names the CLI and how to install it on macOS and on Linux."""
    with pytest.raises(PulumiError) as error:
        find_cli(tmp_path, search_path=str(tmp_path))
    assert "the Pulumi CLI is not on PATH. It is a separate program, not the Python package;" in message(error)
    assert "brew install pulumi/tap/pulumi" in message(error)
    assert "https://get.pulumi.com" in message(error)
    assert f"error: {message(error)}\n" in (ROOT / "infra-pulumi" / "README.md").read_text("utf-8")


@pytest.mark.parametrize("version", ["v3.249.9", "v2.300.0", "v3.9.0"])
def test_an_old_cli_is_refused(make_cli: MakeCli, version: str) -> None:
    """The message names the installed version and the required one."""
    cli = make_cli(version=version)
    with pytest.raises(PulumiError, match=rf"is version {version[1:]}, but 3\.250\.0 or newer is required"):
        find_cli(cli.root, search_path=str(Path(cli.path).parent))


@pytest.mark.parametrize("version", ["v3.250.0", "v3.272.0-dev.1", "3.300.1", "v4.0.0"])
def test_a_new_enough_cli_is_accepted(make_cli: MakeCli, version: str) -> None:
    """Versions are compared as numbers, not as text."""
    cli = make_cli(version=version)
    assert find_cli(cli.root, search_path=str(Path(cli.path).parent)) == cli


def test_a_broken_cli_is_reported(make_cli: MakeCli) -> None:
    """Another program that happens to be called `pulumi` is not accepted as the CLI."""
    cli = make_cli(version="error: cannot execute binary file")
    with pytest.raises(
        PulumiError, match=r"does not report its version .error: cannot execute binary file.; fix: reinstall it"
    ):
        find_cli(cli.root, search_path=str(Path(cli.path).parent))


@pytest.mark.parametrize(
    "words",
    [
        "PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions",
        "this command requires logging in; try running `pulumi login` first",
    ],
)
def test_a_missing_login_is_reported_with_ways_to_log_in(make_cli: MakeCli, words: str) -> None:
    """For CLIs of any age, the message shows both places for the state: a folder, and a bucket for a team."""
    cli = make_cli(whoami=f"error: {words}")
    with pytest.raises(PulumiError) as error:
        backend_url(cli)
    assert "Pulumi is not logged in" in message(error)
    assert "pulumi login file://$HOME/.shrinkwrap-state" in message(error)
    assert "pulumi login s3://BUCKET" in message(error)
    assert f"error: {message(error)}\n" in (ROOT / "infra-pulumi" / "README.md").read_text("utf-8")


def test_an_unreachable_state_is_reported(make_cli: MakeCli) -> None:
    """The message quotes Pulumi."""
    cli = make_cli(whoami="error: unable to open bucket file:///gone")
    with pytest.raises(PulumiError, match="cannot reach its state: unable to open bucket file:///gone"):
        backend_url(cli)


def test_a_stack_without_settings_is_refused(make_cli: MakeCli) -> None:
    """The message has the nearest name, all names, and how to create a stack."""
    cli = make_cli()
    write_settings(cli.root, dev="config:\n", prod="config:\n")
    with pytest.raises(PulumiError) as error:
        check_stack(cli, "prd")
    assert message(error) == (
        "unknown stack 'prd'; did you mean 'prod'? Known stacks: dev, prod. infra-pulumi/Pulumi.prd.yaml does not"
        " exist; to create a stack, start from a copy: cp infra-pulumi/Pulumi.dev.yaml infra-pulumi/Pulumi.prd.yaml"
    )


def test_a_stack_that_the_state_does_not_contain_is_refused(make_cli: MakeCli) -> None:
    """A settings file is not enough."""
    cli = make_cli(**{"stack-ls": json.dumps([{"name": "organization/shrinkwrap/prod"}])})
    write_settings(cli.root, dev="config:\n", prod="config:\n")
    with pytest.raises(PulumiError) as error:
        check_stack(cli, "dev")
    assert message(error) == (
        "unknown stack 'dev'. Known stacks: prod. It has settings, but the state that Pulumi is logged in to does not"
        " contain it; to create it: pulumi stack init dev --cwd infra-pulumi"
    )
    check_stack(cli, "prod")


def test_a_passphrase_is_required_where_pulumi_cannot_prompt_for_it(tmp_path: Path) -> None:
    """The message names both variables; an empty passphrase is accepted, and so is a terminal to prompt on."""
    settings = write_settings(tmp_path, dev="config:\n")
    with pytest.raises(PulumiError) as error:
        check_passphrase("dev", "file:///state", {}, settings)
    assert "neither PULUMI_CONFIG_PASSPHRASE nor PULUMI_CONFIG_PASSPHRASE_FILE is set" in message(error)
    check_passphrase("dev", "file:///state", {"PULUMI_CONFIG_PASSPHRASE": ""}, settings)
    check_passphrase("dev", "file:///state", {}, settings, can_prompt=True)
    check_passphrase("dev", "https://api.pulumi.com", {}, settings)


def test_a_passphrase_file_must_exist(tmp_path: Path) -> None:
    """A missing file is reported; it does not count as an empty passphrase."""
    settings = write_settings(tmp_path, dev="config:\n")
    with pytest.raises(PulumiError, match="is set to /nowhere/p, which is not a file"):
        check_passphrase("dev", "s3://b", {"PULUMI_CONFIG_PASSPHRASE_FILE": "/nowhere/p"}, settings)


def test_a_stack_with_its_own_key_needs_no_passphrase(tmp_path: Path) -> None:
    """The settings name the key as `secretsprovider: awskms://…`."""
    settings = write_settings(tmp_path, prod="secretsprovider: awskms://alias/x\nconfig:\n")
    check_passphrase("prod", "s3://b", {}, settings)


def test_placeholders_in_the_settings_are_reported_by_line() -> None:
    """The message quotes each line that still contains YOUR-TEAM, except in comments; the README shows it."""
    file = ROOT / "infra-pulumi" / "Pulumi.dev.yaml"
    shipped = file.read_text("utf-8").splitlines()
    number = next(at for at, line in enumerate(shipped, 1) if line.strip().startswith("name: YOUR-TEAM"))
    with pytest.raises(PulumiError) as error:
        check_settings(file)
    assert f"\n  infra-pulumi/Pulumi.dev.yaml:{number}: name: YOUR-TEAM-shrinkwrap-dev\n" in message(error)
    assert "# " not in message(error)
    assert "placeholders YOUR-TEAM, YOUR-OWNER-ID, YOUR-REPOSITORY-ID; fix: replace them" in message(error)
    assert (
        "gh api repos/OWNER/NAME --jq '{repository: .full_name, owner_id: .owner.id, repository_id: .id}'"
        in message(error)
    )
    assert f"error: {message(error)}\n" in (ROOT / "infra-pulumi" / "README.md").read_text("utf-8")


def test_the_steps_to_a_first_push_fit_one_screen() -> None:
    """They are one block of the README, from the clone to the push, and every command of ours in it exists."""
    readme = (ROOT / "infra-pulumi/README.md").read_text("utf-8")
    steps = readme.split("## From nothing to a first push")[1].split("```console\n")[1].split("```")[0].splitlines()
    assert len(steps) <= 24 and max(map(len, steps)) <= 120
    assert steps[0].startswith("$ git clone") and "data.push" in steps[-1]
    used = re.findall(r"\./run invoke ([\w.]+)", "\n".join(steps))
    assert used == ["infra.preview", "infra.up", "infra.configure", "data.push"]
    helped = subprocess.run(
        [sys.executable, "-m", "invoke", "--list"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert [name for name in used if name not in helped] == []


def test_settings_without_placeholders_are_accepted(tmp_path: Path) -> None:
    """A placeholder in a comment is not a setting."""
    check_settings(write_settings(tmp_path, dev="# YOUR-TEAM\nconfig:  # YOUR-TEAM\n"))


def test_the_environment_of_the_program_is_its_own(tmp_path: Path) -> None:
    """Pulumi runs the Python of the program, which makes .shrinkwrap/infra and runs there, whatever is active."""
    root = tmp_path / "a b" / "repository"
    python = root / "infra-pulumi/environment/bin/python"
    python.parent.mkdir(parents=True)
    shutil.copy(ROOT / "infra-pulumi/environment/bin/python", python)
    made = root / ".shrinkwrap/infra/bin/python"
    write_script(root / "run", f'echo "$PATH" >"{tmp_path}/path"; echo noise; echo "$@" >"{tmp_path}/made"')
    write_script(made, 'echo "$VIRTUAL_ENV" "$@"')
    active = {"PATH": f"{python.parent}:/usr/bin:/bin", "VIRTUAL_ENV": str(python.parents[1])}
    done = subprocess.run([python, "-m", "x y"], env=active, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"{root}/.shrinkwrap/infra -m x y\n", "noise\n")
    assert (tmp_path / "made").read_text() == f"python -P -m shrinkwrap.pulumi_cli {root}\n"
    # ./run searches for a Python, and must not find this one.
    assert (tmp_path / "path").read_text() == "/usr/bin:/bin\n"


def test_the_program_of_an_older_host_is_first_on_path(tmp_path: Path) -> None:
    """It runs the first Python on PATH, and knows nothing of Pulumi.yaml's environment."""
    variables = program_variables({"PATH": "/usr/bin", "VIRTUAL_ENV": "/elsewhere", "A": "b"}, tmp_path)
    assert variables == {"PATH": f"{tmp_path / 'bin'}:/usr/bin", "VIRTUAL_ENV": str(tmp_path), "A": "b"}


def test_plain_pulumi_runs_in_the_environment_of_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `.venv` active, `pulumi` is ours: it makes the environment and becomes the installed CLI, not itself."""
    own = Path(sys.executable).parent
    write_script(tmp_path / "bin/pulumi", "echo v3.272.0")
    monkeypatch.setenv("PATH", f"{own}:{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(sys, "argv", ["pulumi", "up", "--yes"])
    made: list[Path] = []
    monkeypatch.setattr(wrapper, "make_program_environment", lambda root: made.append(root) or Path("/environment"))
    started: list[tuple[str, list[str], str]] = []

    def execve(path: str, args: list[str], environment: dict[str, str]) -> None:
        started.append((path, args, environment["VIRTUAL_ENV"]))
        raise SystemExit

    monkeypatch.setattr(os, "execve", execve)
    with pytest.raises(SystemExit):
        wrapper.main()
    installed = str(tmp_path / "bin/pulumi")
    assert started == [(installed, [installed, "up", "--yes"], "/environment")]
    assert made == [Path(sys.prefix).parent]


def test_plain_pulumi_without_the_cli_reports_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Our program alone is not the CLI."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{tmp_path}")
    assert wrapper.main() == 2
    assert capsys.readouterr().err.startswith("error: the Pulumi CLI is not on PATH.")


def test_a_failure_to_make_the_environment_is_reported(tmp_path: Path) -> None:
    """The program does not start in an environment that is out of date."""
    python = tmp_path / "infra-pulumi/environment/bin/python"
    python.parent.mkdir(parents=True)
    shutil.copy(ROOT / "infra-pulumi/environment/bin/python", python)
    write_script(tmp_path / "run", "echo reason >&2; exit 2")
    write_script(tmp_path / ".shrinkwrap/infra/bin/python", "echo started")
    done = subprocess.run([python], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "reason\n")


def test_pulumi_uses_this_python() -> None:
    """The files of the program and of the policy pack name the folder, and neither needs Poetry."""
    for file in ("Pulumi.yaml", "policy-pack/PulumiPolicy.yaml"):
        path = ROOT / "infra-pulumi" / file
        options = dict(re.findall(r"^    (toolchain|virtualenv): (\S+)$", path.read_text("utf-8"), re.MULTILINE))
        assert options["toolchain"] == "pip"
        assert (path.parent / options["virtualenv"] / "bin/python").samefile(
            ROOT / "infra-pulumi/environment/bin/python"
        )


def write_script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_plan_is_saved_and_then_followed(
    on_path: Callable[..., PulumiCli], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_terminal: bool
) -> None:
    """The path is absolute, because Pulumi runs in another folder; a plan that does not exist is reported."""
    cli = on_path()
    monkeypatch.setattr(stacks, "make_program_environment", lambda root: Path("/environment"))
    monkeypatch.setattr(stacks, "_is_terminal", lambda: is_terminal)
    monkeypatch.chdir(tmp_path)
    plan = tmp_path / "plan.json"
    assert pulumi_cli.preview_stack(cli.root, "dev", plan=Path("plan.json")) == 0
    assert calls(cli)[-1].startswith(f"preview --stack=dev --save-plan={plan} ")
    with pytest.raises(PulumiError) as error:
        pulumi_cli.up_stack(cli.root, "dev", is_confirmed=True, plan=Path("plan.json"))
    assert message(error) == "the plan plan.json does not exist; fix: write it with infra.preview --plan plan.json"
    plan.write_text("{}")
    assert pulumi_cli.up_stack(cli.root, "dev", is_confirmed=True, plan=Path("plan.json")) == 0
    assert calls(cli)[-1].startswith(f"up --stack=dev --yes --plan={plan} ")


def test_outputs_are_those_of_the_stack(on_path: Callable[..., PulumiCli], capfd: pytest.CaptureFixture[str]) -> None:
    """`print_outputs` runs `pulumi stack output`, with secrets only on demand; a failure of Pulumi is exit code 1."""
    cli = on_path(**{"stack-output": '{"bucket": "b"}'})
    assert pulumi_cli.print_outputs(cli.root, "dev", as_json=True) == 0
    assert capfd.readouterr().out == '{"bucket": "b"}'
    assert calls(cli)[-1] == f"stack output --stack=dev --json --cwd={cli.root / 'infra-pulumi'}"
    (Path(cli.path).parent / "stack-output.err").write_text("error: something\n")
    assert pulumi_cli.print_outputs(cli.root, "dev", as_json=True) == 1
    assert capfd.readouterr().err == "error: something\n"


def test_outputs_are_read_without_secrets(on_path: Callable[..., PulumiCli]) -> None:
    """`read_outputs` returns what `print_outputs` prints, and raises Pulumi's reason."""
    cli = on_path(**{"stack-output": '{"bucket": "b"}'})
    assert pulumi_cli.read_outputs(cli.root, "dev") == '{"bucket": "b"}'
    command = f"stack output --stack=dev --json --non-interactive --cwd={cli.root / 'infra-pulumi'}"
    assert calls(cli)[-1] == command
    (Path(cli.path).parent / "stack-output.err").write_text("error: something\n")
    with pytest.raises(PulumiFailedError, match=r"^Pulumi cannot read the outputs of stack 'dev': something$"):
        pulumi_cli.read_outputs(cli.root, "dev")


def test_up_without_a_terminal_needs_a_confirmation(
    on_path: Callable[..., PulumiCli], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is changed without an answer or `--yes`."""
    cli = on_path()
    monkeypatch.setattr(stacks, "make_program_environment", lambda root: Path("/environment"))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(PulumiError) as error:
        pulumi_cli.up_stack(cli.root, "dev")
    assert "run infra.preview, then add --yes" in message(error)
    assert calls(cli)[-1].startswith("stack ls ")
    assert pulumi_cli.up_stack(cli.root, "dev", is_confirmed=True) == 0
    assert calls(cli)[-1].startswith("up --stack=dev --yes --non-interactive --suppress-progress --cwd=")


def test_a_preview_needs_filled_in_settings(on_path: Callable[..., PulumiCli], monkeypatch: pytest.MonkeyPatch) -> None:
    """Placeholders are reported before the environment of the program is made."""
    cli = on_path()
    write_settings(cli.root, dev="config: YOUR-TEAM\n")
    made: list[Path] = []
    monkeypatch.setattr(stacks, "make_program_environment", made.append)
    with pytest.raises(PulumiError, match="placeholder YOUR-TEAM"):
        pulumi_cli.preview_stack(cli.root, "dev")
    assert made == []


def test_ctrl_c_waits_for_pulumi(tmp_path: Path) -> None:
    """Pulumi stops in order and unlocks the stack; killing it would leave the stack locked."""
    script = tmp_path / "pulumi"
    script.write_text(
        '#!/bin/sh\ntrap \'sleep 0.6; touch "$1"; exit 1\' INT\ntouch "$1.ready"\nwhile :; do sleep 0.05; done\n'
    )
    script.chmod(0o755)
    unlocked = tmp_path / "unlocked"
    code = (
        "import os, sys; from pathlib import Path; from shrinkwrap.pulumi_cli.cli import PulumiCli;"
        "PulumiCli(path=sys.argv[1], root=Path('.')).run(sys.argv[2], environment=os.environ)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(script), str(unlocked)], start_new_session=True, stderr=subprocess.PIPE
    )
    while not (tmp_path / "unlocked.ready").exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert unlocked.exists()
    assert b"KeyboardInterrupt" in stderr
