"""`pulumi preview`, `up` and `stack output` for one stack, after checking that they can work here.

Needs nothing but Python; says what is missing and how to get it, and makes the program's environment.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

INFRA = Path(__file__).resolve().parent
ROOT = INFRA.parent
# The oldest CLI that the program was tried with.
OLDEST = (3, 250, 0)
_PASSPHRASE = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
_EXAMPLES = """\
examples:
  python infra-pulumi/run_pulumi.py preview --stack dev
  python infra-pulumi/run_pulumi.py up --stack dev --yes
  python infra-pulumi/run_pulumi.py outputs --stack dev --json
"""
# What CLIs of different ages say.
_NOT_LOGGED_IN = ("PULUMI_ACCESS_TOKEN must be set", "requires logging in")
_GET_CLI = """\
  macOS:  brew install pulumi/tap/pulumi
  Linux:  curl -fsSL https://get.pulumi.com | sh     (then open a new terminal)
  Others, and packages to check by hand: https://www.pulumi.com/docs/install/"""
_LOG_IN = """\
  One admin, state in a folder:  mkdir -p ~/.shrinkwrap-state && pulumi login file://$HOME/.shrinkwrap-state
  A team, state in a bucket:     pulumi login s3://BUCKET     (a private one, not the one of the data)
  Or for this terminal only:     export PULUMI_BACKEND_URL=file://$HOME/.shrinkwrap-state"""


