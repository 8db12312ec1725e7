"""Checks and tests. Each session has an environment with exactly what poetry.lock pins for its groups."""

from __future__ import annotations

import shutil
import sys
import tarfile
import tomllib
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
# So that this file works with any nox: env_make needs nothing but the standard library.
sys.path.insert(0, str(ROOT / "packages" / "env-make" / "src"))

from env_make import Environment, EnvMakeError, make_environment  # noqa: E402

nox.needs_version = ">=2026"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "types_infra", "tests"]

IMAGES = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["env-spec"]["images"]
# Two images may have the same groups, in any order; they share a session.
GROUP_SETS = {frozenset(image["groups"]): "+".join(image["groups"]) for image in IMAGES.values()}


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Check style, import rules, shell scripts and the lock, in the environment of ./run."""
    session.run("./run", "ruff", "check", external=True)
    session.run("./run", "ruff", "format", "--check", external=True)
    session.run("./run", "lint-imports", external=True)
    session.run(
        *("./run", "pre-commit", "run", "--all-files", "--show-diff-on-failure"),
        env={"SKIP": "ruff,ruff-format", "PRE_COMMIT_HOME": str(session.cache_dir / "pre-commit")},
        external=True,
    )


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Check the types of the packages, the notebooks' lib, the tasks and this file with mypy in strict mode."""
    typed = _existing("packages/*/src/*", "notebooks/lib/*/", "tasks.py", "noxfile.py")
    session.run("./run", "mypy", *typed, external=True)


@nox.session
def types_infra(session: nox.Session) -> None:
    """Check the types of infra-pulumi with mypy in strict mode, against the locked Pulumi."""
    _install(session, "infra", "policy-lint", "dev")
    # mypy refuses two modules of one name: there are two programs called __main__, and two conftests.
    session.run("mypy", "infra-pulumi", "--exclude=policy-pack/__main__", "--exclude=e2e/")
    session.run("mypy", "infra-pulumi/policy-pack")
    session.run("mypy", "infra-pulumi/e2e", env={"MYPYPATH": "infra-pulumi:infra-pulumi/tests"})


@nox.session
@nox.parametrize("group_set", [nox.param(name, id=name) for name in [*GROUP_SETS.values(), "ops", "infra"]])
def tests(session: nox.Session, group_set: str) -> None:
    """Run the tests of a set of Poetry groups, with only these groups and pytest installed."""
    groups = group_set.split("+")
    environment = _install(session, *groups, *(["policy-lint"] if groups == ["infra"] else []), "test")
    paths = ["tests/groups/test_slice.py"]
    if groups == ["infra"]:
        _install_policy_engine(session)
        paths += ["infra-pulumi/tests"]
    elif groups == ["ops"]:
        paths += _existing("packages/*/tests", "tests/test_*.py")
    else:
        paths += [f"tests/groups/test_group_{group}.py" for group in groups]
        # The code that notebooks share, and the notebooks whose images have these groups.
        paths += [*_existing("tests/groups/test_experiment*.py"), "tests/groups/test_notebooks_run.py"]
        # The program that runs a notebook has only the packages of these groups.
        paths += _existing("tests/groups/test_notebook_p*.py") if "notebook" in groups else []
    settings = {"SHRINKWRAP_SLICE": str(environment.slice_file), "SHRINKWRAP_GROUPS": group_set}
    session.run("pytest", *paths, *session.posargs, env=settings)


@nox.session(venv_backend="none")
def fuzz(session: nox.Session) -> None:
    """Convert randomly changed files for a minute; a failure prints the seed and the file."""
    options = session.posargs or ["--seconds", "60"]
    session.run("./run", "python", "packages/data-convert/fuzz/read.py", *options, external=True)


@nox.session
def e2e(session: nox.Session) -> None:
    """Run the end-to-end tests (a fresh clone, real services, clusters), or those of some paths; slow."""
    _install(session, "ops", "dev", "cluster", "e2e")
    has_paths = any(argument.startswith("tests/") for argument in session.posargs)
    session.run("pytest", *([] if has_paths else ["tests/e2e"]), "--durations=15", *session.posargs)


