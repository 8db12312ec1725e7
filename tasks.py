"""Every command a person or a workflow types; each is a wrapper around a package or DVC."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Iterable
from json import dumps, loads
from pathlib import Path
from typing import Any

from invoke import Collection, Context, Exit, Result, task

DATASETS_FILE = Path("data/datasets.toml")
STAGES_FILE = Path("data/dvc.yaml")


def _run(ctx: Context, command: list[str], *, is_for_programs: bool = False, **options: Any) -> None:
    """Run a command as it is; its exit code becomes ours."""
    result = _try(ctx, command, is_for_programs=is_for_programs, **options)
    if not result.ok:
        raise Exit(code=result.exited)


def _try(ctx: Context, command: list[str], *, is_for_programs: bool = False, **options: Any) -> Result:
    """Run a command on our terminal, if there is one and no program reads what it prints."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty() and not is_for_programs
    result = ctx.run(
        shlex.join(command), warn=True, pty=is_terminal, in_stream=None if is_terminal else False, **options
    )
    if result is None:
        raise Exit(f"could not run {shlex.join(command)}", code=1)
    return result


def _module(name: str, *words: object, **flags: object) -> list[str]:
    """`python -m NAME WORDS --flag value`; a flag that is None, False or empty is left out."""
    command = ["python", "-m", name, *map(str, words)]
    for flag, value in flags.items():
        option = "--" + flag.replace("_", "-")
        if value is True:
            command.append(option)
        elif isinstance(value, (list, tuple)):
            command += [piece for item in value for piece in (option, str(item))]
        elif value not in (None, False):
            command += [option, str(value)]
    return command


def _stages(names: Iterable[str]) -> list[str]:
    return [f"{STAGES_FILE}:compress@{name}" for name in names]


def _known(names: Iterable[str] | None, *, with_raw_data: bool = False) -> list[str]:
    """The named datasets, or all (with raw files here); what is wrong with the names ends the task."""
    from data_convert import errors, sources, spec_file

    try:
        specs = spec_file.chosen(spec_file.load_specs(DATASETS_FILE), list(names or []))
        if with_raw_data:
            specs, missing = sources.with_raw_data(specs, DATASETS_FILE.parent, wants_all=bool(names))
            for error in missing:
                print(f"{error.dataset}: no raw data in {error.folder}, skipped", file=sys.stderr)
    except errors.DataConvertError as error:
        raise Exit(f"error: {error}", code=error.exit_code) from None
    return [spec.name for spec in specs]


def _threads(jobs: object) -> str:
    """The number of threads as text, or none; DVC's stage would say what is wrong with it once per dataset."""
    text = "" if jobs is None else str(jobs)
    if text and (not text.isdecimal() or int(text) < 1):
        raise Exit(f"error: --jobs must be a number from 1, not {text!r}", code=2)
    return text


_DATASET = "only this dataset; may be repeated"
_JSON = "print one JSON document"


@task(
    iterable=["dataset"],
    help={"size": "of each dataset's sample", "seed": "another seed, other data", "dataset": _DATASET, "json": _JSON},
)
def sample(ctx, size="64MB", seed=0, dataset=None, json=False):  # type: ignore[no-untyped-def]
    """Write realistic raw files of each shipped format, so that there is something to compress.

    Never overwrites raw data that it did not write.

    Example: invoke data.sample --size 1GB --dataset climate
    """
    command = _module("data_sample", root="data", size=size, seed=str(seed), dataset=dataset, json=json)
    _run(ctx, command, is_for_programs=json)


