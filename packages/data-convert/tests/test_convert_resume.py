"""The same input produces the same bytes, and a second run converts only stale parts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

PARTS = ("a.parquet", "b.parquet")


def _state(lab: Any) -> dict[str, tuple[int, int, bytes]]:
    """Modification times and inodes, which change if files of the output folder are written again."""
    return {
        name: (lab.part(name).stat().st_ino, lab.part(name).stat().st_mtime_ns, lab.part(name).read_bytes())
        for name in lab.left()
    }


@pytest.fixture
def two(lab: Any) -> Any:
    """A converted dataset of two parts, one with a reject."""
    lab.raw("a.csv", "id,kind\n1,oak\nx,elm\n")
    lab.raw("b.csv", "id,kind\n2,fir\n")
    lab.trees = lab.spec(on_reject="keep")
    lab.convert(lab.trees)
    return lab


def _converted(report: Any) -> list[str]:
    return [part.name for part in report.parts if part.is_converted]


def test_bytes_depend_on_input_alone(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of threads, working directory and time do not show in a part of several blocks and row groups."""
    rows = "".join(f"{n * 7919 % 100_003},{n % 13:0>200}\n" for n in range(100_000))
    lab.raw("a.csv", "id,kind\n" + rows)
    spec = lab.spec(sort=("id",))
    found = []
    for jobs, folder in ((1, lab.root), (4, lab.root.parent)):
        monkeypatch.chdir(folder)
        lab.convert(spec, jobs=jobs, force=True)
        found.append(lab.part().read_bytes())
    os.utime(lab.root / "raw" / "a.csv", (0, 0))
    lab.root = Path(os.path.relpath(lab.root))
    lab.convert(spec, jobs=3, force=True)
    assert found == [lab.part().read_bytes()] * 2
    assert lab.verify(spec).is_clean


def test_compression_of_the_source_does_not_show_in_the_rows(lab: Any) -> None:
    """The same text produces the same rows in the same order, plain or compressed."""
    text = "id,kind\n" + "".join(f"{n * 7 % 1000},{n}\n" for n in range(1000))
    lab.raw("a.csv", text)
    for ending, compress in lab.compress.items():
        lab.raw(f"b{ending[1:]}.csv{ending}", compress(text.encode()))
    lab.convert(lab.spec(sort=("id",)))
    tables = [lab.table(name) for name in lab.left()]
    assert len(tables) == 6
    assert all(table.equals(tables[0]) for table in tables)
    assert tables[0]["id"].to_pylist() == sorted(tables[0]["id"].to_pylist())


def test_finished_parts_stay(two: Any) -> None:
    """A second run finds all parts finished, touches none and reports the same figures."""
    before = _state(two)
    report = two.convert(two.trees)
    assert (_converted(report), _state(two)) == ([], before)
    assert (report.rows, report.rejects, report.removed) == (2, 1, ())


@pytest.mark.parametrize("damage", ["flipped bit", "cut off", "emptied", "footer cut off"])
def test_damaged_part_is_made_again(two: Any, damage: str) -> None:
    """Only a part whose bytes differ from its footer is converted again."""
    before, path = _state(two), two.part()
    data = bytearray(path.read_bytes())
    if damage == "flipped bit":
        data[10] ^= 1
    path.write_bytes({"flipped bit": data, "cut off": data[:-50], "emptied": b"", "footer cut off": data[:-1]}[damage])
    assert _converted(two.convert(two.trees)) == ["a.parquet"]
    after = _state(two)
    assert after["b.parquet"] == before["b.parquet"]
    assert {name: state[2] for name, state in after.items()} == {name: state[2] for name, state in before.items()}


@pytest.mark.parametrize("damage", ["lost", "altered"])
def test_damaged_rejects_file_is_made_again(two: Any, damage: str) -> None:
    """A rejects file that was removed or changed is written again, with its part."""
    path = two.rejects_file()
    before = path.read_bytes()
    if damage == "lost":
        path.unlink()
    else:
        path.write_bytes(before.replace(b"elm", b"fir"))
    assert _converted(two.convert(two.trees)) == ["a.parquet"]
    assert path.read_bytes() == before


def test_only_changed_sources_are_converted(two: Any) -> None:
    """A raw file with other content of the same size is noticed; the other parts stay."""
    before = _state(two)
    two.raw("b.csv", "id,kind\n3,fir\n")
    assert _converted(two.convert(two.trees)) == ["b.parquet"]
    assert two.table("b.parquet")["id"].to_pylist() == [3]
    assert _state(two)["a.parquet"] == before["a.parquet"]


