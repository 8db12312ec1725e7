"""The command line: `python -m notebook_run list|new|up|down|status|logs|run|freeze|reproduce|capsules`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from data_share.errors import DataShareError
from env_spec import EnvSpecError, NotebookSpec, check_notebooks, load_spec
from image_build.engine import engine_failures
from image_build.errors import ImageBuildError
from notebook_run import needs, starter
from notebook_run.capsule_commands import add_capsules, add_freeze, add_reproduce
from notebook_run.errors import (
    InterruptedRunError,
    NotebookExistsError,
    NotebookRunError,
    NotRunningError,
    UnknownDatasetError,
)
from notebook_run.listing import ListedNotebook, shown_notebooks, table

if TYPE_CHECKING:
    from env_spec import EnvSpec
    from notebook_run.engine import Upped

_EXAMPLES: Final = """\
examples:
  python -m notebook_run list
  python -m notebook_run new stations --image jupyter-notebook --dataset pems-detector
  python -m notebook_run up traffic-eda --detach
  python -m notebook_run down traffic-eda
  python -m notebook_run run traffic-eda -p worst=5 --timeout 60
  python -m notebook_run freeze traffic-eda
  python -m notebook_run reproduce traffic-eda
"""


def main(*, argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 failed work, 2 wrong input, 130 interrupted."""
    options = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    # A terminal that is closed; whoever starts it with nohup wants it to go on.
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _interrupt)
    try:
        with engine_failures():
            return int(options.run(options) or 0)
    except (NotebookRunError, ImageBuildError, DataShareError) as error:
        return _told(str(error), error.exit_code)
    except EnvSpecError as error:
        return _told(str(error), 2)
    except KeyboardInterrupt:
        return _told(str(InterruptedRunError()), InterruptedRunError.exit_code)
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
    print(json.dumps(value, indent=2, ensure_ascii=False), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m notebook_run",
        description="Notebooks in their images with only their data. Each is declared in [tool.env-spec.notebooks].",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="the notebooks: is their data here, their image, do they run")
    _add_base(listing)
    _add_json(listing, _list)
    new = commands.add_parser("new", help="start a notebook: its file and its table in pyproject.toml")
    new.add_argument("name", metavar="NAME")
    new.add_argument("--image", required=True, metavar="I", help="of [tool.env-spec.images]")
    new.add_argument("--dataset", action="append", default=[], metavar="D", help="that it reads; may be repeated")
    new.set_defaults(run=_new)
    up = commands.add_parser("up", help="open it in Jupyter on 127.0.0.1; Ctrl-C stops it")
    _add_name(up)
    up.add_argument("--port", type=_port, help="of 127.0.0.1 (the first free one from 8888 on)")
    up.add_argument("--detach", action="store_true", help="leave it running; so does a start without a terminal")
    _add_base(up)
    _add_json(up, _up)
    down = commands.add_parser("down", help="stop it, or all that run")
    down.add_argument("name", metavar="NAME", nargs="?")
    down.set_defaults(run=_down)
    _add_json(commands.add_parser("status", help="what runs, and where"), _status)
    logs = commands.add_parser("logs", help="what Jupyter said")
    _add_name(logs)
    logs.add_argument("--follow", action="store_true", help="go on until Ctrl-C")
    logs.set_defaults(run=_logs)
    _add_run(commands.add_parser("run", help="run it from its first to its last cell, without a browser"))
    add_freeze(commands.add_parser("freeze", help="run it from a clean checkout and write its capsule"))
    add_reproduce(commands.add_parser("reproduce", help="run what a capsule names again, and compare every output"))
    add_capsules(
        commands.add_parser("capsules", help="the capsules as a matrix for CI: all, or those a change touches")
    )
    return parser


def _add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="of [tool.env-spec.notebooks]")


def _add_base(parser: argparse.ArgumentParser) -> None:
    from_here = "where its image must be built, start from this one (default: SHRINKWRAP_BASE, else the table's)"
    parser.add_argument("--base", metavar="IMAGE", help=from_here)


