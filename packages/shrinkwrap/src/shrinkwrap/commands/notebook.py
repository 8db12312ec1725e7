"""Commands about notebooks: list, start, open, stop, run, freeze and reproduce them."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeAlias

from invoke import Collection

from shrinkwrap.command import Option, command
from shrinkwrap.options import ImageName, Json, NotebookName
from shrinkwrap.root import find_root
from terminal import EXIT_DONE, EXIT_FAILED, ShrinkwrapError, json_text, note, show

if TYPE_CHECKING:
    from notebook_run import PlaceName, StartedNotebook

# A notebook's image is built only if it is neither local nor in its registry.
_Base: TypeAlias = Annotated[
    str | None,
    Option("base of its image, if the image must be built", default_text="SHRINKWRAP_BASE, then pyproject.toml"),
]
_Running: TypeAlias = Annotated[str, Option("a running notebook, or `all`", complete="notebook")]


Local: TypeAlias = Annotated[
    bool,
    Option("without Docker, in an environment of this machine with the packages of its image"),
]
Docker: TypeAlias = Annotated[bool, Option("in a container, where the default of pyproject.toml is local")]


@command("notebook.list", name="list")
def list_(*, base: _Base = None, json: Json = False) -> None:
    """List the notebooks: image, datasets, whether both are local, and the URLs of running notebooks."""
    from notebook_run import list_notebooks, notebooks_text

    notebooks = list_notebooks(find_root(), base=base)
    show(*([json_text(notebooks)] if json else notebooks_text(notebooks)))


@command("notebook.new stations --image jupyter-notebook --dataset pems-detector")
def new(
    name: Annotated[str, Option("lower-case letters, digits, '-' and '_'")],
    *,
    image: ImageName,
    dataset: Annotated[list[str] | None, Option("that it reads; may be repeated", complete="dataset")] = None,
) -> None:
    """Start a notebook: a file that loads its datasets, and its table in pyproject.toml."""
    from notebook_run import new_notebook

    root = find_root()
    path = new_notebook(root, name, image=image, datasets=dataset or ()).relative_to(root)
    show(f"wrote {path} and [tool.env-spec.notebooks.{name}]; open it with `invoke notebook.up {name}`")


@command("notebook.up traffic-eda")
def up(
    name: NotebookName,
    *,
    port: Annotated[int | None, Option("on 127.0.0.1", default_text="the first free one from 8888 on")] = None,
    detach: Annotated[bool, Option("return and leave it running; the default without a terminal")] = False,
    local: Local = False,
    docker: Docker = False,
    base: _Base = None,
    json: Json = False,
) -> None:
    """Open a notebook in Jupyter: fetch its data and image, print its URL, and stop it on Ctrl-C."""
    from notebook_run import bring_up

    root = find_root()
    with interruptible():
        started = bring_up(root, name, place=requested_place(local=local, docker=docker), port=port, base=base)
        if json:
            show(json_text(started))
            return
        show(f"{name} {'was already up' if started.was_running else 'is up'}: {started.url}")
        if detach or not (sys.stdin.isatty() and sys.stdout.isatty()):
            show(f"It runs until `invoke notebook.down {name}`.")
            return
        _attach(root, started)


def requested_place(*, local: bool, docker: bool) -> PlaceName | None:
    """The place that the flags request.

    Raises:
        ShrinkwrapError: Both are requested.
    """
    if local and docker:
        raise ShrinkwrapError("--local and --docker exclude each other")
    return "local" if local else "docker" if docker else None


def _attach(root: Path, started: StartedNotebook) -> None:
    """Wait until a notebook ends; Ctrl-C is the normal way to stop it, not a failure."""
    from notebook_run import bring_down, wait_until_stopped

    show("Ctrl-C stops it.")
    try:
        wait_until_stopped(root, started)
        show(f"{started.notebook} has stopped.")
    except KeyboardInterrupt:
        show(f"\n{started.notebook}: stopping")
    finally:
        bring_down(root, started.notebook)


@command("notebook.down traffic-eda")
def down(name: _Running) -> None:
    """Stop a notebook, or `all` running notebooks of this clone."""
    from notebook_run import bring_down

    stopped = bring_down(find_root(), None if name == "all" else name)
    nothing = "no notebook was running" if name == "all" else f"{name} was not running"
    show(*([f"{each} is down" for each in stopped] or [nothing]))


@command("notebook.status")
def status(*, json: Json = False) -> None:
    """Show the running notebooks: state, health, port, image, URL."""
    from notebook_run import running_notebooks, running_text

    rows = running_notebooks(find_root())
    show(*([json_text(rows)] if json else running_text(rows)))


@command("notebook.logs traffic-eda --follow")
def logs(
    name: NotebookName, *, follow: Annotated[bool, Option("continue until Ctrl-C or the end of the container")] = False
) -> None:
    """Print the output of a notebook's Jupyter."""
    from notebook_run import follow_log

    def write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    try:
        follow_log(find_root(), name, write, is_followed=follow)
    except KeyboardInterrupt:
        if not follow:
            raise


