"""An image that someone is about to use: here already, else pulled, else built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from image_build.build import build_images
from image_build.engine import Engine, Say
from image_build.errors import (
    InterruptedBuildError,
    NotBuiltError,
    OtherContentError,
    RegistryDeniedError,
    RegistryUnreachableError,
)
from image_build.machine import only_build
from image_build.plan import ImagePlan, Wishes
from image_build.planning import build_settings, machine_base, machine_registry, planned
from image_build.revision import FINGERPRINT_LABEL

Origin = Literal["here", "pulled", "built"]


@dataclass(frozen=True, kw_only=True)
class EnsuredImage:
    """An image that is here, with the content that the lock and its table say now.

    Attributes:
        reference: Its one name that stands for exactly this content.
        digest: As its registry knows it, if it has one.
        origin: How it came to be here.
    """

    name: str
    reference: str
    digest: str
    fingerprint: str
    origin: Origin

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def ensure_image(
    name: str,
    *,
    say: Say,
    base: str | None = None,
    registry: str | None = None,
    may_build: bool = True,
) -> EnsuredImage:
    """See that the image of the repository in the working directory is on this machine.

    Args:
        say: Takes lines of progress.
        base: Instead of the base its table names; if None, the one that SHRINKWRAP_BASE names, if any.
        registry: Instead of the registry its table names; SHRINKWRAP_REGISTRY is for tables that name none.
        may_build: Build it if it is neither here nor in its registry.

    Raises:
        EnvSpecError: There is no such image, or the project's files are wrong.
        StaleLockError: What pyproject.toml asks for is not locked yet.
        NotBuiltError: It is nowhere, and may not be built.
        RegistryDeniedError: Its registry wants a login, and it may not be built.
        RegistryUnreachableError: Its registry does not answer, and it may not be built.
        OtherContentError: Its registry has something else under its name.
        ImageBuildError: What a build died of.
    """
    wishes = Wishes(
        names=(name,),
        base=base or machine_base(),
        registry=registry,
        default_registry=machine_registry(),
        needs_current_lock=True,
    )
    engine, plans, epoch_s = planned(wishes)
    plan = plans[-1]
    if plan.found == "here":
        return _ensured(engine, plan, "here")
    if plan.repository != name and _is_pulled(engine, plan, say, may_build=may_build):
        return _ensured(engine, plan, "pulled")
    if not may_build:
        raise NotBuiltError(name, plan.fingerprint, is_asked_for=True)
    say(f"{name}: {plan.why}; it is built")
    settings, index = build_settings(engine, epoch_s)
    with only_build():
        build_images(engine, plans, settings, is_pushed=False, index=index, say=say)
    return _ensured(engine, plan, "built")


def _is_pulled(engine: Engine, plan: ImagePlan, say: Say, *, may_build: bool) -> bool:
    """The registry had it and it is here now; where nobody can tell, a build does as well."""
    try:
        if engine.remote_digest(plan.reference) is None:
            return False
        say(f"{plan.name}: pulling {plan.reference}")
        _during_pull(lambda: engine.pull(plan.reference, say))
    except (RegistryDeniedError, RegistryUnreachableError) as error:
        if not may_build:
            raise
        say(f"warning: {error}")
        return False
    image = engine.image(plan.reference)
    found = image.labels.get(FINGERPRINT_LABEL, "") if image else ""
    if found != plan.fingerprint:
        engine.remove(plan.reference)
        raise OtherContentError(plan.reference, plan.fingerprint, found)
    return True


def _during_pull(work: Callable[[], None]) -> None:
    try:
        work()
    except KeyboardInterrupt:
        raise InterruptedBuildError("the pull") from None


def _ensured(engine: Engine, plan: ImagePlan, origin: Origin) -> EnsuredImage:
    digest = engine.local_digest(plan.reference)
    if digest is None:
        raise NotBuiltError(plan.name, plan.fingerprint)
    return EnsuredImage(
        name=plan.name, reference=plan.reference, digest=digest, fingerprint=plan.fingerprint, origin=origin
    )
