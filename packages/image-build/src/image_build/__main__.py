"""The command line: `python -m image_build build|ensure|test|list|run|size|clean|pin|reproduce`."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from env_spec import EnvSpecError, images_with_groups, read_project
from image_build.bake import CACHES, BuildSettings
from image_build.engine import engine_failures
from image_build.errors import ImageBuildError, InterruptedBuildError, NotBuiltError
from image_build.plan import ImagePlan, Wishes, shown_plan, with_parents
from image_build.planning import (
    BASE_VARIABLE,
    REGISTRY_VARIABLE,
    build_settings,
    machine_base,
    machine_registry,
    planned,
    project_name,
)

if TYPE_CHECKING:
    from image_build.engine import Engine

_EXAMPLES: Final = """\
examples:
  python -m image_build build --group models
  python -m image_build build --push --cache registry
  python -m image_build ensure jupyter-notebook
  python -m image_build test jupyter-notebook
  python -m image_build run jupyter-notebook --command 'python -V'
  python -m image_build pin --update
"""


def main(*, argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 failed work, 2 wrong input, 130 interrupted."""
    options = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with engine_failures():
            return int(options.run(options) or 0)
    except ImageBuildError as error:
        return _told(str(error), error.exit_code)
    except EnvSpecError as error:
        return _told(str(error), 2)
    except KeyboardInterrupt:
        return _told(str(InterruptedBuildError("the work")), InterruptedBuildError.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _told(message: str, exit_code: int) -> int:
    print(f"error: {message}", file=sys.stderr)
    return exit_code


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m image_build",
        description="Images that hold exactly their Poetry groups. They are declared in [tool.env-spec.images].",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_build(commands.add_parser("build", help="build, test, tag and push what changed"))
    ensure = commands.add_parser("ensure", help="see that an image is here: pull it, else build it")
    _add_one(ensure, _ensure, json_too=True)
    ensure.add_argument(
        "--registry",
        metavar="HOST/ORG",
        help=f"instead of the table's (default where it has none: {REGISTRY_VARIABLE})",
    )
    ensure.add_argument("--no-build", action="store_true", help="fail if it is neither here nor in its registry")
    _add_one(commands.add_parser("test", help="look at a real container of an image"), _test, json_too=True)
    listing = commands.add_parser("list", help="the images, and which are here")
    _add_base(listing)
    listing.add_argument("--json", action="store_true", help="print one JSON document")
    listing.set_defaults(run=_list)
    run = commands.add_parser("run", help="start Jupyter in an image, or a command")
    _add_one(run, _run)
    run.add_argument("--command", metavar="CMD", help="instead of Jupyter")
    run.add_argument("--port", type=int, default=8888, help="on 127.0.0.1 (%(default)s)")
    _add_one(commands.add_parser("size", help="what takes the space"), _size, json_too=True)
    clean = commands.add_parser("clean", help="remove the images of this project from this machine, and nothing else")
    clean.add_argument("--dry-run", action="store_true", help="only say what")
    clean.set_defaults(run=_clean)
    pin = commands.add_parser("pin", help="write the digests of the bases into pyproject.toml")
    pin.add_argument("--update", action="store_true", help="also where there is a digest, if the tag moved")
    pin.set_defaults(run=_pin)
    _add_one(commands.add_parser("reproduce", help="build twice without cache and compare"), _reproduce)
    return parser


def _add_base(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--base",
        metavar="IMAGE",
        default=machine_base(),
        help=f"start from this image, builder and final stage alike (default: {BASE_VARIABLE}, else the table's)",
    )


def _add_one(
    parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int | None], *, json_too: bool = False
) -> None:
    parser.add_argument("image", metavar="NAME")
    _add_base(parser)
    if json_too:
        parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def _add_build(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--group", action="append", default=[], metavar="G[,G]", help="images that hold all of these; may be repeated"
    )
    parser.add_argument("--image", action="append", default=[], metavar="NAME", help="this image; may be repeated")
    _add_base(parser)
    parser.add_argument("--push", action="store_true", help="send them to their registry")
    parser.add_argument("--platform", action="append", default=[], metavar="P", help="instead of those of the table")
    parser.add_argument("--no-cache", action="store_true", help="run every step again")
    parser.add_argument("--force", action="store_true", help="build what is there already, too")
    parser.add_argument("--cache", choices=CACHES, default="none", help="where steps are kept beside the builder")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be built and why")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=_build)


