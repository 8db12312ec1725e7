"""The program `pulumi` in `.venv`: runs the installed Pulumi CLI in the environment of our Pulumi program.

With `.venv` active, plain `pulumi up` would otherwise start the program with the Python of `.venv`, which does not have
the Pulumi package.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from shrinkwrap.pulumi_cli.cli import find_cli
from shrinkwrap.pulumi_cli.errors import PulumiError
from shrinkwrap.pulumi_cli.program_environment import make_program_environment, program_variables


def main() -> int:  # noqa: RET503 because execve does not return
    """Become the Pulumi CLI, with the same arguments; return an exit code only if that is impossible."""
    root = Path(sys.prefix).parent
    try:
        cli = find_cli(root, search_path=os.environ.get("PATH", ""))
        variables = program_variables(os.environ, make_program_environment(root))
    except PulumiError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    # Pulumi handles Ctrl-C itself, so no process of ours stays between it and the terminal.
    os.execve(cli.path, [cli.path, *sys.argv[1:]], variables)
