"""Rates of links, and the text of a plan."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from data_share.stores.folder import FolderStore
from data_share.stores.store import Probe
from data_share.transfer.duration import LinkRate
from data_share.transfer.finishing import Finishing
from data_share.transfer.plan import Plan, TransferItem, plan_json, plan_text
from data_share.transfer.rates import RememberedRates, declared_rate, measured_down, measured_up
from terminal import UnitError

from .conftest import Share
from .tracked import Project


@pytest.mark.parametrize(
    ("text", "bits_per_s"),
    [("4Mbps", 4e6), ("25 Mbit/s", 25e6), ("800kbps", 8e5), (".5Gbps", 5e8), ("5MB/s", 40e6)],
)
def test_a_declared_rate(text: str, bits_per_s: float) -> None:
    """A declared rate is a number and a unit of bits or bytes per second."""
    assert declared_rate(text, "push") == LinkRate(bits_per_s=bits_per_s, latency_s=0.0, source="declared")


@pytest.mark.parametrize("text", ["4", "fast", "0Mbps", "-1Mbps"])
def test_a_text_that_is_not_a_rate_is_refused(text: str) -> None:
    """Other texts are refused with examples."""
    with pytest.raises(UnitError, match="write it like"):
        declared_rate(text, "pull")


def test_the_text_of_a_plan() -> None:
    """The text has files, size and time of each dataset and in total, and the rate."""
    item = {"path": "x", "dataset": "climate"}
    items = [TransferItem(**item, oid="a" * 32, size_bytes=50_000_000, left_bytes=50_000_000)]
    plan = Plan(
        direction="push",
        remote="team",
        where="s3://acme/x",
        items=items,
        datasets=["climate", "traffic"],
        rate=LinkRate(bits_per_s=4e6, latency_s=0, source="declared"),
        jobs=8,
    )
    assert plan_text(plan) == (
        "to push to team (s3://acme/x):\n"
        "\n"
        "dataset  files     size     time\n"
        "────────────────────────────────\n"
        "climate      1  50.0 MB  1.7 min\n"
        "traffic      –        –        –\n"
        "\n"
        "total        1  50.0 MB  1.7 min\n"
        "\n"
        "At 4.00 Mbps, as declared. Files include DVC's list of each folder."
    )


def test_rates_are_remembered_for_an_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A measured rate is valid for its remote and direction until it is an hour old."""
    memory = RememberedRates(tmp_path / "rates.json")
    rate = LinkRate(bits_per_s=1e6, latency_s=0.01, source="measured")
    monkeypatch.setattr("time.time", lambda: 1000.0)
    memory.save("s3://a", "push", rate)
    monkeypatch.setattr("time.time", lambda: 1000.0 + 3599)
    assert memory.find("s3://a", "push") == LinkRate(bits_per_s=1e6, latency_s=0.01, source="remembered")
    assert memory.find("s3://a", "pull") is None and memory.find("s3://b", "push") is None
    monkeypatch.setattr("time.time", lambda: 1000.0 + 3601)
    assert memory.find("s3://a", "push") is None
    (tmp_path / "rates.json").write_text("no JSON")
    assert memory.find("s3://a", "push") is None


def test_a_probe_leaves_no_file(tmp_path: Path) -> None:
    """Measuring the rate of a folder leaves no file in it, and does not create it."""
    assert measured_up(FolderStore(tmp_path)).bits_per_s > 0
    assert measured_up(FolderStore(tmp_path / "new")).bits_per_s > 0
    assert list(tmp_path.iterdir()) == []