def _build(options: argparse.Namespace) -> int:
    from image_build.build import build_images
    from image_build.machine import only_build

    files = read_project(Path())
    groups = [name.strip() for text in options.group for name in text.split(",") if name.strip()]
    # An image that is named is meant, whatever its groups.
    names = tuple(dict.fromkeys([*options.image, *(images_with_groups(files, groups) if groups else ())]))
    wishes = Wishes(
        names=names,
        base=options.base,
        platforms=tuple(options.platform),
        is_forced=options.force or options.no_cache,
        is_pushed=options.push,
        default_registry=machine_registry(),
        has_registry_cache=options.cache == "registry",
        needs_current_lock=True,
    )
    engine, plans, epoch_s = planned(wishes)
    if options.dry_run:
        _show_plan(plans, as_json=options.json)
        return 0
    if not options.json:
        _say(shown_plan(plans).rstrip())
    is_needed = any(plan.is_needed for plan in plans)
    settings, index = BuildSettings(epoch_s=epoch_s), None
    if is_needed:
        settings, index = build_settings(engine, epoch_s, cache=options.cache, is_uncached=options.no_cache)
    with only_build():
        result = build_images(engine, plans, settings, is_pushed=options.push, index=index, say=_say)
    asked = [plan for plan in plans if plan.is_asked]
    if options.json:
        tests = {report.image: report.facts() for report in result.reports}
        images = [
            {**plan.facts(), "digest": _digest(engine, plan, is_pushed=options.push), "test": tests.get(plan.name)}
            for plan in asked
        ]
        _print_json({"images": images, "pushed": result.pushed})
    else:
        _show_result(asked, result.reports)
    return 0


def _digest(engine: Engine, plan: ImagePlan, *, is_pushed: bool) -> str | None:
    return engine.remote_digest(plan.reference) if is_pushed else engine.local_digest(plan.reference)


def _show_result(plans: Sequence[ImagePlan], reports: Sequence[Any]) -> None:
    from image_build.check import shown_report

    for report in reports:
        print(shown_report(report), end="")
    for plan in plans:
        print(f"{plan.name}: {'built' if plan.is_needed else 'was there'} as {plan.reference}")


def _show_plan(plans: Sequence[ImagePlan], *, as_json: bool) -> None:
    if as_json:
        _print_json([plan.facts() for plan in plans if plan.is_asked])
    else:
        print(shown_plan(plans), end="")


def _one(options: argparse.Namespace) -> tuple[Engine, ImagePlan]:
    """The named image, which must be here."""
    engine, plans, _ = planned(Wishes(names=(options.image,), base=options.base, default_registry=machine_registry()))
    plan = plans[-1]
    if plan.found != "here":
        raise NotBuiltError(plan.name, plan.fingerprint)
    return engine, plan


def _ensure(options: argparse.Namespace) -> None:
    from image_build.ensure import ensure_image

    image = ensure_image(
        options.image,
        say=_say,
        base=options.base,
        registry=options.registry,
        may_build=not options.no_build,
    )
    if options.json:
        _print_json(image.facts())
    else:
        what = {"here": "was here", "pulled": "pulled", "built": "built"}[image.origin]
        print(f"{image.name}: {what} as {image.reference}")


def _test(options: argparse.Namespace) -> int:
    from image_build.check import check_image, shown_report

    engine, plan = _one(options)
    report = check_image(engine, plan, plan.reference)
    if options.json:
        _print_json(report.facts())
    else:
        print(shown_report(report), end="")
    return 1 if report.failures else 0


