"""The script `run` with the real env_make and with stand-ins for Poetry and uv: what it starts, and when nothing."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What the script and the stand-ins may start.
COMMANDS = ("cat", "cmp", "cp", "dirname", "echo", "env", "mkdir", "readlink", "rm", "sh", "true")
SHELLS = [[shell, *options] for shell, *options in (["dash"], ["bash", "--posix"]) if shutil.which(shell)]

LIBRARY = f"lib/python{sys.version_info.major}.{sys.version_info.minor}"
# Each adds its arguments to the file `log` in the root. A file called `broken` makes `uv pip sync` fail.
TOOL_PYTHON = """\
#!/bin/sh
printf 'python %s\\n' "$*" >>log
case "$*" in *export*) printf 'numpy==2.4.6 --hash=sha256:0\\n-e file:///packages/own\\n' >.shrinkwrap/slice ;; esac
"""
TOOL_UV = f"""\
#!/bin/sh
printf 'uv %s\\n' "$*" >>log
for folder; do :; done
[ "$1" != venv ] || {{ mkdir -p "$folder/bin" "$folder/{LIBRARY}" && cp /bin/sh "$folder/bin/python"; }}
[ "$2" != sync ] || ! [ -e broken ]
"""
# Fits a pyproject.toml without a dependency: Poetry's hash of it.
LOCK = """\
[metadata]
lock-version = "2.1"
content-hash = "115cf985d932e9bf5f540555bbdd75decbb62cac81e399375fc19f6277f8c1d8"
"""


@dataclass(frozen=True)
class Checkout:
    """A repository with the real `run`, and a PATH that has only the programs of the test."""

    root: Path
    path: Path

    def run(
        self, *command: str, cwd: Path | None = None, shell: list[str] | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*(shell or []), str(self.root / "run"), *command],
            cwd=cwd,
            env={"PATH": str(self.path), "HOME": str(self.root.parent), **env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def log(self) -> list[str]:
        """The commands that the stand-ins received since the previous call, with paths relative to the root."""
        log = self.root / "log"
        lines = log.read_text().replace(f"{self.root}/", "").splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def write_poetry(self, script: str) -> None:
        """Let a script take the place of `poetry lock`."""
        lines = TOOL_PYTHON.replace('case "$*" in', f'case "$*" in *poetry\\ lock*) {script} ;; esac\ncase "$*" in')
        _write_script(self.root / ".shrinkwrap/tools/bin/python", lines)

    def mend_lock(self) -> None:
        """Let `poetry lock` write a lock that fits, and let the environment have `invoke`."""
        (self.root / "fitting").write_text(LOCK)
        self.write_poetry("cp fitting poetry.lock")
        _write_script(self.path / "invoke", 'echo "ran invoke $*"')

    def add_python(self, name: str, script: str) -> None:
        _write_script(self.path / name, script)


@pytest.fixture
def bare(tmp_path: Path) -> Checkout:
    """A checkout in a folder with a space in its name, on a machine without Python."""
    root, path = tmp_path / "my work", tmp_path / "bin"
    (root / "packages" / "own").mkdir(parents=True)
    (root / "notebooks" / "lib").mkdir(parents=True)
    own = ("packages/own/pyproject.toml", "notebooks/lib/pyproject.toml")
    for name in ("poetry.lock", "pyproject.toml", "tools-requirements.txt", *own):
        (root / name).write_text(f"# {name}\n")
    (root / "poetry.lock").write_text(LOCK)
    shutil.copy(ROOT / "run", root)
    shutil.copytree(
        ROOT / "packages/env-make/src", root / "packages/env-make/src", ignore=shutil.ignore_patterns("__pycache__")
    )
    path.mkdir()
    for command in COMMANDS:
        (path / command).symlink_to(shutil.which(command) or f"/missing/{command}")
    tools = root / ".shrinkwrap" / "tools" / "bin"
    tools.mkdir(parents=True)
    _write_script(tools / "python", TOOL_PYTHON)
    _write_script(tools / "uv", TOOL_UV)
    shutil.copy(root / "tools-requirements.txt", tools.parent / "made-from")
    return Checkout(root, path)


@pytest.fixture
def checkout(bare: Checkout) -> Checkout:
    """A checkout on a machine with this Python, without an environment yet."""
    bare.add_python("python3", f'exec "{sys.executable}" "$@"')
    return bare


@pytest.fixture
def ready(checkout: Checkout) -> Iterator[Checkout]:
    """A checkout with an environment, on a machine whose Python was removed since."""
    assert checkout.run("true").returncode == 0
    checkout.log()
    (checkout.path / "python3").rename(checkout.path / "hidden")
    yield checkout


def test_script_is_short() -> None:
    """The script has fewer than 60 lines."""
    assert len((ROOT / "run").read_text("utf-8").splitlines()) < 60


def test_nothing_to_run(bare: Checkout) -> None:
    """Without a command it shows an example and exits with 2."""
    answer = bare.run()
    assert (answer.returncode, answer.stderr) == (
        2,
        "run: name a command to run, for example: ./run invoke --list\n",
    )


def test_no_python(bare: Checkout) -> None:
    """Without any Python, the message lists the names that were searched."""
    answer = bare.run("true")
    assert (answer.returncode, answer.stderr) == (
        2,
        "run: needs Python 3.11 or newer, but found no python3 python3.14 python3.13 python3.12 python3.11 python; "
        "install one or set SHRINKWRAP_PYTHON to its path\n",
    )


def test_old_pythons_are_named(bare: Checkout) -> None:
    """Each Python that is too old is listed with its version, and each that does not start is listed too."""
    bare.add_python("python3", "echo 3.9.18; exit 1")
    bare.add_python("python3.12", "exit 127")
    answer = bare.run("true")
    assert answer.returncode == 2
    assert "found python3 (3.9.18), python3.12 (does not start);" in answer.stderr


def test_chosen_python_is_the_only_one_tried(checkout: Checkout) -> None:
    """An unusable SHRINKWRAP_PYTHON is an error; no other Python is used instead."""
    answer = checkout.run("true", SHRINKWRAP_PYTHON="/nowhere/python")
    assert answer.returncode == 2
    assert "found no /nowhere/python;" in answer.stderr


def test_first_use_makes_the_environment(checkout: Checkout) -> None:
    """Poetry exports the groups; uv installs them, hashes required, and the packages of the repository last."""
    checkout.run("true")
    assert [line for line in checkout.log() if "config" not in line] == [
        "python -m poetry export --without-urls --only ops,dev --output .shrinkwrap/slice",
        f"uv venv --quiet --clear --python {_base_python()} --prompt shrinkwrap .venv",
        "uv pip sync --quiet --python .venv/bin/python --require-hashes --allow-empty-requirements"
        " --build-constraints .venv/locked .venv/locked",
        "uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --requirement .venv/own",
    ]
    assert (checkout.root / ".venv" / "locked").read_text() == "numpy==2.4.6 --hash=sha256:0\n"
    assert (checkout.root / ".venv" / "own").read_text() == "-e file:///packages/own\n"


def test_first_use_says_what_is_installed(checkout: Checkout) -> None:
    """One line on standard error; standard output belongs to the command."""
    answer = checkout.run("true")
    assert (answer.stdout, answer.stderr) == (
        "",
        "run: installing groups ops and dev of poetry.lock in .venv (up to a minute)\n",
    )


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_nothing_to_do_starts_nothing(ready: Checkout, shell: list[str]) -> None:
    """With a current environment it starts no Python, Poetry or uv and prints nothing, in each POSIX shell."""
    answer = ready.run("sh", "-c", "echo done", shell=[str(shutil.which(shell[0])), *shell[1:]])
    assert (answer.stdout, answer.stderr, ready.log()) == ("done\n", "", [])


def test_command_runs_in_the_root_from_outside(ready: Checkout, tmp_path: Path) -> None:
    """From a working directory outside the repository, and through a link, the command runs in the root."""
    link = tmp_path / "link"
    link.symlink_to(ready.root / "run")
    for script in (ready.root / "run", link):
        answer = subprocess.run(
            [script, "sh", "-c", "pwd; echo $VIRTUAL_ENV"],
            cwd="/",
            env={"PATH": str(ready.path), "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert answer.stdout == f"{ready.root}\n{ready.root}/.venv\n"


@pytest.mark.parametrize("folder", [".", "packages", "packages/own"])
def test_command_keeps_the_folder_of_the_user(ready: Checkout, folder: str) -> None:
    """Inside the repository the command runs where the user is, as git does, with the environment of the root."""
    answer = ready.run("sh", "-c", "pwd; echo $VIRTUAL_ENV", cwd=ready.root / folder)
    assert answer.stdout == f"{(ready.root / folder).resolve()}\n{ready.root}/.venv\n"


@pytest.mark.parametrize("folder", [".", "packages/own"])
def test_nox_finds_the_noxfile_of_the_root(ready: Checkout, folder: str) -> None:
    """nox itself does not search parent folders. A noxfile that the user names comes later, so it wins."""
    _write_script(ready.root / ".venv" / "bin" / "nox", 'printf "<%s>" "$@"')
    answer = ready.run("nox", "-s", "lint", "-f", "mine.py", cwd=ready.root / folder)
    assert answer.stdout == f"<--noxfile><{ready.root}/noxfile.py><-s><lint><-f><mine.py>"


def test_command_keeps_its_words_and_status(ready: Checkout) -> None:
    """Arguments reach the command unchanged, and the exit status is the command's."""
    answer = ready.run("sh", "-c", 'printf "<%s>" "$@"; exit 7', "sh", "two words", "", "*")
    assert (answer.returncode, answer.stdout) == (7, "<two words><><*>")