def test_declared_rates_are_used(project: Project, share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a declared rate, from an option or from the environment, nothing is measured."""
    plan = json.loads(share("push", "--plan", "--json", "--up", "1kbps").out)["plan"]
    assert plan["rate"] == {"bits_per_second": 1000, "source": "declared"}
    assert plan["seconds"] == pytest.approx(plan["bytes"] * 8 / 1000)
    assert not project.remote.exists()
    monkeypatch.setenv("SHRINKWRAP_UP", "2kbps")
    assert json.loads(share("push", "--plan", "--json").out)["plan"]["rate"]["bits_per_second"] == 2000
    assert share("push", "--up", "fast").code == 2


def test_rates_can_be_measured_again(project: Project, share: Share) -> None:
    """--rate measures both directions, even if rates are remembered."""
    share("push")
    share("push", "--rate", "--plan")
    rates = json.loads((project.root / ".dvc/tmp/share/rates.json").read_text())
    assert sorted(name.split()[0] for name in rates) == ["pull", "push"]


def test_a_folder_has_no_rate(project: Project, share: Share) -> None:
    """The rate of a folder is that of the disk's cache, so neither the plan nor the result shows one, nor a time."""
    pushed = share("push").out
    assert "At " not in pushed and "time" not in pushed and " at " not in pushed
    assert pushed.splitlines()[2].split() == ["dataset", "files", "size"]
    project.write("climate", {"new.parquet": b"new"})
    assert "At 4.00 Mbps, as declared." in share("push", "--plan", "--up", "4Mbps").out


def test_the_cost_of_an_object_is_remembered(tmp_path: Path) -> None:
    """So is the number of objects that moved at a time when it was measured."""
    rates = RememberedRates(tmp_path / "rates.json")
    rate = LinkRate(bits_per_s=100e6, latency_s=0.001, source="measured", object_s=0.005, object_jobs=32)
    rates.save("link", "push", rate)
    assert rates.find("link", "push") == replace(rate, source="remembered")


def test_the_cost_of_placing_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It belongs to the machine, so it stays valid."""
    rates = RememberedRates(tmp_path / "rates.json")
    assert rates.finishing("link") is None
    monkeypatch.setattr("time.time", lambda: 1000.0)
    rates.save_finishing("link", Finishing(fixed_s=2.0, file_s=0.001, byte_s=1e-9))
    monkeypatch.setattr("time.time", lambda: 1e6)
    assert rates.finishing("link") == Finishing(fixed_s=2.0, file_s=0.001, byte_s=1e-9)
    (tmp_path / "rates.json").write_text('{"finishing link": {"fixed_s": 1.0, "file_s": 0.1}}')
    assert rates.finishing("link") is None


def test_a_rate_from_few_bytes_predicts_no_large_transfer(tmp_path: Path) -> None:
    """It is measured again for more bytes."""
    rates = RememberedRates(tmp_path / "rates.json")
    rate = LinkRate(bits_per_s=math.inf, latency_s=0.03, source="measured", valid_bytes=5000)
    rates.save("link", "push", rate)
    assert rates.find("link", "push", 5000) == replace(rate, source="remembered")
    assert rates.find("link", "push", 5001) is None


class _Wire:
    """A store whose link has a rate and a latency, on a clock of its own."""

    def __init__(self, bits_per_s: float, latency_s: float) -> None:
        self._bits_per_s, self._latency_s = bits_per_s, latency_s
        self.moved_bytes = 0

    def probe_up(self, size_bytes: int) -> Probe:
        self.moved_bytes += size_bytes
        return Probe(size_bytes=size_bytes, duration_s=self._latency_s + size_bytes * 8 / self._bits_per_s)

    def probe_down(self, _: str, size_bytes: int) -> Probe:
        return self.probe_up(size_bytes)


@pytest.mark.parametrize("bits_per_s", [1e5, 4e6, 1e8, 1e10])
@pytest.mark.parametrize("latency_s", [0.0005, 0.03, 0.3])
def test_a_probe_finds_the_rate_of_the_link(bits_per_s: float, latency_s: float) -> None:
    """Waiting for answers is no part of the rate, except on a link that is too fast to show its rate at all."""
    wire: Any = _Wire(bits_per_s, latency_s)
    rate = measured_up(wire)
    assert rate.latency_s == pytest.approx(latency_s, rel=0.2)
    assert rate.bits_per_s == pytest.approx(bits_per_s, rel=0.05) or rate.bits_per_s * latency_s > 5e8
    assert rate.valid_bytes == math.inf


@pytest.mark.parametrize(("plan_bytes", "moved_bytes"), [(10_000, 16_384), (1_000_000, 250_000), (10**9, 64 * 1024**2)])
def test_a_small_transfer_is_measured_with_few_bytes(plan_bytes: int, moved_bytes: int) -> None:
    """A push of 10 kB does not upload megabytes to find out how long it takes."""
    wire: Any = _Wire(1e12, 0.03)
    rate = measured_up(wire, plan_bytes)
    assert wire.moved_bytes <= 2 * moved_bytes + 2
    assert rate.valid_bytes == plan_bytes


def test_small_objects_do_not_show_the_rate_of_a_fast_link(tmp_path: Path) -> None:
    """Their answers take as long as one of a single byte; the plan says so and does not name a rate."""
    wire: Any = _Wire(1e9, 0.03)
    rate = measured_down(wire, {"a" * 32: 1000, "b" * 32: 900}, 1900)
    assert rate and (rate.bits_per_s, rate.valid_bytes) == (math.inf, 1900)
    item = TransferItem(dataset="climate", path="x", oid="a" * 32, size_bytes=1000, left_bytes=1000)
    plan = Plan(direction="pull", remote="team", where="s3://x", items=[item], datasets=["climate"], rate=rate, jobs=8)
    assert plan_text(plan).endswith(
        "\n\nThe files are too small to show the rate of the link. Files include DVC's list of each folder."
    )
    assert plan_json(plan)["rate"] == {"bits_per_second": None, "source": "measured"}
    assert plan.moving_s == pytest.approx(0.03, rel=0.01)
    slow: Any = _Wire(1e5, 0.03)
    rate = measured_down(slow, {"a" * 32: 1000}, 1900)
    assert rate and rate.bits_per_s == pytest.approx(1e5, rel=0.05)
