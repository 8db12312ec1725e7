"""The Python environment that the Pulumi program runs in: Poetry group `infra`, as locked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from shrinkwrap.pulumi_cli.errors import PulumiError, PulumiFailedError
from terminal import EXIT_FAILED


def make_program_environment(root: Path) -> Path:
    """Make or update the environment in `.shrinkwrap/infra`, and return its folder.

    Raises:
        PulumiError: The lock and pyproject.toml do not match, or an installation failed.
    """
    from env_make import EnvMakeError, make_environment

    try:
        # Pulumi asks the environment's pip which plugins the packages need.
        return make_environment(root, ["infra"], root / ".shrinkwrap" / "infra", with_pip=True).folder
    except EnvMakeError as error:
        kind = PulumiFailedError if error.exit_code == EXIT_FAILED else PulumiError
        raise kind(f"the environment of the Pulumi program cannot be made: {error}") from error


def program_variables(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The variables with which every Pulumi finds the environment of its program.

    A current Pulumi finds it by Pulumi.yaml. An older language host runs the first Python on PATH.
    """
    path = os.pathsep.join([str(folder / "bin"), environment.get("PATH", "")])
    return {**environment, "PATH": path, "VIRTUAL_ENV": str(folder)}
