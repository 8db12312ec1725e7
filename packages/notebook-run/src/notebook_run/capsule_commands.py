"""The commands on capsules: `freeze`, `reproduce` and `capsules` of `python -m notebook_run`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from notebook_run.comparison_text import comparison_text


def add_freeze(parser: argparse.ArgumentParser) -> None:
    """The options of `freeze`."""
    parser.add_argument("name", metavar="NAME", help="a notebook of pyproject.toml")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=_freeze)


def add_reproduce(parser: argparse.ArgumentParser) -> None:
    """The options of `reproduce`."""
    parser.add_argument("capsule", metavar="NAME|FILE", help="a notebook that was frozen, or the file of a capsule")
    parser.add_argument(
        "--here", action="store_true", help="run the working tree as it is now instead of the capsule's commit"
    )
    parser.add_argument("--base", metavar="IMAGE", help="build the image on this one, where it must be built")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=_reproduce)


def add_capsules(parser: argparse.ArgumentParser) -> None:
    """The options of `capsules`."""
    parser.add_argument("--changed-since", metavar="REV", help="only those that a change since this commit touches")
    parser.set_defaults(run=_capsules)


def _freeze(options: argparse.Namespace) -> int:
    from notebook_run.freeze import freeze

    root = Path().resolve()
    frozen = freeze(root, options.name, _say)
    path = frozen.path.relative_to(root)
    if options.json:
        facts = {"capsule": str(path), "commit": frozen.capsule.commit, "image": vars(frozen.capsule.image)}
        _print_json({**facts, "notes": list(frozen.notes)})
        return 0
    outputs = sum(len(cell.outputs) for cell in frozen.capsule.cells if not cell.is_volatile)
    print(f"{path}: {len(frozen.capsule.cells)} cells, {outputs} outputs. Commit it with what is kept beside it.")
    for note in frozen.notes:
        print(note)
    return 0


def _reproduce(options: argparse.Namespace) -> int:
    from notebook_run.reproduce import reproduce, write_report

    root = Path().resolve()
    comparison = reproduce(root, options.capsule, _say, is_here=options.here, base=options.base)
    page = write_report(root, comparison).relative_to(root)
    if options.json:
        _print_json({**comparison.facts(), "page": str(page)})
    else:
        print(comparison_text(comparison), end="")
        print(f"\nReport: {page}")
    return 0 if comparison.is_equal else 1


def _capsules(options: argparse.Namespace) -> int:
    from notebook_run.touched import all_capsules, touched_capsules

    root = Path().resolve()
    found = touched_capsules(root, options.changed_since) if options.changed_since else all_capsules(root)
    # One line: GitHub reads it as the matrix of a job.
    print(json.dumps({"include": [{"notebook": name, "why": "; ".join(why)} for name, why in found.items()]}))
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))
