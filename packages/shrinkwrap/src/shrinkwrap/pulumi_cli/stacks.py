"""Preview, update and outputs of one stack."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from shrinkwrap.pulumi_cli.checks import backend_url, check_passphrase, check_settings, check_stack, settings_file
from shrinkwrap.pulumi_cli.cli import PulumiCli, failure_text, find_cli
from shrinkwrap.pulumi_cli.errors import PulumiError, PulumiFailedError
from shrinkwrap.pulumi_cli.program_environment import make_program_environment, program_variables
from terminal import EXIT_DONE, EXIT_FAILED


def preview_stack(root: Path, stack: str, *, as_json: bool = False, plan: Path | None = None) -> int:
    """Print what `up_stack` would change; change nothing.

    Args:
        root: The root of the repository.
        stack: Name of the stack.
        as_json: Print JSON.
        plan: Also write these changes to this file, which limits a later `up_stack` to them.

    Returns:
        Exit code: 0, or 1 if Pulumi failed and has reported why.

    Raises:
        PulumiError: A run needs something that is missing.
    """
    cli = _checked_cli(root, stack, can_prompt=sys.stdin.isatty())
    flags = [*(["--json"] if as_json else []), *([f"--save-plan={plan.resolve()}"] if plan else [])]
    if not _is_terminal():
        flags += ["--non-interactive", *([] if as_json else ["--suppress-progress"])]
    return _run_program(cli, stack, ["preview", f"--stack={stack}", *flags])


def up_stack(root: Path, stack: str, *, is_confirmed: bool = False, plan: Path | None = None) -> int:
    """Make the stack match its settings, after asking on the terminal.

    Args:
        root: The root of the repository.
        stack: Name of the stack.
        is_confirmed: Do not ask; required without a terminal.
        plan: A file that `preview_stack` wrote. A change that is not in it stops the update before the change.

    Returns:
        Exit code: 0, or 1 if Pulumi failed and has reported why.

    Raises:
        PulumiError: A run needs something that is missing.
    """
    cli = _checked_cli(root, stack, can_prompt=sys.stdin.isatty())
    if not is_confirmed and not _is_terminal():
        raise PulumiError("cannot ask for confirmation without a terminal; fix: run infra.preview, then add --yes")
    if plan is not None and not plan.is_file():
        raise PulumiError(f"the plan {plan} does not exist; fix: write it with infra.preview --plan {plan}")
    flags = [*(["--yes"] if is_confirmed else []), *([f"--plan={plan.resolve()}"] if plan else [])]
    if not _is_terminal():
        flags += ["--non-interactive", "--suppress-progress"]
    return _run_program(cli, stack, ["up", f"--stack={stack}", *flags])


def print_outputs(root: Path, stack: str, *, as_json: bool = False, show_secrets: bool = False) -> int:
    """Print the outputs of a stack.

    Returns:
        Exit code: 0, or 1 if Pulumi failed and has reported why.

    Raises:
        PulumiError: Pulumi needs something that is missing.
    """
    cli = _checked_cli(root, stack, can_prompt=sys.stdin.isatty())
    flags = [*(["--json"] if as_json else []), *(["--show-secrets"] if show_secrets else [])]
    return _exit_code(cli.run("stack", "output", f"--stack={stack}", *flags, environment=os.environ))


def read_outputs(root: Path, stack: str) -> str:
    """The outputs of a stack as JSON, without the values of secrets.

    Raises:
        PulumiError: Pulumi needs something that is missing, or failed.
    """
    # The output is captured, and a question of Pulumi's would be captured with it.
    cli = _checked_cli(root, stack, can_prompt=False)
    result = cli.query("stack", "output", f"--stack={stack}", "--json")
    if result.returncode != 0:
        raise PulumiFailedError(f"Pulumi cannot read the outputs of stack '{stack}': {failure_text(result)}")
    return result.stdout


def _run_program(cli: PulumiCli, stack: str, command: list[str]) -> int:
    """Run a command that runs the program, in the environment that the lock describes."""
    check_settings(settings_file(cli.root, stack))
    variables = program_variables(os.environ, make_program_environment(cli.root))
    return _exit_code(cli.run(*command, environment=variables))


def _checked_cli(root: Path, stack: str, *, can_prompt: bool) -> PulumiCli:
    cli = find_cli(root, search_path=os.environ.get("PATH", ""))
    url = backend_url(cli)
    check_stack(cli, stack)
    check_passphrase(stack, url, os.environ, settings_file(root, stack), can_prompt=can_prompt)
    return cli


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _exit_code(status: int) -> int:
    return EXIT_DONE if status == 0 else EXIT_FAILED