@nox.session
def e2e_infra(session: nox.Session) -> None:
    """Run infra-pulumi under the real Pulumi engine, built from its Go modules, against an in-memory cloud; slow."""
    _install(session, "infra", "test")
    session.run("pytest", "infra-pulumi/e2e", *session.posargs)


@nox.session
def verdict_changes(session: nox.Session) -> None:
    """Print which verdicts of infra-pulumi differ from another commit: --base COMMIT, and --output FILE if needed."""
    _install(session, "infra", "policy-lint", "test")
    _install_policy_engine(session)
    arguments = list(session.posargs)
    if "--base" not in arguments:
        session.error("--base COMMIT is missing; fix: nox -s verdict_changes -- --base origin/main")
    at = arguments.index("--base")
    commit, others = arguments[at + 1], arguments[:at] + arguments[at + 2 :]
    before = Path(session.create_tmp()) / "before"
    shutil.rmtree(before, ignore_errors=True)
    before.mkdir(parents=True)
    archive = before / "infra-pulumi.tar"
    session.run("git", "archive", f"--output={archive}", commit, "infra-pulumi", external=True)
    with tarfile.open(archive) as files:
        files.extractall(before, filter="data")
    command = ("python", "-m", "proof.verdict_changes", f"--before={before / 'infra-pulumi'}", *others)
    session.run(*command, env={"PYTHONPATH": "infra-pulumi/tests"})


@nox.session
def readers(session: nox.Session) -> None:
    """Read converted files with pandas, pyarrow, Polars, DuckDB and fastparquet, and compare all values."""
    _install(session, "main", "ops", "bench", "peers", "test")
    session.run("pytest", "tests/readers", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Compare the conversion with pandas, pyarrow, Polars and DuckDB; accepts the options of the script."""
    _install(session, "main", "ops", "bench", "peers")
    session.run("python", "benchmarks/convert.py", *session.posargs)


@nox.session
def bench_pollock(session: nox.Session) -> None:
    """Read the files of the Pollock benchmark with our inference and with other tools; takes the benchmark's folder."""
    _install(session, "main", "ops", "bench", "peers")
    session.run("python", "benchmarks/pollock.py", *session.posargs)


@nox.session
def bench_scale(session: nox.Session) -> None:
    """Measure a cluster on this machine and predict a terabyte; accepts the options of the script."""
    _install(session, "main", "ops", "cluster", "peers")
    session.run("python", "benchmarks/scale.py", *session.posargs)


@nox.session
def bench_transfers(session: nox.Session) -> None:
    """Compare data.push and data.pull with plain DVC on a real S3 server; accepts the options of the script."""
    _install(session, "ops", "e2e", "test")
    session.run("python", "benchmarks/transfers.py", *session.posargs)


@nox.session
def bench_durations(session: nox.Session) -> None:
    """Compare planned durations of transfers with the real ones; accepts the options of the script."""
    _install(session, "ops", "e2e", "test")
    session.run("python", "benchmarks/durations.py", *session.posargs)


def _install(session: nox.Session, *groups: str) -> Environment:
    """Make the session's environment hold exactly these groups as locked."""
    try:
        return make_environment(ROOT, groups, Path(session.virtualenv.location), on_line=session.log)
    except EnvMakeError as error:
        session.error(str(error))


def _install_policy_engine(session: nox.Session) -> None:
    """Install the engine that evaluates the policies, from its own lock; without npm, the tests that need it skip."""
    folder = ROOT / "infra-pulumi" / "tests" / "iam-simulate"
    made_from = folder / "node_modules" / "made-from"
    lock = (folder / "package-lock.json").read_text("utf-8")
    if shutil.which("npm") is None or (made_from.is_file() and made_from.read_text("utf-8") == lock):
        return
    npm = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", f"--prefix={folder}")
    session.run_install(*npm, external=True, silent=True)
    made_from.write_text(lock, "utf-8")


def _existing(*patterns: str) -> list[str]:
    """Existing paths that match, relative to the root."""
    return [str(path.relative_to(ROOT)) for pattern in patterns for path in sorted(ROOT.glob(pattern))]
