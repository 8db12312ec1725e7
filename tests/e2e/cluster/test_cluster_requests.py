"""The requests of a conversion from bucket to bucket are those that benchmarks/scale_model.py computes."""

from __future__ import annotations

import random
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from data_convert import convert_dataset, parse_specs
from s3_access import shared_session

from ..seaweed import ADMIN, SeaweedFS

ROOT = Path(__file__).resolve().parents[3]
ROWS = {"short": 1_000, "middle": 200_000, "long": 1_200_000}
TABLE = """
[datasets.rows]
source = "s3://lake/raw"
output = "s3://lake/out"
columns = [{ name = "n", type = "int32" }, { name = "text", type = "string" }]
"""


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the model."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.delitem(sys.modules, "scale_model", raising=False)
    import scale_model

    return scale_model


def random_rows(name: str) -> bytes:
    """Rows that do not get much smaller as Parquet."""
    choice = random.Random(name)
    lines = (f"{number},{choice.randbytes(14).hex()}\n" for number in range(ROWS[name]))
    return f"n,text\n{''.join(lines)}".encode()


def test_requests_are_those_of_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Any) -> None:
    """Raw files of one and of several ranges, and parts of one request and of several, on a real server."""
    requests: Counter[tuple[str, str]] = Counter()

    def count(model: Any, params: dict[str, Any], **_: object) -> None:
        requests[model.name, params["url_path"].partition("?")[0].rpartition("/")[2]] += 1

    with SeaweedFS(tmp_path / "weed") as server:
        server.make_bucket("lake")
        for name, value in (ADMIN.environment | {"AWS_ENDPOINT_URL_S3": server.url}).items():
            monkeypatch.setenv(name, value)
        for name in ROWS:
            server.client().put_object(Bucket="lake", Key=f"raw/{name}.csv", Body=random_rows(name))
        raw_bytes = server.objects("lake", "raw/")
        session = shared_session("s3://lake/raw")
        session.client.meta.events.register("before-call.s3", count)
        convert_dataset(parse_specs(tomllib.loads(TABLE))["rows"], data_folder=tmp_path, jobs=1)
        session.client.meta.events.unregister("before-call.s3", count)
        parts = server.objects("lake", "out/")
    assert max(parts.values()) > model.UPLOAD_BYTES > model.SINGLE_BYTES > min(parts.values())
    writes = ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "PutObject")
    for name in ROWS:
        assert requests["GetObject", f"{name}.csv"] == model.get_requests(raw_bytes[f"raw/{name}.csv"])
        written = sum(requests[action, f"{name}.parquet"] for action in writes)
        assert written == model.put_requests(parts[f"out/{name}.parquet"])
    listings = sum(number for (action, _), number in requests.items() if action.startswith("List"))
    assert listings == model.list_requests(len(ROWS))
    # Nothing else has a price: what stays are requests that remove rejects of earlier conversions.
    others = {action for action, _ in requests if action not in writes and not action.startswith("List")}
    assert others == {"GetObject", "DeleteObjects"}
