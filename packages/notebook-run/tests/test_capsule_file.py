"""The capsule's file, and the outputs that are kept next to it."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path

import pytest
from capsule_example import CAPSULE, frozen, picture, table, text

from data_share.records.capsules import CapsuleRecord, capsule_record
from notebook_run.capsule.files import LARGEST_KEPT_BYTES, find_capsule, kept_outputs, read_capsule, write_capsule
from notebook_run.capsule.record import (
    CAPSULES,
    SCHEMA,
    CellRecord,
    EnvironmentRecord,
    capsule_text,
    parse_capsule,
)
from notebook_run.errors import NotebookInputError, NotWrittenError

ROOT = Path(__file__).resolve().parents[3]
JSON_SCHEMA = json.loads((ROOT / SCHEMA).read_text("utf-8"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project that has only the schema."""
    (tmp_path / CAPSULES).mkdir(parents=True)
    (tmp_path / SCHEMA).write_bytes((ROOT / SCHEMA).read_bytes())
    return tmp_path


def test_a_written_capsule_is_read_back(root: Path) -> None:
    """So are the outputs that are kept next to it."""
    capsule, kept, rerun = frozen(a=[text("1\n"), table("x y", "1 2")], b=[picture([(1, 2, 3)])], c=[])
    capsule = replace(capsule, cells=(*capsule.cells, CellRecord(id="d", source="f" * 64, is_volatile=True)))
    path = write_capsule(root, capsule, rerun.outputs)
    assert read_capsule(root, path) == capsule
    assert kept_outputs(path, capsule) == kept
    assert sorted(file.name for file in path.with_suffix("").iterdir()) == ["a-1.txt", "a-2.tsv", "b-1.png"]


def test_capsule_has_one_hash_per_line_and_no_time() -> None:
    """Two runs write the same bytes, and a diff shows the one output that changed."""
    capsule, _, _ = frozen(a=[text("1\n"), text("2\n")])
    changed, _, _ = frozen(a=[text("1\n"), text("3\n")])
    before, after = capsule_text(capsule).splitlines(), capsule_text(changed).splitlines()
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


def test_freezing_again_removes_the_outputs_of_the_last_time(root: Path) -> None:
    """An output that no longer exists has no file."""
    first, _, rerun = frozen(a=[text("1\n")], b=[text("2\n")])
    write_capsule(root, first, rerun.outputs)
    second, _, rerun = frozen(a=[text("1\n")])
    path = write_capsule(root, second, rerun.outputs)
    assert [file.name for file in path.with_suffix("").iterdir()] == ["a-1.txt"]
    assert sorted(file.name for file in path.parent.iterdir()) == ["capsule.schema.json", "traffic-eda", path.name]


def test_only_the_hash_of_a_large_output_is_kept(root: Path) -> None:
    """Kept outputs are committed to git, so there is a limit."""
    capsule, _, rerun = frozen(a=[text("x" * (LARGEST_KEPT_BYTES + 1))])
    path = write_capsule(root, capsule, rerun.outputs)
    assert kept_outputs(path, capsule) == {}
    assert not path.with_suffix("").exists()


def test_a_kept_output_that_was_edited_is_not_used(root: Path) -> None:
    """Its hash differs from the one in the capsule."""
    capsule, _, rerun = frozen(a=[text("1\n")])
    path = write_capsule(root, capsule, rerun.outputs)
    (path.with_suffix("") / "a-1.txt").write_text("2\n")
    assert kept_outputs(path, capsule) == {}