def test_added_source_changes_its_own_part_only(two: Any) -> None:
    """A new raw file makes a new part, and no other one is written."""
    before = _state(two)
    two.raw("c.csv", "id,kind\n3,fir\n")
    assert _converted(two.convert(two.trees)) == ["c.parquet"]
    assert {name: state for name, state in _state(two).items() if name != "c.parquet"} == before


def test_removed_source_removes_its_part(two: Any) -> None:
    """The part of a removed raw file is removed with its rejects, and the report has its name."""
    (two.root / "raw" / "a.csv").unlink()
    assert two.convert(two.trees).removed == ("a.parquet",)
    assert (two.left(), two.left_rejects()) == (["b.parquet"], [])


def test_foreign_files_stay(two: Any) -> None:
    """Files in the output folder that this tool did not write stay, whatever they are called."""
    two.part("notes.txt").write_text("mine")
    two.part("mine.parquet").write_bytes(b"PAR1")
    two.part(".gitignore").write_text("*")
    (two.root / "raw" / "a.csv").unlink()
    two.convert(two.trees)
    assert two.left() == [".gitignore", "b.parquet", "mine.parquet", "notes.txt"]


def test_rejects_go_when_they_are_mended(two: Any) -> None:
    """Once all rows of a raw file fit, its rejects file is removed."""
    two.raw("a.csv", "id,kind\n1,oak\n2,elm\n")
    two.convert(two.trees)
    assert (two.left(), two.left_rejects()) == (["a.parquet", "b.parquet"], [])


def test_other_spec_makes_all_parts_again(two: Any) -> None:
    """What decides the bytes is part of the spec's digest; prose is not."""
    assert _converted(two.convert(two.spec(on_reject="keep", title="Trees"))) == []
    assert _converted(two.convert(two.spec(on_reject="keep", zstd_level=3))) == list(PARTS)


def test_force(two: Any) -> None:
    """Asked to, a run makes finished parts again, with the same bytes."""
    before = _state(two)
    assert _converted(two.convert(two.trees, force=True)) == list(PARTS)
    assert {name: state[2] for name, state in _state(two).items()} == {name: s[2] for name, s in before.items()}


def test_many_files_become_one_part(lab: Any) -> None:
    """Grouped by a pattern, files become one part in the order of their names; a changed one changes its part only."""
    spec = lab.spec(parts="y{year}", pattern=r"(?P<year>\d{4})-\d\d", on_reject="keep")
    for name, number in (("2023-02", 2), ("2023-01", 1), ("2024-01", 3)):
        lab.raw(f"{name}.csv", f"id,kind\n{number},oak\n{name},elm\n")
    assert lab.convert(spec).rows == 3
    assert lab.left() == ["y2023.parquet", "y2024.parquet"]
    assert lab.left_rejects() == ["y2023.csv", "y2024.csv"]
    assert lab.table("y2023.parquet")["id"].to_pylist() == [1, 2]
    assert [row[:2] for row in lab.rejects("y2023.csv")] == [["2023-01.csv", "3"], ["2023-02.csv", "3"]]
    lab.raw("2023-03.csv", "id,kind\n4,oak\n")
    assert _converted(lab.convert(spec)) == ["y2023.parquet"]


def test_progress_reports_all_bytes(lab: Any) -> None:
    """OnBytes adds up to the raw bytes on disk, whether sources are compressed or not."""
    text = b"id,kind\n" + b"1,oak\n" * 5000
    lab.raw("a.csv", text)
    for ending, compress in lab.compress.items():
        lab.raw(f"b{ending[1:]}.csv{ending}", compress(text))
    reported: list[int] = []
    report = lab.convert(lab.spec(), on_bytes=reported.append)
    assert sum(reported) == report.raw_bytes == sum(path.stat().st_size for path in (lab.root / "raw").iterdir())


def test_second_conversion_at_once_is_refused(two: Any) -> None:
    """A conversion fails while another one writes to the same folder."""
    from data_convert.errors import DataConvertError

    def start_another(_: int) -> None:
        with pytest.raises(DataConvertError, match="another conversion is writing to"):
            two.convert(two.trees, force=True)

    assert _converted(two.convert(two.trees, force=True, on_bytes=start_another)) == list(PARTS)
