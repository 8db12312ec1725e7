"""Errors in raw files and folders are reported with their place, and nothing is lost or partially written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zipfile
from typing import Any

import pytest

from data_convert.errors import (
    DataConvertError,
    FailedPartsError,
    HeaderError,
    NoRawDataError,
    OutputError,
    RejectedRowsError,
    SourceChangedError,
    SourceError,
)
from data_convert.spec.dataset_spec import Dialect
from data_convert.spec.spec_file import select_specs

NOT_INT32 = "is not an int32 (-2147483648 to 2147483647)"


def _error_text(lab: Any, kind: type[DataConvertError], **settings: Any) -> str:
    """The error of a conversion that fails because of its input and leaves no file."""
    with pytest.raises(kind) as caught:
        lab.convert(lab.spec(**settings))
    assert caught.value.exit_code == (1 if kind in (SourceChangedError, OutputError) else 2)
    assert lab.left() == []
    return str(caught.value).replace(str(lab.root), "ROOT")


def _rejected_rows(lab: Any, **settings: Any) -> list[str]:
    """The rows that the error of a conversion names."""
    return _error_text(lab, RejectedRowsError, **settings).replace("  ", "").splitlines()[1:-1]


def test_no_raw_data(lab: Any) -> None:
    """An empty or missing folder is named, with the commands that fill it."""
    assert _error_text(lab, NoRawDataError) == (
        "trees: no raw data: no file matches .csv .txt .tsv (plain or .gz .bz2 .xz .zst .zip) in ROOT/raw."
        " Put the raw files there, get the Parquet with `invoke data.pull --dataset trees`,"
        " or make a sample with `invoke data.sample --dataset trees`."
    )


def test_no_matching_raw_data(lab: Any) -> None:
    """The error for a folder with other files only names one of them."""
    lab.raw("readme.md", "x")
    assert "in ROOT/raw (found 1 other file, such as readme.md)." in _error_text(lab, NoRawDataError)


def test_unknown_dataset(lab: Any) -> None:
    """The error for an unknown name has the nearest one and the list."""
    with pytest.raises(DataConvertError) as caught:
        select_specs({"trees": lab.spec(), "birds": lab.spec()}, ["treees"])
    assert str(caught.value) == (
        "data/datasets.toml: unknown dataset 'treees'; did you mean 'trees'? Known datasets: birds, trees"
    )


@pytest.mark.parametrize("content", ["", "\ufeff"])
def test_empty_file(lab: Any, content: str) -> None:
    """A file of no bytes or of a byte order mark only is an error."""
    lab.raw("a.csv", content)
    assert _error_text(lab, SourceError) == "ROOT/raw/a.csv: the file is empty. Get it again, or remove it."


@pytest.mark.parametrize("content", ["\n", "\n\r\n", "\ufeff\r\r"])
@pytest.mark.parametrize("dialect", [Dialect(), Dialect(skip_to="header"), Dialect(comment="#")])
def test_file_of_blank_lines(lab: Any, content: str, dialect: Dialect) -> None:
    """A file with blank lines only is not called empty, because it has bytes."""
    lab.raw("a.csv", content)
    assert _error_text(lab, SourceError, dialect=dialect) == (
        "ROOT/raw/a.csv: the file has only blank lines. Get it again, or remove it."
    )


def test_empty_file_without_header(lab: Any) -> None:
    """An empty file is an error also for datasets without a header."""
    lab.raw("a.csv", "")
    assert "the file is empty" in _error_text(lab, SourceError, dialect=Dialect(header=False))


NO_HEADER = {"id": "int32", "kind": "string", "height": "float64"}


@pytest.mark.parametrize("row", ["1,oak,2.5", '1,"oak, red",2.5', "1,,2.5", "1,oak,"])
def test_skipped_line_that_is_a_row(lab: Any, row: str) -> None:
    """A file with fewer lines before the table than declared would lose its first row."""
    lab.raw("a.csv", f"# logger\n{row}\n2,ash,3.5\n")
    dialect = Dialect(header=False, skip_lines=2)
    assert _error_text(lab, SourceError, columns=NO_HEADER, dialect=dialect) == (
        "ROOT/raw/a.csv: line 2 is skipped (`dialect.skip_lines = 2`), but it is a row of the table: "
        f"{row!r}. This file has fewer lines before the table than others. Describe the files with another number of"
        " lines as a dataset of their own (`files`), or fix `dialect.skip_lines`."
    )


@pytest.mark.parametrize("title", ["# logger", "Trees,,", ",,", "", "id,kind,height", "1", "1,oak,2.5,more"])
def test_skipped_line_that_is_no_row(lab: Any, title: str) -> None:
    """Titles, units and blank lines before the table are skipped, whatever their number of cells is."""
    lab.raw("a.csv", f"{title}\n1,oak,2.5\n")
    assert lab.convert(lab.spec(NO_HEADER, dialect=Dialect(header=False, skip_lines=1))).rows == 1


def test_skipped_header_or_row_before_a_header(lab: Any) -> None:
    """With a header, a file whose header is skipped is an error, and so is a skipped row."""
    lab.raw("a.csv", "id,kind\n1,oak\n")
    dialect = Dialect(skip_lines=1)
    assert "'1' is not declared" in _error_text(lab, HeaderError, dialect=dialect)
    lab.raw("a.csv", "1,oak\nid,kind\n2,ash\n")
    assert "line 1 is skipped" in _error_text(lab, SourceError, dialect=dialect)


@pytest.mark.parametrize("content", ["id,kind", "id,kind\n", "\n\nid,kind\n\n"])
def test_header_only(lab: Any, content: str) -> None:
    """A file with a header and no row becomes a part with columns and no row."""
    lab.raw("a.csv", content)
    assert lab.convert(lab.spec()).rows == 0
    assert lab.table().to_pydict() == {"id": [], "kind": []}
    assert lab.verify(lab.spec()).is_clean


def test_header_lacks_a_column(lab: Any) -> None:
    """A declared column that is missing from the header is named with the nearest one."""
    lab.raw("a.csv", "id,kinds\n1,oak\n")
    assert _error_text(lab, HeaderError) == (
        "ROOT/raw/a.csv: the header does not fit the declared columns:\n"
        "  'kind' is missing; did you mean 'kinds'?\n"
        "  'kinds' is not declared; did you mean 'kind'?; keep it, or drop it with a reason\n"
        "  what to write into `columns` of data/datasets.toml: `names = [\"kinds\"]` at 'kind' if it was renamed;"
        " `optional = true` at 'kind' if some files lack it;"
        ' `{ name = "kinds", type = "string", optional = true }` to keep \'kinds\''
    )


def test_header_has_a_column_twice(lab: Any) -> None:
    """A second column of the same name is named as it can be declared."""
    lab.raw("a.csv", "id,kind,id\n1,oak,2\n")
    assert _error_text(lab, HeaderError) == (
        "ROOT/raw/a.csv: the header does not fit the declared columns:\n"
        "  it has 'id' twice; keep or drop the second one as 'id#2'\n"
        "  what to write into `columns` of data/datasets.toml:"
        ' `{ name = "id#2", type = "string", optional = true }` to keep \'id#2\''
    )


def test_second_column_of_a_name_is_kept(lab: Any) -> None:
    """Declared as NAME#2, the second column of a name has its own values."""
    spec = lab.spec({"id": "int32", "again": {"type": "int32", "header": "id#2"}})
    lab.raw("a.csv", "id,id\n1,2\n")
    lab.convert(spec)
    assert lab.table().to_pydict() == {"id": [1], "again": [2]}
    assert lab.verify(spec).is_clean


