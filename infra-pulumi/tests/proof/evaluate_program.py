"""Prints the verdicts of a version of the program: `evaluate_program.py FOLDER TABLE`, with FOLDER on the path."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

from proof import recording
from proof.example import example_settings, full_settings
from proof.verdicts import SERVICE_CALLERS, Case, evaluate, read_cases, simulation


def settings_of(program: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Our example settings, or those of the other version if it does not know ours."""
    from shrinkwrap_infra.errors import InfraError
    from shrinkwrap_infra.settings import parse_settings

    try:
        parse_settings(full_settings(), stack="test")
    except InfraError:
        spec = importlib.util.spec_from_file_location("other_example", program / "tests/proof/example.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.example_settings(), module.full_settings()
    return example_settings(), full_settings()


def exists(case: Case, stack: recording.Recording) -> bool:
    """Whether the stack has the caller and the documents of a request."""
    try:
        simulation(case, stack)
    except AssertionError:
        return False
    return True


def main(program: Path, table: Path) -> None:
    recording.PROGRAM = program
    example, full = settings_of(program)
    stacks = {False: recording.run_program(example), True: recording.run_program(full)}
    cases = read_cases(table)
    allowed: set[Case] = set()
    for is_service, stack in stacks.items():
        group = [case for case in cases if (case.caller in SERVICE_CALLERS) is is_service and exists(case, stack)]
        allowed |= {case for case, verdict in evaluate(group, stack).items() if verdict == "Allowed"}
    sys.stdout.write(json.dumps([case in allowed for case in cases]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
