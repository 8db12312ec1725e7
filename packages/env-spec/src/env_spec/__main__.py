"""The command line: `python -m env_spec images`, `python -m env_spec slice --group main`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from env_spec.errors import EnvSpecError, SpecError
from env_spec.lock import LockedPackage, load_lock, lock_slice
from env_spec.spec import load_spec

_EXAMPLES = """\
examples:
  python -m env_spec images
  python -m env_spec images --json
  python -m env_spec slice --group main --group notebook
  python -m env_spec slice --group main,notebook --json
"""


def main(*, argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        Exit status: 0 done, 1 nobody reads the output, 2 wrong input.
    """
    args = _parser().parse_args(argv)
    try:
        text = _images(args) if args.command == "images" else _slice(args)
    except EnvSpecError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return _write(text)


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="one JSON document")
    shared.add_argument(
        "--project", type=Path, default=Path(), metavar="DIR", help="folder of pyproject.toml (default: here)"
    )
    parser = argparse.ArgumentParser(
        prog="python -m env_spec",
        description="Which Poetry groups make which image, and the slice of the lock they stand for.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("images", parents=[shared], help="the declared images and their groups")
    cut = commands.add_parser("slice", parents=[shared], help="the locked packages that groups need")
    cut.add_argument(
        "--group",
        action="extend",
        type=_group_names,
        required=True,
        metavar="NAME",
        help="a group, or several with commas; may be repeated; groups it includes are added",
    )
    return parser


def _images(args: argparse.Namespace) -> str:
    pyproject = args.project / "pyproject.toml"
    images = load_spec(pyproject).images
    if not images:
        raise SpecError(
            "tool.env-spec.images",
            f'{pyproject} has no image; declare [tool.env-spec.images.NAME] with groups = ["main"]',
        )
    if args.json:
        return _json({name: {"groups": image.groups} for name, image in images.items()})
    width = max(map(len, images))
    return "".join(f"{name:<{width}}  {', '.join(image.groups)}\n" for name, image in images.items())


def _slice(args: argparse.Namespace) -> str:
    spec = load_spec(args.project / "pyproject.toml")
    groups = spec.expanded(args.group)
    lock = args.project / "poetry.lock"
    packages = lock_slice(load_lock(lock), groups, source=str(lock))
    if args.json:
        return _json({"groups": groups, "packages": [asdict(package) for package in packages]})
    return "".join(f"{_line(package)}\n" for package in packages)


def _group_names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("names no group")
    return names


def _line(package: LockedPackage) -> str:
    source = f" @ {package.source.url}" if package.source else ""
    marker = f" ; {package.marker}" if package.marker else ""
    return f"{package.name}=={package.version}{source}{marker}"


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"


def _write(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # `… | head` closed the pipe: what is left to flush at exit must not raise once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
