"""What an image's table says besides its groups, and every mistake in it."""

from __future__ import annotations

import tomllib

import pytest

from env_spec import ImageSpec, SpecErrors, UnknownImagesError, parse_spec, size_bytes

GROUPS = 'dependency-groups = { main = [], notebook = [], models = [], dev = [{ include-group = "notebook" }] }\n'
DIGEST = f"sha256:{64 * 'a'}"


def images_of(text: str) -> dict[str, ImageSpec]:
    return dict(parse_spec(tomllib.loads(GROUPS + "[tool.env-spec.images]\n" + text)).images)


def mistakes_in(text: str) -> list[str]:
    with pytest.raises(SpecErrors) as caught:
        images_of(text)
    return [str(error).removeprefix("tool.env-spec.images.") for error in caught.value.errors]


def test_an_image_says_all_of_itself() -> None:
    """Every key of a table is read; a size is in bytes."""
    (image,) = images_of(
        f"""
        [tool.env-spec.images.eda]
        groups = ["main"]
        dockerfile = "images/eda/"
        base = "localhost:5000/team/base:1.0@{DIGEST}"
        platforms = ["linux/arm64", "linux/amd64"]
        registry = "ghcr.io/organisation"
        max_size = "1.5GiB"
        """
    ).values()
    assert image == ImageSpec(
        name="eda",
        groups=("main",),
        dockerfile="images/eda",
        base=f"localhost:5000/team/base:1.0@{DIGEST}",
        platforms=("linux/arm64", "linux/amd64"),
        registry="ghcr.io/organisation",
        max_size_bytes=1610612736,
    )
    assert image.repository == "ghcr.io/organisation/eda"


def test_an_image_takes_after_its_parent() -> None:
    """What a table does not say, the nearest declared parent does; a size is not handed down."""
    images = images_of(
        """
        a = { groups = ["main"], base = "debian:12", registry = "r.example", max_size = "1GB" }
        b = { groups = ["main", "notebook"], parent = "a", platforms = ["linux/arm64"] }
        c = { groups = ["main", "notebook", "models"], parent = "b" }
        """
    )
    assert (images["c"].base, images["c"].platforms) == ("debian:12", ("linux/arm64",))
    assert (images["c"].repository, images["c"].max_size_bytes) == ("r.example/c", None)


def test_a_parent_is_found() -> None:
    """Without a declared parent it is the image with most of the groups, included ones counted, on the same base."""
    spec = parse_spec(
        tomllib.loads(
            GROUPS
            + """
            [tool.env-spec.images]
            small = { groups = ["main"] }
            both = { groups = ["main", "notebook"] }
            elsewhere = { groups = ["main", "notebook", "models"], base = "debian:12" }
            dev = { groups = ["main", "dev"] }
            """
        )
    )
    assert {name: spec.parent(name) for name in spec.images} == {
        "small": None,
        "both": "small",
        "elsewhere": None,
        "dev": "both",
    }


def test_all_mistakes_of_a_table() -> None:
    """Each value is checked by itself, and each mistake says what would be right."""
    assert mistakes_in(
        """
        [tool.env-spec.images.eda]
        groups = ["main"]
        dockerfile = "../eda"
        base = "Debian 12"
        parent = "jupiter"
        platforms = ["linux/amd46", "linux/arm64", "linux/arm64"]
        registry = "https://ghcr.io"
        max_size = "2 gigabytes"
        [tool.env-spec.images.jupyter]
        groups = ["main"]
        dockerfile = "images/eda/Dockerfile"
        base = 12
        platforms = []
        """
    ) == [
        "eda.dockerfile: '../eda' is not a folder below pyproject.toml",
        "eda.base: 'Debian 12' is not an image reference, like quay.io/jupyter/scipy-notebook:2026-10-20",
        "eda.platforms[0]: there is no platform 'linux/amd46'; did you mean 'linux/amd64'? Platforms: linux/386, "
        "linux/amd64, linux/arm/v6, linux/arm/v7, linux/arm64, linux/ppc64le, linux/riscv64, linux/s390x",
        "eda.platforms[2]: repeats the platform 'linux/arm64' of tool.env-spec.images.eda.platforms[1]",
        "eda.registry: 'https://ghcr.io' is not a registry, like ghcr.io/organisation",
        "eda.max_size: '2 gigabytes' is not a size, like 2GB or 1.5GiB",
        "jupyter.dockerfile: 'images/eda/Dockerfile' names the file, not its folder; write 'images/eda'",
        "jupyter.base: must be a string, not an integer",
        'jupyter.platforms: an image needs at least one platform, like platforms = ["linux/amd64"]',
        "eda.parent: there is no image 'jupiter'; did you mean 'jupyter'? Images: jupyter",
    ]


def test_a_parent_must_fit() -> None:
    """A parent with another group, base or Dockerfile could share no layer, and a ring has no first image."""
    assert mistakes_in(
        """
        a = { groups = ["main", "dev"], base = "debian:12" }
        b = { groups = ["main"], parent = "a", base = "debian:13", dockerfile = "images/b" }
        c = { groups = ["main"], parent = "d" }
        d = { groups = ["main"], parent = "c" }
        """
    ) == [
        "c.parent: the image is its own parent: c -> d -> c",
        "d.parent: the image is its own parent: d -> c -> d",
        "b.parent: 'a' has groups 'dev', 'notebook', which 'b' has not",
        "b.base: 'debian:13' is not 'debian:12' of its parent 'a', so they can share no layer",
        "b.dockerfile: 'images/b' is not 'images/notebook' of its parent 'a', so they can share no layer",
    ]


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GB", 2_000_000_000), ("1.5 GiB", 1_610_612_736), ("500kB", 500_000), ("7B", 7), ("2G", None), ("", None)],
)
def test_sizes(text: str, size: int | None) -> None:
    """A size has a unit, decimal or binary."""
    assert size_bytes(text) == size


def test_an_unknown_image_gets_the_nearest_name() -> None:
    """Asking for an image that no table declares names the nearest one."""
    spec = parse_spec(tomllib.loads(GROUPS + 'tool.env-spec.images.eda.groups = ["main"]'))
    with pytest.raises(UnknownImagesError) as caught:
        spec.image("ead")
    assert str(caught.value) == "there is no image 'ead'; did you mean 'eda'? Images: eda"
