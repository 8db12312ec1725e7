"""The command line: `python -m data_share pull --dataset climate --plan`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeAlias

from data_share.errors import DataShareError, NotConfirmedError
from data_share.repository import HERE, Repository

Command: TypeAlias = Callable[[argparse.Namespace], int]

_EXAMPLES = """\
examples:
  python -m data_share push --plan
  python -m data_share pull --dataset climate --dataset 'pems-detector/*2024_01*'
  python -m data_share status
  python -m data_share check --rev main
  python -m data_share doctor
  python -m data_share gc --days 90
  python -m data_share configure outputs.json --project traffic
  python -m data_share remote-add team s3://acme-data/traffic --region eu-central-1 --default
"""


def main(*, argv: Sequence[str] | None = None) -> int:
    """Runs one command, in the root of a repository.

    Returns:
        Exit status: 0 done, 1 failed or something is missing, 2 wrong input, 130 interrupted.
    """
    args = _parser().parse_args(argv)
    command: Command = args.run
    try:
        return command(args)
    except DataShareError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as error:
        from data_share.moving import Interrupted
        from data_share.units import size_text

        so_far = ""
        if isinstance(error, Interrupted):
            so_far = f": {size_text(error.moved.size_bytes)} went, {error.moved.files:,} files are through"
        print(f"interrupted{so_far}; run it again and it continues", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read it has gone; a second failure while the stream is closed would be a traceback.
        sys.stdout = None
        return 1


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="one JSON document")
    remote = argparse.ArgumentParser(add_help=False)
    remote.add_argument("--remote", metavar="NAME", help="another remote than the default one")
    parser = argparse.ArgumentParser(
        prog="python -m data_share",
        description="What a transfer will move, moving it, checking and mending the remote; around DVC.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Command, help: str, *, has_remote: bool = True) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name, parents=[shared, remote] if has_remote else [shared], help=help, description=help
        )
        added.set_defaults(run=run)
        return added

    _add_transfer(command("push", _transfer, "send what the remote lacks, after saying what that is"))
    _add_transfer(command("pull", _transfer, "fetch what is missing here, after saying what that is"))
    status = command("status", _status, "what changed here, and what the remote lacks; moves nothing")
    status.add_argument("--dataset", action="append", default=[], metavar="NAME", help="only this one; may be repeated")
    check = command("check", _check, "whether the remote has all data that a commit knows; fetches nothing")
    check.add_argument("--rev", metavar="REV", help=f"the commit (default: {HERE})")
    check.add_argument("--pre-push", action="store_true", help="the commits that git names on standard input")
    command("doctor", _doctor, "what is wrong between this machine and the remote, and what mends it")
    gc = command("gc", _gc, "remove objects that no branch, tag or recent commit needs")
    gc.add_argument("--local", action="store_true", help="from the cache on this machine instead of the remote")
    gc.add_argument(
        "--days", type=_days, default=30, metavar="N", help="keep what commits of the last N days need (%(default)s)"
    )
    gc.add_argument("--plan", action="store_true", help="only say what would go")
    gc.add_argument("--yes", action="store_true", help="do not ask")
    add = command("remote-add", _remote_add, "write a remote into .dvc/config; never a secret", has_remote=False)
    add.add_argument("name")
    add.add_argument("url", help="s3://BUCKET/PREFIX, or a folder")
    add.add_argument("--endpoint", metavar="URL", help="of a server that speaks S3 and is not AWS")
    add.add_argument("--region", help="of the bucket")
    add.add_argument("--profile", help="of ~/.aws/config, which has the role or the keys")
    add.add_argument("--default", action="store_true", help="use it where none is named")
    add.add_argument("--replace", action="store_true", help="change the remote of that name")
    command("remote-list", _remote_list, "the remotes, and which one is used", has_remote=False)
    use = command("remote-use", _remote_use, "use this remote where none is named", has_remote=False)
    use.add_argument("name")
    use.add_argument("--only-here", action="store_true", help="in this clone alone, not for everyone")
    configure = command(
        "configure", _configure, "the remote, and AWS profiles, from a stack's outputs", has_remote=False
    )
    configure.add_argument("outputs", metavar="FILE", help="JSON of `invoke infra.outputs --json`; - is standard input")
    configure.add_argument("--project", metavar="NAME", help="whose prefix (default: the only one)")
    configure.add_argument("--name", default="team", help="of the remote (default: %(default)s)")
    configure.add_argument("--role", action="append", default=[], help="a profile for this role; may be repeated")
    configure.add_argument("--profiles", action="store_true", help="write the AWS profiles, too; do not ask")
    configure.add_argument("--source-profile", metavar="NAME", help="the profile whose credentials assume the role")
    configure.add_argument("--user", metavar="NAME", help="your IAM user, whose MFA device is asked for")
    configure.add_argument("--replace", action="store_true", help="change a remote or profile of that name")
    command("install-hooks", _install_hooks, "let git run `check` before each push", has_remote=False)
    return parser


def _add_transfer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dataset",
        action="append",
        default=[],
        metavar="NAME[/GLOB]",
        help="only this dataset, or those of its files that match; may be repeated",
    )
    parser.add_argument("--plan", action="store_true", help="only say what would be moved")
    parser.add_argument("--up", metavar="RATE", help="the upload rate, such as 4Mbps (or set SHRINKWRAP_UP)")
    parser.add_argument("--down", metavar="RATE", help="the download rate, such as 25Mbps (or set SHRINKWRAP_DOWN)")
    parser.add_argument("--rate", action="store_true", help="measure both directions now")


def _transfer(args: argparse.Namespace) -> int:
    from data_share.moving import moved_facts, moved_text
    from data_share.plan import plan_facts, plan_text
    from data_share.progress import said_if_slow
    from data_share.transfer import Rates, local_objects, planned

    repository = Repository(Path())
    with nullcontext() if args.plan else local_objects(repository).lock():
        rates = Rates(up=args.up, down=args.down, is_measured=args.rate)
        with said_if_slow("looking at what is here, what is there, and how fast the link is"):
            work = planned(args.command, repository, selections=args.dataset, remote_name=args.remote, rates=rates)
        plan = work.plan
        facts: dict[str, Any] = {"direction": plan.direction, "remote": plan.remote, "where": plan.where}
        if not args.json:
            print(plan_text(plan), end="", flush=True)
        moved = None if args.plan else work.carry_out()
    if args.json:
        print(json.dumps({**facts, "plan": plan_facts(plan), "moved": moved_facts(moved) if moved else None}, indent=2))
        return 0
    if moved:
        print(moved_text(moved, plan), end="")
    if work.placing:
        print(f"put in place in {HERE}{' then' if args.plan else ''}: {work.placing:,} files")
    return 0


def _status(args: argparse.Namespace) -> int:
    from data_share.check import finding_of
    from data_share.errors import NothingRecordedError
    from data_share.progress import said_if_slow
    from data_share.records import recorded_outputs
    from data_share.remotes import load_remotes
    from data_share.status import asked_for, status_facts, status_text, statuses, with_remote
    from data_share.transfer import local_objects, store_of

    repository = Repository(Path())
    local = local_objects(repository)
    with said_if_slow("comparing what is here with its record"):
        outputs, changes = asked_for(recorded_outputs(repository.records()), repository.changed_inputs(), args.dataset)
        found = statuses(outputs, changes, repository.root, local)
    local.remember()
    if not found:
        raise NothingRecordedError
    remote, error = args.remote or "", None
    try:
        asked = load_remotes(repository).remote(args.remote)
        remote = asked.name
        store = store_of(asked, repository)
        with said_if_slow(f"asking {store.where} what it has"):
            found = with_remote(found, finding_of(outputs, HERE, local, store))
    except DataShareError as problem:  # what is here is known all the same
        error = problem
    if args.json:
        facts = {"remote": remote, "error": str(error) if error else None}
        print(json.dumps({**facts, "datasets": [status_facts(each) for each in found]}, indent=2))
    else:
        print("".join(status_text(each, remote) for each in found), end="", flush=True)
        if error is not None:
            raise error
    return error.exit_code if error else 0


def _check(args: argparse.Namespace) -> int:
    from data_share.check import finding_facts, finding_of, finding_text
    from data_share.hooks import pushed_commits
    from data_share.progress import said_if_slow
    from data_share.records import recorded_outputs
    from data_share.remotes import load_remotes
    from data_share.transfer import local_objects, store_of

    repository = Repository(Path())
    revisions: list[str | None] = [*pushed_commits(sys.stdin)] if args.pre_push else [args.rev]
    findings = []
    for revision in revisions:
        outputs = recorded_outputs(repository.records(revision))
        if args.pre_push and not outputs:
            continue  # a branch that knows no data can be pushed without a remote
        store = store_of(load_remotes(repository).remote(args.remote), repository)
        with said_if_slow(f"asking {store.where} for {len(outputs):,} folders and files"):
            findings.append(finding_of(outputs, revision or HERE, local_objects(repository), store))
    if args.json:
        facts = [finding_facts(finding) for finding in findings]
        print(json.dumps(facts if args.pre_push else facts[0], indent=2))
    else:
        for finding in findings:
            print(finding_text(finding), end="", file=sys.stderr if finding.missing else sys.stdout)
    return 1 if any(finding.missing for finding in findings) else 0


def _doctor(args: argparse.Namespace) -> int:
    from data_share.doctor import examined, step_facts, step_text
    from data_share.remotes import load_remotes
    from data_share.transfer import store_of

    repository = Repository(Path())
    remote = load_remotes(repository).remote(args.remote)
    steps = []
    for step in examined(remote, store_of(remote, repository)):
        steps.append(step)
        if not args.json:
            print(step_text(step), end="", flush=True)
    if args.json:
        print(json.dumps({"remote": remote.facts(), "steps": [step_facts(step) for step in steps]}, indent=2))
    return 1 if any(step.state == "failed" for step in steps) else 0


def _gc(args: argparse.Namespace) -> int:
    from data_share import garbage
    from data_share.progress import said_if_slow
    from data_share.remotes import load_remotes
    from data_share.stores import FolderStore
    from data_share.transfer import local_objects, store_of

    repository = Repository(Path())
    local = local_objects(repository)
    store = store_of(load_remotes(repository).remote(args.remote), repository)
    place = FolderStore(local.cache) if args.local else store
    with nullcontext() if args.plan else local.lock():
        with said_if_slow(f"listing {place.where} and what commits need of it"):
            there = place.all_sizes()
            outputs, commits = garbage.needed_outputs(repository, args.days)
            needed = garbage.needed_objects(outputs, local, there, store)
            if not args.local:
                # Somebody may have pushed data whose commit is not known here yet.
                needed |= place.younger(args.days * 86400) if args.days else set()
        plan = garbage.garbage_of(place.where, there, needed, commits=commits, days=args.days)
        if not args.json:
            print(garbage.garbage_text(plan), end="", flush=True)
        removed = None
        if plan.sizes and not args.plan:
            if not args.yes:
                _confirm(f"Remove {len(plan.sizes):,} objects from {plan.where}?")
            removed = garbage.remove_garbage(plan, place)
    if args.json:
        print(json.dumps({"plan": garbage.garbage_facts(plan), "removed": removed}, indent=2))
    elif removed is not None:
        print(f"removed {removed:,} of {len(plan.sizes):,} objects; {plan.where} was asked again, and they are gone")
    return 0


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise NotConfirmedError(f"{question} Nobody is here to say yes; --yes says it, --plan only looks.")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise NotConfirmedError("nothing was removed")


def _remote_add(args: argparse.Namespace) -> int:
    from data_share.remotes import add_remote

    options = {"endpoint": args.endpoint, "region": args.region, "profile": args.profile}
    remote = add_remote(Path(), args.name, args.url, **options, is_default=args.default, replace=args.replace)
    if args.json:
        print(json.dumps(remote.facts(), indent=2))
    else:
        print(f"remote '{remote.name}' is {remote.url}, in .dvc/config; commit that, and `invoke data.doctor` tries it")
    return 0


def _remote_list(args: argparse.Namespace) -> int:
    from data_share.remotes import load_remotes

    remotes = load_remotes(Repository(Path()))
    if args.json:
        listing = [remote.facts() for remote in remotes.by_name.values()]
        print(json.dumps({"default": remotes.default, "remotes": listing}, indent=2))
        return 0
    if not remotes.by_name:
        print("no remote; add one: `invoke data.remote-add NAME s3://BUCKET/PREFIX` (a folder will do)")
    for name, remote in remotes.by_name.items():
        options = "".join(f"  {key} {value}" for key, value in remote.facts().items() if key not in ("name", "url"))
        print(f"{'*' if name == remotes.default else ' '} {name}  {remote.url}{options}")
    return 0


def _remote_use(args: argparse.Namespace) -> int:
    from data_share.remotes import use_remote

    remote = use_remote(Path(), args.name, is_local=args.only_here)
    if args.json:
        print(json.dumps(remote.facts(), indent=2))
    else:
        where = (
            ".dvc/config.local, for this clone alone" if args.only_here else ".dvc/config, for everyone who pulls it"
        )
        print(f"data go to and come from '{remote.name}' ({remote.url}) now; written to {where}")
    return 0


def _configure(args: argparse.Namespace) -> int:
    import os

    from data_share.aws_profiles import add_profiles, check_source, role_profile, settings_file
    from data_share.remotes import add_remote
    from data_share.stack_outputs import read_outputs

    outputs = read_outputs(_input_text(args.outputs), source="standard input" if args.outputs == "-" else args.outputs)
    project = outputs.project(args.project)
    roles = outputs.people_roles(project, args.role)
    remote = add_remote(
        Path(), args.name, outputs.url(project), region=outputs.region, is_default=True, replace=args.replace
    )
    if not args.json:
        print(f"remote '{remote.name}' is {remote.url}, in .dvc/config; commit that")
    file = settings_file(os.environ)
    profiles = []
    if roles and (args.profiles or _is_yes(f"Write AWS profiles for {', '.join(roles)} into {file}?")):
        source_profile = args.source_profile or _answer("Which profile's credentials assume the role?")
        check_source(source_profile, os.environ)
        profiles = [
            role_profile(arn, source_profile=source_profile, region=outputs.region, user=args.user)
            for arn in roles.values()
        ]
        add_profiles(profiles, os.environ, replace=args.replace)
    if args.json:
        written = [{"name": profile.name, **profile.settings()} for profile in profiles]
        print(json.dumps({"remote": remote.facts(), "profiles": written, "file": str(file)}, indent=2))
        return 0
    for profile in profiles:
        print(f"profile '{profile.name}' is in {file}; use it with: export AWS_PROFILE={profile.name}")
    if not profiles:
        print("no AWS profile was written; --profiles --source-profile NAME writes them")
    return 0


def _input_text(name: str) -> str:
    from data_share.errors import FileAccessError

    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileAccessError(f"{name} cannot be read: {error}") from None


def _is_yes(question: str) -> bool:
    """Ask; without a terminal the answer is no."""
    if not sys.stdin.isatty():
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _answer(question: str) -> str:
    if not sys.stdin.isatty():
        raise NotConfirmedError("a profile needs the credentials of another one; name that with --source-profile")
    print(f"{question} ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def _install_hooks(args: argparse.Namespace) -> int:
    from data_share.hooks import install_hook

    path, is_new = install_hook(Repository(Path()))
    if args.json:
        print(json.dumps({"path": str(path), "is_new": is_new}, indent=2))
    else:
        print(f"{path} {'is there now' if is_new else 'was there already'}: git asks for the data before each push")
    return 0


def _days(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days, such as 30")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
