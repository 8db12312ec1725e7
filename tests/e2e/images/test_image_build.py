"""Images on a real engine and a real registry: built, shared, skipped, pushed, pulled and compared with the lock."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from image_build.building.archives import uncompressed
from image_build.planning.machine import package_index

from .conftest import BASE, ROOT, SMALL, Clone, make_clone

MANIFESTS = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"


def docker(*command: str) -> str:
    return subprocess.run(["docker", *command], capture_output=True, text=True, check=True).stdout.strip()


def digest_of(reference: str) -> str:
    return docker("image", "inspect", "--format", "{{.Id}}", reference)


def manifest(registry: str, repository: str, tag: str) -> dict[str, Any]:
    url = f"http://{registry}/v2/{repository}/manifests/{tag}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, headers={"Accept": MANIFESTS}), timeout=10) as response:
        found: dict[str, Any] = json.load(response)
    return found


@pytest.fixture(scope="module")
def built(clone: Clone) -> list[dict[str, Any]]:
    return clone.build()


def test_images_are_built_tested_and_tagged(built: list[dict[str, Any]], clone: Clone) -> None:
    """Every image passes its test and has tags for its fingerprint, the commit, its date, and `latest`."""
    commit = clone.run("git", "log", "-1", "--format=%H %cs").stdout.split()
    for image in built:
        assert [finding["what"] for finding in image["test"]["findings"] if finding["problem"]] == []
        tags = docker("image", "ls", image["name"], "--format", "{{.Tag}}").split()
        assert set(tags) == {f"env-{image['fingerprint']}", commit[0][:12], commit[1], "latest"}
        assert not [tag for tag in tags if tag.startswith("building-")]


def test_local_images_are_listed(built: list[dict[str, Any]], clone: Clone) -> None:
    """image.list reports current images and their age; image.size accounts for all of their bytes, by package."""
    listed = json.loads(clone.image("list", "--json").stdout)
    assert [(row["name"], row["state"]) for row in listed] == [("small", "current"), ("small-more", "current")]
    # The commit is of 2025.
    assert all(0 <= row["age_days"] < 0.1 for row in listed)
    sized = json.loads(clone.image("size", "small-more", "--json").stdout)
    assert sum(sized["parts"].values()) == sized["size_bytes"]
    assert {"duckdb", "polars", "pytest"} <= sized["parts"].keys()


def test_labels_have_the_inputs_of_the_image(built: list[dict[str, Any]], clone: Clone) -> None:
    """The labels have the commit, the groups, the fingerprint and the digest of the base."""
    labels = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", built[1]["reference"]))
    commit = clone.run("git", "rev-parse", "HEAD").stdout.strip()
    assert labels["org.opencontainers.image.revision"] == commit
    assert labels["io.shrinkwrap.groups"] == "test,bench"
    assert labels["io.shrinkwrap.fingerprint"] == built[1]["fingerprint"]
    of_base = json.loads(docker("image", "inspect", "--format", "{{json .RepoDigests}}", BASE)) or []
    digests = {digest_of(BASE), *(name.partition("@")[2] for name in of_base)}
    assert labels["org.opencontainers.image.base.digest"] in digests


def test_a_secret_is_in_no_layer(built: list[dict[str, Any]], clone: Clone) -> None:
    """Neither the certificates nor the index of the build are in the image or in its history."""
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", built[0]["reference"])
    assert "index" not in history.replace("package-index", "")
    found = docker("run", "--rm", "--entrypoint", "sh", built[0]["reference"], "-c", "ls -A /run/secrets 2>&1; true")
    assert "ca" not in found.split()


def test_the_second_image_adds_only_its_own_packages(built: list[dict[str, Any]]) -> None:
    """The larger image has all layers of the smaller one, and one more of at most 1.15 times its added files."""
    layers = [
        json.loads(docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", image["reference"]))
        for image in built
    ]
    assert layers[1][: len(layers[0])] == layers[0]
    assert len(layers[1]) == len(layers[0]) + 1
    sizes = docker("history", "--format", "{{.Size}}", "--human=false", built[1]["reference"]).split()
    small, more = (image["test"]["package_bytes"] for image in built)
    added = sum(more[name] for name in more.keys() - small.keys())
    assert added > 50e6
    assert int(sizes[0]) <= 1.15 * added
    find = ("run", "--rm", "--entrypoint=find", built[0]["reference"], "/opt/venv", "-type", "f")
    assert top_layer(built[1]["reference"]) & set(docker(*find).split("\n")) == set()


def top_layer(reference: str) -> set[str]:
    """The paths of the files that the last step of an image added."""
    with tempfile.TemporaryFile() as saved:
        subprocess.run(["docker", "save", reference], stdout=saved, check=True)
        saved.seek(0)
        with tarfile.open(fileobj=saved) as archive:
            (image,) = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
            blob = archive.extractfile(image["Layers"][-1])
            assert blob is not None
            with tarfile.open(fileobj=uncompressed(blob), mode="r|") as layer:
                return {f"/{entry.name}" for entry in layer if entry.isfile()}


@pytest.mark.parametrize("touched", ["README.md", "notebooks/one.ipynb", "packages/env-spec/tests/test_x.py"])
def test_editing_other_files_builds_nothing(built: list[dict[str, Any]], clone: Clone, touched: str) -> None:
    """After an edit of a notebook, the README or a test, nothing is built, and the command takes less than 1.5 s."""
    path = clone.root / touched
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"touched at {time.time()}")
    clone.commit("Touch")
    before = [digest_of(image["reference"]) for image in built]
    durations_s = []
    for _ in range(3):
        start_s = time.monotonic()
        images = clone.build()
        durations_s.append(time.monotonic() - start_s)
        assert [image["needs_build"] for image in images] == [False, False]
    assert [digest_of(image["reference"]) for image in images] == before
    assert min(durations_s) < 1.5


def test_a_package_installed_in_a_container_is_drift(built: list[dict[str, Any]], clone: Clone) -> None:
    """After `pip install` in a running container, env.verify fails and names the package."""
    name = f"{clone.project}-drift"
    docker("run", "--detach", "--name", name, "--user", "root", built[0]["reference"], "sleep", "300")
    try:
        clean = clone.invoke("env.verify", "--container", name, check=False)
        assert clean.returncode == 0, clean.stdout + clean.stderr
        docker("exec", name, "python3", "-c", "import sys; assert sys.prefix == '/opt/venv'")
        docker("cp", str(_wheel(clone.root)), f"{name}:/stray-1.0-py3-none-any.whl")
        # The base's pip, installing into the environment of the kernel.
        pip = "PATH=${PATH#/opt/venv/bin:} python3 -m pip --python /opt/venv/bin/python install --no-index --no-deps"
        docker("exec", name, "sh", "-c", f"{pip} /stray-1.0-py3-none-any.whl")
        drifted = clone.invoke("env.verify", "--container", name, check=False)
        assert drifted.returncode == 1
        assert "stray" in drifted.stdout
    finally:
        docker("rm", "--force", name)


def test_deleted_and_altered_files_are_drift(built: list[dict[str, Any]], clone: Clone) -> None:
    """A package without its folder, one without its files, an altered one, and one of another build are found."""
    name = f"{clone.project}-damage"
    docker("run", "--detach", "--name", name, "--user", "root", built[0]["reference"], "sleep", "300")
    site = docker("exec", name, "python", "-c", "import site; print(site.getsitepackages()[0])")
    script = (
        f"cd {site}; rm -rf pygments; find packaging -type f -delete; echo '# more' >>iniconfig/__init__.py"
        "; echo | tee -a pytest-*.dist-info/RECORD; rm -rf pluggy-*.dist-info"
    )
    try:
        docker("exec", name, "sh", "-c", script)
        result = clone.invoke("env.verify", "--container", name, "--json", check=False)
        assert result.returncode == 1, result.stderr
        found = json.loads(result.stdout)
        assert [package["name"] for package in found["missing"]] == ["pluggy"]
        problems: dict[str, list[tuple[str, str]]] = {}
        for file in found["damaged"]:
            problems.setdefault(file["package"], []).append((file["path"], file["problem"]))
        assert problems.keys() == {"iniconfig", "packaging", "pygments", "pytest"}
        assert [path for path, _ in problems["iniconfig"]] == ["iniconfig/__init__.py"]
        assert ("pygments/__init__.py", "is missing") in problems["pygments"]
        assert {problem for _, problem in problems["packaging"]} == {"is missing"}
        assert [problem for _, problem in problems["pytest"]] == ["was replaced after the container started"]
        text = clone.invoke("env.verify", "--container", name, check=False).stdout
        assert "1 package not as locked, 4 packages with missing or altered files" in text
        assert "iniconfig/__init__.py" in text
        assert clone.invoke("env.verify", "--image", "small").returncode == 0
        docker("commit", name, f"small:{clone.project}")
        damaged = clone.invoke("env.verify", "--image", f"small:{clone.project}", check=False)
        assert (damaged.returncode, "iniconfig/__init__.py" in damaged.stdout) == (1, True), damaged.stderr
    finally:
        docker("rm", "--force", name)
        subprocess.run(["docker", "image", "rm", f"small:{clone.project}"], capture_output=True, check=False)


def _wheel(folder: Path) -> Path:
    """The smallest possible package."""
    import zipfile

    path = folder / ".shrinkwrap/stray-1.0-py3-none-any.whl"
    info = "stray-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("stray.py", "")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: stray\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", f"stray.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path


def test_push_remove_pull_verify(built: list[dict[str, Any]], clone: Clone, registry: str) -> None:
    """An image that is pushed, removed and pulled has the same digest; the second image pushes only its own layer."""
    clone.write_images(*SMALL, registry=f"{registry}/team")
    clone.commit("Name a registry")
    images = clone.build("--push")
    manifests = [manifest(registry, f"team/{image['name']}", "latest") for image in images]
    assert manifests == [manifest(registry, f"team/{image['name']}", f"env-{image['fingerprint']}") for image in images]
    layers = [[layer["digest"] for layer in found["layers"]] for found in manifests]
    assert layers[1][:-1] == layers[0]
    before = digest_of(images[1]["reference"])
    clone.image("clean")
    assert clone.image("clean").stdout == "no local image was built by this repository\n"
    docker("pull", "--quiet", images[1]["reference"])
    assert digest_of(images[1]["reference"]) == before
    assert clone.image("test", "small-more").returncode == 0


def test_an_image_in_the_registry_is_not_built_again(clone: Clone, registry: str) -> None:
    """With --push, an image in the registry gets the tags of the new commit there, without a build or layers."""
    clone.write_images(*SMALL, registry=f"{registry}/team")
    clone.commit("Nothing that matters")
    clone.build("--push")
    clone.image("clean")
    clone.commit("Nothing that matters, again")
    images = clone.build("--push")
    assert [image["found"] for image in images] == ["registry", "registry"]
    commit = clone.run("git", "rev-parse", "HEAD").stdout[:12]
    for image in images:
        repository = f"team/{image['name']}"
        assert manifest(registry, repository, commit) == manifest(registry, repository, f"env-{image['fingerprint']}")


def test_image_get_keeps_pulls_or_builds(clone: Clone, registry: str) -> None:
    """image.get keeps a local image, pulls one that was removed, and builds one that no registry has."""
    clone.write_images(*SMALL, registry=f"{registry}/team")
    clone.commit("Name a registry, once more")
    (pushed,) = clone.build("--push", "--image", "small")

    def got(*words: str, **environment: str) -> dict[str, str]:
        image: dict[str, str] = json.loads(clone.image("get", "small", "--json", *words, **environment).stdout)
        return image

    clone.image("clean")
    pulled = got("--no-build")
    assert (pulled["origin"], pulled["reference"]) == ("pulled", pushed["reference"])
    assert (pulled["digest"], pulled["fingerprint"]) == (pushed["digest"], pushed["fingerprint"])
    assert got() == {**pulled, "origin": "local"}
    clone.image("clean")
    elsewhere = f"{registry}/empty"
    refused = clone.image("get", "small", "--registry", elsewhere, "--no-build", check=False)
    assert refused.returncode == 2
    assert f"small is not local as env-{pushed['fingerprint']} and not in its registry" in refused.stderr
    clone.write_images(*SMALL)
    built = got(SHRINKWRAP_REGISTRY=elsewhere)
    assert (built["origin"], built["reference"]) == ("built", f"{elsewhere}/small:env-{pushed['fingerprint']}")
    assert digest_of(built["reference"]) == built["digest"]


def test_other_content_in_a_registry_is_rejected(clone: Clone, registry: str) -> None:
    """A pulled image whose label does not match its name is removed and reported."""
    clone.write_images(*SMALL, registry=f"{registry}/forged")
    (small, _) = json.loads(clone.image("build", "--dry-run", "--json").stdout)
    docker("tag", BASE, small["reference"])
    docker("push", "--quiet", small["reference"])
    docker("image", "rm", small["reference"])
    refused = clone.image("get", "small", check=False)
    assert refused.returncode == 1
    assert f"{small['reference']} in the registry does not have the content that its name says" in refused.stderr
    assert docker("image", "ls", "--quiet", small["reference"]) == ""


def test_an_unreachable_registry_does_not_prevent_a_build(clone: Clone) -> None:
    """If the registry does not answer, image.get warns and builds; with --no-build it fails."""
    clone.write_images(*SMALL)
    words = ["get", "small", "--registry", "127.0.0.1:1/team"]
    refused = clone.image(*words, "--no-build", check=False)
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: the registry 127.0.0.1:1 cannot be reached:")
    built = clone.image(*words)
    assert "warning: the registry 127.0.0.1:1 cannot be reached:" in built.stderr
    assert built.stdout.startswith("small: built as 127.0.0.1:1/team/small:env-")


def test_the_machine_can_name_the_base(clone: Clone) -> None:
    """SHRINKWRAP_BASE is the default of --base for every command that has it; --base has priority."""
    clone.write_images(*SMALL)
    text = (clone.root / "pyproject.toml").read_text()
    (clone.root / "pyproject.toml").write_text(text.replace(f'base = "{BASE}"', 'base = "nowhere.example/base:1"'))

    def planned(*words: str, **environment: str) -> list[tuple[str, str]]:
        plans = json.loads(clone.image("build", "--dry-run", "--json", *words, **environment).stdout)
        return [(plan["base"], plan["fingerprint"]) for plan in plans]

    by_flag = planned("--base", BASE)
    assert planned(SHRINKWRAP_BASE=BASE) == by_flag
    assert planned("--base", BASE, SHRINKWRAP_BASE="other:1") == by_flag
    assert planned(SHRINKWRAP_BASE="") == planned() != by_flag
    listed = json.loads(clone.image("list", "--json", SHRINKWRAP_BASE=BASE).stdout)
    assert [row["fingerprint"] for row in listed] == [fingerprint for _, fingerprint in by_flag]

    def env(*words: str, **environment: str) -> Any:
        return json.loads(clone.invoke(*words, SHRINKWRAP_BASE=BASE, **environment).stdout)

    described = env("env.list", "--json")
    assert [(each["base"], each["fingerprint"]) for each in described.values()] == by_flag
    shown = env("env.show", "small", "--json")
    assert (shown["base"], shown["fingerprint"]) == by_flag[0]
    jobs = env("env.matrix")["include"]
    assert [(job["base"], job["fingerprint"]) for job in jobs] == by_flag
    assert env("env.sbom", "small")["metadata"]["component"]["version"] == by_flag[0][1]
    clone.commit("Another base")
    text = (clone.root / "pyproject.toml").read_text()
    (clone.root / "pyproject.toml").write_text(text.replace("nowhere.example/base:1", "nowhere.example/base:2"))
    assert env("env.diff", "--json")["must_build"] == env("env.matrix", "--changed-since", "HEAD")["include"] == []
    assert json.loads(clone.invoke("env.diff", "--json").stdout)["must_build"] == ["small", "small-more"]
    for command in ("test", "size", "run"):
        refused = clone.image(command, "small", check=False, SHRINKWRAP_BASE=BASE)
        assert f"small is not local as env-{by_flag[0][1]};" in refused.stderr


def test_adding_a_package_rebuilds_only_images_with_it(clone: Clone) -> None:
    """A package that is added to a group makes its images stale until they are built; the others keep their digest."""
    clone.write_images(*SMALL)
    clone.commit("No registry")
    before = clone.build()
    digests = [digest_of(image["reference"]) for image in before]
    locked = clone.invoke("env.lock", "--add", "tabulate", "--group", "bench", check=False)
    if locked.returncode:
        pytest.fail(locked.stderr)
    clone.commit("Add tabulate to bench")
    listed = {row["name"]: (row["state"], row["drift"]) for row in json.loads(clone.image("list", "--json").stdout)}
    assert listed["small"] == ("current", [])
    state, (phrase,) = listed["small-more"]
    assert state == "stale" and re.fullmatch(r"tabulate [\d.]+ is missing", phrase)
    after = clone.build()
    assert [image["needs_build"] for image in after] == [False, True]
    assert digest_of(after[0]["reference"]) == digests[0]
    assert "tabulate" in after[1]["test"]["package_bytes"]


def test_two_clean_builds_have_one_digest(clone: Clone) -> None:
    """Two builds without a cache, of the image, its parents and the tooling, produce the same image."""
    result = clone.image("reproduce", "small-more")
    assert result.stdout.startswith("small-more: two builds produced the same image, sha256:")


def test_another_clone_builds_the_same_digest(built: list[dict[str, Any]], clone: Clone, tmp_path: Path) -> None:
    """The bytes of an image do not depend on the folder, umask, certificates or password of its build.

    The folder of the second build is a linked working tree with a space in its name.
    """
    elsewhere = tmp_path / "a linked tree"
    revision = built[0]["labels"]["org.opencontainers.image.revision"]
    clone.run(*("sh", "-c", 'umask 077 && git worktree add --quiet --detach "$@"', "sh", str(elsewhere), revision))
    certificates = tmp_path / "certificates.crt"
    certificates.write_text(Path("/etc/ssl/certs/ca-certificates.crt").read_text() + "# other bytes\n")
    settings = {"SSL_CERT_FILE": str(certificates)}
    if index := package_index(clone.root):
        settings["UV_DEFAULT_INDEX"] = index.replace("://", "://user:password@")  # pragma: allowlist secret
    again = Clone(elsewhere, clone.project).run(
        *("sh", "-c", f"umask 077; {shlex.quote(sys.executable)} -m invoke image.build --no-cache --json"), **settings
    )
    assert [image["digest"] for image in json.loads(again.stdout)["images"]] == [image["digest"] for image in built]


def test_models_from_a_fresh_clone(engine: None, tmp_path: Path) -> None:
    """`invoke image.build --group models` builds, tests and tags our real image, and image.run runs a command in it."""
    clone = make_clone(tmp_path, f"e2e-models-{time.time_ns()}")
    text = (ROOT / "pyproject.toml").read_text("utf-8").replace('name = "shrinkwrap"', f'name = "{clone.project}"')
    # Other names, so that the user's own images do not change.
    text = text.replace("tool.env-spec.images.jupyter-", "tool.env-spec.images.e2e-")
    text = text.replace('parent = "jupyter-', 'parent = "e2e-').replace('image = "jupyter-', 'image = "e2e-')
    (tmp_path / "pyproject.toml").write_text(text)
    clone.commit("All of it")
    try:
        built = clone.invoke("image.build", "--group", "models", "--base", BASE)
        assert "e2e-notebook-models: built as " in built.stdout
        for line in ("kernel: python3 runs a cell", "jupyter: answers after", "packages: all", "user: user id 1000"):
            assert f"ok   {line}" in built.stdout
        code = "python -c 'import sklearn, sys; print(sys.prefix)'"
        words = ["image.run", "e2e-notebook-models", "--base", BASE, "--command", code]
        assert clone.invoke(*words).stdout == "/opt/venv\n"
    finally:
        clone.image("clean")


def test_the_context_is_small_and_has_nothing_private(engine: None, tmp_path: Path) -> None:
    """A build reads less than 4 MB of a repository with data, secrets and environments, and none of these."""
    clone = make_clone(tmp_path / "clone", "e2e-context")
    clone.write_images(*SMALL)
    private = [".env", "data/raw/x.csv", "notebooks/x.ipynb", "packages/env-spec/.env.local", "images/notebook/.env"]
    for name in private:
        (clone.root / name).parent.mkdir(parents=True, exist_ok=True)
        (clone.root / name).write_bytes(bytes(3_000_000))
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM scratch\nCOPY . /\n")
    for name, root in (("clone", clone.root), ("this", ROOT)):
        seen = tmp_path / "seen" / name
        output = f"type=local,dest={seen}"
        docker("buildx", "build", "--quiet", "--output", output, "--file", str(dockerfile), str(root))
        files = [path for path in seen.rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in files) < 4_000_000
        assert {path.name for path in seen.iterdir()} == {
            *("images", "packages", "poetry.lock", "pyproject.toml", "tools-requirements.txt")
        }
        assert [path for path in files if path.name.startswith(".env")] == []


def test_a_plain_docker_build_works(engine: None, tmp_path: Path) -> None:
    """Plain `docker build` with POETRY_INSTALL_GROUP builds an image."""
    clone = make_clone(tmp_path, "e2e-plain")
    clone.write_images(*SMALL)
    arguments = ["--build-arg", "POETRY_INSTALL_GROUP=test", "--build-arg", f"BASE_IMAGE={BASE}"]
    secret = ["--secret", "id=ca,src=/etc/ssl/certs/ca-certificates.crt"]
    command = ["docker", "build", "--progress=plain", *arguments, *secret, "--tag", "e2e-plain:test"]
    clone.run(*command, "-f", "images/notebook/Dockerfile", ".")
    try:
        assert docker("run", "--rm", "e2e-plain:test", "python", "-c", "import pytest; print('imported')") == "imported"
    finally:
        docker("image", "rm", "e2e-plain:test")