def test_unclosed_quote_in_header(lab: Any) -> None:
    """A header whose quote is never closed is an error."""
    lab.raw("a.csv", 'id,"kind\n1,oak\n')
    text = "ROOT/raw/a.csv: line 2: the header: a quote is opened that is never closed"
    assert _error_text(lab, HeaderError) in (text, text.replace("line 2", "line 1"))


def test_short_and_long_rows(lab: Any) -> None:
    """Rows with too few or too many cells are named by line, among all that do not fit."""
    lab.raw("a.csv", "id,kind\n1,oak\n2\n3,fir,x\n4,elm\n")
    assert _error_text(lab, RejectedRowsError) == (
        "trees: 2 rows do not fit the dataset's description"
        " (the first ones found; nothing was written for this part):\n"
        "  a.csv:3: the row is too short: 1 cell where 2 are expected\n"
        "  a.csv:4: the row is too long: 3 cells where 2 are expected\n"
        '  Fix the rows or the type in data/datasets.toml, or set `on_reject = "keep"` for trees to write'
        " these rows to data/rejects/trees."
    )


def test_unclosed_quote_at_the_end(lab: Any) -> None:
    """A quote that is never closed is reported with the line on which its row starts."""
    lab.raw("a.csv", 'id,kind\n1,oak\n2,"fir\n3,elm\n')
    assert _rejected_rows(lab) == ["a.csv:3: a quote is opened that is never closed"]