class CannotRun(Exception):
    """Something must be done first.

    Attributes:
        exit_code: 2, as for any wrong input; 1 where work was begun and failed.
    """

    def __init__(self, message: str, *, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def main(*, argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        Exit status: 0 done, 1 Pulumi failed, 2 something must be done first.
    """
    args = _parser().parse_args(argv)
    try:
        pulumi = checked_cli(os.environ.get("PATH", ""))
        url = backend_url(pulumi)
        check_stack(pulumi, args.stack, INFRA)
        check_passphrase(args.stack, url, os.environ, settings_file(args.stack, INFRA), is_asked=sys.stdin.isatty())
        if args.command == "outputs":
            return _pulumi(pulumi, _outputs(args), os.environ)
        check_settings(settings_file(args.stack, INFRA))
        environment = program_environment(os.environ, make_environment())
        return _pulumi(pulumi, _update(args), environment)
    except CannotRun as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def checked_cli(path: str) -> str:
    """The Pulumi CLI on PATH.

    Raises:
        CannotRun: if there is none, or it is too old.
    """
    pulumi = shutil.which("pulumi", path=path)
    if pulumi is None:
        raise CannotRun(
            f"there is no Pulumi CLI on PATH. It is a program of its own, not the Python package:\n{_GET_CLI}"
        )
    answer = subprocess.run([pulumi, "version"], capture_output=True, text=True, check=False)
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", answer.stdout.strip())
    if answer.returncode != 0 or found is None:
        told = (answer.stderr or answer.stdout).strip() or f"exit code {answer.returncode}"
        raise CannotRun(f"{pulumi} does not tell its version ({told}); install it anew:\n{_GET_CLI}")
    if tuple(int(part) for part in found.groups()) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise CannotRun(f"{pulumi} is version {'.'.join(found.groups())}; needed is {oldest} or newer:\n{_GET_CLI}")
    return pulumi


def backend_url(pulumi: str) -> str:
    """Where Pulumi keeps its state.

    Raises:
        CannotRun: if nobody is logged in, or the place is not there.
    """
    answer = _ask(pulumi, "whoami", "--json", "--non-interactive")
    if answer.returncode == 0:
        return str(json.loads(answer.stdout)["url"])
    if any(words in answer.stderr for words in _NOT_LOGGED_IN):
        raise CannotRun(f"Pulumi is not logged in anywhere, so it has no place for the stack's state:\n{_LOG_IN}")
    raise CannotRun(f"Pulumi cannot reach the place of its state: {_told(answer)}\n{_LOG_IN}")


def check_stack(pulumi: str, stack: str, infra: Path) -> None:
    """See that the stack is known there and has settings here.

    Raises:
        CannotRun: if not.
    """
    if not settings_file(stack, infra).is_file():
        there = [file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in infra.glob("Pulumi.*.yaml")]
        raise CannotRun(
            f"the stack {stack!r} has no settings{_nearest(stack, there)}"
            f" A new stack starts from a copy: cp infra-pulumi/Pulumi.dev.yaml infra-pulumi/Pulumi.{stack}.yaml"
        )
    answer = _ask(pulumi, "stack", "ls", "--json", "--non-interactive")
    if answer.returncode != 0:
        raise CannotRun(f"Pulumi cannot list its stacks: {_told(answer)}")
    known = [str(entry["name"]).rpartition("/")[2] for entry in json.loads(answer.stdout)]
    if stack not in known:
        raise CannotRun(
            f"there is no stack {stack!r} in the place that Pulumi is logged in to{_nearest(stack, known)}"
            f" To begin it: pulumi stack init {stack} --cwd infra-pulumi"
        )


def check_passphrase(
    stack: str, url: str, environment: Mapping[str, str], settings: Path, *, is_asked: bool = False
) -> None:
    """See that secrets can be decrypted; on a terminal, Pulumi asks for the passphrase.

    Raises:
        CannotRun: if not.
    """
    has_own_provider = re.search(r"^secretsprovider: *(?!passphrase)\S", settings.read_text("utf-8"), re.MULTILINE)
    if has_own_provider or url.startswith(("https://", "http://")):
        return
    name = _PASSPHRASE[1]
    if (file := environment.get(name)) and not Path(file).expanduser().is_file():
        raise CannotRun(f"{name} names {file}, which is no file")
    if not is_asked and not any(key in environment for key in _PASSPHRASE):
        raise CannotRun(
            f"the secrets of the stack {stack!r} are encrypted with a passphrase, and neither {_PASSPHRASE[0]} nor"
            f" {name} is set. Write it to a file that only you can read, then: export {name}=FILE"
        )


def check_settings(settings: Path) -> None:
    """See that nothing is left of what the settings are shipped with.

    Raises:
        CannotRun: with each line that must be filled in.
    """
    lines = enumerate(settings.read_text("utf-8").splitlines(), 1)
    shipped = [(number, line) for number, line in lines if "YOUR-TEAM" in line.partition("#")[0]]
    if shipped:
        told = "".join(f"\n  infra-pulumi/{settings.name}:{number}: {line.strip()}" for number, line in shipped)
        raise CannotRun(f"these settings are as shipped; fill in your own (the comments there explain each):{told}")


def settings_file(stack: str, infra: Path) -> Path:
    return infra / f"Pulumi.{stack}.yaml"


def make_environment() -> Path:
    """The environment that the program runs in: Poetry group `infra` as locked; made where it is missing or old.

    Raises:
        CannotRun: if it cannot be made.
    """
    folder, tools = ROOT / ".shrinkwrap" / "infra", ROOT / ".shrinkwrap" / "tools" / "bin"
    sources = [(ROOT / name).read_bytes() for name in ("poetry.lock", "pyproject.toml", "infra-pulumi/run_pulumi.py")]
    made_from = hashlib.sha256(b"\0".join([str(ROOT).encode(), sys.version.encode(), *sources])).hexdigest()
    mark = folder / "made-from"
    if mark.is_file() and mark.read_text("utf-8") == made_from:
        return folder
    if not (tools / "python").exists():
        raise CannotRun("the environment needs the tools that ./run brings; start this as ./run invoke infra.preview")
    print("installing group infra of poetry.lock in .shrinkwrap/infra (up to a minute)", file=sys.stderr)
    # By `venv`, for its pip: Pulumi asks pip for the plugins that packages need. uv would leave pip out.
    _make([sys._base_executable, "-m", "venv", "--clear", str(folder)])  # type: ignore[attr-defined]
    slice_file = folder / "slice"
    _make([str(tools / "python"), "-m", "poetry", "export", "--only=infra", f"--output={slice_file}"])
    python = folder / "bin" / "python"
    install = [str(tools / "uv"), "pip", "install", "--quiet", f"--python={python}", "--require-hashes"]
    _make([*install, f"--requirements={slice_file}"], index=_index(tools))
    mark.write_text(made_from, "utf-8")
    return folder


def program_environment(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The variables by which Pulumi finds the program's environment.

    Pulumi asks Poetry where the environment is, and Poetry answers with the active one. Poetry is the one of ./run if
    there is none on PATH.
    """
    path = os.pathsep.join([str(folder / "bin"), environment.get("PATH", ""), str(ROOT / ".shrinkwrap/tools/bin")])
    return {**environment, "PATH": path, "VIRTUAL_ENV": str(folder)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python infra-pulumi/run_pulumi.py",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help, description=help)
        added.add_argument("--stack", default="dev", help="whose settings are in Pulumi.STACK.yaml (default: dev)")
        return added

    preview = command("preview", "show what `up` would do; does nothing")
    preview.add_argument("--json", action="store_true", help="print Pulumi's JSON document")
    up = command("up", "make the stack as the settings say; asks first")
    up.add_argument("--yes", action="store_true", help="do not ask")
    outputs = command("outputs", "print what the rest of the project needs to know")
    outputs.add_argument("--json", action="store_true", help="print one JSON document")
    outputs.add_argument("--show-secrets", action="store_true", help="first passwords too")
    return parser


def _update(args: argparse.Namespace) -> list[str]:
    command = [args.command, f"--stack={args.stack}"]
    if args.command == "preview" and args.json:
        command.append("--json")
    if args.command == "up" and args.yes:
        command.append("--yes")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        if args.command == "up" and not args.yes:
            raise CannotRun("without a terminal nobody can be asked; look at infra.preview, then add --yes")
        command += ["--non-interactive", *([] if "--json" in command else ["--suppress-progress"])]
    return command


def _outputs(args: argparse.Namespace) -> list[str]:
    command = ["stack", "output", f"--stack={args.stack}"]
    return command + [f"--{name.replace('_', '-')}" for name in ("json", "show_secrets") if getattr(args, name)]


def _pulumi(pulumi: str, command: list[str], environment: Mapping[str, str]) -> int:
    sys.stdout.flush()
    done = subprocess.run([pulumi, *command, f"--cwd={INFRA}"], env=dict(environment), check=False)
    return 0 if done.returncode == 0 else 1


def _ask(pulumi: str, *command: str) -> subprocess.CompletedProcess[str]:
    ask = [pulumi, *command, f"--cwd={INFRA}"]
    return subprocess.run(ask, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def _told(answer: subprocess.CompletedProcess[str]) -> str:
    return answer.stderr.strip().removeprefix("error: ") or f"exit code {answer.returncode}"


def _make(command: list[str], *, index: str = "") -> None:
    settings = {
        "UV_SYSTEM_CERTS": os.environ.get("UV_SYSTEM_CERTS", "1"),
        **({"UV_DEFAULT_INDEX": index} if index else {}),
    }
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, check=False, stdout=sys.stderr)
    if done.returncode != 0:
        raise CannotRun(
            f"the program's environment could not be made: {Path(command[0]).name} failed (see above)", exit_code=1
        )


def _index(tools: Path) -> str:
    """The package index that pip uses; uv does not read pip's settings."""
    if named := os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL"):
        return named
    ask = [str(tools / "python"), "-m", "pip", "config", "get", "global.index-url"]
    return subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()


def _nearest(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ";"
    return f"{hint} There is: {', '.join(sorted(known)) or 'none'}."


if __name__ == "__main__":
    sys.exit(main())
