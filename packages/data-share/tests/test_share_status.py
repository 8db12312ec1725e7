"""data.status: what changed, what is missing locally, and what the remote does not have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from data_share.checks.status import DatasetStatus, dataset_text
from data_share.repository.dvc import changed_inputs
from data_share.repository.processes import CommandResult
from data_share.repository.repository import Repository

from .conftest import Share
from .tracked import Project


def datasets(result: Any) -> Any:
    assert result.code == 0, result.err
    return {each["name"]: each for each in json.loads(result.out)["datasets"]}


def test_datasets_are_up_to_date(project: Project, share: Share) -> None:
    """A dataset without anything to do has one line."""
    share("push")
    result = share("status")
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "climate: up to date, locally and on the remote 'box'\ntraffic: up to date, locally and on the remote 'box'\n"
    )


def test_data_are_missing_on_the_remote(project: Project, share: Share) -> None:
    """Data that were not pushed are missing on the remote; the line names the command that uploads them."""
    share("push", "--dataset", "climate")
    result = share("status")
    assert result.out == (
        "climate: up to date, locally and on the remote 'box'\n"
        "traffic:\n"
        "  missing on the remote 'box': all files (`invoke data.push`)\n"
    )
    assert len(datasets(share("status", "--json"))["traffic"]["missing_on_remote"]) == 2


def test_files_differ_from_their_record(project: Project, share: Share) -> None:
    """Missing, changed and untracked files are distinguished."""
    share("push")
    folder = project.root / "data/raw/parquet"
    (folder / "climate/2023.parquet").unlink()
    (folder / "climate/2024.parquet").unlink()
    (folder / "climate/2024.parquet").write_bytes(b"other")
    (folder / "traffic/mine.txt").write_bytes(b"mine")
    assert share("status").out == (
        "climate:\n"
        "  missing locally: data/raw/parquet/climate/2023.parquet (`invoke data.pull`)\n"
        "  different from its record: data/raw/parquet/climate/2024.parquet\n"
        "traffic:\n"
        "  not recorded: data/raw/parquet/traffic/mine.txt\n"
    )
    assert datasets(share("status", "--dataset", "climate", "--json")) == {
        "climate": {
            "name": "climate",
            "recorded": True,
            "changed_inputs": [],
            "files": 2,
            "missing_locally": ["data/raw/parquet/climate/2023.parquet"],
            "changed": ["data/raw/parquet/climate/2024.parquet"],
            "untracked": [],
            "missing_on_remote": [],
            "damaged_on_remote": [],
        }
    }


def test_all_files_are_missing_in_a_fresh_clone(project: Project, share: Share) -> None:
    """On a machine without data, all files are missing locally; nothing is downloaded to find that out."""
    share("push")
    project.forget()
    assert (
        share("status", "--dataset", "climate").out == "climate:\n  missing locally: all files (`invoke data.pull`)\n"
    )
    assert not (project.root / ".dvc/cache/files").exists()


def test_changed_inputs_are_named(project: Project, share: Share) -> None:
    """Inputs that changed since the record are named; raw data that are not local are not a change."""
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
    result = share("status")
    assert result.out == (
        "climate:\n"
        "  changed since the last data.compress (run it again): data/raw/csv/climate, its command in dvc.yaml\n"
        "traffic: up to date, locally and on the remote 'box'\n"
        "new: raw data, not compressed yet (`invoke data.compress`)\n"
    )
    assert list(datasets(share("status", "--dataset", "new", "--json"))) == ["new"]


def test_the_local_status_needs_no_remote(project: Project, share: Share) -> None:
    """If the remote cannot be asked, the local status is printed first, then the error."""
    share("push")
    result = share("status", "--remote", "bx")
    assert (result.code, result.out) == (2, "climate: up to date\ntraffic: up to date\n")
    assert result.err.startswith("error: unknown remote 'bx'; did you mean 'box'?")
    document = json.loads(share("status", "--remote", "bx", "--json").out)
    assert (document["error"].partition(";")[0], len(document["datasets"])) == ("unknown remote 'bx'", 2)
    assert document["datasets"][0]["missing_on_remote"] is None


@pytest.mark.parametrize("command", ["push", "status"])
def test_an_unknown_dataset_is_refused(share: Share, command: str) -> None:
    """The error for a name that is not recorded has the nearest one."""
    result = share(command, "--dataset", "climat")
    assert (result.code, "did you mean 'climate'" in result.err) == (2, True)


def test_a_status_without_records_is_refused(project: Project, share: Share) -> None:
    """Without any record, data.status exits with 2."""
    for name in ("dvc.lock", "dvc.yaml"):
        (project.root / "data" / name).unlink()
    result = share("status")
    assert (result.code, "data/dvc.lock records no dataset" in result.err) == (2, True)


def test_a_failure_of_dvc_is_reported(project: Project, share: Share) -> None:
    """A failure of DVC is an error without a traceback."""
    (project.root / "data/dvc.yaml").write_text("stages: {compress: {cmd: 7}}\n")
    result = share("status")
    assert result.code == 1
    assert result.err.startswith("error: DVC could not compare the datasets with their inputs:\n  ")
    assert "validation failed" in result.err and "Traceback" not in result.err


def test_some_missing_files_are_named() -> None:
    """Some missing files are named."""
    status = DatasetStatus(dataset="a", files=3, missing_on_remote=("folder", "b"))
    assert dataset_text(status, "box") == "a:\n  missing on the remote 'box': folder, b (`invoke data.push`)"


def test_many_files_are_counted() -> None:
    """Three files are named, the others counted."""
    status = DatasetStatus(dataset="a", files=9, changed=tuple("bcdef"))
    assert dataset_text(status, "box") == "a:\n  different from its record: b, c, d and 2 more"


def test_a_changed_parameter_names_its_table(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC reports a changed parameter as a table, which becomes one phrase."""
    changes = {"data/dvc.yaml:compress@climate": [{"changed deps": {"data/x.toml": {"datasets.climate": "modified"}}}]}
    result = CommandResult(exit_code=0, stdout=json.dumps(changes).encode(), stderr=b"")
    monkeypatch.setattr("data_share.repository.dvc.run_command", lambda *_, **__: result)
    assert changed_inputs(Repository(project.root)) == {"climate": ("datasets.climate in data/x.toml",)}
