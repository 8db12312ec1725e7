"""A capsule is frozen in one clone and reproduced in another by another user; differences are explained."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest

GIT = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org")
PART = "data/raw/parquet/pems/detector/d12_text_station_5min_2024_01_01.parquet"
LOAD = """\
import importlib.metadata
from experiment import load
speeds = load('pems-detector', columns=['station', 'speed'])"""
CELLS = (
    "# parameters\nwindow = 3",
    LOAD,
    "speeds.describe()",
    "print(f'mean {speeds.speed.mean():.6f} of {len(speeds):,} rows, window {window}')",
    "print('pyparsing', importlib.metadata.version('pyparsing'))",
    "import matplotlib.pyplot as plt\nplt.figure(figsize=(4, 2))\nplt.hist(speeds.speed.dropna(), bins=20);",
    "object()",
)
# Another version of one small package, for the lock.
WHEEL = "sha256:91d0fcde680d42cd031daf3a6ba20da3107e08a75de50da58360e7d94ab24d36"
OLDER = f"""\
version = "3.2.4"
description = "pyparsing module - Classes and methods to define and execute parsing grammars"
optional = false
python-versions = ">=3.9"
groups = ["notebook", "ops"]
files = [
    {{file = "pyparsing-3.2.4-py3-none-any.whl", hash = "{WHEEL}"}},
]
"""


@dataclass(frozen=True, kw_only=True)
class Clones:
    """The clone in which the notebook was frozen, and the clone of another user; both use the first one's remote.

    Both are of the class `Project` of conftest.py.

    Attributes:
        report: Output of the freeze.
    """

    first: Any
    second: Any
    report: str


@pytest.fixture(scope="module")
def clones(project: Any, images: dict[str, str]) -> Iterator[Clones]:
    """Both clones; the second one was made after the capsule was committed, and has no data yet."""
    home = Path(tempfile.mkdtemp(prefix="capsules-"))
    home.chmod(0o755)
    first = type(project)(home / "first" / "a clone", uid=project.uid, gid=project.gid)
    is_root = os.getuid() == 0
    other = (4321, 4321) if is_root else (project.uid, project.gid)
    second = _with_a_name(project)(home / "second" / "clone", uid=other[0], gid=other[1])
    try:
        _copy(project, first)
        first.write_notebook("frozen", *CELLS, datasets=["pems-detector"], parameters={"window": 3})
        first.run(sys.executable, "-m", "invoke", "data.sample", "--size=2MB", "--dataset=pems-detector")
        first.run(sys.executable, "-m", "invoke", "data.compress", "--dataset=pems-detector")
        commit(first, "A notebook, and its data")
        first.run(sys.executable, "-m", "invoke", "data.push")
        report = first.notebook("freeze", "frozen").stdout
        commit(first, "Its capsule")
        second.root.parent.mkdir()
        os.chown(second.root.parent, first.uid, first.gid)
        first.run("git", "clone", "--quiet", str(first.root), str(second.root))
        (second.root / ".shrinkwrap").mkdir()
        own(second)
        second.write(".dvc/config.local", f"['remote \"local\"']\n    url = {first.root}/data/remote\n")
        yield Clones(first=first, second=second, report=report)
    finally:
        if second.root.exists():
            second.run(sys.executable, "-m", "invoke", "image.clean", check=False)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def with_data(clones: Clones) -> Any:
    """The second clone, with the data of its commit in its working tree."""
    clones.second.run(sys.executable, "-m", "invoke", "data.pull", "--dataset", "pems-detector")
    return clones.second


def _with_a_name(project: Any) -> Any:
    """A class of clones whose user need not be in /etc/passwd: DVC requests a user name."""

    class Named(type(project)):  # type: ignore[misc]
        def environment(self, **changes: str) -> dict[str, str]:
            environment: dict[str, str] = super().environment(LOGNAME="other", **changes)
            return environment

    return Named


def _copy(project: Any, target: Any) -> None:
    """Copy the project's commit as a separate repository, with a separate name for the images that it builds."""
    target.root.parent.mkdir()
    os.chown(target.root.parent, project.uid, project.gid)
    project.run("git", "clone", "--quiet", str(project.root), str(target.root))
    text = (target.root / "pyproject.toml").read_text("utf-8")
    target.write(
        "pyproject.toml",
        re.sub(r'^name = ".+"', f'name = "e2e-{target.root.parent.parent.name}"', text, count=1, flags=re.M),
    )
    target.run("git", "remote", "remove", "origin")
    (target.root / ".shrinkwrap").mkdir()
    own(target)


def own(project: Any) -> None:
    """Make all files of a clone belong to its user."""
    subprocess.run(["chown", "-R", f"{project.uid}:{project.gid}", project.root.parent], check=True)


