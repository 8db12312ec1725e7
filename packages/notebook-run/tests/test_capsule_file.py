"""The capsule's file, and what is kept beside it."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path

import pytest
from capsule_example import CAPSULE, frozen, picture, table, text

from notebook_run.capsule import (
    CAPSULES,
    LARGEST_KEPT_BYTES,
    SCHEMA,
    CellRecord,
    capsule_text,
    find_capsule,
    kept_outputs,
    parse_capsule,
    read_capsule,
    write_capsule,
)
from notebook_run.capsule_errors import CapsuleInvalidError, UnknownCapsuleError
from notebook_run.errors import NotWrittenError

ROOT = Path(__file__).resolve().parents[3]
JSON_SCHEMA = json.loads((ROOT / SCHEMA).read_text("utf-8"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with the schema and nothing else."""
    (tmp_path / CAPSULES).mkdir(parents=True)
    (tmp_path / SCHEMA).write_bytes((ROOT / SCHEMA).read_bytes())
    return tmp_path


def test_capsule_is_read_as_it_was_written(root: Path) -> None:
    """All of it comes back, and what was kept with it."""
    capsule, kept, rerun = frozen(a=[text("1\n"), table("x y", "1 2")], b=[picture([(1, 2, 3)])], c=[])
    capsule = replace(capsule, cells=(*capsule.cells, CellRecord(id="d", source="f" * 64, is_volatile=True)))
    path = write_capsule(root, capsule, rerun.outputs)
    assert read_capsule(root, path) == capsule
    assert kept_outputs(path, capsule) == kept
    assert sorted(file.name for file in path.with_suffix("").iterdir()) == ["a-1.txt", "a-2.tsv", "b-1.png"]


def test_capsule_has_one_hash_per_line_and_no_time() -> None:
    """Two runs give the same bytes, and a diff shows the one output that changed."""
    capsule, _, _ = frozen(a=[text("1\n"), text("2\n")])
    changed, _, _ = frozen(a=[text("1\n"), text("3\n")])
    before, after = capsule_text(capsule).splitlines(), capsule_text(changed).splitlines()
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


def test_freezing_again_leaves_nothing_of_the_last_time(root: Path) -> None:
    """Outputs that are gone are gone from the folder too."""
    first, _, rerun = frozen(a=[text("1\n")], b=[text("2\n")])
    write_capsule(root, first, rerun.outputs)
    second, _, rerun = frozen(a=[text("1\n")])
    path = write_capsule(root, second, rerun.outputs)
    assert [file.name for file in path.with_suffix("").iterdir()] == ["a-1.txt"]
    assert sorted(file.name for file in path.parent.iterdir()) == ["capsule.schema.json", "traffic-eda", path.name]


def test_large_output_counts_by_its_hash_alone(root: Path) -> None:
    """What is kept goes into git, so there is a limit."""
    capsule, _, rerun = frozen(a=[text("x" * (LARGEST_KEPT_BYTES + 1))])
    path = write_capsule(root, capsule, rerun.outputs)
    assert kept_outputs(path, capsule) == {}
    assert not path.with_suffix("").exists()


def test_kept_output_that_was_edited_is_not_taken_for_the_recorded_one(root: Path) -> None:
    """The capsule's hash decides."""
    capsule, _, rerun = frozen(a=[text("1\n")])
    path = write_capsule(root, capsule, rerun.outputs)
    (path.with_suffix("") / "a-1.txt").write_text("2\n")
    assert kept_outputs(path, capsule) == {}


def test_every_mistake_of_a_capsule_is_told() -> None:
    """With where it is in the file."""
    document = json.loads(capsule_text(CAPSULE))
    document |= {"commit": "HEAD", "form": 2}
    del document["image"]["digest"]
    with pytest.raises(CapsuleInvalidError) as caught:
        parse_capsule(json.dumps(document), JSON_SCHEMA, source="a.json")
    assert str(caught.value).splitlines() == [
        "a.json is no capsule that can be read:",
        "  $.commit: 'HEAD' does not match '^[0-9a-f]{40}([0-9a-f]{24})?$'",
        "  $.form: 1 was expected",
        "  $.image: 'digest' is a required property",
        "  Restore it with `git checkout`, or write it anew with `invoke notebook.freeze`.",
    ]


def test_file_that_is_not_json_is_told() -> None:
    """A merge that was not finished, for one."""
    with pytest.raises(CapsuleInvalidError, match="it is not JSON: Expecting value"):
        parse_capsule("<<<<<<< HEAD", JSON_SCHEMA, source="a.json")


def test_unknown_capsule_names_the_nearest(root: Path) -> None:
    """And says how to make one."""
    write_capsule(root, CAPSULE, {})
    with pytest.raises(UnknownCapsuleError) as caught:
        find_capsule(root, "trafic-eda")
    assert str(caught.value) == (
        "there is no capsule 'trafic-eda'; did you mean 'traffic-eda'? Capsules: traffic-eda."
        " `invoke notebook.freeze trafic-eda` makes one."
    )


def test_capsule_is_found_by_name_or_file(root: Path, tmp_path: Path) -> None:
    """A file may come from anywhere."""
    path = write_capsule(root, CAPSULE, {})
    assert find_capsule(root, "traffic-eda") == path
    assert find_capsule(root, str(path)) == path


def test_full_disk_leaves_the_capsule_as_it_was(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says that it is full, and no half of a capsule is there."""
    path = write_capsule(root, CAPSULE, {})
    before = path.read_bytes()

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    capsule, _, rerun = frozen(a=[])
    with pytest.raises(NotWrittenError, match=r"No space left on device\. What was there is as it was"):
        write_capsule(root, capsule, rerun.outputs)
    assert path.read_bytes() == before
    assert sorted(file.name for file in path.parent.iterdir()) == ["capsule.schema.json", path.name]
