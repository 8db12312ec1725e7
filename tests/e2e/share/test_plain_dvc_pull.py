"""Plain `dvc pull` in a fresh clone exits with 0 and places what is recorded, however many datasets are recorded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PYTHON = Path(sys.executable)
TABLE = '\n[datasets.{name}]\nsource = "raw/csv/{name} x"\noutput = "raw/parquet/{name} x"\ncolumns = [\n'
TABLE += '    {{ name = "n", type = "int8" }},\n]\n'
LIST = Path("data/recorded.yaml")


def call(words: Sequence[str], folder: Path, *, code: int = 0) -> str:
    path = os.pathsep.join([str(PYTHON.parent), os.environ["PATH"]])
    settings = {"DVC_NO_ANALYTICS": "1", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "PATH": path}
    settings |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"}
    result = subprocess.run(
        words, cwd=folder, env={**os.environ, **settings}, capture_output=True, text=True, check=False
    )
    assert result.returncode == code, f"{words}: {result.stdout}{result.stderr}"
    return result.stdout + result.stderr


def dvc(folder: Path, *words: str, code: int = 0) -> str:
    return call([str(PYTHON), "-m", "dvc", *words], folder, code=code)


def ours(folder: Path, *words: str, code: int = 0) -> str:
    return call([str(PYTHON.with_name("shrinkwrap")), *words], folder, code=code)


def git(folder: Path, *words: str) -> str:
    return call(["git", *words], folder)


def describe(folder: Path, *names: str) -> None:
    """Add datasets with raw files; only datasets.toml is edited."""
    for name in names:
        raw = folder / f"data/raw/csv/{name} x"
        raw.mkdir(parents=True)
        (raw / "a.csv").write_text("n\n1\n")
        with (folder / "data/datasets.toml").open("a") as file:
            file.write(TABLE.format(name=name))


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "data")


def pulled(folder: Path, target: Path) -> list[str]:
    """The Parquet that `dvc pull` places in a fresh clone."""
    git(folder, "clone", "--quiet", str(folder), str(target))
    # The default remote is a folder of the clone.
    if (folder / "data/remote").exists():
        shutil.copytree(folder / "data/remote", target / "data/remote")
    dvc(target, "pull")
    return sorted(path.parent.name for path in (target / "data").rglob("*.parquet"))


def test_plain_pull_places_what_is_recorded(clone: Path, tmp_path: Path) -> None:
    """With no, one, and several recorded datasets, removed ones and ones from two branches, the exit code is 0."""
    commit(clone)
    assert pulled(clone, tmp_path / "none") == []
    describe(clone, "one", "two")
    ours(clone, "data.compress", "--dataset", "one")
    ours(clone, "data.push")
    commit(clone)
    assert pulled(clone, tmp_path / "some of them") == ["one x"]
    assert "two: raw data, not compressed yet" in ours(clone, "data.status")

    base = git(clone, "rev-parse", "--abbrev-ref", "HEAD").strip()
    git(clone, "checkout", "--quiet", "-b", "other")
    describe(clone, "three")
    ours(clone, "data.compress", "--dataset", "three")
    ours(clone, "data.push")
    commit(clone)
    other = {name: (clone / name).read_text() for name in ("data/dvc.lock", "data/datasets.toml")}
    git(clone, "checkout", "--quiet", base)
    ours(clone, "data.compress", "--dataset", "two")
    ours(clone, "data.push")
    commit(clone)
    # The other branch's lock and description have one more dataset each at the end; both are merged by hand.
    call(["git", "merge", "other"], clone, code=1)
    assert str(LIST) not in git(clone, "diff", "--name-only", "--diff-filter=U")
    lock = git(clone, "show", "HEAD:data/dvc.lock")
    entry = other["data/dvc.lock"].partition("  compress@three:")[2].partition("\n  compress@")[0].rstrip("\n")
    (clone / "data/dvc.lock").write_text(f"{lock}  compress@three:{entry}\n")
    (clone / "data/datasets.toml").write_text(other["data/datasets.toml"])
    commit(clone)
    listed = [line.split('"')[1] for line in (clone / LIST).read_text().splitlines() if line.startswith('  "')]
    assert sorted(listed) == ["one", "three", "two"]
    assert pulled(clone, tmp_path / "all") == ["one x", "three x", "two x"]
    assert {"compress@one", "compress@two", "compress@three"} <= set(
        dvc(clone / "data", "dag").replace("|", " ").split()
    )
    dvc(clone, "repro", "data/dvc.yaml")
    assert "up to date" in dvc(clone, "status")

    text = (clone / "data/datasets.toml").read_text()
    (clone / "data/datasets.toml").write_text(text.replace(TABLE.format(name="two"), ""))
    ours(clone, "data.compress", "--dataset", "one")
    assert '"two"' not in (clone / LIST).read_text()
    commit(clone)
    assert pulled(clone, tmp_path / "removed") == ["one x", "three x"]
    dvc(clone, "repro", "data/dvc.yaml")


def test_other_folders_need_data_compress(clone: Path) -> None:
    """`dvc repro` refuses a stage whose folders are not those of the description; data.compress makes it again."""
    describe(clone, "moved")
    ours(clone, "data.compress", "--dataset", "moved")
    file = clone / "data/datasets.toml"
    file.write_text(file.read_text().replace('output = "raw/parquet/moved x"', 'output = "raw/parquet/elsewhere"'))
    assert "`invoke data.compress --dataset moved`" in dvc(clone, "repro", "data/dvc.yaml:compress@moved", code=255)
    assert not (clone / "data/raw/parquet/elsewhere").exists()
    ours(clone, "data.compress", "--dataset", "moved")
    assert (clone / "data/raw/parquet/elsewhere/a.parquet").exists()
    dvc(clone, "status", "data/dvc.yaml:compress@moved")


def test_a_failed_conversion_leaves_no_stage(clone: Path) -> None:
    """A dataset that was never converted successfully does not make `dvc pull` fail."""
    describe(clone, "wrong")
    (clone / "data/raw/csv/wrong x/a.csv").write_text("n\n1000\n")
    ours(clone, "data.compress", "--dataset", "wrong", code=2)
    assert '"wrong"' not in (clone / LIST).read_text()
