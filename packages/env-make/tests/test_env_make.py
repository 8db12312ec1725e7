"""Environments of any groups in any folder, with stand-ins for Poetry, uv and the interpreter."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

from env_make import Environment, EnvMakeError, current_environment, make_environment, make_tools

LIBRARY = f"lib/python{sys.version_info.major}.{sys.version_info.minor}"
# Each adds its arguments to the file `log` in the root. What Poetry exports is in the file `exported` there.
TOOL_PYTHON = """\
#!/bin/sh
printf 'python %s\\n' "$*" >>log
case "$*" in
    *export*) cp exported .shrinkwrap/slice ;;
    *config*) echo https://index.example/simple ;;
esac
"""
TOOL_UV = f"""\
#!/bin/sh
printf 'uv %s\\n' "$*" >>log
printf '%s %s\\n' "$UV_DEFAULT_INDEX" "$UV_SYSTEM_CERTS" >index
for folder; do :; done
[ "$1" != venv ] || {{ mkdir -p "$folder/bin" "$folder/{LIBRARY}" && cp /bin/sh "$folder/bin/python"; }}
[ ! -e broken ]
"""
# As `python -m venv --clear FOLDER`, and as the answer to the question for version and path.
NAMED_PYTHON = f"""\
#!/bin/sh
printf 'named %s\\n' "$*" >>log
for folder; do :; done
case "$*" in
    -c*) echo "3 13 $0" ;;
    *) mkdir -p "$folder/bin" "$folder/{LIBRARY}" && cp /bin/sh "$folder/bin/python" ;;
esac
"""
GROUPS = ("main", "notebook", "test")
# Fits a pyproject.toml without a dependency: Poetry's hash of it.
LOCK = """\
[metadata]
lock-version = "2.1"
content-hash = "115cf985d932e9bf5f540555bbdd75decbb62cac81e399375fc19f6277f8c1d8"
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a space in its path, where the tools are installed."""
    for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL", "UV_SYSTEM_CERTS"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "my work"
    write_script(root / ".shrinkwrap/tools/bin/python", TOOL_PYTHON)
    write_script(root / ".shrinkwrap/tools/bin/uv", TOOL_UV)
    for name in ("poetry.lock", "pyproject.toml", "tools-requirements.txt"):
        (root / name).write_text(f"# {name}\n")
    (root / "poetry.lock").write_text(LOCK)
    (root / "exported").write_text("numpy==2.4.6 --hash=sha256:0\n")
    shutil.copy(root / "tools-requirements.txt", root / ".shrinkwrap/tools/made-from")
    return root


def write_script(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)


def log(root: Path) -> list[str]:
    """The commands since the previous call, with paths relative to the root."""
    file = root / "log"
    lines = file.read_text().replace(f"{root}/", "").splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return lines


def test_groups_without_own_packages_need_one_installation(root: Path) -> None:
    """Poetry exports the groups, uv makes the folder and installs; without editable packages there is nothing more."""
    lines: list[str] = []
    made = make_environment(root, GROUPS, root / ".shrinkwrap/envs/1f", on_line=lines.append)
    assert made == Environment(folder=root / ".shrinkwrap/envs/1f")
    assert made.slice_file.read_text() == "numpy==2.4.6 --hash=sha256:0\n"
    assert lines == ["installing groups main, notebook and test of poetry.lock in .shrinkwrap/envs/1f (up to a minute)"]
    base = sys._base_executable  # type: ignore[attr-defined]
    assert log(root) == [
        "python -m poetry export --without-urls --only main,notebook,test --output .shrinkwrap/slice",
        "python -m pip config get global.index-url",
        f"uv venv --quiet --clear --python {base} --prompt shrinkwrap .shrinkwrap/envs/1f",
        "uv pip sync --quiet --python .shrinkwrap/envs/1f/bin/python --require-hashes --allow-empty-requirements"
        " --build-constraints .shrinkwrap/envs/1f/locked .shrinkwrap/envs/1f/locked",
    ]


def test_current_environment_starts_nothing(root: Path) -> None:
    """The second call prints nothing and starts no process."""
    lines: list[str] = []
    make_environment(root, GROUPS, Path(".venv"))
    log(root)
    assert make_environment(root, GROUPS, Path(".venv"), on_line=lines.append).python == root / ".venv/bin/python"
    assert (lines, log(root)) == ([], [])


def test_question_changes_nothing(root: Path) -> None:
    """`current_environment` makes nothing, not even the folder of the lock."""
    shutil.rmtree(root / ".shrinkwrap")
    assert current_environment(root, GROUPS, root / ".venv") is None
    assert sorted(path.name for path in root.iterdir()) == [
        *("exported", "poetry.lock", "pyproject.toml", "tools-requirements.txt")
    ]


@pytest.mark.parametrize(
    "name", ["poetry.lock", "pyproject.toml", "packages/a/pyproject.toml", "notebooks/lib/pyproject.toml"]
)
def test_changed_source_makes_it_stale(root: Path, name: str) -> None:
    """The environment is made from the lock and from each pyproject.toml."""
    made = make_environment(root, GROUPS, root / ".venv")
    assert current_environment(root, GROUPS, root / ".venv") == made
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("changed")
    assert current_environment(root, GROUPS, root / ".venv") is None


def test_other_request_makes_it_stale(root: Path) -> None:
    """Groups, interpreter and pip belong to the request."""
    make_environment(root, GROUPS, root / ".venv")
    assert current_environment(root, GROUPS[:2], root / ".venv") is None
    assert current_environment(root, GROUPS, root / ".venv", python="python3.13") is None
    assert current_environment(root, GROUPS, root / ".venv", with_pip=True) is None


def test_other_version_of_the_running_python_makes_it_stale(root: Path) -> None:
    """Where no interpreter is named, the environment must have the version of the one that runs."""
    make_environment(root, GROUPS, root / ".venv")
    (root / ".venv" / LIBRARY).rename(root / ".venv/lib/python3.10")
    assert current_environment(root, GROUPS, root / ".venv") is None


def test_environment_with_pip_is_made_by_the_named_python(root: Path) -> None:
    """`venv` installs pip; uv would leave it out."""
    write_script(root / "bin/python3.13", NAMED_PYTHON)
    python = str(root / "bin/python3.13")
    make_environment(root, ["infra"], root / ".shrinkwrap/infra", python=python, with_pip=True)
    commands = [line for line in log(root) if not line.startswith("python ")]
    assert commands[1] == "named -m venv --clear .shrinkwrap/infra"
    assert commands[2].startswith("uv pip sync --quiet --python .shrinkwrap/infra/bin/python --require-hashes")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 3 10 /usr/bin/python3.10", "{} is Python 3.10; name Python 3.11 or newer"),
        ("exit 127", "{} does not start; name Python 3.11 or newer"),
    ],
)
def test_unusable_python_is_wrong_input(root: Path, script: str, message: str) -> None:
    """The message has the name and the version; the exit code is 2."""
    write_script(root / "old", f"#!/bin/sh\n{script}\n")
    with pytest.raises(EnvMakeError) as caught:
        make_environment(root, GROUPS, root / ".venv", python=str(root / "old"))
    assert (str(caught.value), caught.value.exit_code) == (message.format(root / "old"), 2)


def test_interrupted_update_starts_over(root: Path) -> None:
    """An update that fails leaves an environment that counts as missing, so the next call makes it from nothing."""
    make_environment(root, GROUPS, root / ".venv")
    (root / "poetry.lock").write_text(f"{LOCK}# changed\n")
    (root / "broken").touch()
    with pytest.raises(EnvMakeError, match=r"^could not install into \.venv \(see above\); run it again to continue$"):
        make_environment(root, GROUPS, root / ".venv")
    (root / "broken").unlink()
    log(root)
    make_environment(root, GROUPS, root / ".venv")
    assert any(line.startswith("uv venv --quiet --clear") for line in log(root))


@pytest.mark.parametrize(
    ("variable", "index"),
    [
        ("UV_DEFAULT_INDEX", "https://uv.example/simple"),
        ("PIP_INDEX_URL", "https://pip.example/simple"),
        (None, "https://index.example/simple"),
    ],
)
def test_uv_uses_the_index_of_pip(
    root: Path, monkeypatch: pytest.MonkeyPatch, variable: str | None, index: str
) -> None:
    """From its own variable, from pip's variable, or from pip's configuration; with the machine's certificates."""
    if variable:
        monkeypatch.setenv(variable, index)
    make_environment(root, GROUPS, root / ".venv")
    assert (root / "index").read_text() == f"{index} 1\n"