@task(
    iterable=["dataset"],
    help={
        "dataset": _DATASET,
        "jobs": "threads (one per core); the result does not depend on it",
        "force": "convert what is finished again",
        "dry-run": "say what would be converted and why, write nothing",
        "json": _JSON,
    },
)
def compress(ctx, dataset=None, jobs=None, force=False, dry_run=False, json=False):  # type: ignore[no-untyped-def]
    """Turn raw CSV into Parquet through DVC, which ties it to its input, spec and code.

    What is finished stays: run it again after an interruption, or when raw files came or changed.

    Example: invoke data.compress --dataset pems-detector --jobs 4
    """
    if dry_run:
        command = _module("data_convert", "convert", dry_run=True, dataset=dataset, force=force, json=json)
        return _run(ctx, command, is_for_programs=json)
    present = _known(dataset, with_raw_data=True)
    settings = {"SHRINKWRAP_JOBS": _threads(jobs), "SHRINKWRAP_FORCE": "1" if force else ""}
    with tempfile.TemporaryDirectory() as folder:
        failures = Path(folder) / "failures"
        command = ["dvc", "repro", "-q", "--keep-going", *(["--force"] if force else []), *_stages(present)]
        settings["SHRINKWRAP_FAILURES"] = str(failures)
        result = _try(ctx, command, is_for_programs=json, env=settings, hide="out" if json else None)
        told = failures.read_text(encoding="utf-8").splitlines() if failures.exists() else []
    if not result.ok and not told:
        _run(ctx, [word for word in command if word != "-q"], is_for_programs=json, env=settings)
    if told:
        failures_told = [loads(line) for line in told]
        if json:
            print(dumps({"failures": failures_told}, indent=2))
        raise Exit(code=max(failure["exit_code"] for failure in failures_told))
    _run(ctx, _module("data_convert", "report", dataset=present, json=json), is_for_programs=json)
    return None


@task(
    positional=["what"],
    help={
        "what": "a folder, a file, or the name of a dataset",
        "write": "add a table of that name to data/datasets.toml",
        "replace": "let --write replace the table of that name",
        "json": _JSON,
    },
)
def inspect(ctx, what, write=None, replace=False, json=False):  # type: ignore[no-untyped-def]
    """Read raw files whole and say what is in them: dialect, types, nulls, sizes, traps.

    Your own data takes two commands: put the files in data/raw/csv/NAME, then

    invoke data.inspect data/raw/csv/NAME --write NAME
    invoke data.compress --dataset NAME
    """
    _run(ctx, _module("data_convert", "inspect", what, write=write, replace=replace, json=json), is_for_programs=json)


@task(iterable=["dataset"], help={"dataset": _DATASET, "jobs": "processes (one per core)", "json": _JSON})
def verify(ctx, dataset=None, jobs=None, json=False):  # type: ignore[no-untyped-def]
    """Prove, by a second and independent reading of the CSV, that every kept value is in the Parquet.

    Example: invoke data.verify --dataset climate
    """
    _run(ctx, _module("data_convert", "verify", dataset=dataset, jobs=jobs, json=json), is_for_programs=json)


@task(
    iterable=["dataset"],
    help={
        "dataset": _DATASET,
        "up": "upload rate",
        "down": "download rate",
        "html": "write one self-contained page to this file",
        "json": _JSON,
    },
)
def report(ctx, dataset=None, up="4.056Mbps", down="24.518Mbps", html=None, json=False):  # type: ignore[no-untyped-def]
    """Show raw and Parquet sizes, their ratio, and what sharing takes before and after.

    Example: invoke data.report --up 10Mbps --down 50Mbps --html build/report.html
    """
    command = _module("data_convert", "report", dataset=dataset, up=up, down=down, html=html, json=json)
    _run(ctx, command, is_for_programs=json)


_SELECTION = "only this dataset, or NAME/GLOB: only those of its files; may be repeated"
_REMOTE = "another remote than the default one"
_MOVE_HELP = {
    "dataset": _SELECTION,
    "notebook": "only what this notebook reads",
    "plan": "only say what would be moved: files, bytes, minutes",
    "up": "the upload rate, such as 4Mbps, instead of a measured one",
    "down": "the download rate, such as 25Mbps, instead of a measured one",
    "rate": "measure both directions now (measured rates are used for an hour)",
    "remote": _REMOTE,
    "json": _JSON,
}


@task(iterable=["dataset"], help=_MOVE_HELP)
def push(  # type: ignore[no-untyped-def]
    ctx, dataset=None, notebook=None, plan=False, up=None, down=None, rate=False, remote=None, json=False
):
    """Send the Parquet that the remote lacks, after saying how much that is; raw files are never sent.

    Each object is checked before it goes. Interrupted, it continues when it is run again.

    Example: invoke data.push --plan
    """
    _move(ctx, "push", dataset, notebook, plan=plan, up=up, down=down, rate=rate, remote=remote, json=json)


