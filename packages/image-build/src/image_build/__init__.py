"""How an image is planned, built, tested, tagged and pushed."""

from __future__ import annotations

from image_build.building.build import BuildResult, build_images
from image_build.building.reproduce import reproduce_image
from image_build.clean import CleanedImage, CleanedImages, clean_images, unlabelled_text
from image_build.devcontainer import devcontainer_text, write_devcontainer
from image_build.engine import Engine, InspectedImage, OnLine, RunResult, engine_errors, engine_failures
from image_build.errors import EngineUnavailableError, ImageBuildError, ImageRequestError
from image_build.get import LocalImage, get_image
from image_build.listing import ListedImage, drift_text, images_table, list_images
from image_build.pin import pin_bases
from image_build.planning.build_plan import BuildPlan, local_images, plan_build
from image_build.planning.image_plan import ImagePlan, plan_text
from image_build.planning.request import BuildRequest
from image_build.run import run_image
from image_build.testing.findings import ImageSize
from image_build.testing.image_test import ImageReport, image_size, report_text, test_image
from image_build.testing.sizes import size_table
from image_build.testing.verify import verify_container, verify_image

__all__ = [
    "BuildPlan",
    "BuildRequest",
    "BuildResult",
    "CleanedImage",
    "CleanedImages",
    "Engine",
    "EngineUnavailableError",
    "ImageBuildError",
    "ImagePlan",
    "ImageReport",
    "ImageRequestError",
    "ImageSize",
    "InspectedImage",
    "ListedImage",
    "LocalImage",
    "OnLine",
    "RunResult",
    "build_images",
    "clean_images",
    "devcontainer_text",
    "drift_text",
    "engine_errors",
    "engine_failures",
    "get_image",
    "image_size",
    "images_table",
    "list_images",
    "local_images",
    "pin_bases",
    "plan_build",
    "plan_text",
    "report_text",
    "reproduce_image",
    "run_image",
    "size_table",
    "test_image",
    "unlabelled_text",
    "verify_container",
    "verify_image",
    "write_devcontainer",
]
