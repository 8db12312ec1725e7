"""What a change of the program means: the requests of the verdict table whose verdict is another one than before.

`python -m proof.verdict_changes --before FOLDER` compares the program in FOLDER, another version of infra-pulumi, with
this one, and prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import verdicts
from .verdicts import Case, read_cases

PROGRAM = Path(__file__).resolve().parents[2]
_EVALUATE = Path(__file__).with_name("evaluate_program.py")


@dataclass(frozen=True, kw_only=True)
class Change:
    """A request whose verdict changed."""

    case: Case
    is_allowed: bool


def verdicts_of(program: Path, table: Path) -> dict[Case, bool]:
    """The verdict on every request of a table under the policies of a program; missing roles may nothing."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(program), str(Path(__file__).parents[1])])}
    command = [sys.executable, "-P", str(_EVALUATE), str(program), str(table)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"error: the program in {program} cannot be evaluated:\n{done.stderr}")
    return dict(zip(read_cases(table), json.loads(done.stdout), strict=True))


def changed_verdicts(before: Path, after: Path, table: Path = verdicts.TABLE) -> list[Change]:
    """The requests of this table that one of two programs allows and the other one denies."""
    old, new = verdicts_of(before, table), verdicts_of(after, table)
    return [Change(case=case, is_allowed=new[case]) for case in new if new[case] is not old[case]]


def changes_text(changes: Sequence[Change], *, count: int) -> str:
    """Markdown for a pull request: who may now do what they could not, and the reverse."""
    if not changes:
        return f"**No verdict changed.** {count:,} requests were compared.\n"
    parts = [f"**{len(changes):,} of {count:,} verdicts changed.** `verdicts.txt` explains the words.\n"]
    for is_allowed, title in ((True, "May now"), (False, "May no longer")):
        rows = [change.case for change in changes if change.is_allowed is is_allowed]
        if rows:
            lines = [f"| {row.caller} | `{row.action}` | {row.resource} | {row.context} |" for row in rows]
            table = "\n".join(["| who | action | on | if |", "| --- | --- | --- | --- |", *lines])
            parts.append(f"### {title}\n\n{table}\n")
    return "\n".join(parts)


def main(argv: Sequence[str]) -> int:
    """Print the table; return the exit status."""
    parser = argparse.ArgumentParser(prog="verdict_changes", description=__doc__)
    parser.add_argument("--before", type=Path, required=True, help="the folder infra-pulumi of the other version")
    parser.add_argument("--output", type=Path, help="write the table to this file instead")
    options = parser.parse_args(argv)
    text = changes_text(changed_verdicts(options.before.resolve(), PROGRAM), count=len(read_cases()))
    if options.output is None:
        sys.stdout.write(text)
    else:
        options.output.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
