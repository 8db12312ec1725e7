"""Build, test, tag, push, in this order for all images of a plan: a failure leaves no half of a set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from image_build.bake import BuildSettings, bake_definition
from image_build.check import ImageReport, check_image
from image_build.engine import Engine, Say, bake, login, refuse_foreign_platforms, require_buildx
from image_build.errors import ImageTestError, InterruptedBuildError
from image_build.plan import ImagePlan
from image_build.registry import add_tags


@dataclass(frozen=True, kw_only=True)
class BuildResult:
    """What was done.

    Attributes:
        reports: Tests of the images that were built.
        pushed: References that the registries now have.
    """

    reports: tuple[ImageReport, ...] = ()
    pushed: tuple[str, ...] = ()


def build_images(
    engine: Engine, plans: Sequence[ImagePlan], settings: BuildSettings, *, is_pushed: bool, index: str | None, say: Say
) -> BuildResult:
    """Carry out a plan.

    Raises:
        ImageBuildError: What kept it from being done; then no tag was given and `latest` was not moved.
    """
    needed = [plan for plan in plans if plan.is_needed]
    here = [plan for plan in plans if plan.is_asked and (plan.is_needed or plan.found == "here")]
    reports: list[ImageReport] = []
    pushed: list[str] = []
    try:
        if needed:
            _during("the build", lambda: _build(engine, plans, settings, index, say))
            _during("the test", lambda: reports.extend(_tested(engine, needed, say)))
        # An image that did not change belongs to this commit as well.
        for plan in here:
            engine.tag(plan.candidate if plan.is_needed else plan.reference, _references(plan, latest=False))
    finally:
        for plan in needed:
            engine.remove(plan.candidate)
    if is_pushed:
        asked = [plan for plan in plans if plan.is_asked]
        # What takes long first, for all images; then their names; what people pull by default last.
        _during("the push", lambda: _push(engine, asked, pushed, say, lambda tag: tag.startswith("env-")))
        _during("the push", lambda: _push(engine, asked, pushed, say, lambda tag: tag != "latest"))
        _during("the push of `latest`", lambda: _push(engine, asked, pushed, say, lambda tag: tag == "latest"))
    for plan in here:
        engine.tag(plan.reference, _references(plan, latest=True))
    return BuildResult(reports=tuple(reports), pushed=tuple(pushed))


def _build(engine: Engine, plans: Sequence[ImagePlan], settings: BuildSettings, index: str | None, say: Say) -> None:
    require_buildx()
    refuse_foreign_platforms(platform for plan in plans if plan.is_needed for platform in plan.platforms)
    bake(bake_definition(plans, settings), images=[plan.name for plan in plans if plan.is_needed], index=index, say=say)


def _tested(engine: Engine, needed: Sequence[ImagePlan], say: Say) -> list[ImageReport]:
    reports = []
    for plan in needed:
        say(f"testing {plan.name}")
        report = check_image(engine, plan, plan.candidate)
        if report.failures:
            raise ImageTestError(plan.name, report.failures, is_new=True)
        reports.append(report)
    return reports


def _push(
    engine: Engine, plans: Sequence[ImagePlan], pushed: list[str], say: Say, is_meant: Callable[[str], bool]
) -> None:
    """Send each image under those of its tags that are meant and not pushed yet."""
    for plan in plans:
        names = [f"{plan.repository}:{tag}" for tag in plan.tags if is_meant(tag)]
        pushed += _push_names(engine, plan, [name for name in names if name not in pushed], say)


def _push_names(engine: Engine, plan: ImagePlan, names: Sequence[str], say: Say) -> list[str]:
    if not names:
        return []
    if plan.is_needed or plan.found == "here":
        for name in names:
            engine.tag(plan.reference, [name])
            engine.push(name, say)
        return list(names)
    digest = engine.remote_digest(plan.reference)
    missing = [name for name in names if engine.remote_digest(name) != digest]
    if missing:
        add_tags(plan.reference, missing, login=login)
        say(f"tagged {', '.join(missing)} in the registry; no layer was moved")
    return missing


def _references(plan: ImagePlan, *, latest: bool) -> list[str]:
    return [f"{plan.repository}:{tag}" for tag in plan.tags if latest or tag != "latest"]


def _during(what: str, work: Callable[[], None]) -> None:
    try:
        work()
    except KeyboardInterrupt:
        raise InterruptedBuildError(what) from None
