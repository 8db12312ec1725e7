"""Results of notebooks, which notebooks/dvc.lock records: data.push, data.check, data.status and data.gc."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from .conftest import Share
from .tracked import Project

NAMES = ("eda", "model")


def record(project: Project, *names: str, stages: tuple[str, ...] | None = None) -> None:
    """Write the results of notebooks, and both files that `invoke run` writes; metrics are files of git."""
    locked, defined = {}, {}
    for name in names:
        page, metrics = f"page of {name}".encode(), f'{{"mae": {len(name)}}}'.encode()
        folder = project.root / "notebooks/out" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.html").write_bytes(page)
        entries = json.dumps([{"md5": project.keep(page), "relpath": f"{name}.html"}]).encode()
        metrics_file = project.root / f"notebooks/metrics/{name}.json"
        metrics_file.parent.mkdir(exist_ok=True)
        metrics_file.write_bytes(metrics)
        out = {"path": f"out/{name}", "hash": "md5", "md5": project.keep(entries, suffix=".dir"), "nfiles": 1}
        metrics_md5 = hashlib.md5(metrics, usedforsecurity=False).hexdigest()
        outs = [{"path": f"metrics/{name}.json", "hash": "md5", "md5": metrics_md5, "size": len(metrics)}]
        locked[name] = {"cmd": "true", "outs": [*outs, {**out, "size": len(page)}]}
    for name in names if stages is None else stages:
        metrics_of = [{f"metrics/{name}.json": {"cache": False}}]
        defined[name] = {"cmd": "true", "outs": [f"out/{name}"], "metrics": metrics_of}
    folder = project.root / "notebooks"
    (folder / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": locked}))
    (folder / "dvc.yaml").write_text(json.dumps({"stages": defined}))
    (project.root / ".gitignore").write_text("/data/raw/\n/remote/\n/notebooks/out/\n")


def missing(share: Share) -> Any:
    found = json.loads(share("check", "--json").out)["missing_on_remote"]
    return {each["dataset"]: each["files"] for each in found}


@pytest.fixture
def results(project: Project, share: Share) -> list[str]:
    """Both notebooks with recorded and pushed results; the objects on the remote that only they need."""
    share("push")
    before = set(project.objects())
    record(project, *NAMES)
    assert share("push", "--dataset", "notebooks/out/eda", "--dataset", "notebooks/out/model").code == 0
    project.commit("Results")
    return sorted(set(project.objects()) - before)


def test_check_expects_results_on_the_remote(project: Project, share: Share, results: list[str]) -> None:
    """A list and a page of each notebook are checked; the metrics, which git has, are not."""
    assert len(results) == 4
    assert share("check").out == f"the working tree: all 9 objects of its data are on {project.remote}\n"
    for oid in results:
        project.on_remote(oid).unlink()
    assert missing(share) == {
        f"notebooks/out/{name}": [f"notebooks/out/{name}", f"notebooks/out/{name}/{name}.html"] for name in NAMES
    }


def test_a_removed_notebook_needs_nothing(project: Project, share: Share, results: list[str]) -> None:
    """DVC leaves the record of a stage that no longer exists; neither its results nor its metrics are missing."""
    record(project, *NAMES, stages=("model",))
    for oid in results:
        project.on_remote(oid).unlink()
    assert set(missing(share)) == {"notebooks/out/model"}
    plan = json.loads(share("push", "--plan", "--json").out)["plan"]
    assert [dataset["name"] for dataset in plan["datasets"] if dataset["files"]] == ["notebooks/out/model"]


def test_status_has_a_line_for_each_notebook(project: Project, share: Share, results: list[str]) -> None:
    """Results are compared with the working tree and with the remote, like datasets."""
    project.on_remote(project.keep(b"page of model")).unlink()
    (project.root / "notebooks/out/eda/eda.html").write_bytes(b"edited")
    (project.root / "notebooks/out/model/new.csv").write_bytes(b"new")
    assert share("status").out == (
        "climate: up to date, locally and on the remote 'box'\n"
        "traffic: up to date, locally and on the remote 'box'\n"
        "notebooks/out/eda:\n"
        "  different from its record: notebooks/out/eda/eda.html\n"
        "notebooks/out/model:\n"
        "  not recorded: notebooks/out/model/new.csv\n"
        "  missing on the remote 'box': all files (`invoke data.push`)\n"
    )


def test_garbage_is_not_what_a_notebook_needs(project: Project, share: Share, results: list[str]) -> None:
    """data.gc keeps the results that a branch records, and removes those that no commit does."""

    def garbage() -> list[str]:
        return sorted(json.loads(share("gc", "--plan", "--json", "--days", "0").out)["plan"]["objects"])

    assert garbage() == []
    project.git("branch", "with-both")
    project.git("reset", "--quiet", "--hard", "main~1")
    record(project, "model")
    project.commit("One notebook")
    assert garbage() == []
    project.git("branch", "--quiet", "-D", "with-both")
    page = project.keep(b"page of eda")
    (of_list,) = set(garbage()) - {page}
    assert garbage() == sorted([page, of_list]) and of_list in results
    assert share("gc", "--yes", "--days", "0").code == 0
    assert set(results) - set(project.objects()) == {page, of_list}
    assert share("check").code == 0
