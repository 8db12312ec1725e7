"""Commands of the collection `data` that move data between this machine and a remote, and check the remote."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from shrinkwrap.bucket_datasets import note_datasets_in_buckets, refuse_datasets_in_buckets
from shrinkwrap.command import Command, Option, command
from shrinkwrap.commands.remotes import remote_add, remote_list, remote_use
from shrinkwrap.options import Datasets, Json, Remote, Selections
from shrinkwrap.root import find_root
from terminal import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, ShrinkwrapError, json_text, note, show, unknown_name_text

if TYPE_CHECKING:
    from data_share import Garbage, Plan, RemoteCheck, TransferRequest

ForNotebook: TypeAlias = Annotated[
    str | None, Option("only what this notebook of pyproject.toml reads", metavar="NAME", complete="notebook")
]
Results: TypeAlias = Annotated[
    bool, Option("only results of notebooks that `invoke run` recorded; with --notebook, of that one")
]
PlanOnly: TypeAlias = Annotated[bool, Option("only show what would be done; change nothing")]
Up: TypeAlias = Annotated[
    str | None, Option("upload rate, such as 4Mbps", metavar="RATE", default_text="SHRINKWRAP_UP, then measured")
]
Down: TypeAlias = Annotated[
    str | None, Option("download rate, such as 25Mbps", metavar="RATE", default_text="SHRINKWRAP_DOWN, then measured")
]
MeasureRates: TypeAlias = Annotated[bool, Option("measure both directions now, and remember the rates for an hour")]


@command("data.push --plan")
def push(
    *,
    dataset: Selections = None,
    notebook: ForNotebook = None,
    results: Results = False,
    plan: PlanOnly = False,
    up: Up = None,
    down: Down = None,
    rate: MeasureRates = False,
    repair: Annotated[bool, Option("read what the remote has, and replace what is damaged there")] = False,
    remote: Remote = None,
    json: Json = False,
) -> int:
    """Upload the Parquet that the remote does not have, after showing how much that is.

    Raw files are never uploaded. Each object is checked before it is sent. After an interruption, run it again: it
    continues.
    """
    if results:
        dataset, notebook = _result_selections(dataset, notebook), None
    request = _request(dataset, notebook, up=up, down=down, measure_rates=rate, remote=remote)
    if request is None:
        return _nothing_to_move("push", notebook)
    return _transfer("push", replace(request, is_repair=repair), is_plan=plan, is_json=json)


@command('data.pull --dataset climate --dataset "pems-detector/*2024_01*"')
def pull(
    *,
    dataset: Selections = None,
    notebook: ForNotebook = None,
    results: Results = False,
    plan: PlanOnly = False,
    up: Up = None,
    down: Down = None,
    rate: MeasureRates = False,
    remote: Remote = None,
    json: Json = False,
) -> int:
    """Download the Parquet that this commit records and that is missing locally, after showing how much that is.

    Each object is checked before it is kept. After an interruption, run it again: it continues.
    """
    if results:
        dataset, notebook = _result_selections(dataset, notebook), None
    request = _request(dataset, notebook, up=up, down=down, measure_rates=rate, remote=remote)
    if request is None:
        return _nothing_to_move("pull", notebook)
    return _transfer("pull", request, is_plan=plan, is_json=json)


@command("data.check --rev main")
def check(
    *,
    rev: Annotated[str | None, Option("check this commit", default_text="the working tree")] = None,
    deep: Annotated[bool, Option("download every object and check its content")] = False,
    pre_push: Annotated[bool, Option("check the commits that git writes to a pre-push hook's standard input")] = False,
    remote: Remote = None,
    json: Json = False,
) -> int:
    """Check that the remote has every object that a commit records; exit with 1 if one is missing or damaged.

    Names and sizes are compared, and only lists of folders are downloaded; --deep reads everything.
    """
    from data_share import check_json, check_pushed, check_remote

    root = find_root()
    if pre_push:
        checks = check_pushed(root, sys.stdin, remote=remote)
        document: object = [check_json(each) for each in checks]
    else:
        checks = (check_remote(root, revision=rev, remote=remote, is_deep=deep),)
        document = check_json(checks[0])
    if json:
        show(json_text(document))
    else:
        _show_checks(checks)
    return EXIT_DONE if all(each.is_complete for each in checks) else EXIT_FAILED


@command("data.status")
def status(*, dataset: Datasets = None, remote: Remote = None, json: Json = False) -> int:
    """Show for each dataset what changed, what is missing locally, and what the remote does not have."""
    from data_share import RepositoryStatus, status, status_json, status_text

    root = find_root()
    in_folders = note_datasets_in_buckets(root, dataset)
    if dataset and not in_folders:
        found = RepositoryStatus(datasets=(), remote=remote or "")
    else:
        found = status(root, datasets=in_folders or (), remote=remote)
    show(json_text(status_json(found)) if json else status_text(found))
    if found.error is None:
        return EXIT_DONE
    if json:
        return found.error.exit_code
    raise found.error


@command("data.doctor")
def doctor(
    *,
    remote: Remote = None,
    versions: Annotated[
        bool, Option("list overwritten and deleted objects, and how to bring each one back; for stewards")
    ] = False,
    json: Json = False,
) -> int:
    """Check the remote step by step (who am I, list, get, put) and report each failure with its fix."""
    from data_share import (
        doctor,
        find_versions,
        list_remotes,
        remote_json,
        step_json,
        step_text,
        versions_json,
        versions_text,
    )

    root = find_root()
    if versions:
        report = find_versions(root, remote=remote)
        show(json_text(versions_json(report)) if json else versions_text(report))
        return EXIT_DONE
    steps = []
    for step in doctor(root, remote=remote):
        steps.append(step)
        if not json:
            show(step_text(step))
    if json:
        checked = remote_json(list_remotes(root).remote(remote))
        show(json_text({"remote": checked, "steps": [step_json(step) for step in steps]}))
    return EXIT_FAILED if any(step.state == "failed" for step in steps) else EXIT_DONE


@command("data.gc --plan")
def gc(
    *,
    local: Annotated[bool, Option("clean the cache on this machine instead of the remote")] = False,
    clone: Annotated[
        list[str] | None,
        Option("with --local: another clone that uses the same cache; may be repeated", metavar="PATH"),
    ] = None,
    days: Annotated[int, Option("keep what commits of this many last days need, and younger objects")] = 30,
    known_only: Annotated[
        bool, Option("do not ask git's remotes for branches that this clone does not have; their data are removed")
    ] = False,
    plan: PlanOnly = False,
    yes: Annotated[bool, Option("do not ask before removing")] = False,
    remote: Remote = None,
    json: Json = False,
) -> None:
    """Remove objects that no branch, tag, capsule or recent commit needs, after listing them; fail if one stays."""
    from data_share import GarbageRequest, collect_garbage, garbage_json, garbage_text, plan_garbage, removed_text

    if days < 0:
        raise ShrinkwrapError(f"--days must be a number of days from 0, not '{days}'")
    root = find_root()
    request = GarbageRequest(
        is_local=local,
        days=days,
        remote=remote,
        is_known_only=known_only,
        clones=tuple(Path(folder).resolve() for folder in clone or ()),
    )
    if plan:
        garbage = plan_garbage(root, request)
        show(json_text(garbage_json(garbage, is_removed=False)) if json else garbage_text(garbage))
        return

    def on_plan(found: Garbage) -> None:
        if not json:
            show(garbage_text(found))

    removed = collect_garbage(root, request, on_plan=on_plan, confirm=_agree if yes else _ask_to_remove)
    if json:
        show(json_text(garbage_json(removed, is_removed=True)))
    elif removed.sizes:
        show(removed_text(removed))


@command("data.install-hooks")
def install_hooks(*, json: Json = False) -> None:
    """Make git run data.check before each push, so that no commit is pushed before its data."""
    from data_share import install_hooks

    hook = install_hooks(find_root())
    text = (
        f"{hook.path} {'is installed' if hook.is_new else 'was already installed'}: it checks the data before each push"
    )
    show(json_text({"path": hook.path, "is_new": hook.is_new}) if json else text)


SHARING_COMMANDS: Final[tuple[Command, ...]] = (
    *(check, doctor, gc, install_hooks, pull, push, status),
    *(remote_add, remote_list, remote_use),
)


def _request(
    dataset: list[str] | None,
    notebook: str | None,
    *,
    up: str | None,
    down: str | None,
    measure_rates: bool,
    remote: str | None,
) -> TransferRequest | None:
    """The request; None if it is for a notebook that reads no dataset, as an empty request moves all datasets."""
    from data_share import TransferRequest

    root = find_root()
    selections = [*(dataset or []), *(_notebook_selections(root, notebook) if notebook else ())]
    refuse_datasets_in_buckets(root, selections)
    if notebook and not selections:
        return None
    return TransferRequest(selections=selections, remote=remote, up=up, down=down, measure_rates=measure_rates)


def _result_selections(dataset: list[str] | None, notebook: str | None) -> list[str]:
    """The recorded results of all notebooks or of one.

    Raises:
        ShrinkwrapError: Nothing is recorded, or datasets are selected, too.
    """
    from notebook_run import recorded_notebooks

    if dataset:
        raise ShrinkwrapError("--results and --dataset exclude each other: without both, everything is moved")
    names = sorted(recorded_notebooks(find_root()))
    if notebook and notebook not in names:
        raise ShrinkwrapError(unknown_name_text("notebook", notebook, names, plural="recorded notebooks"))
    if not names:
        raise ShrinkwrapError("no results are recorded; `invoke run` runs the notebooks and records their results")
    return [f"notebooks/out/{name}" for name in names if notebook in (None, name)]


def _notebook_selections(root: Path, notebook: str) -> tuple[str, ...]:
    from env_spec import load_spec

    return load_spec(root / "pyproject.toml").notebook(notebook).selections


def _nothing_to_move(direction: str, notebook: str | None) -> int:
    note(f"notebook '{notebook}' reads no dataset: nothing to {direction}")
    return EXIT_DONE


def _transfer(direction: Literal["push", "pull"], request: TransferRequest, *, is_plan: bool, is_json: bool) -> int:
    """Show the plan of a push or a pull and, unless only the plan is requested, carry it out."""
    import data_share

    def show_plan(plan: Plan) -> None:
        show(*data_share.plan_view(plan))

    root = find_root()
    if is_plan:
        planned = (data_share.plan_push if direction == "push" else data_share.plan_pull)(root, request)
        if is_json:
            show(json_text(data_share.transfer_json(planned)))
        else:
            show_plan(planned)
        return EXIT_DONE
    move = data_share.push if direction == "push" else data_share.pull
    try:
        result = move(root, request, on_plan=None if is_json else show_plan)
    except data_share.TransferInterrupted as interrupted:
        note(str(interrupted))
        return EXIT_INTERRUPTED
    if is_json:
        show(json_text(data_share.transfer_json(result.plan, result)))
    elif text := data_share.result_text(result):
        show(text)
    return EXIT_FAILED if result.unrepaired else EXIT_DONE


def _show_checks(checks: tuple[RemoteCheck, ...]) -> None:
    """Show what is complete on standard output, what is missing on standard error."""
    from data_share import check_text

    for each in checks:
        if each.is_complete:
            show(check_text(each))
        else:
            note(check_text(each))


def _agree(_: Garbage) -> bool:
    return True


def _ask_to_remove(garbage: Garbage) -> bool:
    question = f"Remove {len(garbage.sizes):,} objects from {garbage.where}?"
    if not sys.stdin.isatty():
        raise ShrinkwrapError(f"{question} Without a terminal, confirm with --yes, or look first with --plan.")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
