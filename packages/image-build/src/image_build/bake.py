"""The one definition from which `docker buildx bake` builds all images of a plan."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from image_build.plan import ImagePlan

Cache = Literal["local", "registry", "gha", "none"]
CACHES: tuple[Cache, ...] = get_args(Cache)
_BASE_FOLDER = "images/base"


@dataclass(frozen=True, kw_only=True)
class BuildSettings:
    """How to build, apart from what.

    Attributes:
        epoch_s: The time every image claims to be made.
        ca_file: Certificates of a network that inspects TLS.
        has_index: The variable INDEX_VARIABLE holds the URL of a package index.
        has_image_store: The engine keeps images in containerd's store, which can hold any compression.
        archive_folder: Write OCI archives there, and nothing to the engine.
    """

    epoch_s: int
    cache: Cache = "none"
    is_uncached: bool = False
    ca_file: str | None = None
    has_index: bool = False
    has_image_store: bool = True
    archive_folder: str | None = None


INDEX_VARIABLE = "SHRINKWRAP_BUILD_INDEX"


def bake_definition(plans: Sequence[ImagePlan], settings: BuildSettings) -> dict[str, Any]:
    """Targets for the images that are needed, for those they are built on, and for the tooling that installs them."""
    by_name = {plan.name: plan for plan in plans}
    waiting = [plan for plan in plans if plan.is_needed]
    names = [target_name(plan.name) for plan in waiting]
    targets: dict[str, Any] = {}
    while waiting:
        plan = waiting.pop()
        tooling = _tooling_name(plan, plans)
        contexts = {"jupyter-poetry-base": f"target:{tooling}"}
        if parent := by_name.get(plan.parent or ""):
            is_there = not parent.is_needed and parent.found != "nowhere"
            # A parent that is found is built upon as it is: its layers are shared, whatever else changed.
            contexts["parent"] = (
                f"docker-image://{parent.reference}" if is_there else f"target:{target_name(parent.name)}"
            )
            waiting += [] if is_there else [parent]
        targets[tooling] = _tooling(plan, settings)
        targets[target_name(plan.name)] = _image(plan, settings, contexts)
    return {"group": {"default": {"targets": names}}, "target": dict(sorted(targets.items()))}


def target_name(image: str) -> str:
    """Bake takes no dots in names of targets."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", image)


def archive_path(folder: str, image: str) -> str:
    """Where the archive of an image is written to."""
    return f"{folder}/{target_name(image)}.tar"


def _tooling_name(plan: ImagePlan, plans: Sequence[ImagePlan]) -> str:
    kinds = list(dict.fromkeys((other.base, other.platforms) for other in plans))
    position = kinds.index((plan.base, plan.platforms))
    return "jupyter-poetry-base" + (f"-{position}" if position else "")


def _tooling(plan: ImagePlan, settings: BuildSettings) -> dict[str, Any]:
    return {**_common(plan, settings), "dockerfile": f"{_BASE_FOLDER}/Dockerfile"}


def _image(plan: ImagePlan, settings: BuildSettings, contexts: Mapping[str, str]) -> dict[str, Any]:
    common = _common(plan, settings)
    return {
        **common,
        "dockerfile": f"{plan.dockerfile}/Dockerfile",
        "contexts": dict(contexts),
        "args": {**common["args"], "POETRY_INSTALL_GROUP": ",".join(plan.groups)},
        "labels": dict(plan.labels),
        **({"output": [_output(plan, settings)]} if plan.is_needed else {}),
        **_cache(plan, settings),
    }


def _common(plan: ImagePlan, settings: BuildSettings) -> dict[str, Any]:
    args = {"SOURCE_DATE_EPOCH": str(settings.epoch_s)}
    if plan.base:
        args["BASE_IMAGE"] = plan.base
    secrets = [f"id=ca,src={settings.ca_file}"] if settings.ca_file else []
    secrets += [f"id=index,env={INDEX_VARIABLE}"] if settings.has_index else []
    common = {"context": ".", "args": args, "platforms": list(plan.platforms), "no-cache": settings.is_uncached}
    return {**common, "secret": secrets} if secrets else common


def _output(plan: ImagePlan, settings: BuildSettings) -> str:
    if settings.archive_folder:
        path = archive_path(settings.archive_folder, plan.name)
        return f"type=oci,dest={path},compression=zstd,oci-mediatypes=true"
    if not settings.has_image_store:
        return f"type=docker,name={plan.candidate}"
    # zstd compresses a venv five times faster than gzip does, to less. A base's layers stay as they are.
    return f"type=image,name={plan.candidate},compression=zstd,oci-mediatypes=true"


def _cache(plan: ImagePlan, settings: BuildSettings) -> dict[str, list[str]]:
    """Each image has a scope of its own: entries of a matrix would overwrite each other's (build-push-action#546).

    Measured: the tooling, which takes longest, comes from the cache; BuildKit sometimes runs a later step again, since
    bake links targets. Reading all scopes, or one for the tooling too, made that worse. GitHub's cache is only there,
    so `gha` has not been run.
    """
    if settings.cache == "none" or settings.archive_folder:
        return {}
    place = _cache_place(plan, settings.cache)
    # A parent that nobody asked for is another job's to write.
    target = {"cache-to": [f"{place.replace(',src=', ',dest=')},mode=max"]} if plan.is_needed else {}
    return {"cache-from": [place], **target}


def _cache_place(plan: ImagePlan, cache: Cache) -> str:
    if cache == "local":
        return f"type=local,src=.shrinkwrap/buildkit/{plan.name}"
    return f"type=registry,ref={plan.repository}:cache" if cache == "registry" else f"type=gha,scope={plan.name}"