def test_a_capsule_of_a_local_run_names_its_environment() -> None:
    """It has no image. The schema refuses one with both, and one without a platform."""
    environment = EnvironmentRecord(name="jupyter-notebook", fingerprint="0" * 16)
    capsule = replace(CAPSULE, image=None, environment=environment, platform="linux/x86_64")
    document = json.loads(capsule_text(capsule))
    assert (document["place"], document["platform"], "image" in document) == ("local", "linux/x86_64", False)
    assert document["environment"] == {"name": "jupyter-notebook", "fingerprint": "0" * 16}
    assert parse_capsule(json.dumps(document), JSON_SCHEMA, source="a.json") == capsule
    without_platform = {key: value for key, value in document.items() if key != "platform"}
    for wrong in ({**document, "image": {}}, {**document, "place": "docker"}, without_platform):
        with pytest.raises(NotebookInputError):
            parse_capsule(json.dumps(wrong), JSON_SCHEMA, source="a.json")


def test_a_capsule_without_a_place_is_one_of_a_container() -> None:
    """That is how they were written before local runs existed."""
    document = json.loads(capsule_text(CAPSULE))
    del document["place"]
    assert parse_capsule(json.dumps(document), JSON_SCHEMA, source="a.json") == CAPSULE


def test_every_mistake_of_a_capsule_is_listed() -> None:
    """Each has its place in the file."""
    document = json.loads(capsule_text(CAPSULE))
    document |= {"commit": "HEAD", "form": 2}
    del document["image"]["digest"]
    with pytest.raises(NotebookInputError) as caught:
        parse_capsule(json.dumps(document), JSON_SCHEMA, source="a.json")
    assert str(caught.value).splitlines() == [
        "a.json is not a valid capsule:",
        "  $.commit: 'HEAD' does not match '^[0-9a-f]{40}([0-9a-f]{24})?$'",
        "  $.form: 1 was expected",
        "  $.image: 'digest' is a required property",
        "  Restore it with `git checkout`, or write it again with `invoke notebook.freeze`.",
    ]


def test_a_file_that_is_not_json_is_an_error() -> None:
    """It may contain a merge conflict."""
    with pytest.raises(NotebookInputError, match="it is not JSON: Expecting value"):
        parse_capsule("<<<<<<< HEAD", JSON_SCHEMA, source="a.json")


def test_an_unknown_capsule_gets_the_nearest_name(root: Path) -> None:
    """The error names the command that creates a capsule."""
    write_capsule(root, CAPSULE, {})
    with pytest.raises(NotebookInputError) as caught:
        find_capsule(root, "trafic-eda")
    assert str(caught.value) == (
        "unknown capsule 'trafic-eda'; did you mean 'traffic-eda'? Known capsules: traffic-eda."
        " `invoke notebook.freeze trafic-eda` creates it."
    )


def test_a_capsule_is_found_by_name_or_file(root: Path) -> None:
    """A relative path starts from the folder of the user."""
    path = write_capsule(root, CAPSULE, {})
    assert find_capsule(root, "traffic-eda") == path
    assert find_capsule(root, str(path)) == path
    assert find_capsule(root, path.name, folder=path.parent) == path


def test_a_full_disk_does_not_change_the_capsule(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the problem, and no part of the new capsule remains."""
    path = write_capsule(root, CAPSULE, {})
    before = path.read_bytes()

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    capsule, _, rerun = frozen(a=[])
    with pytest.raises(NotWrittenError, match=r"No space left on device\. Its previous version is unchanged"):
        write_capsule(root, capsule, rerun.outputs)
    assert path.read_bytes() == before
    assert sorted(file.name for file in path.parent.iterdir()) == ["capsule.schema.json", path.name]


def test_garbage_collection_reads_what_a_capsule_needs() -> None:
    """`data.gc` keeps the commit's data and the parts of the capsule that this package writes."""
    environment = EnvironmentRecord(name="jupyter-notebook", fingerprint="0" * 16)
    local = replace(CAPSULE, image=None, environment=environment, platform="linux/x86_64")
    for capsule in (CAPSULE, local):
        record = capsule_record(capsule_text(capsule), "notebooks/capsules/traffic-eda.json")
        assert record == CapsuleRecord(
            source="notebooks/capsules/traffic-eda.json",
            commit=CAPSULE.commit,
            datasets=frozenset({"climate"}),
            parts=frozenset({"1" * 32, "2" * 32}),
        )
