"""Parts of a few kilobytes are converted without threads of their own, and have short footers."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_convert.conversion import part_conversion, part_job
from data_convert.conversion.inline_executor import InlineExecutor
from data_convert.reading.streams import SourceFacts
from data_convert.writing.provenance import FOOTER_KEY, Provenance, read_provenance


def test_a_small_part_has_the_same_bytes_as_with_threads(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """And its blocks and row groups are not handed to other threads."""
    lab.raw("a.csv", "id,kind\n" + "".join(f"{n % 7},oak{n % 3}\n" for n in range(3000)))
    readers: list[str] = []
    threads: list[bool] = []
    original = part_conversion.PartConversion._write

    def spy(self: Any, row_groups: list[Any]) -> None:
        threads.append(threading.current_thread().name == readers[-1])
        original(self, row_groups)

    read = part_conversion.PartConversion._read

    def noting_read(self: Any, *arguments: Any) -> Any:
        readers.append(threading.current_thread().name)
        return read(self, *arguments)

    monkeypatch.setattr(part_conversion.PartConversion, "_write", spy)
    monkeypatch.setattr(part_conversion.PartConversion, "_read", noting_read)
    lab.convert(lab.spec())
    small = lab.part().read_bytes()
    monkeypatch.setattr(part_job, "_SMALL_PART_BYTES", 0)
    lab.convert(lab.spec(), force=True)
    assert threads == [True, False]
    assert small == lab.part().read_bytes()


def test_an_inline_task_keeps_its_exception() -> None:
    """It is raised where the result is read, as with threads."""
    executor = InlineExecutor()
    assert executor.submit(max, 1, 2).result() == 2
    future = executor.submit(int, "x")
    assert isinstance(future.exception(), ValueError)


def _provenance(**facts: Any) -> Provenance:
    source = SourceFacts(name="a.csv", size_bytes=0, text_bytes=0, sha256="d")
    return Provenance(**{"spec": "s", "sources": (source,), "rows": 0, "pages_bytes": 4, "pages_sha256": "p", **facts})


@pytest.mark.parametrize(
    "facts", [{}, {"rejects": 2, "rejects_sha256": "r", "zones": {"t": "UTC"}, "exact": ("x",), "changed": {"x": 1}}]
)
def test_the_footer_omits_what_a_part_does_not_have(tmp_path: Path, facts: dict[str, Any]) -> None:
    """And is read back as it was written, like a footer that has everything."""
    provenance = _provenance(**facts)
    short, full = json.loads(provenance.to_json()), asdict(provenance)
    assert set(full) - set(short) == {"rejects", "rejects_sha256", "zones", "exact", "changed"} - set(facts)
    assert short["sources"] == [{"name": "a.csv", "size_bytes": 0, "text_bytes": 0, "sha256": "d"}]
    for number, footer in enumerate((short, full)):
        path = tmp_path / f"{number}.parquet"
        table = pa.table({"x": [1]}).replace_schema_metadata({FOOTER_KEY: json.dumps(footer)})
        pq.write_table(table, path)
        found = read_provenance(path)
        assert found is not None
        assert asdict(found) | {"exact": tuple(found.exact)} == full