def test_quoted_newlines(lab: Any) -> None:
    """Line ends inside quotes are kept, and later rows are still reported with the right line."""
    spec = lab.spec(on_reject="keep")
    lab.raw("a.csv", 'id,kind\n1,"a\nb\r\nc\rd"\nx,elm\n2,"\n\n"\ny,fir\n')
    lab.convert(spec)
    assert lab.table().to_pydict() == {"id": [1, 2], "kind": ["a\nb\r\nc\rd", "\n\n"]}
    assert [(line, row) for _, line, _, _, row in lab.rejects()] == [("6", "x,elm"), ("10", "y,fir")]
    assert lab.verify(spec).is_clean


def test_nul_bytes(lab: Any) -> None:
    """A NUL byte is a character like others: kept in a string, and no part of a number."""
    spec = lab.spec(on_reject="keep")
    lab.raw("a.csv", "id,kind\n1,o\0ak\n2\0,elm\n\0,\0\n")
    lab.convert(spec)
    assert lab.table().to_pydict() == {"id": [1], "kind": ["o\0ak"]}
    assert [(line, row) for _, line, _, _, row in lab.rejects()] == [("3", "2\0,elm"), ("4", "\0,\0")]
    assert lab.verify(spec).is_clean


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_mark(lab: Any, encoding: str) -> None:
    """A byte order mark belongs to no column name, and one inside the file stays."""
    spec = lab.spec(dialect=Dialect(encoding=encoding))
    text = 'id,kind\n1,oak\n2,"\ufeff"\n'
    lab.raw("a.csv", text.encode("utf-8-sig" if encoding == "utf-8" else encoding))
    lab.convert(spec)
    assert lab.table().to_pydict() == {"id": [1, 2], "kind": ["oak", "\ufeff"]}
    assert lab.verify(spec).is_clean


def test_quoted_header_behind_byte_order_mark(lab: Any) -> None:
    """A byte order mark does not hide that the first name is quoted."""
    lab.raw("a.csv", b'\xef\xbb\xbf"id","kind"\n"1","oak"\n')
    lab.convert(lab.spec())
    assert lab.table().to_pydict() == {"id": [1], "kind": ["oak"]}


def test_cp1252_in_utf8(lab: Any) -> None:
    """Bytes that are not UTF-8 are reported with line, column and a guess at the encoding."""
    lab.raw("a.csv", "id,kind\n1,oak\n2,café\n".encode("cp1252"))
    assert _rejected_rows(lab) == [
        "a.csv:3: column 'kind': 'caf\\udce9' is not valid in the declared encoding;"
        " is it another one, such as cp1252? (`dialect.encoding`)"
    ]


def test_cp1252_declared(lab: Any) -> None:
    """Text in a declared encoding is decoded; a byte that the encoding does not define is reported."""
    spec = lab.spec(dialect=Dialect(encoding="cp1252"), on_reject="keep")
    lab.raw("a.csv", b"id,kind\n1,caf\xe9 \x80\n2,\x81\n")
    lab.convert(spec)
    assert lab.table().to_pydict() == {"id": [1], "kind": ["café €"]}
    assert [(line, column, row) for _, line, column, _, row in lab.rejects()] == [("3", "kind", "2,\udc81")]
    assert lab.verify(spec).is_clean


def test_not_the_declared_encoding_at_all(lab: Any) -> None:
    """The error for text that cannot be decoded has the name of the encoding."""
    lab.raw("a.csv", b"\xff\xfei\0d\0,\0k\0i\0n\0d\0\n\0\x00\xd8\n\0")
    assert "ROOT/raw/a.csv: is not utf-16: " in _error_text(lab, SourceError, dialect=Dialect(encoding="utf-16"))