@task(iterable=["dataset"], help=_MOVE_HELP)
def pull(  # type: ignore[no-untyped-def]
    ctx, dataset=None, notebook=None, plan=False, up=None, down=None, rate=False, remote=None, json=False
):
    """Get the Parquet that this commit records and that is missing here, after saying how much that is.

    Each object is checked before it is kept. Interrupted, it continues when it is run again.

    Example: invoke data.pull --dataset climate --dataset "pems-detector/*2024_01*"
    """
    _move(ctx, "pull", dataset, notebook, plan=plan, up=up, down=down, rate=rate, remote=remote, json=json)


def _move(
    ctx: Context, direction: str, dataset: Iterable[str] | None, notebook: str | None, *, json: bool, **flags: object
) -> None:
    selections = [*(dataset or []), *(_selections(notebook) if notebook else [])]
    if notebook and not selections:
        raise Exit(f"notebook '{notebook}' reads no dataset: nothing to {direction}", code=0)
    _run(ctx, _module("data_share", direction, dataset=selections, **flags, json=json), is_for_programs=json)


def _selections(notebook: str) -> list[str]:
    """What a notebook reads, as selections."""
    from env_spec import EnvSpecError, load_spec

    try:
        declared = load_spec(Path("pyproject.toml")).notebook(notebook)
    except EnvSpecError as error:
        raise Exit(f"error: {error}", code=error.exit_code) from None
    return [
        f"{dataset.name}/{part}" if part else dataset.name
        for dataset in declared.datasets
        for part in dataset.parts or ("",)
    ]


@task(help={"rev": "the commit (the working tree)", "remote": _REMOTE, "json": _JSON})
def check(ctx, rev=None, remote=None, json=False):  # type: ignore[no-untyped-def]
    """See that the remote has every object of a commit's data; fetches nothing. Exits with 1 if it lacks one.

    Example: invoke data.check --rev main
    """
    _run(ctx, _module("data_share", "check", rev=rev, remote=remote, json=json), is_for_programs=json)


@task(help={"remote": _REMOTE, "json": _JSON})
def doctor(ctx, remote=None, json=False):  # type: ignore[no-untyped-def]
    """Try the remote step by step: who am I, list, get, put. What fails is told with what mends it.

    Example: invoke data.doctor
    """
    _run(ctx, _module("data_share", "doctor", remote=remote, json=json), is_for_programs=json)


@task(
    help={
        "local": "from the cache on this machine instead of the remote",
        "days": "keep what commits of the last so many days need (30)",
        "plan": "only say what would go",
        "yes": "do not ask",
        "remote": _REMOTE,
        "json": _JSON,
    }
)
def gc(ctx, local=False, days=None, plan=False, yes=False, remote=None, json=False):  # type: ignore[no-untyped-def]
    """Remove objects that no branch, tag or recent commit needs, after saying which; fails if one stays.

    Example: invoke data.gc --plan
    """
    flags = {"local": local, "days": days, "plan": plan, "yes": yes, "remote": remote, "json": json}
    _run(ctx, _module("data_share", "gc", **flags), is_for_programs=json)


@task(
    name="remote-add",
    positional=["name", "url"],
    help={
        "name": "of the remote",
        "url": "s3://BUCKET/PREFIX, or a folder",
        "endpoint": "URL of a server that speaks S3 and is not AWS",
        "region": "of the bucket",
        "profile": "of ~/.aws/config, which has the role or the keys",
        "default": "use it where none is named",
        "replace": "change the remote of that name",
        "json": _JSON,
    },
)
def remote_add(  # type: ignore[no-untyped-def]
    ctx, name, url, endpoint=None, region=None, profile=None, default=False, replace=False, json=False
):
    """Write a remote into .dvc/config: a folder, a bucket, any S3-compatible server; never a secret.

    Example: invoke data.remote-add team s3://acme-data/traffic --region eu-central-1 --default
    """
    flags = {"endpoint": endpoint, "region": region, "profile": profile, "default": default, "replace": replace}
    _run(ctx, _module("data_share", "remote-add", name, url, **flags, json=json), is_for_programs=json)


