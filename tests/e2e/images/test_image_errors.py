"""What goes wrong with images, on a real engine: one sentence each, the right exit code, no half of anything."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from .conftest import BASE, SMALL, Clone, make_clone, serving_registry

SMALLEST = SMALL[:1]


@pytest.fixture
def own(engine: None, tmp_path: Path) -> Iterator[Clone]:
    """A clone with one small image, to be broken; what it built is removed in the end."""
    made = make_clone(tmp_path, f"e2e-errors-{time.time_ns()}")
    made.write_images(*SMALLEST)
    made.commit("All of it")
    yield made
    made.image("clean", check=False)


def add_step(clone: Clone, step: str) -> None:
    """Give the builder of the clone's image one more step."""
    path = clone.root / "images/notebook/Dockerfile"
    path.write_text(path.read_text().replace("FROM parent AS final", f"{step}\nFROM parent AS final"))


def tags(clone: Clone) -> list[str]:
    command = ["docker", "image", "ls", "--filter", f"label=io.shrinkwrap.project={clone.project}", "--quiet"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def fails(clone: Clone, *words: str, code: int, **environment: str) -> str:
    answer = clone.image(*words, check=False, **environment)
    assert (answer.returncode, "Traceback" in answer.stderr) == (code, False), answer.stderr
    return answer.stderr[answer.stderr.index("error: ") :]


def test_no_engine(own: Clone) -> None:
    """Without an engine the error says where it was looked for and how to start one."""
    said = fails(own, "build", code=1, DOCKER_HOST="tcp://127.0.0.1:1")
    assert said.startswith("error: no Docker Engine answers at tcp://127.0.0.1:1. Start it (Linux: `sudo systemctl")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user who may not use the engine")
def test_an_engine_that_does_not_answer_this_user(own: Clone) -> None:
    """Whoever may not write to the engine's socket is told which group to join, not that there is no engine."""
    # Nobody, who may read all files (the environment of the tests may lie in a private folder) and connect to nothing.
    right = "+dac_read_search"
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", f"--inh-caps={right}"]
    command = [*nobody, f"--ambient-caps={right}", sys.executable, "-m", "image_build"]
    for words in (["build"], ["ensure", "small"], ["list"], ["clean"]):
        answer = own.run(*command, *words, check=False)
        assert (answer.returncode, answer.stdout) == (1, "")
        assert answer.stderr.startswith("error: this user may not use the Docker Engine at unix:///"), answer.stderr
        assert "`sudo usermod -aG docker $USER`" in answer.stderr


def test_no_engine_behind_the_socket(own: Clone) -> None:
    """A socket that is not there is an engine that is not started."""
    said = fails(own, "list", code=1, DOCKER_HOST=f"unix://{own.root}/docker.sock")
    assert said.startswith(f"error: no Docker Engine answers at unix://{own.root}/docker.sock. Start it")


def test_no_buildx(own: Clone) -> None:
    """Where there is no docker command to build with, the error names the package to install."""
    said = fails(own, "build", "--force", code=1, PATH=str(own.root / "nowhere"))
    assert "no `docker` command on PATH" in said and "docker-buildx" in said


def test_another_builder_is_in_use(own: Clone, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A builder that someone chose by `docker buildx create --use` is left alone: images are built in the engine."""
    config = str(tmp_path_factory.mktemp("buildx"))
    own.run("docker", "buildx", "create", "--driver=docker-container", "--name=other", "--use", BUILDX_CONFIG=config)
    assert own.image("build", BUILDX_CONFIG=config).returncode == 0


def test_unknown_names_get_the_nearest(own: Clone) -> None:
    """A misspelt image or group ends with 2 and the nearest name."""
    assert "there is no image 'smal'; did you mean 'small'?" in fails(own, "build", "--image", "smal", code=2)
    assert "there is no group 'tests'; did you mean 'test'?" in fails(own, "build", "--group", "tests", code=2)


def test_a_lock_older_than_pyproject(own: Clone) -> None:
    """A dependency that was asked for and not locked ends every way to an image at once with what to run."""
    path = own.root / "pyproject.toml"
    path.write_text(path.read_text().replace("test = [\n", 'test = [\n    "tabulate",\n'))
    for command in (["build"], ["build", "--dry-run"], ["ensure", "small"], ["reproduce", "small"]):
        said = fails(own, *command, code=2)
        assert said.startswith("error: poetry.lock is older than pyproject.toml") and "`invoke env.lock`" in said
    assert not (own.root / ".shrinkwrap/logs/image-build.log").exists()


def test_names_that_can_be_none(own: Clone) -> None:
    """A base, a registry or a platform that cannot be one ends with 2 before the engine is asked for it."""
    assert "'Foo Bar' is not an image reference" in fails(own, "build", "--base", "Foo Bar", code=2)
    assert "'https://x' is not a registry" in fails(own, "list", code=2, SHRINKWRAP_REGISTRY="https://x")
    assert "there is no platform 'linux/amd46'; did you mean 'linux/amd64'?" in fails(
        own, "build", "--platform", "linux/amd46", code=2
    )
    assert "can have no cache in a registry: no registry is named" in fails(own, "build", "--cache", "registry", code=2)


def test_a_package_without_a_wheel(own: Clone) -> None:
    """A package that is there for other platforms only is named."""
    own.run("python", "-m", "env_spec", "lock", "--add", "pywin32", "--group", "test")
    said = fails(own, "build", code=2)
    assert re.match(r"error: pywin32 \d+, which small needs, has no wheel for linux/amd64\.", said)


def test_a_file_with_another_hash(own: Clone) -> None:
    """What the index gives is installed only if it is what was locked."""
    path = own.root / "poetry.lock"
    before, start, rest = path.read_text().partition('name = "pluggy"\n')
    entry, end, after = rest.partition("[[package]]")
    path.write_text(before + start + re.sub("sha256:[0-9a-f]{8}", "sha256:00000000", entry) + end + after)
    said = fails(own, "build", code=1)
    assert "install-slice.sh" in said and "Hash mismatch for `pluggy==" in said
    assert tags(own) == []


@pytest.mark.skipif(Path("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists(), reason="this machine runs arm64 by QEMU")
def test_a_platform_that_cannot_be_run(own: Clone) -> None:
    """A platform that the builder cannot run ends with 2, before any step, and with how to get QEMU."""
    said = fails(own, "build", "--platform", "linux/arm64", code=2)
    assert said.startswith("error: this machine's builder cannot run linux/arm64 (it runs linux/amd64")
    assert "`docker run --privileged --rm tonistiigi/binfmt --install arm64`" in said
    assert not (own.root / ".shrinkwrap/logs/image-build.log").exists()


def test_a_base_of_another_platform(own: Clone) -> None:
    """BuildKit takes a base that is here for amd64 only for an arm64 image; the first step refuses to."""
    command = ["docker", "build", "--platform=linux/arm64", "--progress=plain", "--build-arg", f"BASE_IMAGE={BASE}"]
    answer = own.run(*command, "-f", "images/notebook/Dockerfile", ".", check=False)
    assert answer.returncode == 1
    assert "the base's programs are for x86_64, and the image is to be for arm64: name another base" in answer.stderr


def test_a_named_platform_is_built(own: Clone) -> None:
    """--platform with this machine's own gives an image for it, with the same fingerprint as without."""
    (plan,) = json.loads(own.image("build", "--dry-run", "--json").stdout)
    (image,) = own.build("--platform", "linux/amd64")
    assert (image["fingerprint"], image["platforms"]) == (plan["fingerprint"], ["linux/amd64"])


def test_a_step_that_fails(own: Clone) -> None:
    """The step is named with its last lines and the file that holds all of them; nothing is tagged."""
    add_step(own, "RUN echo about to fail && exit 7")
    said = fails(own, "build", code=1)
    assert "the build failed at [small builder 3/3] RUN echo about to fail && exit 7:\n  about to fail\n" in said
    assert said.endswith("All of it: .shrinkwrap/logs/image-build.log\n")
    assert "about to fail" in (own.root / ".shrinkwrap/logs/image-build.log").read_text()
    assert tags(own) == []


def test_a_full_disk(own: Clone) -> None:
    """Where a step finds no space left, the error says what frees some."""
    add_step(own, "RUN --mount=type=tmpfs,target=/full,size=1m head -c 2000000 /dev/zero >/full/file")
    said = fails(own, "build", code=1)
    assert said.startswith("error: no space is left on the Docker Engine's disk")
    assert "invoke image.clean" in said


def test_a_failed_test_leaves_no_tag(own: Clone) -> None:
    """An image that is not as locked is not tagged, and what is extra is named."""
    add_step(
        own,
        "RUN d=$(echo /out/opt/venv/lib/*/site-packages)/stray-1.0.dist-info && mkdir $d"
        " && printf 'Metadata-Version: 2.1\\nName: stray\\nVersion: 1.0\\n' >$d/METADATA && touch $d/RECORD",
    )
    said = fails(own, "build", code=1)
    assert "small fails its test:\n  packages: stray 1.0 is extra\n" in said
    assert tags(own) == []


def test_every_fault_of_an_image_is_found(own: Clone) -> None:
    """Root, a tool of the builder, a damaged file, another kernel, a Jupyter without a token and too many bytes."""
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
    said = fails(own, "build", code=1)
    assert [line.partition(":")[0] for line in said.splitlines()[1:]] == [
        *("  files", "  user", "  tools", "  kernel", "  jupyter", "  size"),
        "It was not tagged.",
    ]
    for problem in (
        "ipykernel/__init__.py has",
        "it is root",
        "left over from the build: /usr/local/bin/uv",
        "python3 does not run a cell in /opt/venv",
        "it answers 200 without the token, not 403",
        "max_size is 100.0 MB",
    ):
        assert problem in said
    assert tags(own) == []


def test_builds_that_differ(own: Clone) -> None:
    """image.reproduce ends with 1 and names the layer by its step, the file in it, and what differs."""
    add_step(own, "RUN head -c 8 /dev/urandom >/out/opt/venv/odd && touch -d @0 /out/opt/venv/odd /out/opt/venv")
    said = fails(own, "reproduce", "small", code=1)
    assert re.fullmatch(
        r"error: small: two builds differ:\n"
        r"  layer \d+ \(COPY /out/ /\): opt/venv/odd: content [0-9a-f]{12} and [0-9a-f]{12}\n",
        said,
    ), said
    assert tags(own) == []


def test_a_base_that_is_nowhere(own: Clone) -> None:
    """A base whose registry does not answer is told with the registry's name."""
    said = fails(own, "build", "--base", "127.0.0.1:1/base:1", code=1)
    assert said.startswith("error: the registry 127.0.0.1:1 cannot be reached:")


def test_a_registry_that_does_not_answer(own: Clone) -> None:
    """A push to a registry that is not there ends with its name, before anything is built."""
    own.write_images(*SMALLEST, registry="127.0.0.1:1/team")
    said = fails(own, "build", "--push", code=1)
    assert said.startswith("error: the registry 127.0.0.1:1 cannot be reached:")
    assert tags(own) == []


def test_a_registry_that_wants_a_login(own: Clone, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A registry that refuses is named with the command to log in."""
    folder = tmp_path_factory.mktemp("closed")
    # It makes a file with a password of its own where there is none.
    auth = f"auth: {{htpasswd: {{realm: here, path: {folder}/htpasswd}}}}\n"
    with serving_registry(folder, auth=auth) as address:
        own.write_images(*SMALLEST, registry=f"{address}/team")
        said = fails(own, "build", "--push", code=1)
    assert f"the registry {address} refused" in said and f"`docker login {address}`" in said


def test_no_registry_is_named(own: Clone) -> None:
    """A push without a registry ends with 2 and the line that is missing."""
    said = fails(own, "build", "--push", code=2)
    assert 'Add registry = "ghcr.io/ORGANISATION" to [tool.env-spec.images.small]' in said


def test_interrupted_build(own: Clone) -> None:
    """Ctrl-C during the build ends with 130, tags nothing, and leaves no build running; a second build goes on."""
    # Told from others by its fraction, and over by itself if nothing ends it.
    sleep = f"sleep 60.{time.time_ns()}"
    add_step(own, f"RUN echo asleep && {sleep}")
    with subprocess.Popen(
        [sys.executable, "-m", "image_build", "build"],
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
        other = fails(own, "build", code=1)
        # An engine in a machine of its own shows its processes to nobody.
        was_seen = is_running(sleep)
        os.killpg(build.pid, signal.SIGINT)
        said = build.stderr.read()
    assert "another build of this clone is running (process " in other
    assert build.returncode == 130
    assert "error: interrupted during the build. Nothing was tagged" in said
    assert tags(own) == []
    deadline_s = time.monotonic() + 20
    while was_seen and is_running(sleep):
        assert time.monotonic() < deadline_s, f"{sleep} goes on"
        time.sleep(0.2)


def is_running(command: str) -> bool:
    """A process of exactly this command is on this machine."""
    wanted = command.replace(" ", "\0").encode() + b"\0"
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if path.read_bytes() == wanted:
                return True
    return False


def test_a_build_that_was_killed(own: Clone) -> None:
    """What a kill -9 during the test leaves on the engine, a container and an image, the next build removes."""
    with subprocess.Popen([sys.executable, "-m", "image_build", "build"], cwd=own.root, env=own.environment()) as build:
        deadline_s = time.monotonic() + 120
        while not looked_at_by(build.pid):
            assert build.poll() is None and time.monotonic() < deadline_s
            time.sleep(0.02)
        build.kill()
    # Both outlive it.
    assert looked_at_by(build.pid) and any(":building-" in name for name in names(own))
    (image,) = own.build()
    assert looked_at_by(build.pid) == []
    assert {name.rpartition(":")[2] for name in names(own)} == set(image["tags"])


def looked_at_by(process: int) -> list[str]:
    """Containers that a process tests."""
    shown = '{{.Label "io.shrinkwrap.tester"}}'
    command = ["docker", "container", "ls", "--all", "--filter", "label=io.shrinkwrap.tester", "--format", shown]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return [label for label in found if label.endswith(f"-{process}")]


def names(clone: Clone) -> list[str]:
    label = f"label=io.shrinkwrap.project={clone.project}"
    command = ["docker", "image", "ls", "--filter", label, "--format", "{{.Repository}}:{{.Tag}}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_interrupted_push(own: Clone, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Ctrl-C while the second image is on its way: no tag of a set without the rest is there; the next push goes on."""
    folder = tmp_path_factory.mktemp("slow")
    with serving_registry(folder) as registry, SlowProxy(registry, "team/small-other") as proxy:
        own.write_images(*SMALLEST, 'small-other]\ngroups = ["policy-lint"]', registry=f"{proxy.address}/team")
        own.commit("Name a registry")
        with subprocess.Popen(
            [sys.executable, "-m", "image_build", "build", "--push"],
            cwd=own.root,
            env=own.environment(),
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as push:
            assert push.stderr is not None
            assert proxy.is_held.wait(120)
            os.killpg(push.pid, signal.SIGINT)
            said = push.stderr.read()
        assert push.returncode == 130, said
        assert "interrupted during the push. `latest` was not moved" in said
        (there,) = folder.glob("**/tags/*")
        assert there.match("team/small/_manifests/tags/env-*")
        proxy.let_go()
        (small, other) = own.build("--push")
        for image in (small, other):
            there = folder / f"docker/registry/v2/repositories/team/{image['name']}/_manifests/tags"
            assert {tag.name for tag in there.iterdir()} == set(image["tags"])
            assert "latest" in image["tags"]


class SlowProxy:
    """A line to a registry on which a layer that is sent to one repository gets stuck, until it is let go."""

    def __init__(self, target: str, repository: str) -> None:
        self._stuck = re.compile(rf"(PATCH|PUT) /v2/{repository}/blobs/uploads/".encode())
        host, _, port = target.partition(":")
        self._target = (host, int(port))
        self._is_free = threading.Event()
        self._lines: list[socket.socket] = []
        self.is_held = threading.Event()

    def __enter__(self) -> SlowProxy:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()
        for line in (self._server, *self._lines):
            line.close()

    def let_go(self) -> None:
        self._is_free.set()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._server.accept()
            except OSError:
                return
            registry = socket.create_connection(self._target)
            self._lines += [caller, registry]
            for source, sink in ((caller, registry), (registry, caller)):
                threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(1 << 16):
                if self._stuck.match(content) and not self._is_free.is_set():
                    self.is_held.set()
                    self._is_free.wait(300)
                sink.sendall(content)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
