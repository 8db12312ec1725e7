"""Memory stays bounded however large one file is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from data_sample import write_samples

CONVERT = """
import json, re, resource, sys
from pathlib import Path
from data_convert import convert_dataset, load_specs
spec = load_specs(Path(sys.argv[1]))[sys.argv[3]]
report = convert_dataset(spec, data_folder=Path(sys.argv[2]), jobs=4)
status = Path("/proc/self/status")
if status.exists():  # Linux: getrusage would count the peak of the process that started this one
    peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]) * 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"parts": len(report.parts), "raw": report.raw_bytes, "peak": peak}))
"""

TREES = """
[datasets.trees]
title = "Trees"
source = "raw"
output = "parts"
columns = [
    { name = "name", type = "string" },
    { name = "height", type = "float64" },
    { name = "planted", type = "date", formats = ["%Y-%m-%d"] },
]
"""


def _converted(*arguments: str) -> dict[str, int]:
    """Convert in a process of its own, and return its figures."""
    result = subprocess.run([sys.executable, "-c", CONVERT, *arguments], capture_output=True, text=True, check=True)
    facts: dict[str, int] = json.loads(result.stdout)
    return facts


def test_a_file_larger_than_the_limit_is_streamed(tmp_path: Path) -> None:
    """Converting one file of 900 MB never takes more than 600 MB of memory."""
    (sample,) = write_samples(tmp_path, ["pems-detector"], size_bytes=300_000_000)
    first, *others = sorted(sample.folder.glob("*.txt"))
    day_bytes = [path.read_bytes() for path in (first, *others)]
    for path in others:
        path.unlink()
    with first.open("wb") as whole:
        for _ in range(3):
            whole.writelines(day_bytes)
    facts = _converted("data/datasets.toml", str(tmp_path / "data"), "pems-detector")
    assert facts["parts"] == 1
    assert facts["raw"] > 800_000_000
    assert facts["peak"] < 600_000_000


def test_many_files_take_no_more_memory_than_one(tmp_path: Path) -> None:
    """Converting 10,000 files never takes more than 600 MB of memory: what is kept of a part is small."""
    (tmp_path / "datasets.toml").write_text(TREES)
    folder = tmp_path / "raw"
    folder.mkdir()
    row = "oak,12.5,1990-03-21\n"
    for number in range(10_000):
        (folder / f"{number}.csv").write_text("name,height,planted\n" + row * (number % 100 + 1))
    facts = _converted(str(tmp_path / "datasets.toml"), str(tmp_path), "trees")
    assert facts["parts"] == 10_000
    assert facts["peak"] < 600_000_000
