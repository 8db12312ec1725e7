"""The command line: `python -m env_spec list`, `python -m env_spec show jupyter-notebook`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TypeAlias

from env_spec import report
from env_spec.container import image_name, inspected_image
from env_spec.diff import ImageDiff, image_diffs
from env_spec.drift import PROBE, Installed, added_distributions, drift, parse_installed
from env_spec.environment import image_environment
from env_spec.errors import EnvSpecError, FileError, LockError, SpecError, SpecErrors
from env_spec.lock import LockedPackage, load_lock, lock_slice
from env_spec.matrix import matrix, matrix_of_changes
from env_spec.project import ProjectFiles, read_project
from env_spec.spec import load_spec

# Text for standard output, and the exit status.
Answer: TypeAlias = tuple[str, int]
Command: TypeAlias = Callable[[argparse.Namespace], Answer]

_EXAMPLES = """\
examples:
  python -m env_spec list
  python -m env_spec show jupyter-notebook --json
  python -m env_spec diff --rev main
  python -m env_spec matrix --changed-since HEAD~1
  python -m env_spec lock --add scipy --group models
  python -m env_spec sbom jupyter-notebook
  python -m env_spec slice --group main --group notebook
  python -m env_spec verify --here --group ops,dev
"""


def main(*, argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        Exit status: 0 done, 1 failed, differs, or nobody reads the output, 2 wrong input.
    """
    args = _parser().parse_args(argv)
    command: Command = args.run
    try:
        text, status = command(args)
    except EnvSpecError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 1
    return _write(text) or status


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

    def command(name: str, run: Command, help: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[shared], help=help, description=help)
        added.set_defaults(run=run)
        return added

    command("list", _list, "the declared images, their groups and fingerprints")
    command("show", _show, "the packages of an image and why each is there").add_argument("image")
    diff = command("diff", _diff, "what changed in each image since a commit, and which must be built")
    diff.add_argument("--rev", default="HEAD", help="the commit (default: %(default)s)")
    jobs = command("matrix", _matrix, "the images as a matrix for a CI job")
    jobs.add_argument("--changed-since", metavar="REV", help="only those that must be built since this commit")
    relock = command("lock", _lock, "make poetry.lock anew, and say what that changes")
    relock.add_argument("--add", metavar="PACKAGE", help="add this to a group first, like scipy or 'scipy>=1.16'")
    relock.add_argument("--group", metavar="NAME", help="the group to add to")
    command("sbom", _sbom, "the packages of an image as CycloneDX").add_argument("image")
    _add_groups(command("slice", _slice, "the locked packages that groups need"), is_required=True)
    _add_verify(command("verify", _verify, "whether what is installed somewhere is as locked"))
    command("probe", lambda args: (PROBE, 0), "a program for any Python, that prints what `verify` reads")
    return parser


def _add_groups(parser: argparse.ArgumentParser, *, is_required: bool) -> None:
    parser.add_argument(
        "--group",
        action="extend",
        type=_group_names,
        required=is_required,
        metavar="NAME",
        help="a group, or several with commas; may be repeated; groups it includes are added",
    )


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--here", action="store_true", help="look at the environment that runs this")
    parser.add_argument("--installed", type=Path, metavar="FILE", help="what the probe printed elsewhere")
    parser.add_argument("--changes", type=Path, metavar="FILE", help="what `docker diff` printed of the container")
    parser.add_argument("--inspected", type=Path, metavar="FILE", help="what `docker inspect` printed of it")
    parser.add_argument("--image", metavar="NAME", help="it should hold this image's groups; a reference will do")
    _add_groups(parser, is_required=False)


def _list(args: argparse.Namespace) -> Answer:
    files = _project(args)
    environments = [image_environment(files, name) for name in files.spec.images]
    if args.json:
        return _json({environment.image.name: report.image_facts(environment) for environment in environments}), 0
    return report.image_list(environments), 0


def _show(args: argparse.Namespace) -> Answer:
    from env_spec.sizes import installed_sizes
    from env_spec.why import dependency_paths

    files = _project(args)
    environment = image_environment(files, args.image)
    paths = dependency_paths(files.lock, files.spec.groups, environment.groups)
    sizes = installed_sizes(environment.packages)
    if not args.json:
        return report.image_page(environment, paths, sizes), 0
    packages = [
        {
            "name": package.name,
            "version": package.version,
            "marker": package.marker,
            "size_bytes": sizes.get(package.name),
            "why": asdict(paths[package.name]) if package.name in paths else None,
        }
        for package in environment.packages
    ]
    return _json({"image": args.image, **report.image_facts(environment), "packages": packages}), 0


