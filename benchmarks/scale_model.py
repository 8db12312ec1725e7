"""What a terabyte costs, from constants that benchmarks/scale.py measures and from list prices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

TERABYTE: Final = 10**12

# Of data_convert.storage: the first and every other request for a raw file, the longest object that one request writes,
# the parts of longer ones, and one page of a listing. tests/e2e/cluster/test_cluster_requests.py counts requests on a
# real server, and compares them with the functions below.
FIRST_BYTES: Final = 1 << 20
RANGE_BYTES: Final = 8 << 20
SINGLE_BYTES: Final = 8 << 20
UPLOAD_BYTES: Final = 16 << 20
PAGE_OBJECTS: Final = 1000

# Listings of a conversion: raw files, parts, and unfinished uploads of parts and of rejects.
LISTINGS: Final = 4

# List prices of AWS in us-east-1 (N. Virginia), without discounts and without taxes, as of 2025. They are no
# measurement, and nothing reads these pages: look there before you plan with the sum.
# https://aws.amazon.com/s3/pricing/ : S3 Standard, 1,000 GET and 1,000 PUT, POST or LIST requests; DELETE is free.
# https://aws.amazon.com/ec2/pricing/on-demand/ : an hour of a c7i.large with Linux, which has two vCPUs.
GET_USD: Final = 0.0004 / 1000
PUT_USD: Final = 0.005 / 1000
CORE_HOUR_USD: Final = 0.08925 / 2


@dataclass(frozen=True, kw_only=True)
class Constants:
    """What was measured.

    Attributes:
        cpu_s_per_gb: CPU seconds of the workers for each GB of raw files.
        cpu_s_per_part: CPU seconds of the workers for a part of a few rows, with a share of their start.
        overhead_s_per_part: Time of a worker that is not the conversion of a part, for each part.
        ratio: Raw bytes for each byte of Parquet.
        worker_bytes: Most memory of a worker.
    """

    cpu_s_per_gb: float
    cpu_s_per_part: float
    overhead_s_per_part: float
    ratio: float
    worker_bytes: int


@dataclass(frozen=True, kw_only=True)
class Terabyte:
    """The prediction for a number of parts of equal size."""

    parts: int
    cpu_hours: float
    get_requests: int
    put_requests: int
    parquet_bytes: float
    usd: float

    def hours(self, cores: int) -> float:
        """Wall time on that many cores, if all of them have work until the end."""
        return self.cpu_hours / cores


def get_requests(raw_bytes: float) -> int:
    """GET requests that read a raw file."""
    return 1 + max(0, math.ceil((raw_bytes - FIRST_BYTES) / RANGE_BYTES))


def put_requests(part_bytes: float) -> int:
    """PUT and POST requests that write a part; a multipart upload has two more than parts."""
    return 1 if part_bytes < SINGLE_BYTES else math.ceil(part_bytes / UPLOAD_BYTES) + 2


def list_requests(objects: int) -> int:
    """LIST requests of a conversion of that many raw files to as many parts, into an empty prefix."""
    return math.ceil(objects / PAGE_OBJECTS) + LISTINGS - 1


def terabyte(measured: Constants, parts: int) -> Terabyte:
    """What a terabyte of raw files in that many parts needs."""
    parquet_bytes = TERABYTE / measured.ratio
    cpu_hours = (measured.cpu_s_per_gb * 1000 + measured.cpu_s_per_part * parts) / 3600
    gets = parts * get_requests(TERABYTE / parts)
    puts = parts * put_requests(parquet_bytes / parts) + list_requests(parts)
    return Terabyte(
        parts=parts,
        cpu_hours=cpu_hours,
        get_requests=gets,
        put_requests=puts,
        parquet_bytes=parquet_bytes,
        usd=gets * GET_USD + puts * PUT_USD + cpu_hours * CORE_HOUR_USD,
    )


def model_text(measured: Constants) -> str:
    """The constants and the predictions, as Markdown."""
    lines = [
        "| constant | measured |",
        "| --- | ---: |",
        f"| CPU seconds for a GB of raw files | {measured.cpu_s_per_gb:.1f} |",
        f"| CPU milliseconds for a part of a few rows | {measured.cpu_s_per_part * 1000:.0f} |",
        f"| overhead of a part in ms | {measured.overhead_s_per_part * 1000:.1f} |",
        f"| raw bytes for a byte of Parquet | {measured.ratio:.1f} |",
        f"| most memory of a worker in MB | {measured.worker_bytes / 1e6:.0f} |",
        "",
        "| a terabyte in parts | CPU hours | hours on 64 cores | GET | PUT and LIST | GB of Parquet | USD |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for parts in (1_000, 30_000, 100_000):
        found = terabyte(measured, parts)
        lines.append(
            f"| {parts:,} | {found.cpu_hours:.1f} | {found.hours(64):.2f} | {found.get_requests:,}"
            f" | {found.put_requests:,} | {found.parquet_bytes / 1e9:.0f} | {found.usd:.2f} |"
        )
    return "\n".join(lines)