def commit(project: Any, message: str) -> None:
    project.run(*GIT, "add", "--all")
    project.run(*GIT, "commit", "--quiet", "-m", message)


def restore(project: Any) -> None:
    """Restore the clone to its commit, except for data."""
    project.run("git", "reset", "--quiet", "--hard", "origin/main")
    project.run("git", "clean", "--quiet", "-d", "--force")


def left_behind(project: Any) -> list[str]:
    """Containers and checkouts that a run has left behind."""
    found = subprocess.run(
        ["docker", "ps", "--all", "--quiet", "--filter=label=io.shrinkwrap.notebook=frozen"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [*found, *(str(path) for path in (project.root / ".shrinkwrap/checkouts").glob("*"))]


@contextmanager
def changed(project: Any, name: str, text: str) -> Iterator[None]:
    """Change the text of a file of a clone for the duration of the block."""
    path = project.root / name
    before = path.read_bytes() if path.exists() else None
    try:
        project.write(name, text)
        yield
    finally:
        path.unlink()
        if before is not None:
            path.write_bytes(before)
            os.chown(path, project.uid, project.gid)


def capsule(project: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((project.root / "notebooks/capsules/frozen.json").read_text("utf-8"))
    return document


def test_freeze_writes_a_small_record_and_keeps_the_outputs(clones: Clones) -> None:
    """Commit, hashes of parts, and digest of the image are those of git, DVC and the engine."""
    first, found = clones.first, capsule(clones.first)
    assert "7 cells, 5 outputs" in clones.report and "push it with the capsule" in clones.report
    assert found["commit"] == first.run("git", "rev-parse", "HEAD~1").stdout.strip()
    listed = first.run("git", "ls-files", "notebooks/capsules").stdout.split()
    assert sum((first.root / name).stat().st_size for name in listed) < 100_000
    (folder,) = re.findall(r"md5: (\w+)\.dir", (first.root / "data/dvc.lock").read_text("utf-8"))[-1:]
    entries = json.loads((first.root / f".dvc/cache/files/md5/{folder[:2]}/{folder[2:]}.dir").read_text("utf-8"))
    assert found["data"]["pems-detector"]["parts"] == {entry["relpath"]: entry["md5"] for entry in entries}
    image = subprocess.run(
        ["docker", "image", "inspect", "--format={{.Id}}", found["image"]["reference"]], capture_output=True, text=True
    )
    assert found["image"]["digest"] == image.stdout.strip()
    assert [cell["id"] for cell in found["cells"]] == [f"cell-{number}" for number in range(1, 8)]
    assert left_behind(first) == []


def test_missing_data_is_an_error_that_names_the_parts(clones: Clones) -> None:
    """The parts are neither in a cache nor on the remote."""
    settings = "['remote \"local\"']\n    url = ../nowhere\n[cache]\n    dir = ../no-cache\n"
    with changed(clones.second, ".dvc/config.local", settings):
        result = clones.second.notebook("reproduce", "frozen", check=False)
    shutil.rmtree(clones.second.root / "no-cache", ignore_errors=True)
    assert result.returncode == 1
    assert "of the data cannot be pulled: neither the cache of this machine nor the remote has them." in result.stderr
    assert f"  pems-detector/{Path(PART).name}\n" in result.stderr
    assert left_behind(clones.second) == []


def test_another_user_gets_the_same_results(clones: Clones) -> None:
    """Their clone has no data; every output is equal, and the run leaves nothing behind."""
    second = clones.second
    result = second.notebook("reproduce", "frozen", check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith("frozen has the same results: 5 outputs equal\n")
    assert "cell 7 (cell-7): 1 × memory address" in result.stdout
    assert "The image is identical: sha256:" in result.stdout
    out = second.root / "notebooks/out/frozen"
    assert {path.stat().st_uid for path in [out, *out.rglob("*")]} == {second.uid}
    assert second.run("git", "status", "--porcelain").stdout == ""
    assert left_behind(second) == []


def test_changed_cell_is_the_culprit(with_data: Any) -> None:
    """The working tree is run; the report shows the edit and how each output differs."""
    second = with_data
    path = second.root / "notebooks/frozen.ipynb"
    edited = path.read_text("utf-8").replace("columns=['station', 'speed'])", "columns=['station', 'speed']).head(999)")
    with changed(second, "notebooks/frozen.ipynb", edited):
        result = second.notebook("reproduce", "frozen", "--here", check=False)
        planned = second.notebook("capsules", "--changed-since", "HEAD").stdout
        refused = second.notebook("freeze", "frozen", check=False)
    assert result.returncode == 1, result.stderr
    assert "frozen has other results: 3 of 7 cells differ\n  Culprit: cell 2 (cell-2) was changed\n" in result.stdout
    assert re.search(r"\+speeds = load\(.*\.head\(999\)", result.stdout)
    assert re.search(r"count, speed: [\d.]+ → [\d.]+  -", result.stdout)
    assert "output 1, a picture: " in result.stdout
    page = (second.root / "notebooks/out/frozen/reproduction.html").read_text("utf-8")
    assert page.count("data:image/png;base64,") in (2, 3)
    assert json.loads(planned) == {"include": [{"notebook": "frozen", "why": "notebooks/frozen.ipynb"}]}
    assert refused.returncode == 2
    assert "some of its inputs are not committed:\n  notebooks/frozen.ipynb (changed)\n" in refused.stderr


def test_changed_part_is_the_culprit(with_data: Any) -> None:
    """One column of one part has other values; the report names the part and the cells that differ."""
    second = with_data
    part, md5 = second.root / PART, capsule(second)["data"]["pems-detector"]["parts"][Path(PART).name]
    table = parquet.read_table(part)
    speeds = [speed and speed + 1 for speed in table.column("speed").to_pylist()]
    names = table.schema.names
    changed_table = table.set_column(names.index("speed"), table.schema.field("speed"), [speeds])
    kept = part.read_bytes()
    part.unlink()
    parquet.write_table(changed_table, part)
    try:
        result = second.notebook("reproduce", "frozen", "--here", "--json", check=False)
    finally:
        part.unlink()
        part.write_bytes(kept)
        own(second)
    assert result.returncode == 1, result.stderr
    found = json.loads(result.stdout)
    assert found["culprit"]["sentence"] == f"data pems-detector/{Path(PART).name} was changed"
    assert found["culprit"]["recorded"] == md5
    assert [cell["id"] for cell in found["cells"]] == ["cell-3", "cell-4", "cell-6"]


def test_a_cell_that_fails_is_the_culprit(with_data: Any) -> None:
    """The report shows the failure, and does not list later cells."""
    second = with_data
    path = second.root / "notebooks/frozen.ipynb"
    broken = path.read_text("utf-8").replace("speeds.describe()", "speeds.describ()")
    with changed(second, "notebooks/frozen.ipynb", broken):
        result = second.notebook("reproduce", "frozen", "--here", check=False)
    assert result.returncode == 1
    assert result.stdout.startswith("frozen no longer runs to its end\n  Culprit: cell 3 (cell-3) was changed\n")
    assert "has no attribute 'describ'" in result.stdout
    assert "Cell 4" not in result.stdout


def test_changed_package_is_the_culprit_and_a_lost_image_is_rebuilt(with_data: Any) -> None:
    """Another version in the lock means another image and another output; a lost image is built from its commit."""
    second = with_data
    lock = (second.root / "poetry.lock").read_text("utf-8")
    older, count = re.subn(r'(?<=name = "pyparsing"\n)version = (?:.*\n)*?\]\n', OLDER, lock, count=1)
    assert count == 1
    (before,) = re.findall(r'name = "pyparsing"\nversion = "(.+)"', lock)
    try:
        second.write("poetry.lock", older)
        commit(second, "An older package")
        result = second.notebook("reproduce", "frozen", "--here", check=False)
        assert result.returncode == 1, result.stderr
        assert f"  Culprit: package pyparsing: {before} → 3.2.4\n" in result.stdout
        assert "1 of 7 cells differs" in result.stdout and "Cell 5 (cell-5)" in result.stdout

        planned = second.notebook("capsules", "--changed-since", "origin/main").stdout
        assert json.loads(planned) == {"include": [{"notebook": "frozen", "why": "image jupyter-notebook"}]}

        second.notebook("freeze", "frozen")
        reference = capsule(second)["image"]["reference"]
        subprocess.run(["docker", "image", "rm", reference], capture_output=True, check=True)
        names = subprocess.run(
            ["docker", "image", "ls", "--format={{.Repository}}:{{.Tag}}"], capture_output=True, text=True
        )
        assert reference not in names.stdout.split()
        again = second.notebook("reproduce", "frozen", check=False)
        assert again.returncode == 0, again.stdout + again.stderr
        # An image has a label with its commit, so only a build of that commit has the same digest.
        assert "The image was rebuilt from the commit, and its digest is the same: sha256:" in again.stdout
    finally:
        restore(second)


def test_an_image_that_was_built_before_its_commit_is_not_built_again(with_data: Any) -> None:
    """An input is changed, the image is built, the change is committed: the notebook is frozen with that image."""
    second, name = with_data, "images/notebook/Dockerfile"
    try:
        second.write(name, f"{(second.root / name).read_text('utf-8')}# Another line.\n")
        built = json.loads(second.run(sys.executable, "-m", "invoke", "image.get", "jupyter-notebook", "--json").stdout)
        commit(second, "Another line")
        report = second.notebook("freeze", "frozen").stdout
        found, head = capsule(second), second.run("git", "rev-parse", "HEAD").stdout.strip()
        assert "--force" not in report and "was built from the same files before commit" in report
        assert (found["image"]["reference"], found["image"]["digest"]) == (built["reference"], built["digest"])
        assert found["image"]["commit"] == found["commit"] == head
    finally:
        restore(second)


def test_a_capsule_is_reproduced_in_the_other_place(with_data: Any) -> None:
    """Frozen in a container and reproduced locally, and the reverse: all results are equal, or the cause is named."""
    second = with_data
    try:
        local = second.notebook("reproduce", "frozen", "--local", check=False)
        assert local.returncode == 0, local.stdout + local.stderr
        assert "in a local environment; the capsule was frozen in a container of its image." in local.stdout
        second.notebook("freeze", "frozen", "--local")
        assert capsule(second)["place"] == "local"
        docker = second.notebook("reproduce", "frozen", "--docker", "--json", check=False)
        found = json.loads(docker.stdout)
        assert docker.returncode == 0 and found["equal"], docker.stdout + docker.stderr
        named = [(each["kind"], each["name"]) for each in found["inputs"]]
        assert ("place", "of the run") in named and set(named) <= {("package", "python"), ("place", "of the run")}
    finally:
        restore(second)


def test_a_missing_commit_is_an_error_with_the_command_that_fetches_it(clones: Clones) -> None:
    """The commit of the capsule was never pushed."""
    document = {**capsule(clones.second), "commit": "1" * 40}
    with changed(clones.second, "elsewhere.json", json.dumps(document)):
        result = clones.second.notebook("reproduce", "elsewhere.json", check=False)
    assert result.returncode == 1
    assert "no commit 111111111111" in result.stderr and "git fetch --all" in result.stderr


def test_an_invalid_capsule_is_reported_with_every_mistake(clones: Clones) -> None:
    """An unknown name gets the nearest one."""
    document = {**capsule(clones.second), "commit": "main"}
    with changed(clones.second, "elsewhere.json", json.dumps(document)):
        result = clones.second.notebook("reproduce", "elsewhere.json", check=False)
    assert result.returncode == 2 and "$.commit: 'main' does not match" in result.stderr
    unknown = clones.second.notebook("reproduce", "frozn", check=False)
    assert unknown.returncode == 2 and "did you mean 'frozen'?" in unknown.stderr


def test_committed_outputs_are_refused(clones: Clones) -> None:
    """Outputs belong in the capsule."""
    second = clones.second
    path = second.root / "notebooks/frozen.ipynb"
    stream = [{"output_type": "stream", "name": "stdout", "text": "mean"}]
    document = json.loads(path.read_text("utf-8"))
    document["cells"][3]["outputs"] = stream
    try:
        second.write("notebooks/frozen.ipynb", json.dumps(document))
        commit(second, "With outputs")
        result = second.notebook("freeze", "frozen", check=False)
    finally:
        restore(second)
    assert result.returncode == 2
    assert "was committed with outputs (cells cell-4)" in result.stderr and "nbstripout" in result.stderr


def test_without_an_engine_the_error_names_what_to_start(clones: Clones) -> None:
    """The address that was tried is in the error."""
    result = clones.second.notebook("reproduce", "frozen", check=False, DOCKER_HOST="unix:///nowhere/docker.sock")
    assert result.returncode == 1
    assert "no Docker Engine answers at unix:///nowhere/docker.sock" in result.stderr


def test_an_interrupted_reproduction_leaves_nothing_behind(clones: Clones) -> None:
    """After Ctrl-C while a cell runs there is no container and no checkout; the exit code is 130."""
    second = clones.second
    process = subprocess.Popen(
        second.command(*second.notebook_command("reproduce", "frozen")),
        cwd=second.root,
        env=second.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    for line in process.stderr:
        if line.startswith("[1/"):
            break
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=60)
    assert process.returncode == 130, rest
    assert "interrupted" in rest[1] and "Traceback" not in rest[1]
    deadline = time.monotonic() + 20
    while left_behind(second) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left_behind(second) == []


def test_a_full_disk_is_an_error(clones: Clones) -> None:
    """The folder for results has no space for the executed notebook and its page."""
    if os.getuid() != 0:
        pytest.skip("only root may mount a small disk")
    second = clones.second
    out = second.root / "notebooks/out/frozen"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,mode=777", "tmpfs", out], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine does not allow the mount of a small disk")
    try:
        result = second.notebook("reproduce", "frozen", check=False)
    finally:
        subprocess.run(["umount", out], check=True)
    assert result.returncode == 1
    assert "no space" in result.stderr.lower() and "Traceback" not in result.stderr
    assert left_behind(second) == []
