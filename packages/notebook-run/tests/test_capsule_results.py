"""The files of a run's results: their hashes, the copies that are kept, and how they are compared."""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pyarrow
import pyarrow.parquet as parquet
import pytest
from capsule_example import frozen, picture, text

from notebook_run.capsule.files import kept_file, read_capsule, write_capsule
from notebook_run.capsule.record import CAPSULES, SCHEMA, VOLATILE, Rerun
from notebook_run.capsule.recording import RunResults
from notebook_run.capsule.results import LARGEST_KEPT_BYTES, ResultFile, result_file, result_files
from notebook_run.capsule.stability import marked, unstable_error, unstable_results
from notebook_run.comparison.compare import Comparison, compare
from notebook_run.comparison.page import comparison_page
from notebook_run.comparison.text import comparison_text
from notebook_run.outputs.cell_outputs import CellOutputs

ROOT = Path(__file__).resolve().parents[3]
RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project that has only the schema."""
    (tmp_path / CAPSULES).mkdir(parents=True)
    (tmp_path / SCHEMA).write_bytes((ROOT / SCHEMA).read_bytes())
    return tmp_path


def write(folder: Path, **files: bytes) -> dict[str, ResultFile]:
    """Write result files, whose names have `_` in place of the dot."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content)
    return result_files(folder, "traffic-eda", ["a"])


def with_files(files: dict[str, ResultFile]) -> Rerun:
    """A run with one cell and these files."""
    capsule, _, rerun = frozen(a=[text("1\n")])
    capsule = replace(capsule, files={path: file.hash for path, file in files.items()})
    return replace(rerun, capsule=capsule, files=files)


def compared(root: Path, before: Rerun, after: Rerun) -> Comparison:
    """Write the first run as a capsule, and compare the second one with it."""
    path = write_capsule(root, before.capsule, before.outputs, before.files)
    capsule = read_capsule(root, path)
    assert capsule == before.capsule
    return compare(capsule, {}, after, kept_file=lambda name: kept_file(path, capsule, name))


def test_the_files_of_a_run_are_those_that_its_cells_wrote(tmp_path: Path) -> None:
    """The executed notebook, its page, pictures of cells and reproductions are not among them."""
    names = ("a.csv", "deep/b.txt", "metrics.json", "figures/mine.png", "figures/other-0.png")
    others = (
        "traffic-eda.ipynb",
        "traffic-eda.html",
        "figures/a-0.png",
        "reproduction.html",
        "reproduction/a.csv",
        ".ipynb_checkpoints/a.csv",
    )
    for name in (*names, *others):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    assert list(result_files(tmp_path, "traffic-eda", ["a"])) == sorted(names)


def test_parquet_is_compared_by_its_values(tmp_path: Path) -> None:
    """Compression and row groups do not matter; a value, a type, a name and a missing value do."""

    def hashed(table: pyarrow.Table, **options: object) -> str:
        parquet.write_table(table, tmp_path / "t.parquet", **options)
        return result_file(tmp_path / "t.parquet").hash

    table = pyarrow.table({"x": [1, 2, 3], "s": ["a", None, "c"]})
    first = hashed(table)
    assert first.startswith("table ")
    assert hashed(table, compression="gzip", row_group_size=1) == first
    others = [
        pyarrow.table({"x": [1, 2, 4], "s": ["a", None, "c"]}),
        pyarrow.table({"x": [1.0, 2.0, 3.0], "s": ["a", None, "c"]}),
        pyarrow.table({"y": [1, 2, 3], "s": ["a", None, "c"]}),
        pyarrow.table({"x": [1, 2, 3], "s": ["a", "None", "c"]}),
        pyarrow.table({"x": [1, 2], "s": ["a", None]}),
    ]
    assert len({first, *map(hashed, others)}) == 6
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    assert result_file(tmp_path / "t.parquet").hash.startswith("file ")


def test_packed_files_are_compared_by_what_is_packed(tmp_path: Path) -> None:
    """They contain the time at which they were written. A damaged one is compared by its bytes."""
    packed, workbook = tmp_path / "a.csv.gz", tmp_path / "a.xlsx"

    def hashed(content: bytes, year: int, *, times: bytes = b"now") -> tuple[str, str]:
        with gzip.GzipFile(packed, "wb", mtime=year) as file:
            file.write(content)
        with zipfile.ZipFile(workbook, "w") as archive:
            for name, value in (("xl/sheet1.xml", content), ("docProps/core.xml", times)):
                archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), value)
        return result_file(packed).hash, result_file(workbook).hash

    first = hashed(b"1", 2024)
    assert hashed(b"1", 2025, times=b"later") == first
    assert not set(hashed(b"2", 2024)) & set(first)
    packed.write_bytes(packed.read_bytes()[:-9])
    workbook.write_bytes(workbook.read_bytes()[9:])
    for damaged in (packed, workbook):
        assert result_file(damaged).hash == f"file {hashlib.sha256(damaged.read_bytes()).hexdigest()}"


