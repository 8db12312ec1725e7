"""Group main: the packages that every notebook imports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def test_pandas_reads_parquet(tmp_path: Path) -> None:
    """A Parquet file of pyarrow is read back as the same pandas frame."""
    frame = pd.DataFrame({"station": np.arange(3), "speed_mph": [61.5, None, 58.25]})
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "speeds.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "speeds.parquet"), frame)
