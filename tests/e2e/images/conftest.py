"""Fixtures of the end-to-end tests of images: a real engine, a real registry, a clone to build in."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
BASE = os.environ.get("SHRINKWRAP_TEST_BASE", "localhost/debian-python:bookworm")
SKIP_REASON = "images: {}; tests/e2e/engine.sh installs it where it can"


class Clone:
    """A repository like ours whose images are small: groups that need few packages, in the same lock."""

    def __init__(self, root: Path, project: str) -> None:
        self.root = root
        self.project = project

    def write_images(self, *tables: str, registry: str | None = None) -> None:
        """Replace the images that pyproject.toml declares; removes its notebooks, because they need these images."""
        kept = (ROOT / "pyproject.toml").read_text("utf-8").replace('name = "shrinkwrap"', f'name = "{self.project}"')
        head, _, rest = kept.partition("\n[tool.env-spec.images.")
        rest = "[tool.pytest" + rest.partition("\n[tool.pytest")[2]
        registry_line = f'registry = "{registry}"\n' if registry else ""
        text = "".join(f'[tool.env-spec.images.{table}\nbase = "{BASE}"\n{registry_line}\n' for table in tables)
        (self.root / "pyproject.toml").write_text(f"{head}\n{text}{rest}")

    def commit(self, message: str = "A change", *, date: str | None = None) -> None:
        """Commit everything, on main; on a date, or now."""
        environment = {**os.environ, **({"GIT_COMMITTER_DATE": date} if date else {})}
        git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run([*git, "add", "--all"], cwd=self.root, check=True)
        command = [*git, "commit", "--quiet", "--allow-empty", "-m", message]
        subprocess.run(command, cwd=self.root, env=environment, check=True)

    def image(self, *words: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `invoke image.VERB …` in the clone, without the variables that CI sets for its own run."""
        return self.run(*image_command(*words), check=check, **environment)

    def invoke(self, *words: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `invoke …` in the clone."""
        return self.run(sys.executable, "-m", "invoke", *words, check=check, **environment)

    def run(self, *command: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the clone; its failure is the test's, unless `check=False`."""
        result = subprocess.run(
            command, cwd=self.root, env=self.environment(**environment), capture_output=True, text=True, check=False
        )
        if check and result.returncode:
            pytest.fail(f"{' '.join(command)}: {result.returncode}\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}")
        return result

    def environment(self, **changes: str) -> dict[str, str]:
        """The environment of this process with changes, without settings of CI and of Shrinkwrap."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "SHRINKWRAP_"))}
        tools = Path(sys.executable).parent
        return {**ours, "PATH": f"{tools}{os.pathsep}{ours['PATH']}", **changes}

    def build(self, *words: str) -> list[dict[str, Any]]:
        """Build, and return the images from the JSON output."""
        images: list[dict[str, Any]] = json.loads(self.image("build", "--json", *words).stdout)["images"]
        return images


def image_command(verb: str, *words: str) -> list[str]:
    """`invoke image.VERB …`."""
    return [sys.executable, "-m", "invoke", f"image.{verb}", *words]


@contextmanager
def jupyter_by_image_run(clone: Clone, name: str, *words: str) -> Iterator[tuple[str, str, subprocess.Popen[str]]]:
    """Run `image.run NAME`; yield the address, the token and the process, and interrupt it at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with subprocess.Popen(
        image_command("run", name, "--port", port, *words),
        cwd=clone.root,
        env=clone.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stderr is not None
            found = re.search(r"(http://127\.0\.0\.1:\d+)/lab\?token=(\w+)", process.stderr.readline())
            assert found, process.stderr.read()
            # The second line with the URL follows Jupyter's own output.
            line = next(line for line in process.stderr if line.startswith(("Jupyter is ready", "Jupyter does not")))
            assert line == f"Jupyter is ready: {found[0]}\n"
            # Read the rest of the output, so that the process never waits for a reader.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield found[1], found[2], process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                process.wait(60)


def status(url: str, token: str | None = None) -> int | None:
    """The HTTP status of a server; None if it does not answer."""
    try:
        return response_of(url, token)[0]
    except OSError:
        return None


def response_of(url: str, token: str | None, *, content: bytes | None = None) -> tuple[int, Any]:
    """Status and document of a GET request, or of a POST request with content."""
    headers = {"Authorization": f"token {token}"} if token else {}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, data=content, headers=headers), timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, None


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker Engine with buildx and a base image; without them the test is skipped."""
    for command, problem in (
        (["docker", "info"], "no Docker Engine answers"),
        (["docker", "buildx", "version"], "docker buildx is missing"),
        (["docker", "image", "inspect", BASE], f"the base image {BASE} is missing"),
    ):
        exists = shutil.which("docker") and subprocess.run(command, capture_output=True, check=False).returncode == 0
        if not exists:
            pytest.skip(SKIP_REASON.format(problem))


@pytest.fixture(scope="session")
def registry(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry on 127.0.0.1, as HOST:PORT."""
    with serving_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


class serving_registry:
    """Debian's docker-registry for the duration of a block; `auth` is appended to its configuration."""

    def __init__(self, folder: Path, *, auth: str = "", log: str = "error") -> None:
        self._folder = folder
        self._auth = auth
        self._log = log

    def __enter__(self) -> str:
        program = shutil.which("docker-registry")
        if program is None:
            pytest.skip(SKIP_REASON.format("docker-registry is missing"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        config = self._folder / "config.yml"
        config.write_text(
            f"version: 0.1\nlog: {{level: {self._log}}}\nstorage:\n  filesystem: {{rootdirectory: {self._folder}}}\n"
            f"  delete: {{enabled: true}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n{self._auth}"
        )
        with (self._folder / "log").open("w") as log:
            self._process = subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=subprocess.STDOUT)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(100):
            try:
                opener.open(f"http://127.0.0.1:{port}/", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        return f"127.0.0.1:{port}"

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


def closed_registry(folder: Path) -> serving_registry:
    """A registry only for the user `docker`, with a password that it creates and writes to its log."""
    auth = f"auth: {{htpasswd: {{realm: here, path: {folder}/htpasswd}}}}\n"
    return serving_registry(folder, auth=auth, log="warn")


def registry_password(folder: Path) -> str:
    """The password of the closed registry in this folder."""
    (password,) = re.findall(r"password=(\S+)", (folder / "log").read_text())
    return str(password)


@contextmanager
def second_engine(folder: Path, *, size: str, registry: Path) -> Iterator[str]:
    """A second, empty engine with its own disk of this size, like that of another machine; yields its DOCKER_HOST.

    Its network is isolated, because an engine without a bridge removes the bridge that it finds. There, a second
    process serves the registry of this configuration at its address. Steps of builds have no network.
    """
    program = _running("dockerd")
    tools = [shutil.which(name) for name in ("unshare", "ip", "docker-registry")]
    if program is None or None in tools or os.geteuid() != 0:
        pytest.skip("a second Docker Engine needs root, unshare, ip, docker-registry and the first one's dockerd")
    disk, host = folder / "disk", f"unix://{folder}/docker.sock"
    disk.mkdir()
    (folder / "daemon.json").write_text(json.dumps({"features": {"containerd-snapshotter": True}}))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], check=True)
    options = [f"--host={host}", f"--data-root={disk}", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid"]
    options += [f"--config-file={folder}/daemon.json", "--bridge=none", "--iptables=false", "--ip-forward=false"]
    script = f'ip link set lo up; docker-registry serve {shlex.quote(str(registry))} & exec "$@"'
    command = ["unshare", "--net", "sh", "-c", script, "sh", program, *options]
    path = f"{Path(program).parent}{os.pathsep}{os.environ['PATH']}"
    try:
        with (
            (folder / "log").open("w") as log,
            subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, "PATH": path}, start_new_session=True
            ) as process,
        ):
            try:
                deadline_s = time.monotonic() + 60
                while subprocess.run(["docker", "--host", host, "info"], capture_output=True, check=False).returncode:
                    if process.poll() is not None or time.monotonic() > deadline_s:
                        pytest.fail(f"the second engine did not come up: {(folder / 'log').read_text()[-2000:]}")
                    time.sleep(0.2)
                yield host
            finally:
                process.terminate()
                process.wait(60)
                # Its registry, which is in the same process group.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def _running(name: str) -> str | None:
    """The file of a running program."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "comm").read_text().strip() == name:
                return str((folder / "exe").readlink())
        except OSError:
            continue
    return None


def make_clone(folder: Path, project: str) -> Clone:
    """A repository with the files of this one that a build may read."""
    for name in (
        "images",
        "packages",
        "notebooks/lib",
        ".dockerignore",
        "poetry.lock",
        "tools-requirements.txt",
        "README.md",
        "tasks.py",
    ):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "tests"))
        else:
            shutil.copy(source, folder / name)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=folder, check=True)
    (folder / ".gitignore").write_text("/.shrinkwrap/\n")
    (folder / ".shrinkwrap").mkdir()
    # Poetry, for `env.lock`.
    (folder / ".shrinkwrap/tools").symlink_to(ROOT / ".shrinkwrap/tools")
    return Clone(folder, project)


@pytest.fixture(scope="module")
def clone(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone with two small images, one on top of the other; its images are removed at the end."""
    made = make_clone(tmp_path_factory.mktemp("clone"), f"e2e-{os.getpid()}-{time.time_ns()}")
    made.write_images(*SMALL)
    made.commit("All of it", date="2025-01-02T03:04:05Z")
    yield made
    made.image("clean", check=False)


SMALL = ('small]\ngroups = ["test"]', 'small-more]\ngroups = ["test", "bench"]')