@task(name="remote-list", help={"json": _JSON})
def remote_list(ctx, json=False):  # type: ignore[no-untyped-def]
    """List the remotes; a star marks the one that is used.

    Example: invoke data.remote-list
    """
    _run(ctx, _module("data_share", "remote-list", json=json), is_for_programs=json)


@task(
    name="remote-use",
    positional=["name"],
    help={"name": "of the remote", "only-here": "in this clone alone, not for everyone", "json": _JSON},
)
def remote_use(ctx, name, only_here=False, json=False):  # type: ignore[no-untyped-def]
    """Use this remote where none is named.

    Example: invoke data.remote-use team
    """
    _run(ctx, _module("data_share", "remote-use", name, only_here=only_here, json=json), is_for_programs=json)


@task(name="install-hooks", help={"json": _JSON})
def install_hooks(ctx, json=False):  # type: ignore[no-untyped-def]
    """Let git run data.check before each push, so that no commit is shared before its data are.

    Example: invoke data.install-hooks
    """
    _run(ctx, _module("data_share", "install-hooks", json=json), is_for_programs=json)


@task(iterable=["dataset"], help={"dataset": _DATASET, "remote": _REMOTE, "json": _JSON})
def status(ctx, dataset=None, remote=None, json=False):  # type: ignore[no-untyped-def]
    """Say what changed here since the last data.compress, what is not here, and what the remote lacks.

    Example: invoke data.status
    """
    _run(ctx, _module("data_share", "status", dataset=dataset, remote=remote, json=json), is_for_programs=json)


def _answer(ctx: Context, command: list[str]) -> str:
    """What a command prints; if it fails, nothing can be compared, which is no drift: exit code 2."""
    result = _try(ctx, command, is_for_programs=True, hide=True)
    if not result.ok:
        raise Exit(f"error: {shlex.join(command[:3])} failed: {result.stderr.strip()}", code=2)
    return result.stdout


def _here(ctx: Context, image: str) -> str:
    """The reference of an image that is here; a reference is taken as it is."""
    if {":", "@"} & set(image):
        return image
    from env_spec import EnvSpecError, built_reference, image_environment, read_project

    try:
        environment = image_environment(read_project(Path()), image)
        names = ["docker", "image", "ls", "--format={{.Repository}}:{{.Tag}}", environment.image.repository]
        return built_reference(_answer(ctx, names), environment)
    except EnvSpecError as error:
        raise Exit(f"error: {error}", code=error.exit_code) from None


_IMAGE = "an image of pyproject.toml"


@task(name="list", help={"json": _JSON})
def env_list(ctx, json=False):  # type: ignore[no-untyped-def]
    """Show the declared images: groups, packages, fingerprint, platforms, parent, base.

    Example: invoke env.list
    """
    _run(ctx, _module("env_spec", "list", json=json), is_for_programs=json)


@task(name="show", positional=["image"], help={"image": _IMAGE, "json": _JSON})
def env_show(ctx, image, json=False):  # type: ignore[no-untyped-def]
    """Show an image's packages, and why each is there: the path from a declared dependency.

    Example: invoke env.show jupyter-notebook
    """
    _run(ctx, _module("env_spec", "show", image, json=json), is_for_programs=json)


@task(name="diff", help={"rev": "the commit to compare with", "json": _JSON})
def env_diff(ctx, rev="HEAD", json=False):  # type: ignore[no-untyped-def]
    """Say for each image what was added, removed and updated since a commit, and whether it must be rebuilt.

    Example: invoke env.diff --rev main
    """
    _run(ctx, _module("env_spec", "diff", rev=rev, json=json), is_for_programs=json)


@task(name="matrix", help={"changed-since": "only images that must be rebuilt since this commit"})
def env_matrix(ctx, changed_since=None):  # type: ignore[no-untyped-def]
    """Print the images as one line of JSON for a CI job's matrix.

    Example: invoke env.matrix --changed-since origin/main
    """
    _run(ctx, _module("env_spec", "matrix", changed_since=changed_since), is_for_programs=True)


