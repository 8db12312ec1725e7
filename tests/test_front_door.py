"""The script `run`, with stand-ins for Poetry and uv: what it starts, and when it starts nothing."""

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
COMMANDS = (
    "cat",
    "cmp",
    "cp",
    "dirname",
    "echo",
    "env",
    "grep",
    "head",
    "mkdir",
    "readlink",
    "rm",
    "sed",
    "sh",
    "true",
)
SHELLS = [[shell, *options] for shell, *options in (["dash"], ["bash", "--posix"]) if shutil.which(shell)]

# Each notes its arguments in ./log, from where the script starts it; a file called `broken` makes uv fail.
TOOL_PYTHON = """\
#!/bin/sh
printf 'python %s\\n' "$*" >>log
case "$*" in *export*) printf 'numpy==2.4.6 --hash=sha256:0\\n-e file:///packages/own\\n' >.shrinkwrap/slice ;; esac
"""
TOOL_UV = """\
#!/bin/sh
cd "$(dirname "$0")/../../.." || exit
printf 'uv %s\\n' "$*" >>log
[ "$1" != venv ] || { mkdir -p .venv/bin && cp /bin/sh .venv/bin/python; }
[ "$2" != sync ] || ! [ -e broken ]
"""


@dataclass(frozen=True)
class Checkout:
    """A repository with the real `run`, and a PATH where it finds only what a test put there."""

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
        """What the stand-ins were asked since the last call."""
        log = self.root / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def add_python(self, name: str, script: str) -> None:
        _write_script(self.path / name, script)


@pytest.fixture
def bare(tmp_path: Path) -> Checkout:
    """A checkout in a folder with a space in its name, on a machine without any Python."""
    root, path = tmp_path / "my work", tmp_path / "bin"
    (root / "packages" / "own").mkdir(parents=True)
    for name in ("poetry.lock", "pyproject.toml", "tools-requirements.txt", "packages/own/pyproject.toml"):
        (root / name).write_text(f"# {name}\n")
    shutil.copy(ROOT / "run", root)
    path.mkdir()
    for command in COMMANDS:
        (path / command).symlink_to(shutil.which(command) or f"/missing/{command}")
    tools = root / ".shrinkwrap" / "tools" / "bin"
    tools.mkdir(parents=True)
    _write_script(tools / "python", TOOL_PYTHON)
    _write_script(tools / "uv", TOOL_UV)
    shutil.copy(root / "tools-requirements.txt", tools / "made-from")
    return Checkout(root, path)


@pytest.fixture
def checkout(bare: Checkout) -> Checkout:
    """A checkout on a machine with this Python, its environment not made yet."""
    bare.add_python("python3", f'exec "{sys.executable}" "$@"')
    return bare


@pytest.fixture
def ready(checkout: Checkout) -> Iterator[Checkout]:
    """A checkout whose environment is made, on a machine that has lost its Python since."""
    assert checkout.run("true").returncode == 0
    checkout.log()
    (checkout.path / "python3").rename(checkout.path / "hidden")
    yield checkout


def test_script_is_short() -> None:
    """The script has fewer than 60 lines."""
    assert len((ROOT / "run").read_text("utf-8").splitlines()) < 60


def test_nothing_to_run(bare: Checkout) -> None:
    """Without a command it gives an example and exits with 2."""
    answer = bare.run()
    assert (answer.returncode, answer.stderr) == (
        2,
        "run: what shall it run? For example: ./run invoke --list\n",
    )


def test_no_python(bare: Checkout) -> None:
    """A machine without Python is told which names were looked for."""
    answer = bare.run("true")
    assert (answer.returncode, answer.stderr) == (
        2,
        "run: needs Python 3.11 or newer, there is no python3 python3.14 python3.13 python3.12 python3.11 python; "
        "install one or set SHRINKWRAP_PYTHON to its path\n",
    )


def test_old_pythons_are_named(bare: Checkout) -> None:
    """Every Python that was found and does not fit is named with its version, or as one that does not start."""
    bare.add_python("python3", "echo 3.9.18; exit 1")
    bare.add_python("python3.12", "exit 127")
    answer = bare.run("true")
    assert answer.returncode == 2
    assert "there is python3 (3.9.18), python3.12 (does not start);" in answer.stderr


def test_chosen_python_is_the_only_one_tried(checkout: Checkout) -> None:
    """SHRINKWRAP_PYTHON is not passed over in silence when it does not fit."""
    answer = checkout.run("true", SHRINKWRAP_PYTHON="/nowhere/python")
    assert answer.returncode == 2
    assert "there is no /nowhere/python;" in answer.stderr


