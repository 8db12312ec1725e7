"""Failures with a real engine: each has one error message and the right exit code, and leaves nothing incomplete."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from .conftest import BASE, SMALL, Clone, image_command, make_clone, serving_registry

SMALLEST = SMALL[:1]


@pytest.fixture
def own(engine: None, tmp_path: Path) -> Iterator[Clone]:
    """A clone with one small image, for tests that break it; its images are removed at the end."""
    made = make_clone(tmp_path, f"e2e-errors-{time.time_ns()}")
    made.write_images(*SMALLEST)
    made.commit("All of it")
    yield made
    made.image("clean", check=False)


def add_step(clone: Clone, step: str) -> None:
    """Add a step to the builder stage of the clone's image."""
    path = clone.root / "images/notebook/Dockerfile"
    text, after = path.read_text(), "FROM start AS system"
    assert after in text
    path.write_text(text.replace(after, f"{step}\n{after}"))


def tags(clone: Clone) -> list[str]:
    """The ids of the clone's images."""
    command = ["docker", "image", "ls", "--filter", f"label=io.shrinkwrap.project={clone.project}", "--quiet"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def error_of(clone: Clone, *words: str, code: int, **environment: str) -> str:
    """Run `image.VERB …`, which must fail with this exit code, and return its error message."""
    result = clone.image(*words, check=False, **environment)
    assert (result.returncode, "Traceback" in result.stderr) == (code, False), result.stderr
    return result.stderr[result.stderr.index("error: ") :]


def test_no_engine(own: Clone) -> None:
    """Without an engine, the error has the address that was tried and says how to start one."""
    error = error_of(own, "build", code=1, DOCKER_HOST="tcp://127.0.0.1:1")
    assert error.startswith("error: no Docker Engine answers at tcp://127.0.0.1:1. Start it (Linux: `sudo systemctl")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without access to the engine")
def test_no_permission_for_the_engine(own: Clone) -> None:
    """A user without access to the engine's socket gets the group to join, not the error for a missing engine."""
    # This user can read all files, because the tests' environment can be in a private folder, but not use the socket.
    right = "+dac_read_search"
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", f"--inh-caps={right}"]
    become_nobody = [*nobody, f"--ambient-caps={right}"]
    for words in (["build"], ["get", "small"], ["list"], ["clean"]):
        result = own.run(*become_nobody, *image_command(*words), check=False)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.startswith("error: this user may not use the Docker Engine at unix:///"), result.stderr
        assert "`sudo usermod -aG docker $USER`" in result.stderr


def test_no_engine_behind_the_socket(own: Clone) -> None:
    """A missing socket means that the engine is not running."""
    error = error_of(own, "list", code=1, DOCKER_HOST=f"unix://{own.root}/docker.sock")
    assert error.startswith(f"error: no Docker Engine answers at unix://{own.root}/docker.sock. Start it")


def test_no_buildx(own: Clone) -> None:
    """Without the docker command, the error names the package to install."""
    error = error_of(own, "build", "--force", code=1, PATH=str(own.root / "nowhere"))
    assert "the `docker` command is not on PATH" in error and "docker-buildx" in error


def test_another_builder_is_in_use(own: Clone, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A builder that `docker buildx create --use` selected is not used: images are built in the engine."""
    config = str(tmp_path_factory.mktemp("buildx"))
    own.run("docker", "buildx", "create", "--driver=docker-container", "--name=other", "--use", BUILDX_CONFIG=config)
    assert own.image("build", BUILDX_CONFIG=config).returncode == 0


def test_unknown_names_get_the_nearest(own: Clone) -> None:
    """The error for a misspelt image or group has the nearest name; exit code 2."""
    assert "unknown image 'smal'; did you mean 'small'?" in error_of(own, "build", "--image", "smal", code=2)
    assert "unknown group 'tests'; did you mean 'test'?" in error_of(own, "build", "--group", "tests", code=2)


def test_a_lock_older_than_pyproject(own: Clone) -> None:
    """With a dependency that is declared but not locked, every command fails at once and says what to run."""
    path = own.root / "pyproject.toml"
    path.write_text(path.read_text().replace("test = [\n", 'test = [\n    "tabulate",\n'))
    for command in (["build"], ["build", "--dry-run"], ["get", "small"], ["reproduce", "small"]):
        error = error_of(own, *command, code=2)
        assert (
            error.startswith("error: poetry.lock is older than pyproject.toml") and "`./run invoke env.lock`" in error
        )
    assert not (own.root / ".shrinkwrap/logs/image-build.log").exists()


def test_malformed_names(own: Clone) -> None:
    """A malformed base, registry or platform is reported before the engine is used; exit code 2."""
    assert "'Foo Bar' is not an image reference" in error_of(own, "build", "--base", "Foo Bar", code=2)
    assert "'https://x' is not a registry" in error_of(own, "list", code=2, SHRINKWRAP_REGISTRY="https://x")
    assert "unknown platform 'linux/amd46'; did you mean 'linux/amd64'?" in error_of(
        own, "build", "--platform", "linux/amd46", code=2
    )
    assert "cannot have a cache in a registry: no registry is named" in error_of(
        own, "build", "--cache", "registry", code=2
    )


def test_a_package_without_a_wheel(own: Clone) -> None:
    """A package that exists only for other platforms is named."""
    own.invoke("env.lock", "--add", "pywin32", "--group", "test")
    error = error_of(own, "build", code=2)
    assert re.match(r"error: pywin32 \d+, which small needs, has no wheel for linux/amd64 \(only pywin32-", error)


def test_a_file_with_another_hash(own: Clone) -> None:
    """A file from the index is installed only if it has the locked hash."""
    path = own.root / "poetry.lock"
    before, start, rest = path.read_text().partition('name = "pluggy"\n')
    entry, end, after = rest.partition("[[package]]")
    path.write_text(before + start + re.sub("sha256:[0-9a-f]{8}", "sha256:00000000", entry) + end + after)
    error = error_of(own, "build", code=1)
    assert "install-slice.sh" in error and "Hash mismatch for `pluggy==" in error
    assert tags(own) == []


@pytest.mark.skipif(Path("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists(), reason="this machine runs arm64 with QEMU")
def test_a_platform_that_the_builder_cannot_run(own: Clone) -> None:
    """A platform that the builder cannot run is reported before any step, with how to install QEMU; exit code 2."""
    error = error_of(own, "build", "--platform", "linux/arm64", code=2)
    assert error.startswith("error: this machine's builder cannot run linux/arm64 (it runs linux/amd64")
    assert "`docker run --privileged --rm tonistiigi/binfmt --install arm64`" in error
    assert not (own.root / ".shrinkwrap/logs/image-build.log").exists()


def test_a_base_of_another_platform(own: Clone) -> None:
    """BuildKit uses a local amd64 base for an arm64 image; the first step refuses it."""
    command = ["docker", "build", "--platform=linux/arm64", "--progress=plain", "--build-arg", f"BASE_IMAGE={BASE}"]
    result = own.run(*command, "-f", "images/notebook/Dockerfile", ".", check=False)
    assert result.returncode == 1
    assert "the base is for x86_64, but the image is for arm64: choose another base" in result.stderr


def test_a_named_platform_is_built(own: Clone) -> None:
    """--platform with this machine's own platform builds the same fingerprint as without."""
    (plan,) = json.loads(own.image("build", "--dry-run", "--json").stdout)
    (image,) = own.build("--platform", "linux/amd64")
    assert (image["fingerprint"], image["platforms"]) == (plan["fingerprint"], ["linux/amd64"])


def test_a_step_that_error_of(own: Clone) -> None:
    """The error has the step, its last lines and the file of the complete log; nothing is tagged."""
    add_step(own, "RUN echo about to fail && exit 7")
    error = error_of(own, "build", code=1)
    assert "the build failed at [small builder 3/3] RUN echo about to fail && exit 7:\n  about to fail\n" in error
    assert error.endswith(f"Complete log: {own.root}/.shrinkwrap/logs/image-build.log\n")
    assert "about to fail" in (own.root / ".shrinkwrap/logs/image-build.log").read_text()
    assert tags(own) == []


def test_a_full_disk(own: Clone) -> None:
    """If a step finds no space left, the error says how to free some."""
    add_step(own, "RUN --mount=type=tmpfs,target=/full,size=1m head -c 2000000 /dev/zero >/full/file")
    error = error_of(own, "build", code=1)
    assert error.startswith("error: no space is left on the Docker Engine's disk")
    assert "invoke image.clean" in error


def test_a_failed_test_leaves_no_tag(own: Clone) -> None:
    """An image that is not as locked is not tagged; the error names the extra package."""
    add_step(
        own,
        "RUN d=$(echo /out/opt/venv/lib/*/site-packages)/stray-1.0.dist-info && mkdir $d"
        " && printf 'Metadata-Version: 2.1\\nName: stray\\nVersion: 1.0\\n' >$d/METADATA && touch $d/RECORD",
    )
    error = error_of(own, "build", code=1)
    assert "small fails its test:\n  packages: stray 1.0 is extra\n" in error
    assert tags(own) == []


def test_every_problem_of_an_image_is_found(own: Clone) -> None:
    """Root, a tool of the builder, a damaged file, another kernel, a Jupyter without a token, and a large size."""
    own.write_images('small]\ngroups = ["notebook"]\nmax_size = "100MB"')
    site = "/out/opt/venv/lib/*/site-packages"
    kernel = "/out/opt/venv/share/jupyter/kernels/python3/kernel.json"
    add_step(
        own, f"RUN echo >>$(echo {site}/ipykernel/__init__.py) && sed -i s,/opt/venv/bin/python,/bin/false, {kernel}"
    )
    path = own.root / "images/notebook/Dockerfile"
    path.write_text(path.read_text() + "COPY --from=builder /opt/tools/bin/uv /usr/local/bin/uv\nUSER root\n")
    path = own.root / "images/notebook/start-jupyter.sh"
    path.write_text(path.read_text().replace('"$@"', '--allow-root --IdentityProvider.token= "$@"'))
    error = error_of(own, "build", code=1)
    assert [line.partition(":")[0] for line in error.splitlines()[1:]] == [
        *("  files", "  user", "  tools", "  kernel", "  jupyter", "  size"),
        "It was not tagged.",
    ]
    for problem in (
        "ipykernel/__init__.py has",
        "it is root",
        "left over from the build: /usr/local/bin/uv",
        "python3 does not run a cell in /opt/venv",
        "without the token it answers 200, not 403",
        "max_size is 100 MB",
    ):
        assert problem in error
    assert tags(own) == []


def test_builds_that_differ(own: Clone) -> None:
    """image.reproduce fails and reports the layer with its step, the file in it, and the difference."""
    add_step(own, "RUN head -c 8 /dev/urandom >/out/opt/venv/odd && touch -d @0 /out/opt/venv/odd /out/opt/venv")
    error = error_of(own, "reproduce", "small", code=1)
    assert re.fullmatch(
        r"error: small: two builds differ:\n"
        r"  layer \d+ \(COPY /out/ /\): opt/venv/odd: content [0-9a-f]{12} and [0-9a-f]{12}\n",
        error,
    ), error
    assert tags(own) == []


def test_a_base_in_an_unreachable_registry(own: Clone) -> None:
    """The error for a base names the registry that does not answer."""
    error = error_of(own, "build", "--base", "127.0.0.1:1/base:1", code=1)
    assert error.startswith("error: the registry 127.0.0.1:1 cannot be reached:")


def test_a_registry_that_does_not_answer(own: Clone) -> None:
    """A push to an unreachable registry fails before anything is built, with the registry's name."""
    own.write_images(*SMALLEST, registry="127.0.0.1:1/team")
    error = error_of(own, "build", "--push", code=1)
    assert error.startswith("error: the registry 127.0.0.1:1 cannot be reached:")
    assert tags(own) == []


def test_a_registry_that_requires_a_login(own: Clone, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The error has the registry and the command to log in."""
    folder = tmp_path_factory.mktemp("closed")
    # The registry creates the file with a password if it is missing.
    auth = f"auth: {{htpasswd: {{realm: here, path: {folder}/htpasswd}}}}\n"
    with serving_registry(folder, auth=auth) as address:
        own.write_images(*SMALLEST, registry=f"{address}/team")
        error = error_of(own, "build", "--push", code=1)
    assert f"the registry {address} refused" in error and f"`docker login {address}`" in error


def test_no_registry_is_named(own: Clone) -> None:
    """The error for a push without a registry has the missing line; exit code 2."""
    error = error_of(own, "build", "--push", code=2)
    assert 'Add registry = "ghcr.io/ORGANISATION" to [tool.env-spec.images.small]' in error


def test_interrupted_build(own: Clone) -> None:
    """Ctrl-C during the build exits with 130, tags nothing, and leaves no build running; a second build is refused."""
    # Unique by its fraction, and it ends by itself if nothing stops it.
    sleep = f"sleep 60.{time.time_ns()}"
    add_step(own, f"RUN echo asleep && {sleep}")
    with subprocess.Popen(
        image_command("build"),
        cwd=own.root,
        env=own.environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as build:
        assert build.stderr is not None
        for line in build.stderr:
            if "asleep" in line:
                break
        other = error_of(own, "build", code=1)
        # The processes of an engine in a virtual machine are not visible.
        is_visible = is_running(sleep)
        os.killpg(build.pid, signal.SIGINT)
        error = build.stderr.read()
    assert "another build of this clone is running (process " in other
    assert build.returncode == 130
    assert "error: interrupted during the build. Nothing was tagged" in error
    assert tags(own) == []
    deadline_s = time.monotonic() + 20
    while is_visible and is_running(sleep):
        assert time.monotonic() < deadline_s, f"{sleep} is still running"
        time.sleep(0.2)


def is_running(command: str) -> bool:
    """Whether this machine has a process of exactly this command."""
    expected = command.replace(" ", "\0").encode() + b"\0"
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if path.read_bytes() == expected:
                return True
    return False


def test_a_build_that_was_killed(own: Clone) -> None:
    """The next build removes the container and the image that a build leaves when SIGKILL ends it during its test."""
    with subprocess.Popen(image_command("build"), cwd=own.root, env=own.environment()) as build:
        deadline_s = time.monotonic() + 120
        while not containers_of(build.pid):
            assert build.poll() is None and time.monotonic() < deadline_s
            time.sleep(0.02)
        build.kill()
    # Both still exist after the process.
    assert containers_of(build.pid) and any(":building-" in name for name in names(own))
    (image,) = own.build()
    assert containers_of(build.pid) == []
    assert {name.rpartition(":")[2] for name in names(own)} == set(image["tags"])


def containers_of(process: int) -> list[str]:
    """The labels of containers that a process started for a test."""
    label_format = '{{.Label "io.shrinkwrap.tester"}}'
    command = ["docker", "container", "ls", "--all", "--filter", "label=io.shrinkwrap.tester", "--format", label_format]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return [label for label in found if label.endswith(f"-{process}")]


def names(clone: Clone) -> list[str]:
    """The names of the clone's images."""
    label = f"label=io.shrinkwrap.project={clone.project}"
    command = ["docker", "image", "ls", "--filter", label, "--format", "{{.Repository}}:{{.Tag}}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_interrupted_push(own: Clone, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Ctrl-C while the second image is uploaded leaves no incomplete set of tags; the next push continues."""
    folder = tmp_path_factory.mktemp("slow")
    with serving_registry(folder) as registry, SlowProxy(registry, "team/small-other") as proxy:
        own.write_images(
            *SMALLEST,
            'small-other]\ngroups = ["policy-lint"]\nskip_imports = ["parliament"]',
            registry=f"{proxy.address}/team",
        )
        own.commit("Name a registry")
        with subprocess.Popen(
            image_command("build", "--push"),
            cwd=own.root,
            env=own.environment(),
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as push:
            assert push.stderr is not None
            assert proxy.is_blocked.wait(120)
            os.killpg(push.pid, signal.SIGINT)
            error = push.stderr.read()
        assert push.returncode == 130, error
        assert "interrupted during the push. `latest` was not moved" in error
        (tag,) = folder.glob("**/tags/*")
        assert tag.match("team/small/_manifests/tags/env-*")
        proxy.release()
        (small, other) = own.build("--push")
        for image in (small, other):
            pushed = folder / f"docker/registry/v2/repositories/team/{image['name']}/_manifests/tags"
            assert {tag.name for tag in pushed.iterdir()} == set(image["tags"])
            assert "latest" in image["tags"]


class SlowProxy:
    """A proxy of a registry that blocks uploads of layers to one repository until it is released."""

    def __init__(self, target: str, repository: str) -> None:
        self._upload = re.compile(rf"(PATCH|PUT) /v2/{repository}/blobs/uploads/".encode())
        host, _, port = target.partition(":")
        self._target = (host, int(port))
        self._released = threading.Event()
        self._connections: list[socket.socket] = []
        self.is_blocked = threading.Event()

    def __enter__(self) -> SlowProxy:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        for line in (self._server, *self._connections):
            line.close()

    def release(self) -> None:
        """Let blocked uploads continue."""
        self._released.set()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._server.accept()
            except OSError:
                return
            registry = socket.create_connection(self._target)
            self._connections += [caller, registry]
            for source, sink in ((caller, registry), (registry, caller)):
                threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(1 << 16):
                if self._upload.match(content) and not self._released.is_set():
                    self.is_blocked.set()
                    self._released.wait(300)
                sink.sendall(content)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
