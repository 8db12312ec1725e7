"""The definition from which `docker buildx bake` builds all images of a plan together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from image_build.building.paths import paths_folder
from image_build.planning.image_plan import ImagePlan
from image_build.planning.request import Cache

# Holds the URL of the package index during a build, so that the URL is in no file and on no command line.
INDEX_VARIABLE = "SHRINKWRAP_BUILD_INDEX"
# The same for the indexes of [[tool.poetry.source]]: a line for each, with its name and its URL.
INDEXES_VARIABLE = "SHRINKWRAP_BUILD_INDEXES"
_BASE_FOLDER = "images/base"


@dataclass(frozen=True, kw_only=True)
class BuildSettings:
    """How to build, on this machine.

    Attributes:
        epoch_s: The time that images claim as their creation time.
        ca_file: Certificate authorities, for a network that inspects TLS.
        index: URL of a package index, which can contain a password; None for PyPI.
        index_names: Of other indexes that the images need: the name of each in pyproject.toml, by URL.
        indexes: Name and URL with credentials of those that have some, a line for each; None if there are none.
        has_image_store: The engine keeps images in containerd's store, which accepts any compression.
        archive_folder: Write OCI archives to this folder instead of images to the engine.
    """

    epoch_s: int
    cache: Cache = "none"
    is_uncached: bool = False
    ca_file: str | None = None
    index: str | None = field(default=None, repr=False)
    index_names: Mapping[str, str] = field(default_factory=dict)
    indexes: str | None = field(default=None, repr=False)
    has_image_store: bool = True
    archive_folder: str | None = None

    def secrets(self) -> dict[str, str]:
        """The environment variables from which a build takes its secrets."""
        found = {INDEX_VARIABLE: self.index, INDEXES_VARIABLE: self.indexes}
        return {name: value for name, value in found.items() if value}


def bake_definition(plans: Sequence[ImagePlan], settings: BuildSettings) -> dict[str, Any]:
    """Targets for the images to build, for their parents, and for the tooling that installs packages."""
    by_name = {plan.name: plan for plan in plans}
    waiting = [plan for plan in plans if plan.needs_build]
    names = [target_name(plan.name) for plan in waiting]
    targets: dict[str, Any] = {}
    while waiting:
        plan = waiting.pop()
        tooling = _tooling_name(plan, plans)
        parent = by_name.get(plan.parent or "")
        contexts = {"jupyter-poetry-base": f"target:{tooling}"}
        if parent:
            exists = not parent.needs_build and parent.found in ("local", "registry")
            # Build on a parent that exists, whatever else changed, so that its layers are shared.
            contexts["parent"] = (
                f"docker-image://{parent.reference}" if exists else f"target:{target_name(parent.name)}"
            )
            waiting += [] if exists else [parent]
        if plan.paths:
            contexts["paths"] = paths_folder(plan)
        if plan.lock_folder:
            contexts["lock"] = plan.lock_folder
        targets[tooling] = _tooling(plan, settings)
        targets[target_name(plan.name)] = _image(plan, settings, contexts, system=_added_system(plan, parent))
    return {"group": {"default": {"targets": names}}, "target": dict(sorted(targets.items()))}


def target_name(image: str) -> str:
    """The name of an image's target; bake does not accept dots."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", image)


def archive_path(folder: str, image: str) -> str:
    """The path of an image's archive."""
    return f"{folder}/{target_name(image)}.tar"


def _tooling_name(plan: ImagePlan, plans: Sequence[ImagePlan]) -> str:
    kinds = list(dict.fromkeys((other.base, other.platforms) for other in plans))
    position = kinds.index((plan.base, plan.platforms))
    return "jupyter-poetry-base" + (f"-{position}" if position else "")


def _tooling(plan: ImagePlan, settings: BuildSettings) -> dict[str, Any]:
    return {**_common(plan, settings), "dockerfile": f"{_BASE_FOLDER}/Dockerfile"}


def _added_system(plan: ImagePlan, parent: ImagePlan | None) -> tuple[str, ...]:
    """The Debian packages to install: all of its own, unless its parent has the same ones."""
    return () if parent and parent.system == plan.system else plan.system


def _image(
    plan: ImagePlan, settings: BuildSettings, contexts: Mapping[str, str], *, system: Sequence[str]
) -> dict[str, Any]:
    packages = {"SYSTEM_PACKAGES": " ".join(system), "SYSTEM_SNAPSHOT": plan.snapshot or ""} if system else {}
    common = _common(plan, settings)
    return {
        **common,
        "dockerfile": f"{plan.dockerfile}/Dockerfile",
        "contexts": dict(contexts),
        "args": {
            **common["args"],
            "POETRY_INSTALL_GROUP": ",".join(group.rpartition(":")[2] for group in plan.groups),
            **packages,
            **({"LOCK_FOLDER": plan.lock_folder} if plan.lock_folder else {}),
            **({"POETRY_INSTALL_EXTRAS": " ".join(plan.extras)} if plan.extras else {}),
            **({"INSTALL_OWN": "1"} if plan.has_own else {}),
            **({"BUILD_PACKAGES": " ".join(plan.build)} if plan.build else {}),
        },
        "labels": dict(plan.labels),
        **({"output": [_output(plan, settings)]} if plan.needs_build else {}),
        **_cache(plan, settings),
    }


def _common(plan: ImagePlan, settings: BuildSettings) -> dict[str, Any]:
    args = {"SOURCE_DATE_EPOCH": str(settings.epoch_s)}
    if plan.base:
        args["BASE_IMAGE"] = plan.base
    secrets = [f"id=ca,src={settings.ca_file}"] if settings.ca_file else []
    secrets += [f"id=index,env={INDEX_VARIABLE}"] if settings.index else []
    secrets += [f"id=indexes,env={INDEXES_VARIABLE}"] if settings.indexes else []
    common = {"context": ".", "args": args, "platforms": list(plan.platforms), "no-cache": settings.is_uncached}
    return {**common, "secret": secrets} if secrets else common


def _output(plan: ImagePlan, settings: BuildSettings) -> str:
    if settings.archive_folder:
        path = archive_path(settings.archive_folder, plan.name)
        return f"type=oci,dest={path},compression=zstd,oci-mediatypes=true"
    if not settings.has_image_store:
        return f"type=docker,name={plan.candidate}"
    # For a venv, zstd is five times faster than gzip and compresses better. The layers of the base do not change.
    return f"type=image,name={plan.candidate},compression=zstd,oci-mediatypes=true"


def _cache(plan: ImagePlan, settings: BuildSettings) -> dict[str, list[str]]:
    """Each image has its own scope, because entries of a matrix would overwrite a shared one (build-push-action#546).

    Measured: the tooling, which takes longest, comes from the cache; BuildKit sometimes repeats a later step, because
    bake links targets. Reading all scopes, or a separate one for the tooling, made that worse. `gha` is untested,
    because only GitHub has that cache.
    """
    if settings.cache == "none" or settings.archive_folder:
        return {}
    place = _cache_place(plan, settings.cache)
    # Another job writes the cache of a parent that was not requested.
    target = {"cache-to": [f"{place.replace(',src=', ',dest=')},mode=max"]} if plan.needs_build else {}
    return {"cache-from": [place], **target}


def _cache_place(plan: ImagePlan, cache: Cache) -> str:
    if cache == "local":
        return f"type=local,src=.shrinkwrap/buildkit/{plan.name}"
    return f"type=registry,ref={plan.repository}:cache" if cache == "registry" else f"type=gha,scope={plan.name}"