def test_a_changed_file_is_a_difference(root: Path) -> None:
    """The report shows the values that changed; the outputs of all cells are equal."""
    before = with_files(write(root / "one", a_csv=b"x,y\n1,2.5\n", b_txt=b"same\n"))
    after = with_files(write(root / "two", a_csv=b"x,y\n1,2.75\n", b_txt=b"same\n"))
    assert comparison_text(compared(root, before, before)) == (
        "traffic-eda has the same results: 1 output and 2 files equal\n"
    )
    comparison = compared(root, before, after)
    assert not comparison.is_equal
    assert comparison_text(comparison) == (
        "traffic-eda has other results: 1 file differs\n"
        f"  {comparison.advice}\n"
        "\n"
        "File a.csv: 1 value changed\n"
        '  line 2, after "1,": 2.5 → 2.75  +0.25 (+10 %)\n'
    )
    page = comparison_page(comparison)
    assert "Which files differ" in page and "<h3>a.csv<code>1 value changed</code></h3>" in page
    assert [file["path"] for file in comparison.facts()["files"]] == ["a.csv"]


def test_files_that_cannot_be_shown_are_differences_too(root: Path) -> None:
    """Pictures are compared by pixels; new, missing, large and binary files by their hashes."""
    old, new = picture([RED, RED]).file, picture([RED, BLUE]).file
    large = b"x" * (LARGEST_KEPT_BYTES + 1)
    before = with_files(write(root / "one", p_png=old, gone_txt=b"1", large_txt=large, raw_bin=b"\0\1"))
    after = with_files(write(root / "two", p_png=new, new_txt=b"1", large_txt=large + b"y", raw_bin=b"\0\1\2"))
    lines = [line for line in comparison_text(compared(root, before, after)).splitlines() if line.startswith("File ")]
    assert lines == [
        "File gone.txt: it is missing now",
        "File large.txt: the hashes differ; it is too large to be kept next to the capsule",
        "File new.txt: it is new",
        "File p.png: 1 of 2 pixels differ (50 %)",
        "File raw.bin: its bytes differ (2 → 3)",
    ]


def test_only_small_files_are_kept_next_to_the_capsule(root: Path) -> None:
    """They are committed to git."""
    files = write(root / "one", a_csv=b"1\n", large_txt=b"x" * (LARGEST_KEPT_BYTES + 1))
    run = with_files(files)
    path = write_capsule(root, run.capsule, run.outputs, run.files)
    assert [file.name for file in (path.with_suffix("") / "files").iterdir()] == ["a.csv"]
    (path.with_suffix("") / "files/a.csv").write_text("2\n")
    assert kept_file(path, run.capsule, "a.csv") is None


def test_files_of_a_capsule_without_any_record_of_files_are_not_compared(root: Path) -> None:
    """Such a capsule was written before files were recorded. Files of a run that failed are not compared either."""
    old, run = with_files({}), with_files(write(root / "two", a_csv=b"1\n"))
    without = replace(old, capsule=replace(old.capsule, files=None))
    assert compared(root, without, run).is_equal
    assert [file.path for file in compared(root, old, run).files] == ["a.csv"]
    assert compared(root, old, replace(run, failure="it failed")).files == ()


def twice(root: Path) -> tuple[Rerun, RunResults]:
    """Two runs; cell b and the file x.txt differ."""
    capsule, _, first = frozen(a=[text("1\n")], b=[text("2\n")])
    files = write(root / "one", same_txt=b"1", x_txt=b"1")
    capsule = replace(capsule, files={path: file.hash for path, file in files.items()})
    outputs = {"a": CellOutputs(outputs=(text("1\n"),)), "b": CellOutputs(outputs=(text("3\n"),))}
    again = write(root / "two", same_txt=b"1", x_txt=b"2")
    second = RunResults(outputs=outputs, files=again, failure=None, unreached=frozenset())
    return replace(first, capsule=capsule, files=files), second


def test_results_that_differ_between_two_runs_are_named(root: Path) -> None:
    """So are the ways out. Cells that are tagged volatile may differ."""
    first, second = twice(root)
    unstable = unstable_results(first, second)
    assert str(unstable_error(first, unstable)).splitlines()[:3] == [
        "traffic-eda was not frozen, because two runs of it with the same code and data differ:",
        "  cell 2 (b): show('b')",
        "  file x.txt",
    ]
    assert "--mark-volatile" in str(unstable_error(first, unstable))
    tagged = tuple(replace(cell, is_volatile=cell.id == "b") for cell in first.capsule.cells)
    first = replace(first, capsule=replace(first.capsule, cells=tagged))
    assert (unstable_results(first, second).cells, unstable_results(first, second).files) == ((), ("x.txt",))
    same = RunResults(outputs=first.outputs, files=first.files, failure=None, unreached=frozenset())
    assert not unstable_results(first, same)


def test_marked_results_are_recorded_and_not_compared(root: Path) -> None:
    """The capsule says why, keeps no copy of them, and a run with other values of them is equal."""
    first, second = twice(root)
    run = marked(first, unstable_results(first, second))
    path = write_capsule(root, run.capsule, run.outputs, run.files)
    document = json.loads(path.read_text("utf-8"))
    assert document["cells"][1] | {"source": ""} == {
        "id": "b",
        "outputs": [],
        "reason": "differs between two runs",
        "source": "",
        "volatile": True,
    }
    assert document["files"]["x.txt"] == VOLATILE
    names = [file.relative_to(path.with_suffix("")).as_posix() for file in path.with_suffix("").rglob("*.txt")]
    assert sorted(names) == ["a-1.txt", "files/same.txt"]
    rerun = replace(first, outputs=second.outputs, files=second.files)
    report = comparison_text(compared(root, run, rerun))
    assert report == (
        "traffic-eda has the same results: 1 output and 1 file equal\n"
        "\n"
        "Not compared, or only after replacements, because it differs from run to run:\n"
        "  cell 2 (b): different in each run when it was frozen\n"
        "  file x.txt: different in each run when it was frozen\n"
    )
