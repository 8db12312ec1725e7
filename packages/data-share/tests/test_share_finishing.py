"""What follows the moving: the second listing of a push, and the placing of a pull."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from data_share.stores.store import ListingCost
from data_share.transfer import finishing
from data_share.transfer.finishing import NOTHING, Finishing, first_placing, listing_again, measure_placing

FIRST = Finishing(fixed_s=2.0, file_s=0.001, byte_s=1e-8)


@pytest.mark.parametrize(
    ("files", "size_bytes", "seconds", "changed"),
    [
        (10, 1000, 1.51001, {"fixed_s": 1.5}),
        (4000, 1000, 14.00001, {"file_s": 0.003}),
        (10, 10**9, 22.01, {"byte_s": 2e-8}),
        # Whatever the other terms predict, no cost is negative.
        (10, 1000, 0.0, {"fixed_s": 0.0}),
    ],
)
def test_a_transfer_corrects_the_cost_that_decided_it(
    files: int, size_bytes: int, seconds: float, changed: dict[str, float]
) -> None:
    """Few files correct the fixed cost, many that of a file, and large ones that of a byte."""
    updated = FIRST.updated(files, size_bytes, seconds)
    for name in ("fixed_s", "file_s", "byte_s"):
        assert getattr(updated, name) == pytest.approx(changed.get(name, getattr(FIRST, name)))
    if seconds:
        assert updated.seconds(files, size_bytes) == pytest.approx(seconds)
    assert NOTHING.updated(files, size_bytes, seconds) == NOTHING


def test_a_listing_waits_for_its_rounds() -> None:
    """An upload is two round trips and an answer to a listing is one; requests and objects cost work, too."""
    assert listing_again(ListingCost(rounds=20, requests=20, objects=20_000), 0.06).fixed_s == pytest.approx(1.62)
    assert listing_again(ListingCost(), 0.06) == NOTHING


def test_placing_is_measured_on_the_disk(tmp_path: Path) -> None:
    """Only what is worth it is measured, and nothing is left."""
    first = first_placing()
    folder = tmp_path / "new"
    assert measure_placing(folder, 31, 32 * 1024**2 - 1) == first
    many = measure_placing(folder, 32, 1)
    assert many.file_s != first.file_s and many.byte_s == first.byte_s
    large = measure_placing(folder, 1, 32 * 1024**2)
    assert large.byte_s != first.byte_s and large.file_s == first.file_s
    assert list(folder.iterdir()) == []
    (tmp_path / "file").touch()
    assert measure_placing(tmp_path / "file", 99, 10**9) == first


def test_a_slow_disk_makes_the_plan_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file server, creating a file takes milliseconds; the trial stops after half a second."""
    clock = SimpleNamespace(perf_counter=iter(at * 0.005 for at in range(10_000)).__next__)
    monkeypatch.setattr(finishing, "time", clock)
    assert measure_placing(tmp_path, 20_000, 1).file_s == pytest.approx(0.005, rel=0.2)


def test_dvc_without_bytecode_starts_more_slowly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python compiles all of its modules then."""
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    slow_s = first_placing().fixed_s
    monkeypatch.setattr(finishing, "_has_bytecode", lambda _: True)
    assert slow_s > 2 * first_placing().fixed_s