@task(name="lock", help={"add": "a package, like scipy", "group": "the group to add it to", "json": _JSON})
def env_lock(ctx, add=None, group=None, json=False):  # type: ignore[no-untyped-def]
    """Make poetry.lock anew, after adding a package if asked, and say which images that changes.

    Goes through the index that pip is configured for. If Poetry fails, no file is changed.

    Example: invoke env.lock --add scipy --group models
    """
    _run(ctx, _module("env_spec", "lock", add=add, group=group, json=json), is_for_programs=json)


@task(name="sbom", positional=["image"], help={"image": _IMAGE})
def env_sbom(ctx, image):  # type: ignore[no-untyped-def]
    """Print an image's bill of materials: CycloneDX JSON, the same for the same slice of the lock.

    Example: invoke env.sbom jupyter-notebook
    """
    _run(ctx, _module("env_spec", "sbom", image), is_for_programs=True)


@task(
    name="verify",
    iterable=["group"],
    help={
        "image": "an image of pyproject.toml that is here, or a reference of one",
        "container": "id or name of a running container",
        "here": "the environment that runs this (if neither of the others is named)",
        "group": "what --here should hold (ops and dev); may be repeated",
        "json": _JSON,
    },
)
def env_verify(ctx, image=None, container=None, here=False, group=None, json=False):  # type: ignore[no-untyped-def]
    """Name every package that is missing, extra or of another version than poetry.lock says.

    Exits with 0 if all is as locked, 1 if not, 2 if it could not be told.

    Example: invoke env.verify --container 0123456789ab
    """
    if bool(image) + bool(container) + bool(here) > 1 or (group and (image or container)):
        raise Exit("error: name one of --image, --container and --here; --group goes with --here", code=2)
    if not image and not container:
        command = _module("env_spec", "verify", here=True, group=group or ["ops,dev"], json=json)
        return _run(ctx, command, is_for_programs=json)
    from env_spec import PROBE

    if container:
        answers = {
            "installed": _answer(ctx, ["docker", "exec", container, "python", "-c", PROBE]),
            "inspected": _answer(ctx, ["docker", "container", "inspect", container]),
            "changes": _answer(ctx, ["docker", "container", "diff", container]),
        }
    else:
        look = ["docker", "run", "--rm", "--network=none", "--entrypoint=python", _here(ctx, image), "-c", PROBE]
        answers = {"installed": _answer(ctx, look)}
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / name for name in answers}
        for name, text in answers.items():
            files[name].write_text(text, encoding="utf-8")
        _run(ctx, _module("env_spec", "verify", image=image, **files, json=json), is_for_programs=json)
    return None


_ENV = Collection(env_diff, env_list, env_lock, env_matrix, env_sbom, env_show, env_verify)


_BASE = "start from this image instead of SHRINKWRAP_BASE or the table's, in builder and final stage alike"


@task(
    iterable=["group", "image", "platform"],
    help={
        "group": "images that hold all of these groups; may be repeated, or names with commas",
        "image": "this image; may be repeated",
        "base": _BASE,
        "push": "send them to their registry; `latest` last",
        "platform": "instead of those of the table, like linux/arm64; may be repeated",
        "no-cache": "run every step again",
        "force": "build what is there already, too",
        "cache": "where steps are kept beside the builder: local, registry, gha or none",
        "dry-run": "say what would be built and why, build nothing",
        "json": _JSON,
    },
)
def build(  # type: ignore[no-untyped-def]
    ctx,
    group=None,
    image=None,
    base=None,
    push=False,
    platform=None,
    no_cache=False,
    force=False,
    cache=None,
    dry_run=False,
    json=False,
):
    """Build, test and tag the images whose slice of the lock changed; the others are left as they are.

    Example: invoke image.build --group models
    """
    flags = {"group": group, "image": image, "base": base, "push": push, "platform": platform}
    flags |= {"no_cache": no_cache, "force": force, "cache": cache, "dry_run": dry_run, "json": json}
    _run(ctx, _module("image_build", "build", **flags), is_for_programs=json)


