"""Planned minutes are honest on a slow link: 25 Mbit/s down, 4 Mbit/s up, through a proxy that holds it to that."""

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
# With 50 MB both ways (SHRINKWRAP_TEST_PUSH_MB=50) it takes two and a half minutes, to say the same.
PUSH_MB = int(os.environ.get("SHRINKWRAP_TEST_PUSH_MB", "6"))
PULL_MB = max(PUSH_MB, 20)


@pytest.fixture
def link(server: SeaweedFS) -> Any:
    with ThrottledLink(server.url, up_bps=UP_BPS, down_bps=DOWN_BPS) as running:
        yield running


def test_planned_minutes_are_real_ones(
    make_project: Callable[..., Any], server: SeaweedFS, link: ThrottledLink, prefix: str
) -> None:
    """With measured rates, a push and a pull take what was planned within 15 %, and move exactly the planned bytes."""
    project = make_project(endpoint=link.url)
    parts = [PUSH_MB * MB // 16] * 8 + [PUSH_MB * MB // 4] * 2
    project.write("sent", {f"{number}.parquet": os.urandom(size) for number, size in enumerate(parts)})
    sent = measured(project, link, "push", "sent")
    assert sent == sum(server.objects(BUCKET, prefix).values())
    if PULL_MB > PUSH_MB:
        project.write("more", {f"{number}.parquet": os.urandom((PULL_MB - PUSH_MB) * MB // 7) for number in range(7)})
        for key in [project.cached(oid).relative_to(project.root / ".dvc/cache") for oid in project.kept()]:
            content = (project.root / ".dvc/cache" / key).read_bytes()
            server.client().put_object(Bucket=BUCKET, Key=f"{prefix}/{key}", Body=content)
    before = project.data()
    project.forget()
    assert measured(project, link, "pull") == sum(server.objects(BUCKET, prefix).values())
    assert project.data() == before


def measured(project: Any, link: ThrottledLink, direction: str, *datasets: str) -> int:
    """Plan, move, compare; gives the bytes."""
    rate_bps = UP_BPS if direction == "push" else DOWN_BPS
    words = (direction, *(word for name in datasets for word in ("--dataset", name)))
    plan = project.json(*words, "--plan", **CONTRIBUTOR.environment)["plan"]
    assert plan["rate"]["source"] == "measured"
    assert plan["rate"]["bits_per_second"] == pytest.approx(rate_bps, rel=0.15)
    before = (link.up_bytes, link.down_bytes)
    done = project.json(*words, **CONTRIBUTOR.environment)
    passed = link.up_bytes - before[0] if direction == "push" else link.down_bytes - before[1]
    assert done["plan"]["bytes"] == done["moved"]["bytes"] == plan["bytes"]
    # Headers, signatures and listings are all that comes on top.
    assert plan["bytes"] < passed < plan["bytes"] * 1.02 + 50_000
    print(f"{direction} {plan['bytes']} planned {plan['seconds']} s, was {done['moved']['seconds']} s")
    assert done["moved"]["seconds"] == pytest.approx(plan["seconds"], rel=0.15)
    moved: int = done["moved"]["bytes"]
    return moved
