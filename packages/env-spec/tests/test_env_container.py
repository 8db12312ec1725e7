"""Which image a container is of, and under which name an image is here, from what Docker prints."""

from __future__ import annotations

import json

import pytest

from env_spec import (
    ImageEnvironment,
    ImageSpec,
    InstalledError,
    NotBuiltError,
    UnknownImagesError,
    built_reference,
    image_name,
    inspected_image,
)

ENVIRONMENT = ImageEnvironment(
    image=ImageSpec(name="eda", groups=("main",), registry="r.example:5000/team"),
    groups=("main",),
    parent=None,
    packages=(),
    python="*",
    fingerprints={"linux/amd64": "0123"},
)


@pytest.mark.parametrize(
    "reference", ["eda", "eda:latest", "r.example:5000/team/eda:env-0", "eda@sha256:0", "r.example/eda:1@sha256:0"]
)
def test_a_reference_has_the_images_name(reference: str) -> None:
    """Registry, tag and digest are not part of it."""
    assert image_name(reference) == "eda"


def inspected(image: str, **labels: str) -> str:
    return json.dumps([{"Config": {"Image": image, "Labels": labels or None}}])


def test_a_container_is_of_the_image_its_label_names() -> None:
    """The title label wins over the reference, which may be a bare id."""
    label = {"org.opencontainers.image.title": "eda"}
    assert inspected_image(inspected("sha256:0123", **label), ["eda"]) == "eda"
    assert inspected_image(inspected("r.example/eda:1"), ["eda"]) == "eda"


def test_a_container_of_something_else() -> None:
    """What was started from no declared image is an error, and so is what is no inspection."""
    with pytest.raises(UnknownImagesError, match=r"^there is no image 'postgres'\. Images: eda$"):
        inspected_image(inspected("postgres:17"), ["eda"])
    with pytest.raises(InstalledError):
        inspected_image("[]", ["eda"])


@pytest.mark.parametrize(
    ("tags", "chosen"),
    [
        (["env-9999", "env-0123", "latest"], "env-0123"),
        (["building-0123", "<none>", "env-9999", "env-8888"], "env-9999"),
    ],
)
def test_the_image_that_is_here(tags: list[str], chosen: str) -> None:
    """The one of the present fingerprint is taken, else the newest that was finished."""
    repository = "r.example:5000/team/eda"
    listing = "".join(f"{repository}:{tag}\n" for tag in tags)
    assert built_reference(listing, ENVIRONMENT) == f"{repository}:{chosen}"


def test_an_image_that_is_not_here() -> None:
    """The error says how to make it."""
    with pytest.raises(NotBuiltError) as caught:
        built_reference("", ENVIRONMENT)
    assert str(caught.value) == "image 'eda' is not here; build it with `invoke image.build --image eda`"