@task(name="test", positional=["name"], help={"name": "of the image", "base": _BASE, "json": _JSON})
def test_image(ctx, name, base=None, json=False):  # type: ignore[no-untyped-def]
    """Look at a real container of an image: packages, files, user, tools, kernel, Jupyter, size.

    Example: invoke image.test jupyter-notebook
    """
    _run(ctx, _module("image_build", "test", name, base=base, json=json), is_for_programs=json)


@task(
    name="get",
    positional=["name"],
    help={
        "name": "of the image",
        "base": _BASE,
        "registry": "like ghcr.io/organisation, instead of the table's",
        "no-build": "fail if it is neither here nor in its registry",
        "json": _JSON,
    },
)
def get_image(ctx, name, base=None, registry=None, no_build=False, json=False):  # type: ignore[no-untyped-def]
    """See that an image is here as the lock says now: pull it from its registry, or build and test it.

    Example: invoke image.get jupyter-notebook
    """
    flags = {"base": base, "registry": registry, "no_build": no_build, "json": json}
    _run(ctx, _module("image_build", "ensure", name, **flags), is_for_programs=json)


@task(name="list", help={"base": _BASE, "json": _JSON})
def list_images(ctx, base=None, json=False):  # type: ignore[no-untyped-def]
    """List the images: groups, fingerprint, whether they are here and still current, size, age.

    Example: invoke image.list
    """
    _run(ctx, _module("image_build", "list", base=base, json=json), is_for_programs=json)


@task(
    name="run",
    positional=["name"],
    help={"name": "of the image", "command": "instead of Jupyter", "port": "of Jupyter on 127.0.0.1", "base": _BASE},
)
def run_image(ctx, name, command=None, port=8888, base=None):  # type: ignore[no-untyped-def]
    """Start Jupyter in an image, or a command.

    Example: invoke image.run jupyter-notebook --command "python -V"
    """
    _run(ctx, _module("image_build", "run", name, command=command, port=port, base=base))


@task(positional=["name"], help={"name": "of the image", "base": _BASE, "json": _JSON})
def size(ctx, name, base=None, json=False):  # type: ignore[no-untyped-def]
    """Show what takes the space in an image, package by package.

    Example: invoke image.size jupyter-notebook
    """
    _run(ctx, _module("image_build", "size", name, base=base, json=json), is_for_programs=json)


@task(help={"dry-run": "say what would be removed, remove nothing"})
def clean(ctx, dry_run=False):  # type: ignore[no-untyped-def]
    """Remove the images of this project from this machine, and nothing that something else built.

    Example: invoke image.clean --dry-run
    """
    _run(ctx, _module("image_build", "clean", dry_run=dry_run))


@task(help={"update": "ask again for bases that have a digest"})
def pin(ctx, update=False):  # type: ignore[no-untyped-def]
    """Write the digests that the bases' tags stand for into pyproject.toml.

    Example: invoke image.pin --update
    """
    _run(ctx, _module("image_build", "pin", update=update))


@task(positional=["name"], help={"name": "of the image", "base": _BASE})
def reproduce(ctx, name, base=None):  # type: ignore[no-untyped-def]
    """Build an image twice without cache and compare: one digest, or the file that differs.

    Example: invoke image.reproduce jupyter-notebook
    """
    _run(ctx, _module("image_build", "reproduce", name, base=base))


_NOTEBOOK = "of [tool.env-spec.notebooks] in pyproject.toml"


@task(name="list", help={"base": _BASE, "json": _JSON})
def list_notebooks(ctx, base=None, json=False):  # type: ignore[no-untyped-def]
    """List the notebooks: image, datasets, whether these are here, and where a notebook runs.

    Example: invoke notebook.list
    """
    _run(ctx, _module("notebook_run", "list", base=base, json=json), is_for_programs=json)


@task(
    name="new",
    positional=["name"],
    iterable=["dataset"],
    help={
        "name": "lower-case letters, digits, '-' and '_'",
        "image": _IMAGE,
        "dataset": "that it reads; may be repeated",
    },
)
def new_notebook(ctx, name, image, dataset=None):  # type: ignore[no-untyped-def]
    """Start a notebook: a file that loads its datasets, and its table in pyproject.toml.

    Example: invoke notebook.new stations --image jupyter-notebook --dataset pems-detector
    """
    _run(ctx, _module("notebook_run", "new", name, image=image, dataset=dataset))