@command("notebook.run traffic-eda -p worst=5")
def run(
    name: NotebookName,
    *,
    parameter: Annotated[
        list[str] | None, Option("of its table; may be repeated", short="p", metavar="KEY=VALUE")
    ] = None,
    timeout: Annotated[
        int | None,
        Option("time limit of each cell, in seconds", default_text="the one of its table, or 600", metavar="SECONDS"),
    ] = None,
    out: Annotated[
        str | None,
        Option("folder for results", default_text="notebooks/out/NAME, or NAME@KEY=VALUE with -p", metavar="FOLDER"),
    ] = None,
    force: Annotated[bool, Option("run it even if `invoke run` recorded it and nothing has changed")] = False,
    local: Local = False,
    docker: Docker = False,
    base: _Base = None,
    json: Json = False,
) -> None:
    """Run a notebook from its first to its last cell without a browser, in its image without a network, or locally."""
    from notebook_run import run_notebook, run_text
    from shrinkwrap.notebook_stages import is_current, record_run, unrecorded_text

    root = find_root()
    has_own_folder = bool(parameter or out)
    # Of the run alone: `dvc repro` of the stage has neither.
    overrides = [option for option, value in (("--timeout", timeout), ("--base", base)) if value is not None]
    is_stage = not (has_own_folder or overrides)
    with interruptible():
        place = requested_place(local=local, docker=docker)
        if is_stage and not force and is_current(root, name):
            document = {"notebook": name, "state": "up to date"}
            show(json_text(document) if json else f"{name}: up to date; --force runs it nevertheless")
            return
        result = run_notebook(
            root,
            name,
            place=place,
            parameters=parameter or (),
            out=Path(out) if out else None,
            timeout_s=timeout,
            base=base,
        )
        if is_stage and not result.error:
            record_run(root, name)
    if not has_own_folder and not result.error and (text := unrecorded_text(root, name, overrides)):
        note(text)
    if json:
        show(json_text(result.facts()))
    if result.error:
        raise result.error
    if not json:
        show(run_text(result, root, name))


@command("notebook.freeze traffic-eda")
def freeze(
    name: NotebookName,
    *,
    mark_volatile: Annotated[
        bool, Option("record results that differ between both runs as such, instead of refusing them")
    ] = False,
    local: Local = False,
    docker: Docker = False,
    json: Json = False,
) -> None:
    """Run a notebook twice from the current commit, and write its capsule to notebooks/capsules/.

    A capsule records commit, data, parameters, image or local environment, package versions, and the hash of every
    output.
    """
    from notebook_run import freeze_notebook, frozen_json, frozen_text

    root = find_root()
    with interruptible():
        frozen = freeze_notebook(
            root, name, place=requested_place(local=local, docker=docker), marks_volatile=mark_volatile
        )
    show(json_text(frozen_json(frozen, root)) if json else frozen_text(frozen, root))


@command("notebook.reproduce traffic-eda")
def reproduce(
    capsule: Annotated[
        str, Option("a notebook that was frozen, or the file of a capsule", metavar="NAME|FILE", complete="notebook")
    ],
    *,
    here: Annotated[bool, Option("run the working tree instead of the capsule's commit")] = False,
    local: Annotated[bool, Option("without Docker, whatever the capsule records")] = False,
    docker: Annotated[bool, Option("in a container, whatever the capsule records")] = False,
    base: _Base = None,
    json: Json = False,
) -> int:
    """Run a frozen notebook again, with the code, data and packages of its capsule, and compare every output.

    It runs where the capsule's run was: in a container of its image, or locally.

    Exit code 0: all are equal. Exit code 1: some differ; the report shows the cells that differ, how, and the inputs
    that may be the cause.
    """
    from notebook_run import comparison_text, find_capsule, reproduce, write_report

    root = find_root()
    path = find_capsule(root, capsule, folder=Path.cwd())
    with interruptible():
        place = requested_place(local=local, docker=docker)
        comparison = reproduce(root, path, place=place, runs_working_tree=here, base=base)
    page = write_report(root, comparison).relative_to(root)
    if json:
        show(json_text({**comparison.facts(), "page": str(page)}))
    else:
        show(comparison_text(comparison), f"Report: {page}")
    return EXIT_DONE if comparison.is_equal else EXIT_FAILED


@command("notebook.capsules --changed-since origin/main")
def capsules(
    *,
    changed_since: Annotated[
        str | None, Option("only those that a change since this commit touches", metavar="COMMIT", default_text="all")
    ] = None,
) -> None:
    """Print the capsules as one line of JSON, for the matrix of a CI job."""
    from notebook_run import capsules_matrix, list_capsules

    show(json_text(capsules_matrix(list_capsules(find_root(), changed_since=changed_since)), indent=None))


@contextmanager
def interruptible() -> Iterator[None]:
    """Treat SIGTERM and a closed terminal like Ctrl-C, so that containers and checkouts are removed."""
    from notebook_run import InterruptedRunError

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    # With nohup, SIGHUP is ignored, and must remain so.
    signals = [signal.SIGTERM, *([signal.SIGHUP] if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL else [])]
    previous = {number: signal.signal(number, interrupt) for number in signals}
    try:
        yield
    except KeyboardInterrupt as stop:
        # An interrupted transfer describes what it has moved.
        raise InterruptedRunError(str(stop)) from None
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


collection = Collection("notebook", list_, new, up, down, status, logs, run, freeze, reproduce, capsules)
