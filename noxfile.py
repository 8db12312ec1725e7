"""Checks and tests, each in an environment that is exactly what poetry.lock says."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nox

nox.needs_version = ">=2026"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "types_infra", "tests"]

ROOT = Path(__file__).resolve().parent
TOOLS = ROOT / ".shrinkwrap" / "tools" / "bin"
IMAGES = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["env-spec"]["images"]
# Two images may have the same groups; the order in which they name them means nothing.
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
    """Check the types of the packages, the notebooks' lib, the tasks and this file with mypy, strictly."""
    typed = _existing("packages/*/src/*", "notebooks/lib/*", "tasks.py", "noxfile.py")
    session.run("./run", "mypy", *typed, external=True)


@nox.session
def types_infra(session: nox.Session) -> None:
    """Check the types of infra-pulumi with mypy, strictly, against the locked Pulumi."""
    _install_slice(session, "infra", "policy-lint", "dev")
    # Two programs, two modules called __main__; two folders of tests, two called conftest.
    session.run("mypy", "infra-pulumi", "--exclude=policy-pack/__main__", "--exclude=e2e/")
    session.run("mypy", "infra-pulumi/policy-pack")
    session.run("mypy", "infra-pulumi/e2e", env={"MYPYPATH": "infra-pulumi:infra-pulumi/tests"})


@nox.session
@nox.parametrize("group_set", [nox.param(name, id=name) for name in [*GROUP_SETS.values(), "ops", "infra"]])
def tests(session: nox.Session, group_set: str) -> None:
    """Run the tests that belong to a set of Poetry groups, with only these groups and pytest installed."""
    groups = group_set.split("+")
    slice_file = _install_slice(session, *groups, *(["policy-lint"] if groups == ["infra"] else []), "test")
    paths = ["tests/groups/test_slice.py"]
    if groups == ["infra"]:
        _install_policy_engine(session)
        paths += ["infra-pulumi/tests"]
    elif groups == ["ops"]:
        paths += _existing("packages/*/tests", "tests/test_*.py")
    else:
        paths += [f"tests/groups/test_group_{group}.py" for group in groups]
        # The code that notebooks share, and the notebooks whose image has these groups.
        paths += ["tests/groups/test_experiment.py", "tests/groups/test_notebooks_run.py"]
    settings = {"SHRINKWRAP_SLICE": str(slice_file), "SHRINKWRAP_GROUPS": group_set}
    session.run("pytest", *paths, *session.posargs, env=settings)


@nox.session
def e2e(session: nox.Session) -> None:
    """Run the end-to-end tests (a fresh clone, real services) with groups ops and dev installed; slow."""
    _install_slice(session, "ops", "dev", "e2e")
    session.run("pytest", "tests/e2e", "--durations=15", *session.posargs)


@nox.session
def e2e_infra(session: nox.Session) -> None:
    """Run infra-pulumi under the real Pulumi engine, built from its Go modules, against a cloud in memory; slow."""
    _install_slice(session, "infra", "test")
    session.run("pytest", "infra-pulumi/e2e", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the conversion beside pandas, pyarrow, Polars and DuckDB; takes the options of the script."""
    _install_slice(session, "main", "ops", "bench")
    session.run("python", "benchmarks/convert.py", *session.posargs)


@nox.session
def bench_transfers(session: nox.Session) -> None:
    """Measure data.push and data.pull beside plain DVC, on a real S3 server; takes the options of the script."""
    _install_slice(session, "ops", "e2e", "test")
    session.run("python", "benchmarks/transfers.py", *session.posargs)


def _install_policy_engine(session: nox.Session) -> None:
    """Install what judges the policies, from its own lock; without node, the tests that need it say so and skip."""
    folder = ROOT / "infra-pulumi" / "tests" / "iam-simulate"
    installed = folder / "node_modules" / "made-from"
    lock = (folder / "package-lock.json").read_text("utf-8")
    if shutil.which("npm") is None or (installed.is_file() and installed.read_text("utf-8") == lock):
        return
    npm = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", f"--prefix={folder}")
    session.run_install(*npm, external=True, silent=True)
    installed.write_text(lock, "utf-8")


def _install_slice(session: nox.Session, *groups: str) -> Path:
    """Make the session's environment hold these groups as locked, and nothing else.

    Poetry cuts the lock and uv installs with hashes checked, as in `run`. An environment that was made from the
    same sources is left as it is; any other, one whose making was interrupted too, is made anew.

    Returns:
        The slice as a requirements file, with hashes, markers and the packages of this repository.
    """
    venv = Path(session.virtualenv.location)
    slice_file, locked, own, made_from = (venv / name for name in ("slice", "locked", "own", "made-from"))
    key = _digest(groups, _existing("pyproject.toml", "poetry.lock", "packages/*/pyproject.toml"))
    if made_from.is_file() and made_from.read_text() == key:
        return slice_file
    _uv(session, "venv", "--clear", f"--python={sys.executable}", str(venv))
    export = ("export", f"--only={','.join(groups)}", f"--output={slice_file}")
    session.run_install(*_poetry(session), *export, external=True)
    lines = slice_file.read_text("utf-8").splitlines(keepends=True)
    locked.write_text("".join(line for line in lines if not line.startswith("-e ")), "utf-8")
    own.write_text("".join(line for line in lines if line.startswith("-e ")), "utf-8")
    _uv(session, "pip", "sync", "--require-hashes", f"--build-constraints={locked}", str(locked))
    if own.stat().st_size:
        _uv(session, "pip", "install", "--no-deps", "--no-build-isolation", f"--requirements={own}")
    made_from.write_text(key)
    return slice_file


def _digest(groups: tuple[str, ...], sources: list[str]) -> str:
    """Digest of all that an environment is made from, its place and its Python included."""
    head = "\n".join([str(ROOT), sys.version, sys.base_prefix, *groups, *sources]).encode()
    return hashlib.sha256(b"\0".join([head, *((ROOT / source).read_bytes() for source in sources)])).hexdigest()


def _existing(*patterns: str) -> list[str]:
    """Paths that match, relative to the repository."""
    return [str(path.relative_to(ROOT)) for pattern in patterns for path in sorted(ROOT.glob(pattern))]


def _poetry(session: nox.Session) -> list[str]:
    """The Poetry of `run`, else the one on PATH (which needs its export plugin)."""
    if (TOOLS / "python").exists():
        return [str(TOOLS / "python"), "-m", "poetry"]
    if not (poetry := shutil.which("poetry")):
        session.error("There is no Poetry. Start nox as ./run nox, which brings it.")
    return [poetry]


def _uv(session: nox.Session, *arguments: str) -> None:
    """Run uv for the session's environment.

    uv reads neither pip's index nor, unless told, the certificates of this machine.
    """
    index = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL") or _pip_index()
    settings = {"UV_DEFAULT_INDEX": index, "UV_SYSTEM_CERTS": os.environ.get("UV_SYSTEM_CERTS", "1")}
    session.run_install("uv", *arguments, "--quiet", env=settings, external=True)


def _pip_index() -> str:
    """The index in pip's configuration files, or nothing."""
    python = str(TOOLS / "python") if (TOOLS / "python").exists() else sys.executable
    command = [python, "-m", "pip", "config", "get", "global.index-url"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
