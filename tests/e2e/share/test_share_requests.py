"""A plan counts the requests that the server sees, and a trial of the work on small objects leaves nothing there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from ..seaweed import SeaweedFS
from ..throttle import ThrottledLink
from .conftest import BUCKET, CONTRIBUTOR, READER

SMALL, LARGE = 200, 3
_OBJECT = re.compile(rf"/{BUCKET}/[^?]*files/md5/../[0-9a-f]{{30}}[^?]*")


def test_a_plan_counts_the_requests(make_project: Callable[..., Any], server: SeaweedFS, prefix: str) -> None:
    """Each planned object is one request, small or large; what was measured before does not move again."""
    with ThrottledLink(server.url) as link:
        project = make_project(endpoint=link.url)
        sizes = [1000 + at for at in range(SMALL)] + [300_000 + at for at in range(LARGE)]
        project.write(
            "pushed", {f"{at:03}.parquet": at.to_bytes(4, "big") * (size // 4) for at, size in enumerate(sizes)}
        )
        pushed = _carry_out(project, link, "push", CONTRIBUTOR.environment)
        # The files and the list of their folder.
        assert pushed == SMALL + LARGE + 1 == len(server.objects(BUCKET, prefix))
        before = project.data()
        rates = (project.root / ".dvc/tmp/share/rates.json").read_text()
        project.forget()
        (project.root / ".dvc/tmp/share").mkdir(parents=True)
        (project.root / ".dvc/tmp/share/rates.json").write_text(rates)
        assert _carry_out(project, link, "pull", READER.environment) == SMALL + LARGE + 1
        assert project.data() == before


def _carry_out(project: Any, link: ThrottledLink, direction: str, environment: dict[str, str]) -> int:
    """Plan with a measurement, then transfer; returns the number of objects that the server got or sent."""
    method = "PUT" if direction == "push" else "GET"
    # Only a contributor may upload, so that only a contributor can measure both directions.
    plan = project.json(direction, "--plan", "--rate", **CONTRIBUTOR.environment)["plan"]
    tried = [target for verb, target in link.requests if verb == method]
    assert any("uploadId" in target for target in tried) if direction == "push" else len(tried) > SMALL // 4
    link.requests.clear()
    result = project.json(direction, **environment)
    assert result["plan"]["rate"]["source"] == "remembered"
    assert result["plan"]["bytes"] == result["moved"]["bytes"] == plan["bytes"]
    assert result["moved"]["seconds"] == pytest.approx(
        result["moved"]["moving_seconds"] + result["moved"]["finishing_seconds"], abs=0.002
    )
    moved = [target for verb, target in link.requests if verb == method and _OBJECT.fullmatch(target)]
    assert result["plan"]["files"] == len(moved) == len(set(moved))
    return len(moved)


def test_a_trial_leaves_nothing(make_project: Callable[..., Any], server: SeaweedFS, prefix: str) -> None:
    """A planned push uploads parts of an upload that it aborts: the bucket has neither an object nor an upload."""
    project = make_project()
    project.write("pushed", {f"{at:03}.parquet": at.to_bytes(4, "big") * 99 for at in range(SMALL)})
    plan = project.json("push", "--plan", **CONTRIBUTOR.environment)["plan"]
    assert plan["seconds"] > 0
    assert server.objects(BUCKET, prefix) == {}
    assert not [key for key in server.uploads(BUCKET) if key.startswith(prefix)]
    assert not list(project.root.rglob(".trial-*"))
