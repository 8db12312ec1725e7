"""Raw files that are not what their names say, cannot be read, or have names that collide."""

from __future__ import annotations

import gzip
import io
import os
import socket
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from data_convert.conversion.plan import plan_conversion
from data_convert.errors import DataConvertError, NotATableError, SourceError
from data_convert.inspection.dataset_inspection import inspect_path
from data_convert.reading.file_content import name_problem

TEXT: Final = b"id,kind\n1,oak\n2,fir\n"
TABLE: Final = pa.table({"id": [1]})


def _zip(*names: str, flags: int = 0, text: bytes = TEXT) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, text)
        for member in archive.filelist:
            member.flag_bits |= flags
    return buffer.getvalue()


def _problems(lab: Any, name: str, content: bytes) -> str:
    """What the conversion and the inspection say of the file; they agree."""
    path = lab.raw(name, content)
    with pytest.raises(SourceError) as converted:
        lab.convert(lab.spec())
    with pytest.raises(DataConvertError) as inspected:
        inspect_path(path)
    problem = str(converted.value).removeprefix(f"{path}: ")
    assert str(inspected.value).endswith(problem)
    return problem


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zst", ".zip", ".GZ"])
def test_plain_text_in_a_compressed_name(lab: Any, ending: str) -> None:
    """Text that is not compressed is called text, and gets the name that it should have."""
    assert _problems(lab, f"a.csv{ending}", TEXT) == (
        f"the name ends with {ending.lower()}, but the content is plain text. Rename the file to a.csv."
    )


def test_another_compression_than_named(lab: Any) -> None:
    """The ending that fits the content is named."""
    assert _problems(lab, "a.csv.gz", lab.compress[".zst"](TEXT)) == (
        "the name ends with .gz, but the content is that of a .zst file. Rename the file to end with .zst instead."
    )


def test_empty_compressed_file(lab: Any) -> None:
    """A compressed file of no bytes is empty, not corrupt."""
    assert _problems(lab, "a.csv.gz", b"") == "the file is empty. Get it again, or remove it."


def test_compressed_twice(lab: Any) -> None:
    """Data that are compressed twice are not read as text."""
    assert _problems(lab, "a.csv.gz", gzip.compress(gzip.compress(TEXT))) == (
        "the decompressed content is that of a .gz file. Rename the file to end with .gz."
    )


def test_cut_off_compressed_file(lab: Any) -> None:
    """A download that was interrupted is called truncated."""
    assert _problems(lab, "a.csv.gz", gzip.compress(TEXT * 99)[:-9]) == (
        "the .gz data are truncated or corrupt (Compressed file ended before the end-of-stream marker was reached)."
        " Get the file again."
    )


def test_archive_of_several_files(lab: Any) -> None:
    """The first names are listed, and files that macOS adds do not count."""
    names = ["1.csv", "__MACOSX/._1.csv", "2.csv", "3.csv", "4.csv"]
    assert _problems(lab, "a.csv.zip", _zip(*names)) == (
        "the archive has 4 files (1.csv, 2.csv, 3.csv, …), and a raw file is one table. Unpack them into this folder,"
        " and move the archive away."
    )


def test_archive_without_a_file(lab: Any) -> None:
    """An archive of nothing or of a folder has no table."""
    assert _problems(lab, "a.csv.zip", _zip()) == "the archive has no file. Get it again, or remove it."


def test_encrypted_archive(lab: Any) -> None:
    """A password cannot be given, so the user has to unpack the archive."""
    assert _problems(lab, "a.csv.zip", _zip("a.csv", flags=1)) == (
        "the archive is encrypted. Unpack it into this folder, and move it away."
    )


def _sqlite(path: Path) -> bytes:
    with sqlite3.connect(path) as database:
        database.execute("create table t (a)")
    database.close()
    return path.read_bytes()


def _feather(path: Path) -> bytes:
    feather.write_feather(TABLE, str(path))
    return path.read_bytes()


def _parquet(path: Path) -> bytes:
    pq.write_table(TABLE, path)
    return path.read_bytes()