@task(
    positional=["name"],
    help={
        "name": _NOTEBOOK,
        "port": "of 127.0.0.1 (the first free one from 8888 on)",
        "detach": "leave it running; so does a start without a terminal",
        "base": _BASE,
        "json": _JSON,
    },
)
def up(ctx, name, port=None, detach=False, base=None, json=False):  # type: ignore[no-untyped-def]
    """Open a notebook in Jupyter, with its data and its image fetched first; prints the URL, and Ctrl-C stops it.

    Example: invoke notebook.up traffic-eda
    """
    command = _module("notebook_run", "up", name, port=port, detach=detach, base=base, json=json)
    _run(ctx, command, is_for_programs=json)


@task(positional=["name"], help={"name": "a notebook that runs, or `all`"})
def down(ctx, name):  # type: ignore[no-untyped-def]
    """Stop a notebook, or `all` of this clone that run.

    Example: invoke notebook.down traffic-eda
    """
    _run(ctx, _module("notebook_run", "down", *([] if name == "all" else [name])))


@task(name="status", help={"json": _JSON})
def notebook_status(ctx, json=False):  # type: ignore[no-untyped-def]
    """Say which notebooks run, and where.

    Example: invoke notebook.status
    """
    _run(ctx, _module("notebook_run", "status", json=json), is_for_programs=json)


@task(positional=["name"], help={"name": _NOTEBOOK, "follow": "go on until Ctrl-C"})
def logs(ctx, name, follow=False):  # type: ignore[no-untyped-def]
    """Show what the Jupyter of a notebook said.

    Example: invoke notebook.logs traffic-eda --follow
    """
    _run(ctx, _module("notebook_run", "logs", name, follow=follow))


@task(
    name="run",
    positional=["name"],
    iterable=["parameter"],
    help={
        "name": _NOTEBOOK,
        "parameter": "key=value, of its table; may be repeated",
        "timeout": "time limit of each cell, in seconds",
        "base": _BASE,
        "json": _JSON,
    },
)
def run_notebook(ctx, name, parameter=None, timeout=None, base=None, json=False):  # type: ignore[no-untyped-def]
    """Run a notebook from its first to its last cell in its image, without a browser and without a network.

    Example: invoke notebook.run traffic-eda -p worst=5
    """
    command = _module("notebook_run", "run", name, parameter=parameter, timeout=timeout, base=base, json=json)
    _run(ctx, command, is_for_programs=json)


@task(positional=["name"], help={"name": _NOTEBOOK, "json": _JSON})
def freeze(ctx, name, json=False):  # type: ignore[no-untyped-def]
    """Run a notebook as the current commit has it, and write its capsule to notebooks/capsules/.

    A capsule names commit, image, data, parameters and versions, and what every cell put out.

    Example: invoke notebook.freeze traffic-eda
    """
    _run(ctx, _module("notebook_run", "freeze", name, json=json), is_for_programs=json)


@task(
    name="reproduce",
    positional=["capsule"],
    help={
        "capsule": "a notebook that was frozen, or the file of a capsule",
        "here": "run the working tree as it is now instead of the capsule's commit",
        "base": _BASE,
        "json": _JSON,
    },
)
def reproduce_notebook(ctx, capsule, here=False, base=None, json=False):  # type: ignore[no-untyped-def]
    """Run what a capsule names again, from a clean checkout with its data and image, and compare every output.

    Exits with 0 if all are equal; else with 1, and says which cell differs, how, and which input is to blame.

    Example: invoke notebook.reproduce traffic-eda
    """
    _run(ctx, _module("notebook_run", "reproduce", capsule, here=here, base=base, json=json), is_for_programs=json)


@task(name="capsules", help={"changed-since": "only those that a change since this commit touches"})
def list_capsules(ctx, changed_since=None):  # type: ignore[no-untyped-def]
    """Print the capsules as one line of JSON for a CI job's matrix.

    Example: invoke notebook.capsules --changed-since origin/main
    """
    _run(ctx, _module("notebook_run", "capsules", changed_since=changed_since), is_for_programs=True)


