"""image.pin with a real registry on 127.0.0.1: it writes the registry's digests, and builds start from them."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import BASE, SMALL, Clone, closed_registry, make_clone, registry_password
from .test_image_build import docker


@pytest.fixture
def own(engine: None, tmp_path: Path) -> Iterator[Clone]:
    """A clone with two images on one base, which each test chooses."""
    made = make_clone(tmp_path, f"e2e-pin-{time.time_ns()}")
    made.write_images(*SMALL)
    yield made
    made.image("clean", check=False)


def write_base(clone: Clone, base: str) -> None:
    clone.write_images(*SMALL)
    path = clone.root / "pyproject.toml"
    path.write_text(path.read_text().replace(f'base = "{BASE}"', f"base = '{base}'  # ours"))


def push_tiny(reference: str, content: str) -> str:
    """Push an almost empty image and return its digest in the registry."""
    dockerfile = f"FROM scratch\nLABEL content={content}\n"
    build = ["docker", "build", "--quiet", "--provenance=false", "--tag", reference, "-"]
    subprocess.run(build, input=dockerfile, capture_output=True, text=True, check=True)
    output = docker("push", reference)
    docker("image", "rm", reference)
    (digest,) = re.findall(r"digest: (sha256:[0-9a-f]{64})", output)
    return str(digest)


def test_a_tag_is_pinned_and_updated(own: Clone, registry: str) -> None:
    """The tag's digest is written; a tag that moved has no effect until --update, which reports both digests."""
    base = f"{registry}/bases/tiny:1"
    write_base(own, base)
    path = own.root / "pyproject.toml"
    before, first = path.read_text(), push_tiny(base, "one")
    output = own.image("pin").stdout
    assert output == f"small: {base} is {first}\nsmall-more: {base} is {first}\n"
    assert path.read_text() == before.replace(f"'{base}'", f'"{base}@{first}"')
    second = push_tiny(base, "two")
    assert first != second
    assert own.image("pin").stdout.startswith(f"small: {base} is pinned; --update resolves it again\n")
    assert first in path.read_text()
    assert own.image("pin", "--update").stdout.startswith(f"small: {base} is {second}, was {first}\n")
    assert path.read_text() == before.replace(f"'{base}'", f'"{base}@{second}"')
    assert own.image("pin", "--update").stdout.startswith(f"small: {base} is {second}, unchanged\n")


def test_a_build_starts_from_the_pinned_base(own: Clone, registry: str) -> None:
    """A build pulls a pinned base by its digest; the digest is in the label and in the fingerprint."""
    base = f"{registry}/bases/debian:1"
    docker("tag", BASE, base)
    docker("push", "--quiet", base)
    docker("image", "rm", base)
    write_base(own, base)
    (unpinned, _) = json.loads(own.image("build", "--dry-run", "--json").stdout)
    own.image("pin")
    own.commit("Pin the base")
    (built,) = own.build("--image", "small")
    (digest,) = set(re.findall(r"sha256:[0-9a-f]{64}", (own.root / "pyproject.toml").read_text()))
    assert built["labels"]["org.opencontainers.image.base.digest"] == digest
    assert built["fingerprint"] != unpinned["fingerprint"]
    assert [finding for finding in built["test"]["findings"] if finding["problem"]] == []


def test_registries_that_return_no_digest(own: Clone, registry: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An unknown tag, a registry that requires a login, and an unreachable one are errors; no file is changed."""

    def error_of(base: str, code: int) -> str:
        write_base(own, base)
        before = (own.root / "pyproject.toml").read_text()
        result = own.image("pin", check=False)
        assert (result.returncode, result.stdout) == (code, "")
        assert (own.root / "pyproject.toml").read_text() == before
        return result.stderr

    unknown = f"{registry}/bases/tiny:99"
    assert error_of(unknown, 2) == f"error: the image {unknown} does not exist; correct the name in its table.\n"
    assert error_of("127.0.0.1:1/x:1", 1).startswith("error: the registry 127.0.0.1:1 cannot be reached: [Errno 111]")
    folder = tmp_path_factory.mktemp("closed")
    with closed_registry(folder) as address:
        error = error_of(f"{address}/x:1", 1)
        assert f"the registry {address} refused: 401 Unauthorized. Log in with `docker login {address}`" in error


def test_credentials_of_docker_login_are_used(own: Clone, tmp_path_factory: pytest.TempPathFactory) -> None:
    """After `docker login`, the command gets the digest from a registry that requires a login."""
    folder, home = tmp_path_factory.mktemp("closed"), tmp_path_factory.mktemp("home")
    with closed_registry(folder) as address:
        password = registry_password(folder)
        login = ["docker", "--config", str(home), "login", address, "--username", "docker", "--password-stdin"]
        subprocess.run(login, input=password, text=True, capture_output=True, check=True)
        write_base(own, f"{address}/x:1")
        subprocess.run(["docker", "tag", BASE, f"{address}/x:1"], check=True)
        docker("--config", str(home), "push", "--quiet", f"{address}/x:1")
        docker("image", "rm", f"{address}/x:1")
        output = own.image("pin", DOCKER_CONFIG=str(home)).stdout
    assert re.match(rf"small: {re.escape(address)}/x:1 is sha256:[0-9a-f]{{64}}\n", output)
