"""Planned durations are accurate on a slow link of 25 Mbit/s down and 4 Mbit/s up, which a proxy limits."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from ..seaweed import SeaweedFS
from ..throttle import ThrottledLink
from .conftest import BUCKET, CONTRIBUTOR

UP_BPS, DOWN_BPS = 4e6, 25e6
MB = 1_000_000
# 50 MB in each direction (SHRINKWRAP_TEST_PUSH_MB=50) take two and a half minutes, with the same result.
PUSH_MB = int(os.environ.get("SHRINKWRAP_TEST_PUSH_MB", "6"))
PULL_MB = max(PUSH_MB, 20)


@pytest.fixture
def link(server: SeaweedFS) -> Any:
    with ThrottledLink(server.url, up_bps=UP_BPS, down_bps=DOWN_BPS) as running:
        yield running


def test_planned_durations_are_accurate(
    make_project: Callable[..., Any], server: SeaweedFS, link: ThrottledLink, prefix: str
) -> None:
    """A push and a pull move exactly the planned bytes, and take the planned duration within 15 %."""
    project = make_project(endpoint=link.url)
    parts = [PUSH_MB * MB // 16] * 8 + [PUSH_MB * MB // 4] * 2
    project.write("pushed", {f"{number}.parquet": os.urandom(size) for number, size in enumerate(parts)})
    pushed = moved_bytes(project, link, "push", "pushed")
    assert pushed == sum(server.objects(BUCKET, prefix).values())
    if PULL_MB > PUSH_MB:
        project.write("more", {f"{number}.parquet": os.urandom((PULL_MB - PUSH_MB) * MB // 7) for number in range(7)})
        for key in [project.cached(oid).relative_to(project.root / ".dvc/cache") for oid in project.kept()]:
            content = (project.root / ".dvc/cache" / key).read_bytes()
            server.client().put_object(Bucket=BUCKET, Key=f"{prefix}/{key}", Body=content)
    before = project.data()
    project.forget()
    assert moved_bytes(project, link, "pull") == sum(server.objects(BUCKET, prefix).values())
    assert project.data() == before


def moved_bytes(project: Any, link: ThrottledLink, direction: str, *datasets: str) -> int:
    """Plan a transfer, carry it out and compare both; returns the moved bytes."""
    rate_bps = UP_BPS if direction == "push" else DOWN_BPS
    words = (direction, *(word for name in datasets for word in ("--dataset", name)))
    plan = project.json(*words, "--plan", "--rate", **CONTRIBUTOR.environment)["plan"]
    assert plan["rate"]["source"] == "measured"
    assert plan["rate"]["bits_per_second"] == pytest.approx(rate_bps, rel=0.15)
    before = (link.up_bytes, link.down_bytes)
    result = project.json(*words, **CONTRIBUTOR.environment)
    passed = link.up_bytes - before[0] if direction == "push" else link.down_bytes - before[1]
    assert result["plan"]["bytes"] == result["moved"]["bytes"] == plan["bytes"]
    # Headers, signatures and listings are the only other bytes.
    assert plan["bytes"] < passed < plan["bytes"] * 1.02 + 50_000
    took_s, planned_s = result["moved"]["moving_seconds"], plan["moving_seconds"]
    print(f"{direction} {plan['bytes']} planned {planned_s} s, took {took_s} s")
    # What follows the moving does not depend on the link.
    assert took_s == pytest.approx(planned_s, rel=0.15)
    moved: int = result["moved"]["bytes"]
    return moved
