"""Builds, tests, tags and pushes images, in this order for all images of a plan, so that no failure leaves a part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from image_build.building.bake import BuildSettings, bake_definition
from image_build.building.builder import bake
from image_build.building.paths import write_paths
from image_build.clone import exclusive_build
from image_build.engine import Engine, OnLine, engine_failures
from image_build.engine.command import credentials, require_buildx, require_platforms
from image_build.errors import ImageBuildError, InterruptedBuildError
from image_build.planning.build_plan import BuildPlan
from image_build.planning.image_plan import ImagePlan
from image_build.planning.machine import certificates, index_secret, other_indexes, package_index
from image_build.registry.manifests import add_tags
from image_build.testing.image_test import ImageReport, check_image
from terminal import note

_CONTINUE = "run the command again to continue."


@dataclass(frozen=True, kw_only=True)
class BuildResult:
    """What a build did.

    Attributes:
        reports: Tests of the images that were built.
        pushed: References that the registries have now.
    """

    plan: BuildPlan
    reports: tuple[ImageReport, ...] = ()
    pushed: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        tests = {report.image: report for report in self.reports}
        images = [
            {**image.facts(), "digest": self._digest(image), "test": tests.get(image.name)}
            for image in self.plan.requested
        ]
        return {"images": images, "pushed": self.pushed}

    def _digest(self, image: ImagePlan) -> str | None:
        engine = self.plan.engine
        if self.plan.request.is_pushed:
            return engine.remote_digest(image.reference)
        return engine.local_digest(image.reference)


@engine_failures()
def build_images(plan: BuildPlan, *, on_line: OnLine = note) -> BuildResult:
    """Carry out a plan.

    Raises:
        ImageBuildError: A step failed. Then no image was tagged and `latest` was not moved.
    """
    with exclusive_build(plan.engine.root):
        return _Build(plan, on_line).run()


def build_settings(plan: BuildPlan) -> BuildSettings:
    """How to build on this machine."""
    index_names = other_indexes(package for image in plan.images for package in image.packages)
    return BuildSettings(
        epoch_s=plan.epoch_s,
        cache=plan.request.cache,
        is_uncached=plan.request.is_uncached,
        ca_file=certificates(),
        index=package_index(plan.engine.root),
        index_names=index_names,
        indexes=index_secret(index_names),
        has_image_store=plan.engine.has_image_store,
    )


class _Build:
    def __init__(self, plan: BuildPlan, on_line: OnLine) -> None:
        self._plan = plan
        self._engine: Engine = plan.engine
        self._on_line = on_line
        self._pushed: list[str] = []

    def run(self) -> BuildResult:
        # An image that did not change also belongs to this commit.
        local = [image for image in self._plan.requested if image.needs_build or image.found == "local"]
        reports: list[ImageReport] = []
        try:
            if self._plan.needed:
                with _interruptible("the build", f"Nothing was tagged; finished steps are cached, so {_CONTINUE}"):
                    self._bake()
                with _interruptible("the test", f"Nothing was tagged; the build is cached, so {_CONTINUE}"):
                    reports = [self._tested(image) for image in self._plan.needed]
            for image in local:
                self._engine.tag(
                    image.candidate if image.needs_build else image.reference, _references(image, with_latest=False)
                )
        finally:
            for image in self._plan.needed:
                self._engine.remove(image.candidate)
        if self._plan.request.is_pushed:
            self._push_all()
        for image in local:
            self._engine.tag(image.reference, _references(image, with_latest=True))
        return BuildResult(plan=self._plan, reports=tuple(reports), pushed=tuple(self._pushed))

    def _bake(self) -> None:
        self._engine.require_buildkit()
        require_buildx()
        require_platforms(platform for image in self._plan.needed for platform in image.platforms)
        settings = build_settings(self._plan)
        write_paths(self._engine.root, self._plan.images)
        bake(
            self._engine.root,
            bake_definition(self._plan.images, settings),
            images=[image.name for image in self._plan.needed],
            settings=settings,
            on_line=self._on_line,
        )

    def _tested(self, image: ImagePlan) -> ImageReport:
        self._on_line(f"testing {image.name}")
        report = check_image(self._engine, image, image.candidate)
        if report.failures:
            lines = [f"{image.name} fails its test:", *(f"  {failure}" for failure in report.failures)]
            raise ImageBuildError("\n".join([*lines, "It was not tagged."]))
        return report

    def _push_all(self) -> None:
        """Push the layers of all images first, which takes longest; then their other tags; `latest` at the end."""
        with _interruptible("the push", f"`latest` was not moved in the registry; {_CONTINUE}"):
            self._push(lambda tag: tag.startswith("env-"))
            self._push(lambda tag: tag != "latest")
        consequence = "All other tags are in the registry; run the command again to move `latest` of the other images."
        with _interruptible("the push of `latest`", consequence):
            self._push(lambda tag: tag == "latest")

    def _push(self, is_selected: Callable[[str], bool]) -> None:
        """Push the selected tags of each requested image, except those that are already pushed."""
        for image in self._plan.requested:
            names = [f"{image.repository}:{tag}" for tag in image.tags if is_selected(tag)]
            self._pushed += self._push_names(image, [name for name in names if name not in self._pushed])

    def _push_names(self, image: ImagePlan, names: Sequence[str]) -> list[str]:
        if not names:
            return []
        if image.needs_build or image.found == "local":
            for name in names:
                self._engine.tag(image.reference, [name])
                self._engine.push(name, self._on_line)
            return list(names)
        digest = self._engine.remote_digest(image.reference)
        missing = [name for name in names if self._engine.remote_digest(name) != digest]
        if missing:
            add_tags(image.reference, missing, credentials=credentials)
            self._on_line(f"tagged {', '.join(missing)} in the registry; no layer was moved")
        return missing


def _references(image: ImagePlan, *, with_latest: bool) -> list[str]:
    return [f"{image.repository}:{tag}" for tag in image.tags if with_latest or tag != "latest"]


@contextmanager
def _interruptible(step: str, consequence: str) -> Iterator[None]:
    """Turn an interrupt during a step into an error that says what it leaves."""
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedBuildError(step, consequence) from None
