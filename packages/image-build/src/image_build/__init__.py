"""How an image is planned, built, tested, tagged, pushed."""

from __future__ import annotations

from image_build.bake import BuildSettings, bake_definition
from image_build.errors import ImageBuildError
from image_build.plan import ImagePlan, Wishes, plan_images, shown_plan
from image_build.revision import Revision, image_labels, image_tags

__all__ = [
    "BuildSettings",
    "ImageBuildError",
    "ImagePlan",
    "Revision",
    "Wishes",
    "bake_definition",
    "image_labels",
    "image_tags",
    "plan_images",
    "shown_plan",
]