def _diff(args: argparse.Namespace) -> Answer:
    from env_spec.revision import read_revision

    diffs = image_diffs(read_revision(args.project, args.rev), _project(args))
    return _diff_text(diffs, args.rev, is_json=args.json), 0


def _diff_text(diffs: Sequence[ImageDiff], since: str, *, is_json: bool) -> str:
    if not is_json:
        return report.diff_page(diffs, since)
    must_build = [diff.image for diff in diffs if diff.needs_build]
    return _json({"since": since, "must_build": must_build, "images": [asdict(diff) for diff in diffs]})


def _matrix(args: argparse.Namespace) -> Answer:
    files = _project(args)
    jobs = matrix_of_changes(_past(args), files) if args.changed_since else matrix(files)
    # One line: a workflow hands it on with `echo "matrix=$(…)" >> "$GITHUB_OUTPUT"`.
    return json.dumps(jobs) + "\n", 0


def _past(args: argparse.Namespace) -> ProjectFiles | None:
    """The project at that commit; None if it had no images then that can be read now: all must be built."""
    from env_spec.revision import read_revision

    if not args.changed_since.strip("0"):
        return None  # what GitHub gives as the commit before the first one of a branch
    try:
        return read_revision(args.project, args.changed_since)
    except (FileError, SpecErrors) as error:
        print(f"every image counts as changed: {error}", file=sys.stderr)
        return None


def _lock(args: argparse.Namespace) -> Answer:
    from env_spec.relock import relock

    spec = load_spec(args.project / "pyproject.toml")
    if (args.add is None) != (args.group is None):
        missing, given = ("--group", "--add") if args.group is None else ("--add", "--group")
        raise EnvSpecError(f"{given} goes with {missing}: `env.lock --add PACKAGE --group NAME`")
    group = spec.expanded([args.group])[0] if args.group else None
    before = read_project(args.project) if (args.project / "poetry.lock").exists() else None
    relock(args.project, package=args.add, group=group)
    diffs = image_diffs(before, _project(args))
    return _diff_text(diffs, "the lock before", is_json=args.json), 0


def _sbom(args: argparse.Namespace) -> Answer:
    files = _project(args)
    environment = image_environment(files, args.image)
    from env_spec.sbom import cyclonedx_json
    from env_spec.why import needed_by

    return cyclonedx_json(environment, needed_by(files.lock)), 0


def _slice(args: argparse.Namespace) -> Answer:
    groups, packages = _groups_and_packages(args.project, args.group)
    if args.json:
        return _json({"groups": groups, "packages": [asdict(package) for package in packages]}), 0
    return "".join(f"{_line(package)}\n" for package in packages), 0


def _verify(args: argparse.Namespace) -> Answer:
    spec = load_spec(args.project / "pyproject.toml")
    name = image_name(args.image) if args.image else None
    if args.inspected and not name:
        name = inspected_image(_read(args.inspected), spec.images)
    if bool(name) == bool(args.group):
        raise EnvSpecError("name either the image or the groups that should be installed there")
    _, packages = _groups_and_packages(args.project, spec.image(name).groups if name else args.group)
    added = added_distributions(_read(args.changes)) if args.changes else ()
    found = drift(packages, _installed(args), added=added)
    what = name or f"groups {', '.join(args.group)}"
    if args.json:
        return _json({"what": what, "is_as_locked": not found, **asdict(found)}), 1 if found else 0
    return report.drift_page(found, what), 1 if found else 0


def _installed(args: argparse.Namespace) -> Installed:
    if args.here == bool(args.installed):
        raise EnvSpecError("say where to look: --here, or --installed FILE with what the probe printed")
    if args.installed:
        return parse_installed(_read(args.installed), source=f"the Python whose answer is in {args.installed}")
    from env_spec.process import started

    return parse_installed(
        started([sys.executable, "-c", PROBE], root=args.project).stdout.decode(), source=sys.executable
    )


def _read(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(str(path), f"cannot be read: {error.strerror}") from error


def _project(args: argparse.Namespace) -> ProjectFiles:
    pyproject = args.project / "pyproject.toml"
    if not load_spec(pyproject).images:
        raise SpecError(
            "tool.env-spec.images",
            f'{pyproject} has no image; declare [tool.env-spec.images.NAME] with groups = ["main"]',
        )
    files = read_project(args.project)
    if not files.is_lock_current:
        raise LockError(files.lock_source, "is older than pyproject.toml; make it anew with `invoke env.lock`")
    return files


def _groups_and_packages(project: Path, names: Sequence[str]) -> tuple[tuple[str, ...], tuple[LockedPackage, ...]]:
    groups = load_spec(project / "pyproject.toml").expanded(names)
    lock = project / "poetry.lock"
    return groups, lock_slice(load_lock(lock), groups, source=str(lock))


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
