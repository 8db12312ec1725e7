"""data/buckets.lock, and the settings that clients of a bucket take from DVC's remotes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from shrinkwrap.bucket_datasets import note_datasets_in_buckets, refuse_datasets_in_buckets
from shrinkwrap.bucket_settings import use_bucket_settings, use_settings_of_datasets
from shrinkwrap.buckets_lock import BUCKETS_LOCK, read_buckets_lock, record_dataset
from terminal import ShrinkwrapError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with datasets in folders and in buckets, and an environment without settings of AWS."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/datasets.toml").write_text(
        '[datasets.local]\n[datasets.raw]\nsource = "s3://lake/raw"\n'
        '[datasets.both]\nsource = "s3://lake/raw"\noutput = "s3://lake/out"\n'
    )
    # Replaced as a whole, so that what a test sets is gone afterwards.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    monkeypatch.setattr(os, "environ", kept)
    return tmp_path


def test_a_record_is_written_and_read(root: Path) -> None:
    """The file is sorted JSON; records of datasets that are not known any more disappear."""
    assert read_buckets_lock(root) == {}
    record_dataset(root, "old", {"source": 1}, known=["old"])
    record_dataset(root, "new", {"z": 1, "a": 2}, known=["new"])
    assert read_buckets_lock(root) == {"new": {"a": 2, "z": 1}}
    assert (root / BUCKETS_LOCK).read_text() == (
        '{\n  "datasets": {\n    "new": {\n      "a": 2,\n      "z": 1\n    }\n  },\n  "version": 1\n}\n'
    )
    assert [path.name for path in (root / "data").iterdir() if "buckets" in path.name] == ["buckets.lock"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<<<<<<< HEAD\n", "If it has a merge conflict, keep either side"),
        ("[]", "cannot be read"),
        ('{"version": 2, "datasets": {}}', "has version 2, and this code reads version 1"),
    ],
)
def test_a_lock_that_cannot_be_read(root: Path, text: str, problem: str) -> None:
    """The error says what to do."""
    (root / BUCKETS_LOCK).write_text(text)
    with pytest.raises(ShrinkwrapError, match=problem):
        read_buckets_lock(root)


def configure(root: Path, *remotes: str) -> None:
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text("".join(remotes))


LAKE = (
    "['remote \"lake\"']\n    url = s3://lake/dvc\n    endpointurl = http://lake:1\n    region = eu-1\n"
    "    access_key_id = key\n    secret_access_key = secret\n"
)
TEAM = "['remote \"team\"']\n    url = s3://team\n    endpointurl = http://team:1\n    profile = team\n"


def test_the_settings_of_a_remote_fill_the_environment(root: Path) -> None:
    """Only what is not set, and only from the remote that has the bucket."""
    configure(root, LAKE, TEAM)
    use_settings_of_datasets(root, ["local"])
    assert [name for name in os.environ if name.startswith("AWS_")] == []
    os.environ["AWS_DEFAULT_REGION"] = "us-2"
    use_settings_of_datasets(root, None)
    assert {name: value for name, value in os.environ.items() if name.startswith("AWS_")} == {
        "AWS_ENDPOINT_URL_S3": "http://lake:1",
        "AWS_DEFAULT_REGION": "us-2",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",  # pragma: allowlist secret
    }


def test_credentials_of_the_environment_are_not_mixed(root: Path) -> None:
    """With a profile in the environment, the keys of the remote are not used; an endpoint for all services stays."""
    configure(root, LAKE)
    os.environ.update({"AWS_PROFILE": "mine", "AWS_ENDPOINT_URL": "http://all:1"})
    use_bucket_settings(root, ["s3://lake/x"])
    assert {name: value for name, value in os.environ.items() if name.startswith("AWS_")} == {
        "AWS_PROFILE": "mine",
        "AWS_ENDPOINT_URL": "http://all:1",
        "AWS_DEFAULT_REGION": "eu-1",
    }


def test_buckets_that_need_different_settings(root: Path) -> None:
    """One process has one environment."""
    configure(root, LAKE, TEAM)
    with pytest.raises(ShrinkwrapError, match="need different values of AWS_ENDPOINT_URL_S3"):
        use_bucket_settings(root, ["s3://lake/x", "s3://team/x"])
    assert "AWS_ENDPOINT_URL_S3" not in os.environ


def test_a_project_without_dvc_has_no_settings(root: Path) -> None:
    """A project whose data are in buckets alone needs no DVC."""
    use_settings_of_datasets(root, None)
    assert [name for name in os.environ if name.startswith("AWS_")] == []


def test_what_is_not_covered_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each dataset in a bucket; the others are returned."""
    assert note_datasets_in_buckets(root, ["local", "both"]) == ["local"]
    assert capsys.readouterr().err == (
        "both: not covered, because its Parquet is in s3://lake/out:"
        " `invoke data.compress --dataset both --dry-run` compares it\n"
    )
    assert note_datasets_in_buckets(root, None) == []
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == ["raw", "both"]


def test_what_dvc_transfers(root: Path) -> None:
    """A selection of a dataset in a bucket is refused, with or without a pattern of parts."""
    refuse_datasets_in_buckets(root, ["local", "raw", "unknown/*"])
    for selection in ("both", "both/2024*"):
        with pytest.raises(ShrinkwrapError, match="both: its Parquet is in s3://lake/out"):
            refuse_datasets_in_buckets(root, ["local", selection])


def test_the_lock_is_json(root: Path) -> None:
    """Other programs can read it."""
    record_dataset(root, "x", {"source": {"files": 1}}, known=["x"])
    assert json.loads((root / BUCKETS_LOCK).read_bytes())["datasets"]["x"]["source"]["files"] == 1
