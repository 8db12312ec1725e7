"""What the user requests of a build."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from env_spec import PLATFORMS, is_reference, is_registry
from image_build.errors import ImageRequestError
from terminal import unknown_name_text

Cache = Literal["local", "registry", "gha", "none"]
CACHES: tuple[Cache, ...] = get_args(Cache)


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """A request to plan or build images.

    Attributes:
        images: Names of images. Without images and groups, all images are requested.
        groups: Requests the images that contain all these groups, in addition to `images`.
        base: Overrides the bases of the tables.
        registry: Overrides the registries of the tables.
        default_registry: For images whose table names none.
        platforms: Override those of the tables.
        is_forced: Also build images that exist.
        is_uncached: Run every step again; implies `is_forced`.
        is_pushed: Push the images to their registry.
        cache: Where the steps are kept, in addition to the builder.
        needs_current_lock: Refuse a lock that is older than pyproject.toml before anything else.
    """

    images: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    base: str | None = None
    registry: str | None = None
    default_registry: str | None = None
    platforms: tuple[str, ...] = ()
    is_forced: bool = False
    is_uncached: bool = False
    is_pushed: bool = False
    cache: Cache = "none"
    needs_current_lock: bool = False

    def check(self) -> None:
        """Check what comes from the command line or the environment; the tables were checked when they were read.

        Raises:
            ImageRequestError: A base, registry, platform or cache is malformed or unknown.
        """
        if self.base and not is_reference(self.base):
            raise ImageRequestError(
                f"'{self.base}' is not an image reference, like quay.io/jupyter/scipy-notebook:2026-10-20;"
                " it comes from --base or SHRINKWRAP_BASE."
            )
        for registry in (self.registry, self.default_registry):
            if registry and not is_registry(registry):
                raise ImageRequestError(
                    f"'{registry}' is not a registry, like ghcr.io/organisation: host and organisation in lower-case"
                    " letters, without https://; it comes from --registry or SHRINKWRAP_REGISTRY."
                )
        for platform in self.platforms:
            if platform not in PLATFORMS:
                raise ImageRequestError(unknown_name_text("platform", platform, PLATFORMS))
        if self.cache not in CACHES:
            raise ImageRequestError(unknown_name_text("cache", self.cache, CACHES))
