"""What a file is by its first bytes, and what to do if that is not a table of its name's kind."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

from data_convert.reading.compression import MAGIC, OPENERS

HEAD_BYTES: Final = 512

# An empty archive, and one that was divided.
_OTHER_ZIP: Final = (b"PK\x05\x06", b"PK\x07\x08")
_OFFICE_MEMBERS: Final = (
    *(b"[Content_Types].xml", b"_rels/.rels", b"docProps/", b"xl/workbook", b"xl/worksheets/"),
    b"mimetypeapplication/vnd.oasis",
)
_MEMBER_NAME: Final = 30
"""Where the name of the first file of a zip starts."""

_GET_AGAIN: Final = "Probably a server sent it instead of the data: get the file again."
_OTHER_KINDS: Final = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Excel workbook (.xls). Save its sheet as CSV.",
    b"%PDF-": "a PDF. Get the data as CSV.",
    b"SQLite format 3\x00": "an SQLite database. Export its table as CSV.",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file. Export its table as CSV.",
    b"ARROW1\x00\x00": "an Arrow file (Feather). Export it as CSV.",
    b"7z\xbc\xaf\x27\x1c": "a .7z archive. Unpack it.",
    b"Rar!\x1a\x07": "a .rar archive. Unpack it.",
    b"version https://git-lfs.github.com/": "a pointer of Git LFS. Get the data with `git lfs pull`.",
}
_PAGE: Final = re.compile(rb"\s*<(!doctype html|html)\b", re.IGNORECASE)
_XML: Final = re.compile(rb"\s*<\?xml\b")
_TAR: Final = slice(257, 262)
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_BOM: Final = b"\xef\xbb\xbf"


def name_problem(name: str, head: bytes) -> str | None:
    """Why a file of this name cannot start with these bytes, and what to do; None if it can."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in OPENERS:
        return text_problem(head)
    if not head:
        return "the file is empty. Get it again, or remove it."
    found = _ending(head)
    if found == suffix:
        return f"the content is {_WORKBOOK}" if _is_workbook(head) else None
    if found is not None:
        return (
            f"the name ends with {suffix}, but the content is that of a {found} file. Rename the file to end with"
            f" {found} instead."
        )
    if (other := _other_kind(head)) is not None:
        return f"the name ends with {suffix}, but the content is {other}"
    if not _CONTROL.search(head):
        return f"the name ends with {suffix}, but the content is plain text. Rename the file to {_bare(name)}."
    return None


def text_problem(head: bytes, *, subject: str = "the content") -> str | None:
    """Why text cannot start with these bytes, and what to do; None if it can."""
    if _is_workbook(head):
        return f"{subject} is {_WORKBOOK}"
    if (ending := _ending(head)) is not None:
        return f"{subject} is that of a {ending} file. Rename the file to end with {ending}."
    other = _other_kind(head)
    return None if other is None else f"{subject} is {other}"


_WORKBOOK: Final = "an Excel workbook or OpenDocument sheet. Save its sheet as CSV."


def _ending(head: bytes) -> str | None:
    if head.startswith(_OTHER_ZIP):
        return ".zip"
    ending = next((ending for magic, ending in MAGIC.items() if head.startswith(magic)), None)
    # A text may start with these letters, such as the header `PAR1,PAR2`.
    is_text = ending in (".bz2", ".parquet") and not _CONTROL.search(head)
    return None if is_text else ending


def _is_workbook(head: bytes) -> bool:
    return head.startswith(b"PK\x03\x04") and head[_MEMBER_NAME:].startswith(_OFFICE_MEMBERS)


def _other_kind(head: bytes) -> str | None:
    if _PAGE.match(head.removeprefix(_BOM)):
        return f"an HTML page. {_GET_AGAIN}"
    if _XML.match(head.removeprefix(_BOM)):
        return "an XML document. Get the data as CSV."
    if head[_TAR] == b"ustar":
        return "a .tar archive. Unpack it."
    return next((kind for magic, kind in _OTHER_KINDS.items() if head.startswith(magic)), None)


def _bare(name: str) -> str:
    """The name without its last ending."""
    return PurePosixPath(name).stem