def _add_json(parser: argparse.ArgumentParser, run: Any) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def _add_run(parser: argparse.ArgumentParser) -> None:
    _add_name(parser)
    parser.add_argument(
        *("-p", "--parameter"), action="append", default=[], metavar="KEY=VALUE", help="of its table; may be repeated"
    )
    parser.add_argument("--timeout", type=_seconds, metavar="S", help="time limit of each cell (its table's, else 600)")
    _add_base(parser)
    _add_json(parser, _run)


def _seconds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be whole seconds from 1, not {text!r}")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"must be a port from 1 to 65535, not {text!r}")
    return int(text)


def _root() -> Path:
    return Path().resolve()


def _spec() -> EnvSpec:
    """All of it, checked as a whole: what one notebook lacks is told before another is started."""
    spec = load_spec(Path("pyproject.toml"))
    check_notebooks(spec, Path(), needs.output_folders(Path(needs.DATASETS_FILE)))
    return spec


def _known(name: str) -> NotebookSpec:
    """The notebook of that name; a name that is wrong is told before what else may be."""
    load_spec(Path("pyproject.toml")).notebook(name)
    return _spec().notebook(name)


def _list(options: argparse.Namespace) -> None:
    from notebook_run.presence import lacking

    root, spec = _root(), _spec()
    images, upped = _images_here(options.base), _upped()
    rows = [
        ListedNotebook(
            name=name,
            path=notebook.path,
            image=notebook.image,
            datasets=tuple(selection for dataset in notebook.datasets for selection in needs.selections(dataset)),
            missing=lacking(root, notebook),
            is_image_here=images.get(notebook.image) if images is not None else None,
            url=_url(root, upped.get(name), notebook.path),
        )
        for name, notebook in spec.notebooks.items()
    ]
    if options.json:
        _print_json([row.facts() for row in rows])
    else:
        print(shown_notebooks(rows), end="")


def _images_here(base: str | None) -> dict[str, bool] | None:
    """Of each image whether it is here as the lock says now; None where no engine answers."""
    from image_build.errors import DockerPermissionError, NoDockerError
    from image_build.plan import Wishes
    from image_build.planning import machine_base, machine_registry, planned

    try:
        _, plans, _ = planned(Wishes(base=base or machine_base(), default_registry=machine_registry()))
    except (NoDockerError, DockerPermissionError):
        return None
    return {plan.name: plan.found == "here" for plan in plans}


def _upped() -> dict[str, Upped]:
    """What runs; nothing where no engine answers."""
    from image_build.errors import DockerPermissionError, NoDockerError
    from notebook_run.engine import Engine

    try:
        return Engine().upped(_root())
    except (NoDockerError, DockerPermissionError):
        return {}


def _url(root: Path, upped: Upped | None, path: str) -> str | None:
    from notebook_run.up import url_of

    return url_of(root, upped, path) if upped else None


def _new(options: argparse.Namespace) -> None:
    from env_spec import parse_spec

    starter.check_name(options.name)
    pyproject, path = Path("pyproject.toml"), Path("notebooks") / f"{options.name}.ipynb"
    text, spec = pyproject.read_text("utf-8"), load_spec(pyproject)
    spec.image(options.image)
    described = needs.output_folders(Path(needs.DATASETS_FILE))
    for dataset in options.dataset:
        if dataset not in described:
            raise UnknownDatasetError(dataset, known=described, source=needs.DATASETS_FILE)
    if options.name in spec.notebooks or path.exists():
        where = "in pyproject.toml" if options.name in spec.notebooks else str(path)
        raise NotebookExistsError(options.name, where=where)
    changed = starter.with_table(
        text, options.name, path=path.as_posix(), image=options.image, datasets=dict.fromkeys(options.dataset)
    )
    parse_spec(tomllib.loads(changed))
    path.parent.mkdir(exist_ok=True)
    path.write_text(starter.starter_notebook(options.name, list(dict.fromkeys(options.dataset))), "utf-8")
    pyproject.write_text(changed, "utf-8")
    print(
        f"wrote {path} and [tool.env-spec.notebooks.{options.name}]; open it with `invoke notebook.up {options.name}`"
    )