_NOTEBOOKS = Collection(
    *(list_notebooks, new_notebook, up, down, notebook_status, logs, run_notebook),
    *(freeze, reproduce_notebook, list_capsules),
)


_DATA = Collection(
    *(check, compress, doctor, gc, inspect, install_hooks, pull, push),
    *(remote_add, remote_list, remote_use, report, sample, status, verify),
)


@task(
    name="configure",
    iterable=["role"],
    help={
        "stack": "ask this stack for its outputs (dev)",
        "outputs": "or read them from this file, made by infra.outputs --json",
        "project": "whose prefix of the bucket (the only one)",
        "role": "a profile for this role, like contributor; may be repeated (all that people may have)",
        "profiles": "write the AWS profiles without asking",
        "source-profile": "the AWS profile whose credentials assume the role",
        "user": "your IAM user, whose MFA device is asked for; not with an identity provider",
        "replace": "change a remote or profile of that name that says something else",
        "json": _JSON,
    },
)
def configure_infra(  # type: ignore[no-untyped-def]
    ctx,
    stack=None,
    outputs=None,
    project=None,
    role=None,
    profiles=False,
    source_profile=None,
    user=None,
    replace=False,
    json=False,
):
    """Make the bucket the DVC remote of this repository and, after asking, write an AWS profile per role.

    Neither holds a secret. What stands in your AWS settings stays as it is.

    Example: invoke infra.configure --outputs outputs.json --project traffic --role contributor
    """
    if stack and outputs:
        raise Exit("error: name a stack to ask or a file of outputs, not both", code=2)
    flags = {"project": project, "role": role, "profiles": profiles, "source_profile": source_profile, "user": user}
    flags |= {"replace": replace, "json": json}
    if outputs:
        return _run(ctx, _module("data_share", "configure", outputs, **flags), is_for_programs=json)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"outputs-of-{stack or 'dev'}.json"
        answer = _try(ctx, _infra("outputs", stack=stack or "dev", json=True), is_for_programs=True, hide="out")
        if not answer.ok:
            raise Exit(code=answer.exited)
        file.write_text(answer.stdout, encoding="utf-8")
        _run(ctx, _module("data_share", "configure", file, **flags), is_for_programs=json)
    return None


_STACK = "whose settings are in infra-pulumi/Pulumi.STACK.yaml"


def _infra(command: str, **flags: object) -> list[str]:
    return ["python", "infra-pulumi/run_pulumi.py", *_module("", command, **flags)[3:]]


@task(name="preview", help={"stack": _STACK, "json": _JSON})
def preview_infra(ctx, stack="dev", json=False):  # type: ignore[no-untyped-def]
    """Show what infra.up would do to the bucket, the roles and the people; does nothing.

    Says what is missing (Pulumi's CLI, a login, a passphrase, the stack) and how to get it.

    Example: invoke infra.preview --stack dev
    """
    _run(ctx, _infra("preview", stack=stack, json=json), is_for_programs=json)


@task(name="up", help={"stack": _STACK, "yes": "do not ask"})
def up_infra(ctx, stack="dev", yes=False):  # type: ignore[no-untyped-def]
    """Make the bucket, the roles and the people as the settings say; asks first.

    Example: invoke infra.up --stack dev
    """
    _run(ctx, _infra("up", stack=stack, yes=yes))


@task(
    name="outputs",
    help={
        "stack": _STACK,
        "show-secrets": "first passwords too",  # pragma: allowlist secret
        "json": _JSON,
    },
)
def infra_outputs(ctx, stack="dev", show_secrets=False, json=False):  # type: ignore[no-untyped-def]
    """Print what the rest of the project needs to know of the stack: bucket, region, prefixes, ARNs.

    Example: invoke infra.outputs --json > outputs.json
    """
    _run(ctx, _infra("outputs", stack=stack, show_secrets=show_secrets, json=json), is_for_programs=json)


namespace = Collection(
    env=_ENV,
    data=_DATA,
    image=Collection(build, clean, get_image, list_images, pin, reproduce, run_image, size, test_image),
    infra=Collection(configure_infra, infra_outputs, preview_infra, up_infra),
    notebook=_NOTEBOOKS,
)