def _list(options: argparse.Namespace) -> None:
    from image_build.listing import list_images, shown_images

    engine, plans, _ = planned(Wishes(base=options.base, default_registry=machine_registry()))
    rows = list_images(engine, plans)
    if options.json:
        _print_json([row.facts() for row in rows])
    else:
        print(shown_images(rows), end="")


def _run(options: argparse.Namespace) -> int:
    from image_build.check import JUPYTER_PORT
    from image_build.engine import refuse_taken_port, run_attached

    _, plan = _one(options)
    if options.command is not None:
        terminal = ["--tty"] if sys.stdin.isatty() and sys.stdout.isatty() else []
        return run_attached(plan.reference, ["sh", "-c", options.command], options=["--interactive", *terminal])
    refuse_taken_port(options.port)
    address, token = f"http://127.0.0.1:{options.port}", secrets.token_hex(24)
    _say(f"Jupyter will answer on {address}/lab?token={token}")
    threading.Thread(target=_tell_when_up, args=(address, token), daemon=True).start()
    _say("End it with Ctrl-C. It sees none of your files, and what is written in it is gone with it.")
    try:
        # Without a terminal of its own, or it would ask whether Ctrl-C was meant.
        return run_attached(
            plan.reference,
            [],
            options=["--publish", f"127.0.0.1:{options.port}:{JUPYTER_PORT}"],
            environment={"JUPYTER_TOKEN": token},
        )
    except KeyboardInterrupt:
        _say(f"{plan.name}: Jupyter ended, its container is removed")
        return 0


def _tell_when_up(address: str, token: str) -> None:
    """Say it once more, after all that Jupyter says of an address that is the container's own."""
    from image_build.check import PATIENCE_S, jupyter_status

    deadline_s = time.monotonic() + PATIENCE_S
    while jupyter_status(address, token) != 200:
        if time.monotonic() > deadline_s:
            _say(f"\nNothing answers at {address} yet; what Jupyter says is above.\n")
            return
        time.sleep(0.5)
    _say(f"\nIt answers now: {address}/lab?token={token}\n")


def _size(options: argparse.Namespace) -> None:
    from image_build.check import package_sizes
    from image_build.sizes import shown_bytes, size_table

    engine, plan = _one(options)
    parts, total = package_sizes(engine, plan)
    if options.json:
        _print_json({"image": plan.name, "size_bytes": total, "parts": parts})
        return
    print(f"{plan.name}: {shown_bytes(total)} unpacked\n{size_table(parts, total=total)}", end="")


def _clean(options: argparse.Namespace) -> int:
    from image_build.engine import Engine
    from image_build.sizes import shown_bytes

    engine, kept = Engine(), 0
    if not options.dry_run:
        engine.remove_leftovers()
    found = engine.project_images(project_name())
    for name, image in found:
        problem = None if options.dry_run else engine.remove(name)
        kept += problem is not None
        what = "would be removed" if options.dry_run else f"kept: {problem}" if problem else "removed"
        print(f"{name} ({shown_bytes(image.size_bytes)}): {what}")
    if not found:
        print("nothing here was built by this project")
    return 1 if kept else 0


def _pin(options: argparse.Namespace) -> None:
    from image_build.engine import login
    from image_build.pin import pin_bases
    from image_build.registry import resolve_digest

    path = Path("pyproject.toml")
    text, lines = pin_bases(
        path.read_text("utf-8"), is_updated=options.update, resolve=partial(resolve_digest, login=login)
    )
    path.write_text(text, "utf-8")
    print("\n".join(lines))


def _reproduce(options: argparse.Namespace) -> None:
    from image_build.machine import only_build
    from image_build.reproduce import build_twice

    names = with_parents(read_project(Path()), [options.image])
    engine, plans, epoch_s = planned(Wishes(names=names, base=options.base, is_forced=True, needs_current_lock=True))
    settings, index = build_settings(engine, epoch_s)
    with only_build():
        print(build_twice(plans, settings, index=index, say=_say))


if __name__ == "__main__":
    sys.exit(main())