WORKBOOK: Final = "the content is an Excel workbook or OpenDocument sheet. Save its sheet as CSV."
PAGE: Final = "the content is an HTML page. Probably a server sent it instead of the data: get the file again."
KINDS: Final[dict[str, Any]] = {
    "workbook": (lambda _: _zip("[Content_Types].xml", "xl/workbook.xml"), WORKBOOK),
    "sheet": (lambda _: _zip("mimetype", text=b"application/vnd.oasis.opendocument.spreadsheet"), WORKBOOK),
    "page": (lambda _: b"\n<!DOCTYPE html>\n<html><body>404</body></html>", PAGE),
    "page after a mark": (lambda _: b"\xef\xbb\xbf<HTML lang=en>", PAGE),
    "XML": (lambda _: b'<?xml version="1.0"?><rows/>', "the content is an XML document. Get the data as CSV."),
    "PDF": (lambda _: b"%PDF-1.7\n%\xe2\xe3", "the content is a PDF. Get the data as CSV."),
    "database": (_sqlite, "the content is an SQLite database. Export its table as CSV."),
    "Feather": (_feather, "the content is an Arrow file (Feather). Export it as CSV."),
    "Parquet": (_parquet, "the content is that of a .parquet file. Rename the file to end with .parquet."),
    "LFS": (
        lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "the content is a pointer of Git LFS. Get the data with `git lfs pull`.",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_other_kinds_of_files(lab: Any, kind: str) -> None:
    """What is no table is called by its name, plain or compressed."""
    make, problem = KINDS[kind]
    content = make(lab.root / "made")
    assert _problems(lab, "a.csv", content) == problem
    (lab.root / "raw/a.csv").unlink()
    compressed = _problems(lab, "a.csv.gz", gzip.compress(content))
    assert compressed == problem.replace("the content", "the decompressed content")


@pytest.mark.parametrize("text", [b"PAR1,PAR2\n", b"BZh,x\n", b"<a>,b\n", b"PK,x\n", b"%,PDF\n", b"version,x\n", b""])
def test_text_that_begins_like_another_kind(text: bytes) -> None:
    """A header with the letters of another kind is a header."""
    assert name_problem("a.csv", text) is None


def _remarks(lab: Any, **settings: Any) -> tuple[str, ...]:
    return plan_conversion(lab.spec(**settings), lab.root).notes


@pytest.mark.parametrize(
    ("name", "content", "hint"),
    [
        (
            "data.zip",
            _zip("x.csv"),
            "data.zip is compressed, but its name does not say what it has. Rename it to data.csv.zip.",
        ),
        ("data.zip", _zip("x.csv", "y.csv"), "data.zip is an archive of 2 files. Unpack it."),
        (
            "data.zip",
            b"cut off",
            "data.zip is compressed, but its name does not say what it has. Rename it to data.csv.zip.",
        ),
        ("a.gz", b"", "a.gz is compressed, but its name does not say what it has. Rename it to a.csv.gz."),
        ("a.tar.gz", b"", "a.tar.gz is an archive. Unpack it."),
        ("a.7z", b"", "a.7z is an archive. Unpack it."),
    ],
)
def test_archives_that_are_not_read(lab: Any, name: str, content: bytes, hint: str) -> None:
    """A compressed file without the ending of a text is not raw data, and both commands say so."""
    lab.raw(name, content)
    with pytest.raises(DataConvertError) as caught:
        lab.convert(lab.spec())
    assert f"(found 1 other file, such as {name}). {hint} Put the raw files there" in str(caught.value)
    with pytest.raises(DataConvertError) as caught:
        inspect_path(lab.root / "raw")
    assert str(caught.value).endswith(f"It has 1 other file, such as {name}. {hint}")
    lab.raw("b.csv", TEXT)
    assert _remarks(lab) == (f"not read: {hint}",)
    assert f"not read: {hint}" in inspect_path(lab.root / "raw").notes


def test_parts_that_differ_only_in_case(lab: Any) -> None:
    """Such parts overwrite each other where file names have no case."""
    lab.raw("a.csv", TEXT)
    lab.raw("A.csv", TEXT)
    remark = (
        "A.parquet and a.parquet differ only in case. On disks of Windows and macOS they are one file: rename a raw"
        " file."
    )
    assert _remarks(lab) == (remark,)
    assert remark in inspect_path(lab.root / "raw").notes
    assert _remarks(lab, parts="all{n}", pattern="(?P<n>)") == ()


def test_columns_that_differ_only_in_case(lab: Any) -> None:
    """Such columns are one for some engines."""
    path = lab.raw("a.csv", "Flow,flow,FLOW,x\n1,2,3,4\n")
    assert (
        "the columns 'Flow' and 'flow' and 'FLOW' differ only in case, and DuckDB and Spark take them for one: give"
        " each another `name`."
    ) in inspect_path(path).notes


def test_links_in_a_circle(lab: Any) -> None:
    """A link that leads to itself is an error of that file."""
    path = lab.root / "raw" / "a.csv"
    path.parent.mkdir()
    path.symlink_to(path)
    with pytest.raises(SourceError, match=r"a\.csv: cannot be read: Too many levels of symbolic links"):
        lab.convert(lab.spec())


@pytest.fixture
def special(lab: Any) -> Iterator[Path]:
    """The path of a raw file that a test makes; its folder exists."""
    (lab.root / "raw").mkdir()
    yield lab.root / "raw" / "a.csv"


def test_pipe(lab: Any, special: Path) -> None:
    """A pipe is not opened, because reading would wait forever."""
    os.mkfifo(special)
    with pytest.raises(SourceError, match=r"a\.csv: is not a file with content \(it is a pipe, a socket or a device\)"):
        lab.convert(lab.spec())


def test_socket(lab: Any, special: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket is not opened either."""
    monkeypatch.chdir(special.parent)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("a.csv")
        with pytest.raises(SourceError, match=r"a\.csv: is not a file with content"):
            lab.convert(lab.spec())


def test_file_where_a_folder_is_declared(lab: Any) -> None:
    """The error says which keys describe one file."""
    lab.raw("a.csv", TEXT)
    with pytest.raises(DataConvertError) as caught:
        lab.convert(lab.spec(source="raw/a.csv"))
    assert str(caught.value) == (
        "trees: `source` = 'raw/a.csv' is a file and must be a folder. Declare its folder as `source` and `files` ="
        " 'a.csv'."
    )


def test_folder_with_the_name_of_a_file(lab: Any) -> None:
    """A folder may be called like a raw file; the files in it are read."""
    lab.raw("a.csv/b.csv", TEXT)
    lab.convert(lab.spec())
    assert lab.left() == ["a.csv/b.parquet"]


def _refuse(*_: object, **__: object) -> NoReturn:
    raise PermissionError(13, "Permission denied", "FOLDER")


def test_unreadable_folder(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without permission is an error: its files would be missing in the Parquet."""
    lab.raw("a.csv", TEXT)
    monkeypatch.setattr(os, "scandir", _refuse)
    with pytest.raises(SourceError, match="FOLDER: the folder cannot be read: Permission denied"):
        lab.convert(lab.spec())


def test_unreadable_file(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without permission is an error, also if its part is finished."""
    path = lab.raw("a.csv", TEXT)
    lab.convert(lab.spec())
    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: _refuse() if self == path else opened(self, *a, **k))
    for force in (False, True):
        with pytest.raises(SourceError, match=r"a\.csv: cannot be read: Permission denied"):
            lab.convert(lab.spec(), force=force)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (bytes(4096), "the file has zero bytes only, so it was not written completely. Get it again."),
        (
            TEXT + bytes(4096),
            "zero bytes follow line 3, so the file was not written completely. Get it again, or remove them:"
            " tr -d '\\000' < a.csv > new-a.csv",
        ),
        (
            b"id,kind\n" + b"1,oak\0\0\0\0\n" * 9,
            "line 2 is the first with zero bytes (NUL), which text does not have; the file is not UTF-16 either. If"
            " they fill up cells, remove them: tr -d '\\000' < a.csv > new-a.csv",
        ),
        (
            b"\x7fELF\x02\x01\x01" + bytes(range(8)) * 9,
            "this is not text: it holds control characters. Is it a binary file?",
        ),
    ],
)
def test_zero_bytes(lab: Any, content: bytes, problem: str) -> None:
    """Zero bytes are not taken for UTF-16, and the message says where they are."""
    path = lab.raw("a.csv", content)
    with pytest.raises(NotATableError) as caught:
        inspect_path(path)
    assert str(caught.value).endswith(f"a.csv: {problem}")


WIDE: Final = """
import resource, sys
from pathlib import Path
from data_convert import ColumnSpec, DatasetSpec, convert_dataset

def converted(count):
    names = [f"c{number}" for number in range(count)]
    layout = tuple(ColumnSpec(name=name, header=name, type="float64") for name in names)
    spec = DatasetSpec(name=f"wide{count}", source=f"raw{count}", output=f"parts{count}", layout=layout)
    (root / spec.source).mkdir()
    (root / spec.source / "a.csv").write_text(",".join(names) + "\\n" + ",".join(["1.5"] * count) + "\\n")
    convert_dataset(spec, data_folder=root, jobs=1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

root = Path(sys.argv[1])
narrow = converted(10)
print((converted(4000) - narrow) // 1024)
"""


def test_wide_files_take_little_memory(tmp_path: Path) -> None:
    """A file of 4,000 columns is converted with less than 100 MB more than one of ten columns."""
    run = subprocess.run([sys.executable, "-c", WIDE, str(tmp_path)], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 100