@pytest.mark.parametrize("ends", ["\n\n\n", "\r\n\r\n\r\n", "\r\r\r", "\r\n\n\r", "\n\r\n\n", "\r\r\n\n"])
def test_line_ends(lab: Any, ends: str) -> None:
    """LF, CRLF, CR and any mixture of them end lines, and lines are counted alike."""
    spec = lab.spec(on_reject="keep")
    kinds = ends.replace("\r\n", "2").replace("\n", "1").replace("\r", "0")
    first, second, third = ({"2": "\r\n", "1": "\n", "0": "\r"}[kind] for kind in kinds)
    lab.raw("a.csv", f"id,kind{first}1,oak{second}x,elm{third}2,fir")
    lab.convert(spec)
    assert lab.table().to_pydict() == {"id": [1, 2], "kind": ["oak", "fir"]}
    assert lab.rejects() == [["a.csv", "3", "id", NOT_INT32, "x,elm"]]
    assert lab.verify(spec).is_clean


TEXT = b"id,kind\n" + b"".join(b"%d,%s\n" % (n, os.urandom(4).hex().encode()) for n in range(5000))
ENDINGS = [".gz", ".bz2", ".xz", ".zst", ".zip"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("damage", ["cut in half", "cut by a byte", "followed by other bytes"])
def test_damaged_compressed_file(lab: Any, ending: str, damage: str) -> None:
    """Compressed data that are truncated or followed by other bytes are an error."""
    whole = lab.compress[ending](TEXT)
    damaged = {
        "cut in half": whole[: len(whole) // 2],
        "cut by a byte": whole[:-1],
        "followed by other bytes": whole + b"other bytes" + bytes(1 << 16),
    }[damage]
    lab.raw("a.csv" + ending, damaged)
    assert f"ROOT/raw/a.csv{ending}: the {ending} data are truncated or corrupt (" in _error_text(lab, SourceError)


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zip"])
def test_flipped_bit_in_compressed_file(lab: Any, ending: str) -> None:
    """A flipped bit in data with a checksum is reported."""
    damaged = bytearray(lab.compress[ending](TEXT))
    damaged[len(damaged) // 2] ^= 1
    lab.raw("a.csv" + ending, bytes(damaged))
    assert "data are truncated or corrupt" in _error_text(lab, SourceError)


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zst"])
def test_several_frames(lab: Any, ending: str) -> None:
    """Concatenated compressed files are read as one, as their own tools do."""
    spec = lab.spec()
    lab.raw("a.csv" + ending, lab.compress[ending](b"id,kind\n1,oak\n2,f") + lab.compress[ending](b"ir\n3,elm\n"))
    lab.convert(spec)
    assert lab.table().to_pydict() == {"id": [1, 2, 3], "kind": ["oak", "fir", "elm"]}
    assert lab.verify(spec).is_clean


def test_zip_with_two_members(lab: Any) -> None:
    """A zip archive of several files is an error with their names."""
    with zipfile.ZipFile(lab.raw("a.csv.zip", b""), "w") as archive:
        archive.writestr("one.csv", "id,kind\n1,oak\n")
        archive.writestr("two.csv", "id,kind\n2,fir\n")
    assert _error_text(lab, SourceError) == (
        "ROOT/raw/a.csv.zip: the archive has 2 files (one.csv, two.csv), and a raw file is one table. Unpack them into"
        " this folder, and move the archive away."
    )


@pytest.mark.parametrize("ending", ENDINGS)
def test_compressed_file_without_its_ending(lab: Any, ending: str) -> None:
    """Compressed data under the name of a text file are an error, not read as text."""
    lab.raw("a.csv", lab.compress[ending](TEXT))
    assert _error_text(lab, SourceError) == (
        f"ROOT/raw/a.csv: the content is that of a {ending} file. Rename the file to end with {ending}."
    )


def test_file_that_grows_while_read(lab: Any) -> None:
    """A file that grows while it is read becomes no part."""
    path = lab.raw("a.csv", "id,kind\n1,oak\n")

    def append(_: int) -> None:
        with path.open("a") as file:
            file.write("2,fir\n")

    with pytest.raises(SourceChangedError) as caught:
        lab.convert(lab.spec(), on_bytes=append)
    assert str(caught.value) == (f"{path}: the file changed while it was read. Run again once no program writes to it.")
    assert (caught.value.exit_code, lab.left()) == (1, [])


def test_file_that_is_replaced_while_read(lab: Any) -> None:
    """A file that is replaced by one of the same size and time while it is read becomes no part."""
    path = lab.raw("a.csv", "id,kind\n1,oak\n")
    before = path.stat()

    def replace(_: int) -> None:
        other = path.with_suffix(".new")
        other.write_text("id,kind\n2,oak\n")
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
        other.replace(path)

    with pytest.raises(SourceChangedError):
        lab.convert(lab.spec(), on_bytes=replace)
    assert lab.left() == []


def test_file_that_vanishes_while_read(lab: Any) -> None:
    """A file that is removed while it is read becomes no part."""
    path = lab.raw("a.csv", "id,kind\n1,oak\n")
    with pytest.raises(SourceChangedError):
        lab.convert(lab.spec(), on_bytes=lambda _: path.unlink(missing_ok=True))
    assert lab.left() == []


def test_two_inputs_for_one_part(lab: Any) -> None:
    """Two files whose names differ in their endings only are both named."""
    lab.raw("a.csv", "id,kind\n1,oak\n")
    lab.raw("a.txt", "id,kind\n2,fir\n")
    assert _error_text(lab, DataConvertError) == (
        "trees: a.csv and a.txt would both become a.parquet."
        " Remove one of them, or group them on purpose with `parts` in data/datasets.toml."
    )


def test_name_without_a_group(lab: Any) -> None:
    """The error for a file name that does not match `pattern` has the pattern."""
    lab.raw("notes.csv", "id,kind\n1,oak\n")
    assert _error_text(lab, DataConvertError, parts="{year}", pattern=r"(?P<year>\d{4})") == (
        r"trees: the file name 'notes.csv' does not match `pattern` = '(?P<year>\\d{4})', from which the part's name"
        " is made. Rename the file, or fix the pattern in data/datasets.toml."
    )


def test_output_folder_is_a_file(lab: Any) -> None:
    """The error for an output folder that cannot be created has the reason of the system."""
    lab.raw("a.csv", "id,kind\n1,oak\n")
    (lab.root / "parts").write_text("in the way")
    with pytest.raises(OutputError) as caught:
        lab.convert(lab.spec())
    assert str(caught.value) == (
        f"cannot write {lab.root}/parts: File exists."
        " Finished parts stay; run the same command again once this is fixed."
    )
    assert (lab.root / "parts").read_text() == "in the way"


def test_part_is_a_folder(lab: Any) -> None:
    """A folder in the place of the part is an error, and no temporary file is left."""
    lab.raw("a.csv", "id,kind\n1,oak\n")
    lab.part().mkdir(parents=True)
    with pytest.raises(OutputError, match=r"cannot write .*a\.parquet: Is a directory"):
        lab.convert(lab.spec())
    assert lab.left() == []


CHILD = """
import os, resource, signal, sys
from pathlib import Path
from data_convert import ColumnSpec, DatasetSpec, DataConvertError, convert_dataset

spec = DatasetSpec(
    name="trees", source="raw", output="parts", on_reject="keep", max_rejects=1.0,
    layout=tuple(ColumnSpec(name=name, header=name, type=kind) for name, kind in (("id", "int32"), ("kind", "string"))),
)
on_bytes, reported, synced = None, [], []

def end_at_bytes(size):
    reported.append(size)
    if sum(reported) - size < int(sys.argv[3]) <= sum(reported):
        os.kill(os.getpid(), int(sys.argv[4]))

def end_at_sync(descriptor, sync=os.fsync):
    synced.append(descriptor)
    if len(synced) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    sync(descriptor)

if sys.argv[2] == "bytes":
    on_bytes = end_at_bytes
elif sys.argv[2] == "sync":
    os.fsync = end_at_sync
elif sys.argv[2] == "limit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    convert_dataset(spec, data_folder=Path(sys.argv[1]), jobs=1, on_bytes=on_bytes)
except DataConvertError as error:
    print(error)
    sys.exit(error.exit_code)
"""
"""Converts in a process of its own, which is killed or runs out of space at a chosen point."""


def _run_child(lab: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CHILD, str(lab.root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def _raw_with_rejects(lab: Any) -> None:
    for name in ("a", "b"):
        text = "".join(f"{n},{os.urandom(8).hex()}\n" for n in range(3000))
        lab.raw(f"{name}.csv", f"id,kind\n{text}x,reject\n")


def _contents(lab: Any) -> dict[str, bytes]:
    parts = {name: lab.part(name).read_bytes() for name in lab.left()}
    return parts | {name: lab.rejects_file(name).read_bytes() for name in lab.left_rejects()}


def test_full_disk(lab: Any) -> None:
    """A full disk is an error that leaves no partial file; a rerun converts the rest."""
    _raw_with_rejects(lab)
    failed = _run_child(lab, "limit", "20000")
    assert (failed.returncode, failed.stderr, lab.left()) == (1, "", [])
    assert failed.stdout.splitlines()[0] == "2 of 2 parts failed; the others are finished."
    assert failed.stdout.splitlines()[1] == (
        f"cannot write {lab.part()}: File too large."
        " Finished parts stay; run the same command again once this is fixed."
    )
    spec = lab.spec(on_reject="keep")
    lab.convert(spec)
    assert lab.verify(spec).is_clean


@pytest.mark.parametrize(
    ("what", "at", "finished"),
    [
        ("bytes", "1", []),  # the first source has been read
        ("sync", "1", []),  # the first part is written, and not renamed yet
        ("sync", "2", []),  # its rejects are written, and not renamed yet
        ("sync", "3", ["a.csv"]),  # the rejects are renamed, and their folder is not flushed yet
        ("sync", "4", ["a.parquet", "a.csv"]),  # both are renamed
        ("sync", "5", ["a.parquet", "a.csv"]),  # the second part is written, and not renamed yet
        ("sync", "6", ["a.parquet", "a.csv"]),
        ("sync", "7", ["a.parquet", "a.csv", "b.csv"]),  # the rejects of the second part are renamed
    ],
)
def test_killed_in_the_middle(lab: Any, what: str, at: str, finished: list[str]) -> None:
    """A conversion that is killed with -9 leaves complete parts only; a rerun produces the same files."""
    spec = lab.spec(on_reject="keep")
    _raw_with_rejects(lab)
    lab.convert(spec)
    whole = _contents(lab)
    for name in whole:
        (lab.part(name) if name.endswith(".parquet") else lab.rejects_file(name)).unlink()
    killed = _run_child(lab, what, at, str(int(signal.SIGKILL)))
    assert killed.returncode == -signal.SIGKILL
    left = [*lab.left(), *lab.left_rejects()]
    assert [name for name in left if not name.startswith((".part-", ".rejects-"))] == finished
    report = lab.convert(spec)
    assert [part.name for part in report.parts if not part.is_converted] == [
        n for n in finished if n.endswith(".parquet")
    ]
    assert _contents(lab) == whole


def test_interrupted(lab: Any) -> None:
    """Ctrl-C ends with 130 and leaves no partial file."""
    _raw_with_rejects(lab)
    ended = _run_child(lab, "bytes", "1", str(int(signal.SIGINT)))
    assert (ended.returncode, ended.stderr) == (130, "")
    assert "of 2 parts are finished and stay; no partial file is left." in ended.stdout
    assert not [name for name in (*lab.left(), *lab.left_rejects()) if name.startswith(".")]


def test_source_folder_is_a_link(lab: Any) -> None:
    """A source folder, a folder in it or a file may be a link; names are those below the source folder."""
    elsewhere = lab.root / "elsewhere"
    (elsewhere / "deep").mkdir(parents=True)
    (elsewhere / "deep" / "a.csv").write_text("id,kind\n1,oak\n")
    (elsewhere / "inner").symlink_to(elsewhere / "deep")
    (elsewhere / "b.csv").symlink_to(elsewhere / "deep" / "a.csv")
    (lab.root / "raw").symlink_to(elsewhere)
    spec = lab.spec()
    lab.convert(spec)
    assert lab.left() == ["b.parquet", "deep/a.parquet", "inner/a.parquet"]
    assert lab.verify(spec).is_clean


def test_link_to_its_own_folder(lab: Any) -> None:
    """A link to one of its own parent folders is not followed."""
    lab.raw("deep/a.csv", "id,kind\n1,oak\n")
    (lab.root / "raw" / "deep" / "again").symlink_to(lab.root / "raw")
    lab.convert(lab.spec())
    assert lab.left() == ["deep/a.parquet"]


def test_link_to_nothing(lab: Any) -> None:
    """A link to a file that does not exist is reported by its name."""
    lab.raw("b.csv", "id,kind\n1,oak\n")
    (lab.root / "raw" / "a.csv").symlink_to("gone.csv")
    assert _error_text(lab, SourceError) == "ROOT/raw/a.csv: cannot be read: it is a link to a file that does not exist"


def test_name_that_is_no_text(lab: Any) -> None:
    """A file name that is not UTF-8 cannot be recorded in the part, so it is an error."""
    folder = os.fsencode(lab.raw("b.csv", "id,kind\n1,oak\n").parent)
    with open(os.path.join(folder, b"a\xff.csv"), "w") as file:  # noqa: PTH118, PTH123
        file.write("id,kind\n1,oak\n")
    assert "the file name is not valid UTF-8. Rename it." in _error_text(lab, SourceError)


def test_value_out_of_range(lab: Any) -> None:
    """A number beyond its type is reported with line, column, value, type and range."""
    lab.raw("a.csv", "id,kind\n2147483647,oak\n2147483648,fir\n")
    assert _rejected_rows(lab) == [f"a.csv:3: column 'id': '2147483648' {NOT_INT32}"]


def test_first_column_that_does_not_fit_is_named(lab: Any) -> None:
    """A row with several values that do not fit is one reject, reported with the first of them."""
    lab.raw("a.csv", "id,kind\nx,y\n")
    assert _rejected_rows(lab, columns={"id": "int32", "kind": "bool"}) == [f"a.csv:2: column 'id': 'x' {NOT_INT32}"]


def test_twenty_rows_are_named(lab: Any) -> None:
    """Of many rows that do not fit, the first twenty are reported."""
    lab.raw("a.csv", "id,kind\n" + "x,oak\n" * 100)
    rows = _rejected_rows(lab)
    assert [row.split(": ")[0] for row in rows] == [f"a.csv:{line}" for line in range(2, 22)]


def test_failed_part_leaves_others_alone(lab: Any) -> None:
    """Failed parts are reported together, and the others are written."""
    for name, value in (("a", "x"), ("b", "1"), ("c", "y")):
        lab.raw(f"{name}.csv", f"id,kind\n{value},oak\n")
    with pytest.raises(FailedPartsError) as caught:
        lab.convert(lab.spec())
    assert str(caught.value).startswith("2 of 3 parts failed; the others are finished.\ntrees: 1 row does not fit")
    assert (caught.value.exit_code, lab.left()) == (2, ["b.parquet"])


def test_failure_keeps_the_part_of_before(lab: Any) -> None:
    """If a raw file no longer fits, the part that was made from it before does not change."""
    lab.raw("a.csv", "id,kind\n1,oak\n")
    lab.convert(lab.spec())
    before = _contents(lab)
    lab.raw("a.csv", "id,kind\nx,oak\n")
    with pytest.raises(RejectedRowsError):
        lab.convert(lab.spec())
    assert _contents(lab) == before


def test_carriage_return_in_a_reject(lab: Any) -> None:
    """A row with a bare CR inside single quotes is one row of the rejects file, too."""
    spec = lab.spec(on_reject="keep", dialect=Dialect(quote="'"))
    lab.raw("a.csv", "id,kind\nx,'o\rak'\n1,fir\n")
    lab.convert(spec)
    assert lab.rejects() == [["a.csv", "2", "id", NOT_INT32, "x,'o\rak'"]]
    assert lab.verify(spec).is_clean


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_in_an_unclosed_quote_are_kept(lab: Any, end: str) -> None:
    """Of a row whose quote is never closed, only the file's last line end is left out of the rejects file."""
    spec = lab.spec(on_reject="keep")
    lab.raw("a.csv", f'id,kind{end}1,"fir{end}{end}{end}')
    lab.convert(spec)
    assert lab.rejects() == [["a.csv", "2", "", "a quote is opened that is never closed", f'1,"fir{end}{end}']]
    assert lab.verify(spec).is_clean
