"""Makes the environment of the Pulumi program; infra-pulumi/environment/bin/python runs this before its Python."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from shrinkwrap.pulumi_cli.errors import PulumiError
from shrinkwrap.pulumi_cli.program_environment import make_program_environment
from terminal import EXIT_DONE


def main(argv: Sequence[str]) -> int:
    """Make the environment in this root; return the exit status."""
    (root,) = argv
    try:
        make_program_environment(Path(root))
    except PulumiError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return EXIT_DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
