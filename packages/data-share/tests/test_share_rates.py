"""Rates, durations and what a plan says of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_share.errors import RateError
from data_share.plan import Item, Plan, plan_text
from data_share.rates import Rate, RememberedRates, measured_up
from data_share.stores import FolderStore
from data_share.units import duration_text, parse_rate, rate_text, size_text

from .conftest import Share
from .tracked import Project


@pytest.mark.parametrize(("text", "rate"), [("4Mbps", 4e6), ("25 Mbit/s", 25e6), ("800kbps", 8e5), (".5Gbps", 5e8)])
def test_rates_as_people_write_them(text: str, rate: float) -> None:
    """A number and a unit; units are decimal bits."""
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["4", "fast", "0Mbps", "-1Mbps", "4MB/s", ""])
def test_a_text_that_is_no_rate(text: str) -> None:
    """Anything else is refused with an example."""
    with pytest.raises(RateError, match="such as 4Mbps or 800kbps"):
        parse_rate(text)


def test_texts_have_units() -> None:
    """Sizes, rates and durations with three digits or so."""
    assert [size_text(size) for size in (0, 999, 1540, 50e6, 123e6, 2e9)] == [
        *("0 B", "999 B", "1.54 kB", "50.0 MB", "123 MB", "2.00 GB"),
    ]
    assert [rate_text(rate) for rate in (10, 4.056e6, 1e9)] == ["10 bps", "4.06 Mbps", "1.00 Gbps"]
    assert [duration_text(seconds) for seconds in (0.31, 12, 126, 7200)] == ["0.3 s", "12 s", "2.1 min", "2.0 h"]


def test_the_link_or_the_waiting_is_what_takes_long() -> None:
    """Large files take what their bits take; many small ones what each of them waits, several at a time."""
    rate = Rate(bits_per_second=8e6, latency_s=0.1, source="measured")
    assert rate.seconds(10_000_000, 2, jobs=8) == pytest.approx(10.1)
    assert rate.seconds(1000, 800, jobs=8) == pytest.approx(10.1)


def test_a_plan_for_people() -> None:
    """Per dataset and in total: files, size and time at which rate."""
    item = {"path": "x", "dataset": "climate"}
    items = [Item(**item, oid="a" * 32, size_bytes=50_000_000, left_bytes=50_000_000)]
    plan = Plan(
        direction="push",
        remote="team",
        where="s3://acme/x",
        items=items,
        datasets=["climate", "traffic"],
        rate=Rate(bits_per_second=4e6, latency_s=0, source="declared"),
        jobs=8,
    )
    assert plan_text(plan) == (
        "to push to team (s3://acme/x):\n"
        "  dataset  files     size     time\n"
        "  climate      1  50.0 MB  1.7 min\n"
        "  traffic      –        –        –\n"
        "  total        1  50.0 MB  1.7 min\n"
        "  At 4.00 Mbps, as declared. Files include DVC's list of each folder.\n"
    )


def test_rates_are_remembered_for_an_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A measured rate is used for that remote and direction until it is an hour old."""
    memory = RememberedRates(tmp_path / "rates.json")
    rate = Rate(bits_per_second=1e6, latency_s=0.01, source="measured")
    monkeypatch.setattr("time.time", lambda: 1000.0)
    memory.keep("s3://a", "push", rate)
    monkeypatch.setattr("time.time", lambda: 1000.0 + 3599)
    assert memory.rate("s3://a", "push") == Rate(bits_per_second=1e6, latency_s=0.01, source="remembered")
    assert memory.rate("s3://a", "pull") is None and memory.rate("s3://b", "push") is None
    monkeypatch.setattr("time.time", lambda: 1000.0 + 3601)
    assert memory.rate("s3://a", "push") is None
    (tmp_path / "rates.json").write_text("no JSON")
    assert memory.rate("s3://a", "push") is None


def test_a_probe_leaves_nothing(tmp_path: Path) -> None:
    """Measuring a folder writes and removes a file of its own."""
    assert measured_up(FolderStore(tmp_path)).bits_per_second > 0
    assert list(tmp_path.iterdir()) == []


def test_declared_rates_are_used(project: Project, share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    """A declared rate, by option or by setting, is what minutes are told at, and nothing is measured."""
    plan = json.loads(share("push", "--plan", "--json", "--up", "1kbps").out)["plan"]
    assert plan["rate"] == {"bits_per_second": 1000, "source": "declared"}
    assert plan["seconds"] == pytest.approx(plan["bytes"] * 8 / 1000)
    assert not project.remote.exists()
    monkeypatch.setenv("SHRINKWRAP_UP", "2kbps")
    assert json.loads(share("push", "--plan", "--json").out)["plan"]["rate"]["bits_per_second"] == 2000
    assert share("push", "--up", "fast").code == 2


def test_rates_can_be_measured_anew(project: Project, share: Share) -> None:
    """--rate measures both directions, whatever is remembered."""
    share("push")
    share("push", "--rate", "--plan")
    rates = json.loads((project.root / ".dvc/tmp/share/rates.json").read_text())
    assert sorted(name.split()[0] for name in rates) == ["pull", "push"]
