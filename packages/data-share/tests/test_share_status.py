"""data.status: what changed here, and what the remote lacks, dataset by dataset."""

from __future__ import annotations

import json
from typing import Any

import pytest

from data_share.repository import Repository
from data_share.status import DatasetStatus, status_text

from .conftest import Share
from .tracked import Project


def datasets(answer: Any) -> Any:
    assert answer.code == 0, answer.err
    return {each["name"]: each for each in json.loads(answer.out)["datasets"]}


def test_all_is_well(project: Project, share: Share) -> None:
    """What is as recorded, here and on the remote, is one line each."""
    share("push")
    answer = share("status")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == "climate: as recorded, here and on box\ntraffic: as recorded, here and on box\n"


def test_what_the_remote_lacks(project: Project, share: Share) -> None:
    """Before a push, what it would send is told, with the command that sends it."""
    share("push", "--dataset", "climate")
    answer = share("status")
    assert answer.out == (
        "climate: as recorded, here and on box\ntraffic:\n  nothing of it is on box (`invoke data.push`)\n"
    )
    assert len(datasets(share("status", "--json"))["traffic"]["remote_lacks"]) == 2


def test_what_is_not_here_as_recorded(project: Project, share: Share) -> None:
    """Files that are gone, that changed, and that no record has are told apart."""
    share("push")
    folder = project.root / "data/raw/parquet"
    (folder / "climate/2023.parquet").unlink()
    (folder / "climate/2024.parquet").unlink()
    (folder / "climate/2024.parquet").write_bytes(b"other")
    (folder / "traffic/mine.txt").write_bytes(b"mine")
    assert share("status").out == (
        "climate:\n"
        "  not here: data/raw/parquet/climate/2023.parquet (`invoke data.pull`)\n"
        "  not as recorded: data/raw/parquet/climate/2024.parquet\n"
        "traffic:\n"
        "  not recorded: data/raw/parquet/traffic/mine.txt\n"
    )
    assert datasets(share("status", "--dataset", "climate", "--json")) == {
        "climate": {
            "name": "climate",
            "recorded": True,
            "changed_inputs": [],
            "files": 2,
            "missing": ["data/raw/parquet/climate/2023.parquet"],
            "changed": ["data/raw/parquet/climate/2024.parquet"],
            "not_recorded": [],
            "remote_lacks": [],
        }
    }


def test_a_fresh_clone_has_nothing(project: Project, share: Share) -> None:
    """On a machine without data, one line says how to get them; nothing is fetched to say so."""
    share("push")
    project.forget()
    assert share("status", "--dataset", "climate").out == "climate:\n  nothing of it is here (`invoke data.pull`)\n"
    assert not (project.root / ".dvc/cache/files").exists()


def test_what_it_is_made_from(project: Project, share: Share) -> None:
    """Raw data and commands that changed since the record are named; raw data that are not here are no change."""
    share("push")
    lock = json.loads((project.root / "data/dvc.lock").read_text())
    definition = json.loads((project.root / "data/dvc.yaml").read_text())
    stage = definition["stages"]["compress"]
    stage["do"]["deps"] = ["raw/csv/${key}"]
    stage["foreach"]["new"] = {"output": "raw/parquet/new"}
    for name in ("climate", "traffic"):
        lock["stages"][f"compress@{name}"]["deps"] = [{"path": f"raw/csv/{name}", "hash": "md5", "md5": "1" * 32}]
    lock["stages"]["compress@climate"]["cmd"] = "another"
    (project.root / "data/dvc.yaml").write_text(json.dumps(definition))
    (project.root / "data/dvc.lock").write_text(json.dumps(lock))
    for name in ("climate", "new"):
        (project.root / "data/raw/csv").mkdir(exist_ok=True)
        (project.root / "data/raw/csv" / name).write_text("n\n1\n")
    answer = share("status")
    assert answer.out == (
        "climate:\n"
        "  changed since the last data.compress (run it again): data/raw/csv/climate, its command in dvc.yaml\n"
        "traffic: as recorded, here and on box\n"
        "new: raw data, not compressed yet (`invoke data.compress`)\n"
    )
    assert list(datasets(share("status", "--dataset", "new", "--json"))) == ["new"]


def test_without_a_remote_what_is_here_is_told(project: Project, share: Share) -> None:
    """If the remote cannot be asked, the half that is known comes first, then the error with its code."""
    share("push")
    answer = share("status", "--remote", "bx")
    assert (answer.code, answer.out) == (2, "climate: as recorded\ntraffic: as recorded\n")
    assert answer.err.startswith("error: there is no remote 'bx'; did you mean 'box'?")
    facts = json.loads(share("status", "--remote", "bx", "--json").out)
    assert (facts["error"].partition(";")[0], len(facts["datasets"])) == ("there is no remote 'bx'", 2)
    assert facts["datasets"][0]["remote_lacks"] is None


@pytest.mark.parametrize("command", ["push", "status"])
def test_an_unknown_dataset(share: Share, command: str) -> None:
    """A name that is recorded nowhere gets the nearest one."""
    answer = share(command, "--dataset", "climat")
    assert (answer.code, "did you mean 'climate'" in answer.err) == (2, True)


def test_nothing_is_recorded_yet(project: Project, share: Share) -> None:
    """Without any record there is no status."""
    for name in ("dvc.lock", "dvc.yaml"):
        (project.root / "data" / name).unlink()
    answer = share("status")
    assert (answer.code, "data/dvc.lock records no dataset" in answer.err) == (2, True)


def test_dvc_may_fail(project: Project, share: Share) -> None:
    """What keeps DVC from comparing is handed on, without a traceback."""
    (project.root / "data/dvc.yaml").write_text("stages: {compress: {cmd: 7}}\n")
    answer = share("status")
    assert answer.code == 1
    assert answer.err.startswith("error: DVC could not compare the datasets with what they were made from:\n  ")
    assert "validation failed" in answer.err and "Traceback" not in answer.err


def test_some_of_it_is_named() -> None:
    """A dataset of which the remote has a part names what is missing."""
    status = DatasetStatus(dataset="a", files=3, lacking=("folder", "b"))
    assert status_text(status, "box") == "a:\n  not on box: folder, b (`invoke data.push`)\n"


def test_many_files_are_counted() -> None:
    """Three are named, the others counted."""
    status = DatasetStatus(dataset="a", files=9, changed=tuple("bcdef"))
    assert status_text(status, "box") == "a:\n  not as recorded: b, c, d and 2 more\n"


def test_changes_of_parameters_name_the_table(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC tells of a table in a file as a table; it becomes one phrase."""
    import subprocess

    told = {"data/dvc.yaml:compress@climate": [{"changed deps": {"data/x.toml": {"datasets.climate": "modified"}}}]}
    answer = subprocess.CompletedProcess([], 0, json.dumps(told).encode(), b"")
    monkeypatch.setattr("data_share.repository._started", lambda *_, **__: answer)
    assert Repository(project.root).changed_inputs() == {"climate": ["datasets.climate in data/x.toml"]}