def test_first_use_makes_the_environment(checkout: Checkout) -> None:
    """The slice is cut by Poetry and installed by uv, hashes required, the packages of the repository last."""
    checkout.run("true")
    assert [line for line in checkout.log() if "config" not in line and "tools" not in line] == [
        "python -m poetry export --only ops,dev -o .shrinkwrap/slice",
        f"uv venv -q --clear --python {_base_python()} --prompt shrinkwrap .venv",
        "uv pip sync -q --python ../.venv/bin/python --require-hashes --build-constraints locked locked",
        "uv pip install -q --python ../.venv/bin/python --no-deps --no-build-isolation -r own",
    ]
    assert (checkout.root / ".shrinkwrap" / "locked").read_text() == "numpy==2.4.6 --hash=sha256:0\n"
    assert (checkout.root / ".shrinkwrap" / "own").read_text() == "-e file:///packages/own\n"


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_nothing_to_do_starts_nothing(ready: Checkout, shell: list[str]) -> None:
    """Once set up, it needs neither Python nor Poetry nor uv, and is silent, in each POSIX shell."""
    answer = ready.run("sh", "-c", "echo done", shell=[str(shutil.which(shell[0])), *shell[1:]])
    assert (answer.stdout, answer.stderr, ready.log()) == ("done\n", "", [])


def test_command_runs_in_the_repository(ready: Checkout, tmp_path: Path) -> None:
    """From any working directory, and through a link, the command runs in the repository root."""
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


def test_command_keeps_its_words_and_status(ready: Checkout) -> None:
    """Arguments arrive as they were given, and the exit status is the command's."""
    answer = ready.run("sh", "-c", 'printf "<%s>" "$@"; exit 7', "sh", "two words", "", "*")
    assert (answer.returncode, answer.stdout) == (7, "<two words><><*>")


def test_environment_is_first_on_path(ready: Checkout) -> None:
    """The command is looked for in the environment first, without the caller's PYTHONPATH and PYTHONHOME."""
    _write_script(ready.root / ".venv" / "bin" / "cat", 'echo "$PATH"; env')
    lines = ready.run("cat", PYTHONPATH="/elsewhere", PYTHONHOME="/elsewhere").stdout.splitlines()
    assert lines[0] == f"{ready.root}/.venv/bin:{ready.path}"
    assert not [line for line in lines if "/elsewhere" in line]


@pytest.mark.parametrize("name", ["poetry.lock", "pyproject.toml", "packages/own/pyproject.toml"])
def test_change_is_synced_in_place(ready: Checkout, name: str) -> None:
    """A changed lock, group or package is installed into the environment that is there."""
    (ready.path / "hidden").rename(ready.path / "python3")
    (ready.root / name).write_text("changed\n")
    assert ready.run("true").returncode == 0
    assert [line.split(" -q")[0] for line in ready.log() if line.startswith("uv")] == [
        "uv pip install",
        "uv pip sync",
        "uv pip install",
    ]


def test_failed_installation_is_made_anew(checkout: Checkout) -> None:
    """After an installation that failed the command does not run; the next run starts from an empty environment."""
    (checkout.root / "broken").touch()
    answer = checkout.run("echo", "ran")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.endswith("run: could not fill .venv; run it again to go on\n")
    checkout.log()
    (checkout.root / "broken").unlink()
    assert checkout.run("echo", "ran").stdout == "ran\n"
    assert any(line.startswith("uv venv -q --clear") for line in checkout.log())


def test_moved_checkout_is_made_anew(ready: Checkout, tmp_path: Path) -> None:
    """A checkout that was moved gets a new environment: scripts in the old one name the old place."""
    (ready.path / "hidden").rename(ready.path / "python3")
    moved = Checkout(ready.root.rename(tmp_path / "elsewhere"), ready.path)
    assert moved.run("true").returncode == 0
    assert any(line.startswith("uv venv -q --clear") for line in moved.log())


def test_second_run_waits_for_the_first(checkout: Checkout) -> None:
    """While another run makes the environment it says that it waits, then finds the work done."""
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


def test_stale_lock_is_named(checkout: Checkout) -> None:
    """When Poetry finds that the lock does not fit pyproject.toml, nothing is installed and the script says so."""
    _write_script(checkout.root / ".shrinkwrap" / "tools" / "bin" / "python", '! [ "$2" = poetry ]')
    answer = checkout.run("true")
    assert answer.returncode == 1
    assert answer.stderr.endswith("run: poetry.lock and pyproject.toml do not fit\n")
    assert not any(line.startswith("uv pip sync") for line in checkout.log())


def _write_script(path: Path, script: str) -> None:
    path.unlink(missing_ok=True)
    path.write_text(script if script.startswith("#!") else f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def _base_python() -> str:
    return str(getattr(sys, "_base_executable", sys.executable))