def test_environment_is_first_on_path(ready: Checkout) -> None:
    """The environment is searched for the command first; variables of the caller that would change Python are removed.

    Without bytecode, which images of containers often forbid, each command compiles all that it imports.
    """
    _write_script(ready.root / ".venv" / "bin" / "cat", 'echo "$PATH"; env')
    lines = ready.run(
        "cat", PYTHONPATH="/elsewhere", PYTHONHOME="/elsewhere", PYTHONDONTWRITEBYTECODE="/elsewhere"
    ).stdout.splitlines()
    assert lines[0] == f"{ready.root}/.venv/bin:{ready.path}"
    assert not [line for line in lines if "/elsewhere" in line]


@pytest.mark.parametrize(
    "name", ["poetry.lock", "pyproject.toml", "packages/own/pyproject.toml", "notebooks/lib/pyproject.toml"]
)
def test_change_is_synced_in_place(ready: Checkout, name: str) -> None:
    """After a change of the lock, a group or a package, the existing environment is updated."""
    (ready.path / "hidden").rename(ready.path / "python3")
    with (ready.root / name).open("a") as file:
        file.write("# changed\n")
    assert ready.run("true").returncode == 0
    assert [line.split(" --quiet")[0] for line in ready.log() if line.startswith("uv")] == [
        "uv pip sync",
        "uv pip install",
    ]


