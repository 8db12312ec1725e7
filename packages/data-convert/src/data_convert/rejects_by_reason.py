"""The rejects of a dataset by reason, for `data.rejects`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from data_convert.errors import DataConvertError
from data_convert.reading.reject_reasons import RejectReason, RejectTally
from data_convert.reading.rejects import Reject
from data_convert.sizes.part_facts import read_parts_facts
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.spec.spec_file import load_specs, select_specs
from data_convert.storage.opening import part_place, rejects_name, rejects_place, shown_rejects_place
from data_convert.storage.output_place import OutputFile, OutputPlace
from data_convert.writing.rejects_file import REJECTS_HEADER, has_rejects_header
from dataset_spec import DATASETS_FILE
from terminal import count_text

_SHOWN_CHARACTERS: Final = 100


@dataclass(frozen=True, kw_only=True)
class RejectsReport:
    """The rejects of one dataset.

    Attributes:
        parts: Parts of the dataset.
        recorded: Part -> number of its rejects by its footer; only parts that have some.
        absent: Parts whose rejects file is not here.
        where: Folder or prefix of the rejects files.
        reasons: What the rejects files have, the most frequent reason first.
    """

    dataset: str
    parts: int
    recorded: dict[str, int]
    absent: tuple[str, ...]
    where: str
    reasons: tuple[RejectReason, ...]

    @property
    def rejects(self) -> int:
        """Rejects of all parts."""
        return sum(self.recorded.values())

    @property
    def absent_rejects(self) -> int:
        """Rejects whose files are not here."""
        return sum(self.recorded[part] for part in self.absent)

    def facts(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "dataset": self.dataset,
            "parts": self.parts,
            "rejects": self.rejects,
            "rejects_by_part": self.recorded,
            "absent": list(self.absent),
            "reasons": [
                {
                    "column": reason.column,
                    "reason": reason.reason,
                    "rows": reason.rows,
                    "examples": [
                        {"source": example.source, "line": example.line, "row": _encodable(example.raw)}
                        for example in reason.examples
                    ],
                }
                for reason in self.reasons
            ],
        }


def rejects_report(root: Path, name: str) -> RejectsReport:
    """Read the footers of the dataset's parts, and their rejects files.

    Args:
        root: The project.

    Raises:
        ShrinkwrapError: datasets.toml is wrong, the name is unknown, the dataset is not converted, or a rejects file
            cannot be read.
    """
    (spec,) = select_specs(load_specs(root / DATASETS_FILE), [name])
    return report_on_rejects(spec, (root / DATASETS_FILE).parent)


def report_on_rejects(spec: DatasetSpec, data_folder: Path) -> RejectsReport:
    """The same for a dataset whose folders are below `data_folder`."""
    output = part_place(data_folder, spec.output)
    rejects = rejects_place(data_folder, spec.name, spec.output)
    counts = _recorded(output)
    if not counts:
        raise DataConvertError(
            f"{spec.name}: no part in {output.where}, so there are no rejects to show. Run"
            f" `invoke data.compress --dataset {spec.name}` first."
        )
    recorded = {part: count for part, count in counts.items() if count}
    found = rejects.files() if recorded else {}
    files = {part: found.get(rejects_name(part)) for part in recorded}
    tally = RejectTally()
    for file in files.values():
        if file is not None:
            tally.add(_read(rejects, file))
    return RejectsReport(
        dataset=spec.name,
        parts=len(counts),
        recorded=recorded,
        absent=tuple(part for part, file in files.items() if file is None),
        where=shown_rejects_place(spec.name, spec.output),
        reasons=tuple(tally.reasons()),
    )


def rejects_text(report: RejectsReport) -> str:
    """The report for the user: each reason with its count and the first rows."""
    return "\n".join(_lines(report))


def _recorded(output: OutputPlace) -> dict[str, int]:
    found = sorted(read_parts_facts(output).parts, key=lambda part: part.file.name)
    return {part.file.name: part.provenance.rejects for part in found}


def _read(place: OutputPlace, file: OutputFile) -> Iterator[Reject]:
    with place.open(file) as opened:
        if not has_rejects_header(opened):
            raise DataConvertError(
                f"{place.where_is(file.name)} does not start with {','.join(REJECTS_HEADER)}, so it is not a rejects"
                " file of this tool. Move it away, and run `invoke data.compress` with --force."
            )
        text = io.TextIOWrapper(opened, encoding="utf-8", errors="surrogateescape", newline="")
        for source, line, column, reason, row in csv.reader(text):
            yield Reject(source=source, line=int(line), column=column or None, value="", reason=reason, raw=row)


def _lines(report: RejectsReport) -> Iterator[str]:
    name, parts = report.dataset, count_text(report.parts, "part")
    if not report.rejects:
        yield f"{name}: no rejects in {parts}"
        return
    yield f"{name}: {count_text(report.rejects, 'reject')} in {len(report.recorded):,} of {parts}"
    for reason in report.reasons:
        column = f"column {reason.column!r} " if reason.column else ""
        yield f"  {count_text(reason.rows, 'row')}: {column}{reason.reason}"
        yield from (f"    {example.source}:{example.line}: {_shown(example.raw)}" for example in reason.examples)
    if report.reasons:
        yield f"All of them, one file for each part: {report.where}"
    if report.absent:
        yield (
            f"The files of {count_text(report.absent_rejects, 'reject')} in {count_text(len(report.absent), 'part')}"
            " are not here, because rejects are not transferred with the Parquet. With the raw files,"
            f" `invoke data.compress --dataset {name} --force` writes them."
        )


def _shown(raw: str) -> str:
    """The row on one line, with characters that are not printable as Python escapes."""
    short = raw if len(raw) <= _SHOWN_CHARACTERS else raw[:_SHOWN_CHARACTERS] + "…"
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in short)


def _encodable(raw: str) -> str:
    """The row with bytes that are not valid in the declared encoding as escapes, which JSON can hold."""
    return raw.encode("utf-8", "backslashreplace").decode()