def _up(options: argparse.Namespace) -> int:
    from notebook_run.engine import Engine
    from notebook_run.up import bring_up, fetch_data, fetch_image

    root, notebook = _root(), _known(options.name)
    Engine()
    fetch_data(root, notebook, _say)
    image = fetch_image(notebook, _say, base=options.base)
    up = bring_up(root, notebook, image=image, port=options.port, say=_say)
    is_attached = not (options.detach or options.json) and sys.stdin.isatty() and sys.stdout.isatty()
    if options.json:
        _print_json(up.facts())
        return 0
    print(f"{options.name} {'was up' if up.was_up else 'is up'}: {up.url}", flush=True)
    if not is_attached:
        print(f"It goes on until `invoke notebook.down {options.name}`.")
        return 0
    return _attached(root, options.name, up.container)


def _attached(root: Path, name: str, container: str) -> int:
    """Wait until it ends; Ctrl-C ends it, and is how one is meant to."""
    from notebook_run.engine import Engine
    from notebook_run.up import bring_down

    print("Ctrl-C stops it.", flush=True)
    try:
        Engine().wait(container)
        print(f"{name} was stopped.")
    except KeyboardInterrupt:
        print(f"\n{name}: stopping", flush=True)
    finally:
        bring_down(root, name)
    return 0


def _down(options: argparse.Namespace) -> None:
    from notebook_run.engine import Engine
    from notebook_run.up import bring_down

    running = Engine().upped(_root())
    if options.name and options.name not in running:
        # A name that is no notebook's is told as such.
        load_spec(Path("pyproject.toml")).notebook(options.name)
    names = [options.name] if options.name in running else [] if options.name else list(running)
    for name in names:
        bring_down(_root(), name)
        print(f"{name} is down")
    if not names:
        print(f"{options.name or 'nothing'} was {'not ' if options.name else ''}up")


def _status(options: argparse.Namespace) -> None:
    from notebook_run.engine import Engine

    root = _root()
    notebooks = load_spec(Path("pyproject.toml")).notebooks
    rows = []
    for name, upped in Engine().upped(root).items():
        path = notebooks[name].path if name in notebooks else ""
        rows.append({**upped.facts(), "url": _url(root, upped, path)})
    if options.json:
        _print_json(rows)
    elif not rows:
        print("nothing is up")
    else:
        head = ("notebook", "state", "health", "port", "image", "url")
        print(table(head, [[str(row[key] or "") for key in head] for row in rows]), end="")


def _logs(options: argparse.Namespace) -> int:
    from notebook_run.engine import Engine

    load_spec(Path("pyproject.toml")).notebook(options.name)
    engine = Engine()
    running = engine.upped(_root())
    if options.name not in running:
        raise NotRunningError(options.name, running=running)

    def write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    try:
        engine.follow(running[options.name].container, write, is_followed=options.follow)
    except KeyboardInterrupt:
        if not options.follow:
            raise
    return 0


def _run(options: argparse.Namespace) -> int:
    from notebook_run.engine import Engine
    from notebook_run.headless import RunRequest, run_notebook
    from notebook_run.parameters import parameters
    from notebook_run.up import fetch_data, fetch_image

    root, notebook = _root(), _known(options.name)
    values = parameters(notebook, options.parameter)
    engine = Engine()
    fetch_data(root, notebook, _say)
    image = fetch_image(notebook, _say, base=options.base)
    _say(f"{notebook.name}: running in {image}")
    request = RunRequest(root=root, image=image, notebook=notebook, parameters=values, timeout_s=options.timeout)
    result = run_notebook(request, _say, engine=engine)
    if options.json:
        _print_json(result.facts())
    if result.error:
        raise result.error
    if not options.json:
        print(f"{notebook.name}: {len(result.cells)} cells in {result.seconds:.1f} s")
        print(f"{result.executed_path.relative_to(root)}\n{result.html_path.relative_to(root)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