def test_failed_installation_starts_over(checkout: Checkout) -> None:
    """If an installation fails, the command does not run, and the next run starts from an empty environment."""
    (checkout.root / "broken").touch()
    answer = checkout.run("echo", "ran")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.endswith("run: could not install into .venv (see above); run it again to continue\n")
    checkout.log()
    (checkout.root / "broken").unlink()
    assert checkout.run("echo", "ran").stdout == "ran\n"
    assert any(line.startswith("uv venv --quiet --clear") for line in checkout.log())


def test_moved_checkout_gets_a_new_environment(ready: Checkout, tmp_path: Path) -> None:
    """A moved checkout gets a new environment, because the scripts in the old one name the old path."""
    (ready.path / "hidden").rename(ready.path / "python3")
    moved = Checkout(ready.root.rename(tmp_path / "elsewhere"), ready.path)
    assert moved.run("true").returncode == 0
    assert any(line.startswith("uv venv --quiet --clear") for line in moved.log())


def test_second_run_waits_for_the_first(checkout: Checkout) -> None:
    """While another run makes the environment, it reports that it waits; then it runs the command."""
    lock = os.open(checkout.root / ".shrinkwrap" / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with subprocess.Popen(
        [checkout.root / "run", "echo", "ran"],
        env={"PATH": str(checkout.path), "HOME": str(checkout.root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as waiting:
        assert waiting.stderr is not None and waiting.stdout is not None
        assert waiting.stderr.readline() == "run: waiting for another run to finish\n"
        assert checkout.log() == []
        os.close(lock)
        assert waiting.stdout.read() == "ran\n"


STALE = LOCK.replace("115c", "0000")
IN_CONFLICT = f"{LOCK}<<<<<<< HEAD\n=======\n# theirs\n>>>>>>> branch\n"


@pytest.mark.parametrize(
    ("lock", "problem"),
    [
        (None, "is missing"),
        (STALE, "does not fit pyproject.toml"),
        (LOCK.replace("content-hash", "other"), "does not fit pyproject.toml"),
        (IN_CONFLICT, "has merge conflict markers (line 4)"),
        ("[metadata\n", "cannot be read: Expected ']' at the end of a table declaration (at line 1, column 10)"),
    ],
)
def test_unusable_lock_is_named(checkout: Checkout, lock: str | None, problem: str) -> None:
    """The message says what is wrong and which command repairs it; nothing is installed."""
    _write_lock(checkout, lock)
    answer = checkout.run("true")
    assert (answer.returncode, answer.stderr) == (1, f"run: poetry.lock {problem}; fix: ./run invoke env.lock\n")
    assert checkout.log() == []


@pytest.mark.parametrize("lock", [None, STALE, IN_CONFLICT, "[metadata\n"])
def test_env_lock_mends_the_lock(checkout: Checkout, lock: str | None) -> None:
    """The command that the message names locks first, then makes the environment and runs in it."""
    _write_lock(checkout, lock)
    checkout.mend_lock()
    answer = checkout.run("invoke", "env.lock", "--json")
    assert (answer.returncode, answer.stdout) == (0, "ran invoke env.lock --json\n"), answer.stderr
    assert "; locking with Poetry\n" in answer.stderr
    steps = [line.split(" --")[0] for line in checkout.log() if line.startswith("python -m poetry")]
    assert steps == ["python -m poetry lock", "python -m poetry export"]
    before = (checkout.root / ".shrinkwrap/lock-before").read_text()
    assert before == {None: "", IN_CONFLICT: LOCK}.get(lock, lock)
    # Nothing is locked a second time, and no earlier lock is left for the report of a later command.
    assert checkout.run("invoke", "env.lock").returncode == 0
    assert checkout.log() == [] and not (checkout.root / ".shrinkwrap/lock-before").exists()


def test_env_lock_that_fails_changes_nothing(checkout: Checkout) -> None:
    """A lock in conflict is as it was if Poetry finds no solution."""
    _write_lock(checkout, IN_CONFLICT)
    checkout.write_poetry("exit 1")
    answer = checkout.run("invoke", "env.lock")
    assert answer.returncode == 1
    assert answer.stderr.endswith("run: Poetry could not lock (see above); poetry.lock is as it was\n")
    assert (checkout.root / "poetry.lock").read_text() == IN_CONFLICT


def test_pyproject_in_conflict_is_resolved_by_hand(checkout: Checkout) -> None:
    """No lock can fit it, so the message names the line, for every command."""
    (checkout.root / "pyproject.toml").write_text("a = 1\n<<<<<<< HEAD\n")
    for command in (["true"], ["invoke", "env.lock"]):
        answer = checkout.run(*command)
        assert (answer.returncode, answer.stderr) == (
            2,
            "run: pyproject.toml has merge conflict markers (line 2);"
            " resolve them first, then run ./run invoke env.lock\n",
        )


def _write_lock(checkout: Checkout, lock: str | None) -> None:
    path = checkout.root / "poetry.lock"
    path.unlink() if lock is None else path.write_text(lock)


def _write_script(path: Path, script: str) -> None:
    path.unlink(missing_ok=True)
    path.write_text(script if script.startswith("#!") else f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def _base_python() -> str:
    return str(getattr(sys, "_base_executable", sys.executable))


def test_one_more_group(ready: Checkout) -> None:
    """`--with GROUP` runs the command in an environment of its own that has this group too, and makes it once."""
    (ready.path / "hidden").rename(ready.path / "python3")
    answer = ready.run("--with", "cluster", "sh", "-c", "echo $VIRTUAL_ENV")
    assert (answer.returncode, answer.stdout) == (0, f"{ready.root}/.venv-cluster\n")
    log = [line for line in ready.log() if "config" not in line]
    assert log[0] == "python -m poetry export --without-urls --only ops,dev,cluster --output .shrinkwrap/slice"
    assert log[1].endswith("--prompt shrinkwrap .venv-cluster")
    for command in (["--with", "cluster", "true"], ["true"]):
        assert ready.run(*command).returncode == 0
    assert ready.log() == []


@pytest.mark.parametrize("arguments", [["--with"], ["--with", ""], ["--with", "../x", "true"], ["--with", "cluster"]])
def test_group_without_name_or_command(ready: Checkout, arguments: list[str]) -> None:
    """A group that is none, and a missing command, are errors; nothing is made."""
    answer = ready.run(*arguments)
    assert answer.returncode == 2
    assert (answer.stderr.startswith("run: ") and "for example" in answer.stderr) or "needs a group" in answer.stderr
    assert ready.log() == []
