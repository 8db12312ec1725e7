"""Memory stays bounded however large one file is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from data_sample import write_sample

CONVERT = """
import json, resource, sys
from pathlib import Path
from data_convert import convert_dataset, load_specs
spec = load_specs(Path("data/datasets.toml"))["pems-detector"]
report = convert_dataset(spec, root=Path(sys.argv[1]), jobs=4)
unit = 1 if sys.platform == "darwin" else 1024
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
print(json.dumps({"parts": len(report.parts), "raw": report.raw_bytes, "peak": peak}))
"""


def test_a_file_larger_than_the_limit_is_streamed(tmp_path: Path) -> None:
    """Converting one file of 900 MB never takes more than 600 MB of memory."""
    sample = write_sample(tmp_path, dataset="pems-detector", size_bytes=300_000_000)
    first, *others = sorted(sample.folder.glob("*.txt"))
    day_bytes = [path.read_bytes() for path in (first, *others)]
    for path in others:
        path.unlink()
    with first.open("wb") as whole:  # a child's peak starts at its parent's, so nothing large is joined here
        for _ in range(3):
            whole.writelines(day_bytes)
    del day_bytes
    answer = subprocess.run([sys.executable, "-c", CONVERT, str(tmp_path)], capture_output=True, text=True, check=True)
    facts = json.loads(answer.stdout)
    assert facts["parts"] == 1
    assert facts["raw"] > 800_000_000
    assert facts["peak"] < 600_000_000
