"""Workers read objects and write objects, with the credentials and the endpoint of their own environment."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from data_convert import convert_dataset, parse_specs, plan_conversion
from data_convert.cluster import split_reader
from data_convert.cluster.conversion import convert_on_cluster

from ..seaweed import ADMIN, SeaweedFS
from .cluster_scene import TABLE, Deployed, write_rows

BUCKET = "lake"


def contents(server: SeaweedFS, prefix: str) -> dict[str, bytes]:
    """The content of each object below a prefix, by its name."""
    client = server.client()
    return {
        key.removeprefix(prefix): client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        for key in server.objects(BUCKET, prefix)
    }


def test_bucket_to_bucket(
    tmp_path: Path, deploy: Callable[[int], Deployed], split_parts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts and rejects files are those of one thread, also of an object that is split; no upload is left."""
    monkeypatch.chdir(tmp_path)
    with SeaweedFS(tmp_path / "weed") as server:
        server.make_bucket(BUCKET)
        for name, value in (ADMIN.environment | {"AWS_ENDPOINT_URL_S3": server.url}).items():
            monkeypatch.setenv(name, value)
        for number in range(6):
            rows = 400_000 if number == 0 else 5_000
            write_rows(tmp_path / "rows.csv", rows, seed=number, reject_every=rows)
            content = (tmp_path / "rows.csv").read_bytes() * (10 if number == 0 else 1)
            server.client().put_object(Bucket=BUCKET, Key=f"raw/{number}.csv", Body=content)
        assert server.objects(BUCKET, "raw/")["raw/0.csv"] > split_reader.SPLIT_BYTES
        table = TABLE.replace('"raw"', f'"s3://{BUCKET}/raw"')
        spec = parse_specs(tomllib.loads(table.replace('"parts"', f'"s3://{BUCKET}/one"')))["trees"]
        convert_dataset(spec, data_folder=tmp_path, jobs=1)
        spec = parse_specs(tomllib.loads(table.replace('"parts"', f'"s3://{BUCKET}/many"')))["trees"]
        cluster = deploy(0)
        cluster.add_machines(2)
        convert_on_cluster(plan_conversion(spec, tmp_path), cluster.address, data_folder=tmp_path)
        assert split_parts == ["0.parquet"]
        expected = contents(server, "one/")
        assert len(expected) == 12
        assert contents(server, "many/") == expected
        assert server.uploads(BUCKET) == []
