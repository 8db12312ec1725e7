"""A bounded mutation fuzzer of the conversion: `python read.py --seconds 60`.

It changes the files of `corpus` at random and converts them. A conversion has to end within its time and memory, with a
Parquet file or an error of this package, and each record of the file is a row, a reject or counted as skipped.
"""

from __future__ import annotations

import argparse
import bz2
import codecs
import faulthandler
import gzip
import lzma
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import zstandard

from data_convert.conversion.conversion_report import ConversionReport
from data_convert.conversion.dataset_conversion import convert_dataset
from data_convert.errors import DataConvertError
from data_convert.reading.records import Block, Quoting
from data_convert.reading.rows import read_records
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.spec.spec_file import load_specs
from data_convert.storage.local_file import LocalFile
from data_convert.verification.raw.raw_text import opened

CORPUS: Final = Path(__file__).parent / "corpus"
CASE_LIMIT_S: Final = 60
"""A conversion that takes longer hangs: the largest changed file has a megabyte, which takes less than a second."""

MEMORY_LIMIT_BYTES: Final = 1 << 30

_COMPRESS: Final[dict[str, Callable[[bytes], bytes]]] = {
    ".gz": lambda text: gzip.compress(text, mtime=0),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
_TOKENS: Final = [
    *(b'"', b"'", b",", b";", b"\t", b"||", b"\\", b"#", b" ", b"\n", b"\r", b"\r\n", b"\n\n", b"\0", b"\x1f", b'""'),
    *(b"\xef\xbb\xbf", b"\xff", b"\xc3", b"\xed\xb2\x80", "é世".encode(), b"0", b"-1", b"1e999", b"nan", b"x" * 300),
    *(b'",', b',"', b'\n"', b'"\n', b"99999999999999999999", b"2024-02-30", b"=1+1"),
]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A changed file.

    Attributes:
        name: Name of the file; its ending says how it is compressed.
        content: Its bytes.
    """

    spec: DatasetSpec
    name: str
    content: bytes


class Failure(Exception):
    """The conversion broke a promise."""


def changed_case(corpus: Path, specs: Sequence[DatasetSpec], rng: random.Random) -> Case:
    """A random change of a random file."""
    spec = rng.choice(specs)
    text = (corpus / spec.source / "a.csv").read_bytes()
    for _ in range(rng.choice([0, 1, 1, 2, 3, 8, 30])):
        text = _changed(text, rng)
    ending = rng.choice(["", "", "", *_COMPRESS])
    content = _COMPRESS[ending](text) if ending else text
    if ending and rng.random() < 0.3:
        content = _changed(content, rng)
    return Case(spec=spec, name=f"a.csv{ending}", content=content)


def _changed(text: bytes, rng: random.Random) -> bytes:
    start, end = sorted(rng.choices(range(len(text) + 1), k=2))
    piece = text[start:end]
    return rng.choice(
        [
            lambda: text[:start] + rng.choice(_TOKENS) + text[start:],
            lambda: text[:start] + rng.choice(_TOKENS) + text[start + 1 :],
            lambda: text[:start] + bytes([rng.randrange(256)]) + text[start + 1 :],
            lambda: text[:start] + text[end:],
            lambda: text[:end] + piece + text[end:],
            lambda: text[:start] + piece * (1 + min(rng.choice([3, 200]), 300_000 // (len(piece) + 1))) + text[end:],
            lambda: text[:start] + rng.choice(_TOKENS) * rng.choice([10, 30_000]) + text[start:],
            lambda: text.replace(b"\n", rng.choice([b"\r", b"\r\n", b"\n\n", b"\n \n"])),
            lambda: text.replace(rng.choice([b'"', b",", b" "]), rng.choice(_TOKENS)),
            lambda: text[:end],
        ]
    )()[:1_000_000]


def check_case(case: Case, folder: Path) -> str:
    """Convert the file in the folder and check the result; return what happened: "converted" or "refused".

    Raises:
        Failure: A record is lost, an error has no message, or the memory grew too large.
    """
    raw = folder / case.spec.source / case.name
    raw.parent.mkdir(parents=True, exist_ok=True)
    raw.write_bytes(case.content)
    try:
        report = convert_dataset(case.spec, data_folder=folder, jobs=2, force=True)
    except DataConvertError as error:
        if case.name not in str(error):
            raise Failure(f"the error does not name the file: {error}") from error
        return "refused"
    finally:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
        if peak > MEMORY_LIMIT_BYTES:
            raise Failure(f"{peak >> 20} MiB of memory")
        if any(path.name.endswith((".tmp", ".partial")) for path in folder.rglob("*")):
            raise Failure("a temporary file is left")
    expected = _record_count(case.spec, raw, report)
    found = report.rows + report.rejects + sum(report.skipped.values())
    if found != expected:
        raise Failure(f"{expected} records became {report.rows} rows, {report.rejects} rejects, {report.skipped}")
    return "converted"


def _record_count(spec: DatasetSpec, raw: Path, report: ConversionReport) -> int:
    """How many lines before the table, rows and comments the file has, read in one piece."""
    with opened(LocalFile.of(raw)) as file:
        content = file.text.read()
    decoder = codecs.getincrementaldecoder(spec.dialect.encoding)(errors="surrogateescape")
    text = decoder.decode(content, final=True).removeprefix("\ufeff").encode("utf-8", errors="surrogateescape")
    lines = report.skipped.get("lines", 0)
    # bytes.splitlines() splits at CR, LF and CRLF only.
    rest = b"".join(text.splitlines(keepends=True)[lines:])
    block = Block(text=rest, first_line=lines + 1, quoting=Quoting.IRREGULAR)
    count, width = lines, None if spec.dialect.header else len(spec.raw_headers)
    for record in read_records(block, spec.dialect):
        row = record.row if width is None else record.row_of(width)
        count += record.is_comment
        if row is not None and width is None:
            width = len(row.cells)
        elif row is not None:
            count += 1
    return count


def main(*, argv: Sequence[str] | None = None) -> int:
    """Run until the time or the number of cases is used up; return 1 after a failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--cases", type=int, default=10**9)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args(argv)
    specs = [replace(spec, on_reject="keep", max_rejects=1.0) for spec in load_specs(CORPUS / "datasets.toml").values()]
    # First, because a conversion that hangs ends this process with nothing but its stack.
    print(f"seed {options.seed}", flush=True)
    counts = {"converted": 0, "refused": 0}
    end = time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory(prefix="fuzz-") as parent:
        number = 0
        while number < options.cases and time.monotonic() < end:
            folder = Path(parent) / str(number)
            case = changed_case(CORPUS, specs, random.Random(f"{options.seed}-{number}"))
            faulthandler.dump_traceback_later(CASE_LIMIT_S, exit=True)
            try:
                counts[check_case(case, folder)] += 1
            except Exception as error:
                faulthandler.cancel_dump_traceback_later()
                print(f"seed {options.seed}, case {number} ({case.spec.name}, {case.name}): {error!r}")
                print(f"content: {case.content[:2000]!r}")
                return 1
            faulthandler.cancel_dump_traceback_later()
            shutil.rmtree(folder)
            number += 1
    print(f"seed {options.seed}: {number} cases, {counts['converted']} converted, {counts['refused']} refused")
    return 0


if __name__ == "__main__":
    faulthandler.enable()
    sys.exit(main())