def test_second_caller_waits(root: Path) -> None:
    """While another process holds the lock, the caller reports that it waits, and starts nothing."""
    lock = os.open(root / ".shrinkwrap/lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    is_waiting = threading.Event()
    lines: list[str] = []

    def on_line(line: str) -> None:
        lines.append(line)
        is_waiting.set()

    caller = threading.Thread(target=make_environment, args=(root, GROUPS, root / ".venv"), kwargs={"on_line": on_line})
    caller.start()
    assert is_waiting.wait(30)
    assert (lines, log(root)) == (["waiting for another run to finish"], [])
    os.close(lock)
    caller.join(30)
    assert current_environment(root, GROUPS, root / ".venv") is not None


def test_folder_that_cannot_be_written_is_an_error(root: Path) -> None:
    """The message names the path and the reason of the operating system."""
    shutil.rmtree(root / ".shrinkwrap")
    (root / ".shrinkwrap").write_text("")
    with pytest.raises(EnvMakeError, match=r"^could not make \.venv: .*File exists: '.*/\.shrinkwrap'$"):
        make_environment(root, GROUPS, root / ".venv")


def test_current_tools_are_kept(root: Path) -> None:
    """Tools that were made from the same pins are returned as they are."""
    tools = make_tools(root)
    assert tools.uv == root / ".shrinkwrap/tools/bin/uv"
    assert tools.poetry == [str(root / ".shrinkwrap/tools/bin/python"), "-m", "poetry"]
    assert log(root) == []


def test_tools_without_uv_are_installed_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record of the pins is not enough: the programs must exist."""
    (root / ".shrinkwrap/tools/bin/uv").unlink()
    (root / "tools-requirements.txt").write_text("uv==0.13\n")
    shutil.copy(root / "tools-requirements.txt", root / ".shrinkwrap/tools/made-from")
    monkeypatch.setattr(sys, "_base_executable", "/bin/false")
    with pytest.raises(EnvMakeError, match=r"^could not install uv"):
        make_tools(root)


def test_uv_alone_is_installed_by_pip(
    root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """pip gets the pins of uv with their hashes, from the requirements of all tools; a failure is reported."""
    (root / "tools-requirements.txt").write_text(
        "anyio==4 \\\n    --hash=sha256:1\nuv==0.13 \\\n    --hash=sha256:2\nzip==1\n"
    )
    write_script(root / "fake", "#!/bin/sh\nexit 1\n")
    monkeypatch.setattr(sys, "_base_executable", str(root / "fake"))
    with pytest.raises(EnvMakeError, match=r"^could not install uv \(see above\)$"):
        make_tools(root)
    assert (root / ".shrinkwrap/uv-requirements.txt").read_text() == "uv==0.13 \\\n    --hash=sha256:2\n"
    assert capfd.readouterr().err == "installing Poetry and uv in .shrinkwrap (about 10 s)\n"
