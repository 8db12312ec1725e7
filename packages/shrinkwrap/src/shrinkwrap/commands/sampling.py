"""The command `data.sample`."""

from __future__ import annotations

from typing import Annotated

from shrinkwrap.command import Option, command
from shrinkwrap.options import Datasets, Json
from shrinkwrap.root import find_root


@command("data.sample --size 1GB --dataset climate")
def sample(
    *,
    size: Annotated[str, Option("size of the sample of each dataset")] = "64MB",
    seed: Annotated[int, Option("whole number; another seed makes other data")] = 0,
    dataset: Datasets = None,
    json: Json = False,
) -> None:
    """Write realistic raw files of each shipped format, so that there is something to compress.

    The same size and seed give the same bytes everywhere. Files that data.sample did not write are never overwritten.
    """
    from data_sample import sample_table, write_samples
    from terminal import json_text, parse_size, show

    root = find_root()
    reports = write_samples(root, dataset, size_bytes=parse_size(size), seed=seed)
    show(json_text(reports) if json else sample_table(reports, root))
