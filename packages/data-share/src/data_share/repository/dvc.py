"""The work that is left to the program `dvc`: placing files in the working tree, and comparing stages with records."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from data_share.errors import FailedError
from data_share.records.outputs import STAGES_FILE, STAGES_NAME, dataset_of
from data_share.records.stage_list import listed_stages
from data_share.repository.processes import CommandResult, run_command
from data_share.repository.repository import Repository
from dataset_spec import read_datasets


class PlacingError(FailedError):
    """DVC could not place files, and did not report a reason."""


def place_files(repository: Repository, paths: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Place outputs, or single files of them, from the cache in the working tree.

    Raises:
        FailedError: DVC would overwrite files that are in no cache, or the system refuses.
    """
    result = _dvc(repository, "checkout", *paths, environment=environment)
    if result.exit_code == 0:
        return
    message = result.message
    if "No space left" in message:
        raise no_room()
    if "without confirmation" in message:
        prefix = f"{repository.root}/"
        files = [line.removeprefix(prefix) for line in message.splitlines() if line.startswith(prefix)]
        raise FailedError(
            "files in the working tree differ from what this commit records, and no cache has a copy of them:"
            + "".join(f"\n  {file}" for file in files)
            + "\n  Record them with `invoke data.compress`, or move them away, then run it again."
        )
    raise PlacingError(f"the data are in the cache, but DVC could not place them in the working tree:\n  {message}")


def no_room() -> FailedError:
    """The error for a disk that has no room for the working tree."""
    return FailedError(
        "the disk is full: the data are in the cache, but do not all fit into the working tree, too.\n"
        "  Make room (`invoke data.gc --local --days 0` removes what no branch needs), then run it again: it"
        " continues."
    )


def changed_inputs(repository: Repository) -> dict[str, tuple[str, ...] | None]:
    """The inputs of each dataset that changed since it was recorded; None for a dataset whose inputs are not local.

    Datasets with raw files or Parquet in a bucket are left out: DVC would ask the bucket's server.

    Raises:
        FailedError: DVC cannot compare them.
    """
    tables = read_datasets(repository.root)
    local = [name for name, table in tables.items() if not table.bucket_urls]
    # A dataset without a stage was never compressed: its only input that can be missing is the folder of raw files.
    new: dict[str, tuple[str, ...] | None] = {
        name: () if (repository.root / tables[name].source_path).exists() else None for name in local
    }
    listed = listed_stages(repository.root)
    targets = [f"{STAGES_FILE}:compress@{name}" for name in local if listed is None or name in listed]
    if len(local) == len(tables):
        targets = []
    elif not targets:
        return new
    result = _dvc(repository, "status", "--json", *targets)
    if result.exit_code or not result.stdout.strip():
        message = result.message or "DVC printed nothing"
        raise FailedError(f"DVC could not compare the datasets with their inputs:\n  {message}")
    return new | {
        dataset: _changes(facts)
        for stage, facts in json.loads(result.stdout).items()
        if (dataset := dataset_of(stage.rpartition(":")[2]))
    }


def _changes(facts: Iterable[Any]) -> tuple[str, ...] | None:
    """Changed inputs as paths; None if an input is deleted. Changed outputs are compared with the records instead."""
    changed = []
    for fact in facts:
        if fact == "changed command":
            changed.append(f"its command in {STAGES_NAME}")
        for path, state in (fact.get("changed deps", {}) if isinstance(fact, dict) else {}).items():
            if state == "deleted":
                return None
            changed.append(f"{', '.join(state)} in {path}" if isinstance(state, dict) else path)
    return tuple(changed)


def _dvc(repository: Repository, *words: str, environment: Mapping[str, str] | None = None) -> CommandResult:
    variables = {**os.environ, "DVC_NO_ANALYTICS": "1", **(environment or {})}
    return run_command([sys.executable, "-m", "dvc", *words], cwd=repository.root, environment=variables)
