"""The list of the datasets that have a stage, `data/recorded.yaml`: those that `data/dvc.lock` records, and no other.

A stage without a record makes `dvc pull` exit with 1, so `data/dvc.yaml` has one for each entry of this list and not
for each table of `data/datasets.toml`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

from data_share.errors import DataShareError
from data_share.records.outputs import LOCK_FILE, lock_outputs, parsed_record
from dataset_spec import DatasetTable, read_datasets

STAGE_LIST: Final = "data/recorded.yaml"

Folders: TypeAlias = Mapping[str, str]
"""`source` and `output` of a dataset."""

# Git merges lines of two branches without a conflict (.gitattributes), so there is one per dataset, and the brackets
# have lines of their own. Texts are those of JSON, which is a part of YAML.
_TEMPLATE: Final = """\
# `invoke data.compress` writes this list: the datasets that dvc.lock records, with the folders of their stages.
recorded: {{
{lines}  }}
"""


def listed_stages(root: Path) -> dict[str, Folders] | None:
    """The entries of the list by dataset; None if the project has no list that can be read."""
    try:
        content = parsed_record((root / STAGE_LIST).read_text("utf-8"), STAGE_LIST)["recorded"]
        return {name: {key: str(entry[key]) for key in ("source", "output")} for name, entry in content.items()}
    except (OSError, UnicodeDecodeError, DataShareError, AttributeError, KeyError, TypeError):
        return None


def stage_list_text(entries: Mapping[str, Folders]) -> str:
    """The text of the list, in the order of the entries."""
    lines = [f"  {_json(name)}: {_json(entry)},\n" for name, entry in entries.items()]
    return _TEMPLATE.format(lines="".join(lines))


def write_stage_list(root: Path, pending: Iterable[str] = ()) -> None:
    """Bring the list up to date with `data/dvc.lock`; a list that already is stays untouched.

    Args:
        root: The project.
        pending: Datasets that are about to be recorded: they get a stage with the folders of their present table.
    """
    tables = {name: table for name, table in read_datasets(root).items() if not table.is_output_in_bucket}
    listed, file = listed_stages(root) or {}, root / STAGE_LIST
    try:
        names = _recorded_datasets(root).union(pending) & set(tables)
    except DataShareError:
        return  # DVC reports what is wrong with its record.
    # Until a dataset is recorded with other folders, its stage is the one that was recorded.
    kept = {name: entry for name, entry in listed.items() if name not in set(pending)}
    # In the order of datasets.toml, in which DVC then works and reports.
    text = stage_list_text({name: kept.get(name) or _folders(tables[name]) for name in tables if name in names})
    write_if_different(file, text)


def write_if_different(file: Path, text: str) -> None:
    """Replace a file that DVC reads, completely or not at all; one with this text stays untouched."""
    with suppress(OSError, UnicodeDecodeError):
        if file.read_text("utf-8") == text:
            return
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.write_text(text, "utf-8")
    temporary.replace(file)


def _recorded_datasets(root: Path) -> set[str]:
    try:
        text = (root / LOCK_FILE).read_text("utf-8")
    except FileNotFoundError:
        return set()
    except (OSError, UnicodeDecodeError) as error:
        raise DataShareError(f"{LOCK_FILE} cannot be read: {error}") from error
    return {output.dataset for output in lock_outputs(text)}


def _folders(table: DatasetTable) -> Folders:
    return {"source": table.source, "output": table.output}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
