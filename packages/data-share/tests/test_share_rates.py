"""Rates of links, and the text of a plan."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from data_share.stores.folder import FolderStore
from data_share.transfer.duration import FIRST_FINISHING, Finishing, LinkRate
from data_share.transfer.plan import Plan, TransferItem, plan_text
from data_share.transfer.rates import RememberedRates, declared_rate, measured_up
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


def test_the_cost_of_finishing_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It belongs to the machine, so it stays valid; without one, there is a first guess."""
    rates = RememberedRates(tmp_path / "rates.json")
    assert rates.finishing("link", "pull") == FIRST_FINISHING["pull"]
    monkeypatch.setattr("time.time", lambda: 1000.0)
    rates.save_finishing("link", "pull", Finishing(fixed_s=2.0, file_s=0.001))
    monkeypatch.setattr("time.time", lambda: 1e6)
    assert rates.finishing("link", "pull") == Finishing(fixed_s=2.0, file_s=0.001)
    assert rates.finishing("link", "push") == FIRST_FINISHING["push"]
