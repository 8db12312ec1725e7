"""Which image a container was started from, and which local version of an image is verified."""

from __future__ import annotations

from typing import Any

import pytest

from env_spec import UnknownNameError
from image_build.testing.verify import chosen_reference, declared_image


def inspected(image: str, **labels: str) -> dict[str, Any]:
    return {"Config": {"Image": image, "Labels": labels or None}}


def test_the_label_names_the_image_of_a_container() -> None:
    """The title label has priority over the reference, which can be a bare id."""
    label = {"org.opencontainers.image.title": "eda"}
    assert declared_image(inspected("sha256:0123", **label), ["eda"]) == "eda"
    assert declared_image(inspected("r.example/eda:1"), ["eda"]) == "eda"


def test_a_container_of_another_image() -> None:
    """A container that was started from no declared image is an error."""
    with pytest.raises(UnknownNameError, match=r"^unknown image 'postgres'\. Known images: eda$"):
        declared_image(inspected("postgres:17"), ["eda"])


@pytest.mark.parametrize(
    ("references", "chosen"),
    [(["r/eda:env-9", "r/eda:env-0", "r/eda:latest"], "r/eda:env-0"), (["r/eda:env-9", "r/eda:env-8"], "r/eda:env-9")],
)
def test_the_verified_version(references: list[str], chosen: str) -> None:
    """The version of the current fingerprint is chosen, else the newest finished one; none if there is none."""
    assert chosen_reference(references, "r/eda:env-0") == chosen
    assert chosen_reference([], "r/eda:env-0") is None
