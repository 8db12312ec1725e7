"""Plans: pure decisions over facts, and commands with --plan, which change nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from data_share import FailedError
from data_share.records.objects import md5_of
from data_share.records.outputs import RecordedOutput
from data_share.transfer.listing import Listing, SelectedFiles, TrackedFile
from data_share.transfer.pull_plan import LocalState, RemoteState, plan_downloads, pull_candidates
from data_share.transfer.push_plan import LocalCopy, plan_uploads, push_candidates

from .conftest import Share
from .tracked import Project

A, B = md5_of(b"a"), md5_of(b"b")
LIST = f"{md5_of(b'list')}.dir"
FOLDER = RecordedOutput(dataset="x", path="data/x", oid=LIST)
FILE_A = TrackedFile(dataset="x", path="data/x/a", oid=A)
FILE_B = TrackedFile(dataset="x", path="data/x/b", oid=B)
LIST_FILE = TrackedFile(dataset="x", path="data/x", oid=LIST, is_list=True)


def listing(*files: TrackedFile, is_complete: bool = True, fetched: dict[str, bytes] | None = None) -> Listing:
    selected = SelectedFiles(
        output=FOLDER, files=files, list_file=LIST_FILE, all_oids=frozenset({A, B}), is_complete=is_complete
    )
    return Listing(selected=(selected,), unlisted=(), fetched=fetched or {})


def test_candidates_are_files_before_their_list() -> None:
    """A push uploads what the remote does not have, the list of the folder last."""
    assert push_candidates(listing(FILE_A, FILE_B), {}, {}) == (FILE_A, FILE_B, LIST_FILE)
    assert push_candidates(listing(FILE_A, FILE_B), {A: 1}, {}) == (FILE_B, LIST_FILE)


def test_a_list_needs_all_its_files_on_the_remote() -> None:
    """Some files of a folder are pushed without its list, unless the remote has the others already."""
    assert push_candidates(listing(FILE_A), {}, {}) == (FILE_A,)
    assert push_candidates(listing(FILE_A), {B: 1}, {}) == (FILE_A, LIST_FILE)


def test_an_object_of_another_size_is_uploaded_again() -> None:
    """A truncated object on the remote does not count; without a cached object, sizes cannot be compared."""
    assert push_candidates(listing(FILE_A), {A: 1, B: 1, LIST: 9}, {A: 2}) == (FILE_A,)
    assert push_candidates(listing(FILE_A), {A: 1, B: 1, LIST: 9}, {A: None}) == ()


def test_a_lost_object_is_restored_from_the_working_tree() -> None:
    """The plan names the file to copy into the cache; nothing is copied for the plan."""
    copy = LocalCopy(source="working tree", path="data/x/a", size_bytes=1, md5=A)
    plan = plan_uploads(listing(FILE_A), (FILE_A,), {A: copy})
    assert ([item.oid for item in plan.items], plan.restored) == ([A], (FILE_A,))


def test_damage_is_reported_before_missing_data() -> None:
    """A damaged object in the cache is named with its path there."""
    copy = LocalCopy(source="cache", path="/cache/a", size_bytes=1, md5=B)
    with pytest.raises(FailedError, match="1 file in the cache changed since DVC hashed it") as caught:
        plan_uploads(listing(FILE_A, FILE_B), (FILE_A, FILE_B), {A: copy})
    assert "data/x/a: /cache/a" in str(caught.value)


def test_an_interrupted_upload_shortens_the_plan() -> None:
    """Only the rest of an object is left to move."""
    copy = LocalCopy(source="cache", path="/cache/a", size_bytes=100, md5=A, sent_bytes=64)
    (item,) = plan_uploads(listing(FILE_A), (FILE_A,), {A: copy}).items
    assert (item.size_bytes, item.left_bytes) == (100, 36)


def test_a_placed_file_is_not_downloaded() -> None:
    """A file of the working tree with the recorded content replaces a lost object of the cache."""
    state = LocalState(tree_digests={"data/x/a": A, "data/x/b": None})
    candidates = pull_candidates(listing(FILE_A, FILE_B), state)
    assert candidates == (FILE_B,)
    plan = plan_downloads(listing(FILE_A, FILE_B), candidates, state, RemoteState(where="box", sizes_bytes={B: 1}))
    assert (plan.restored, plan.files_to_place, plan.targets) == ((FILE_A,), 1, ("data/x",))


def test_a_selection_places_single_files() -> None:
    """Of a partly selected folder, DVC places only the selected files that changed."""
    state = LocalState(tree_digests={"data/x/a": None}, intact_oids=frozenset({A}))
    plan = plan_downloads(listing(FILE_A, is_complete=False), (), state, RemoteState(where="box"))
    assert (plan.items, plan.targets) == ((), ("data/x/a",))


def test_untracked_files_are_a_reason_to_place() -> None:
    """A folder with a file of an older version is placed again, although nothing is missing."""
    placed = LocalState(tree_digests={"data/x/a": A}, intact_oids=frozenset({A}))
    assert plan_downloads(listing(FILE_A), (), placed, RemoteState(where="box")).targets == ()
    untracked = LocalState(
        tree_digests={"data/x/a": A}, intact_oids=frozenset({A}), untracked_folders=frozenset({"data/x"})
    )
    assert plan_downloads(listing(FILE_A), (), untracked, RemoteState(where="box")).targets == ("data/x",)


def snapshot(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Mode, time of modification and content of every file and folder."""
    return {
        str(path.relative_to(root)): (
            path.stat().st_mode,
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in (root, *root.rglob("*"))
    }


def lose_an_object(project: Project) -> None:
    project.cached("cabe45dcc9ae5b66ba86600cca6b8ba8").unlink()


def damage_an_object(project: Project) -> None:
    path = project.cached("cabe45dcc9ae5b66ba86600cca6b8ba8")
    path.chmod(0o644)
    path.write_bytes(b"?" * 1000)


def lose_all_data(project: Project) -> None:
    project.forget()


def lose_the_working_tree(project: Project) -> None:
    (project.root / "data/raw/parquet/climate/2023.parquet").unlink()
    (project.root / "data/raw/parquet/climate/untracked.parquet").write_bytes(b"new")


def change_nothing(project: Project) -> None:
    pass


@pytest.mark.parametrize("command", ["push", "pull", "gc", "check", "remote-list"])
@pytest.mark.parametrize("is_pushed", [False, True])
@pytest.mark.parametrize(
    "prepare", [change_nothing, lose_an_object, damage_an_object, lose_all_data, lose_the_working_tree]
)
def test_a_plan_changes_no_file(
    project: Project, share: Share, command: str, is_pushed: bool, prepare: Callable[[Project], None]
) -> None:
    """Repository, cache and remote are the same after --plan and after a question, whatever state they are in."""
    if is_pushed:
        share("push")
    prepare(project)
    before = snapshot(project.root)
    share(command, *(["--plan"] if command in ("push", "pull", "gc") else []))
    after = snapshot(project.root)
    assert after == before
