"""The keys of an image's table other than its groups, and every mistake in it."""

from __future__ import annotations

import tomllib

import pytest

from env_spec import ImageSpec, SpecErrors, UnknownNameError, parse_spec

GROUPS = (
    'dependency-groups = { main = ["cu-py"], notebook = [], models = [], dev = [{ include-group = "notebook" }] }\n'
)
DIGEST = f"sha256:{64 * 'a'}"


def images_of(text: str) -> dict[str, ImageSpec]:
    return dict(parse_spec(tomllib.loads(GROUPS + "[tool.env-spec.images]\n" + text)).images)


def mistakes_in(text: str) -> list[str]:
    with pytest.raises(SpecErrors) as caught:
        images_of(text)
    return [str(error).removeprefix("tool.env-spec.images.") for error in caught.value.errors]


def test_every_key_is_read() -> None:
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
        skip_imports = ["Cu_Py"]
        system = ["libgomp1=12.2.0-14", "libgl1"]
        snapshot = 2026-11-01
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
        skip_imports=("cu-py",),
        system=("libgl1", "libgomp1=12.2.0-14"),
        snapshot="2026-11-01",
    )
    assert image.repository == "ghcr.io/organisation/eda"


def test_an_image_inherits_from_its_parent() -> None:
    """A missing key is inherited from the nearest declared parent that has it; max_size is not inherited."""
    images = images_of(
        """
        a = { groups = ["main"], base = "debian:12", registry = "r.example", max_size = "1GB" }
        b = { groups = ["main", "notebook"], parent = "a", platforms = ["linux/arm64"] }
        c = { groups = ["main", "notebook", "models"], parent = "b" }
        """
    )
    assert (images["c"].base, images["c"].platforms) == ("debian:12", ("linux/arm64",))
    assert (images["c"].repository, images["c"].max_size_bytes) == ("r.example/c", None)


def test_only_packages_of_its_groups_can_be_skipped() -> None:
    """`skip_imports` names packages that the groups declare; a child image inherits it."""
    assert mistakes_in('a = { groups = ["main"], skip_imports = ["cupi", 1] }') == [
        "a.skip_imports[0]: unknown declared package 'cupi'; did you mean 'cu-py'? Known declared packages: cu-py",
        "a.skip_imports[1]: must be a string, not an integer",
    ]
    images = images_of(
        """
        a = { groups = ["main"], skip_imports = ["cu-py"] }
        b = { groups = ["main", "models"], parent = "a" }
        """
    )
    assert images["b"].skip_imports == ("cu-py",)


def test_debian_packages_are_checked() -> None:
    """Names and versions are those of Debian, each name once; a snapshot is a day."""
    assert mistakes_in(
        'a = { groups = ["main"], system = ["libGL1", "libgl1; id", "libgl1", "libgl1=1", 2], snapshot = "november" }'
    ) == [
        "a.system[0]: 'libGL1' is not a Debian package, like libgomp1 or libgomp1=12.2.0-14",
        "a.system[1]: 'libgl1; id' is not a Debian package, like libgomp1 or libgomp1=12.2.0-14",
        "a.system[3]: repeats the package 'libgl1' at tool.env-spec.images.a.system[2]",
        "a.system[4]: must be a string, not an integer",
        "a.snapshot: must be a date, like snapshot = \"2026-11-01\", not 'november'",
    ]


def test_the_snapshot_of_all_images() -> None:
    """`[tool.env-spec] snapshot` is for images with Debian packages; the key of an image has priority."""
    text = """
        a = { groups = ["main"], system = ["libgl1"] }
        b = { groups = ["main"], system = ["libgl1"], snapshot = "2026-11-02" }
        c = { groups = ["main"] }
        """
    spec = parse_spec(
        tomllib.loads(f"{GROUPS}[tool.env-spec]\nsnapshot = '2026-11-01'\n[tool.env-spec.images]\n{text}")
    )
    assert [image.snapshot for image in spec.images.values()] == ["2026-11-01", "2026-11-02", None]


def test_a_parent_without_its_packages_is_a_mistake() -> None:
    """A child inherits the Debian packages of its declared parent; its own list has to contain them."""
    parent = 'a = { groups = ["main"], system = ["libgl1"] }\n'
    child = 'b = { groups = ["main", "models"], parent = "a"%s }'
    assert images_of(parent + child % "")["b"].system == ("libgl1",)
    assert images_of(parent + child % ', system = ["libgl1", "libgomp1"]')["b"].system == ("libgl1", "libgomp1")
    assert mistakes_in(parent + child % ', system = ["libgomp1"]') == [
        "b.system: lacks packages of its parent 'a', or has another snapshot: libgl1"
    ]


def test_a_parent_is_found() -> None:
    """Without a declared parent, it is the image on the same base with most of the groups, including included ones."""
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
    """Each value is checked separately, and each mistake says what is valid."""
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
        "eda.platforms[0]: unknown platform 'linux/amd46'; did you mean 'linux/amd64'? Known platforms: linux/386, "
        "linux/amd64, linux/arm/v6, linux/arm/v7, linux/arm64, linux/ppc64le, linux/riscv64, linux/s390x",
        "eda.platforms[2]: repeats the platform 'linux/arm64' at tool.env-spec.images.eda.platforms[1]",
        "eda.registry: 'https://ghcr.io' is not a registry, like ghcr.io/organisation",
        "eda.max_size: '2 gigabytes' is not a size, like 2GB or 1.5GiB",
        "jupyter.dockerfile: 'images/eda/Dockerfile' names the file, not its folder; write 'images/eda'",
        "jupyter.base: must be a string, not an integer",
        'jupyter.platforms: an image needs at least one platform, like platforms = ["linux/amd64"]',
        "eda.parent: unknown image 'jupiter'; did you mean 'jupyter'? Known images: jupyter",
    ]


def test_a_parent_must_share_layers() -> None:
    """A parent with another group, base or Dockerfile cannot share layers; a cycle of parents is a mistake."""
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
        "b.parent: 'a' has groups 'dev', 'notebook', which 'b' does not have",
        "b.base: 'debian:13' differs from 'debian:12' of its parent 'a', so they cannot share layers",
        "b.dockerfile: 'images/b' differs from 'images/notebook' of its parent 'a', so they cannot share layers",
    ]


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GB", 2_000_000_000), ("1.5 GiB", 1_610_612_736), ("500kB", 500_000), ("7B", 7), ("2 gigs", None), ("", None)],
)
def test_sizes(text: str, size: int | None) -> None:
    """max_size has a decimal or a binary unit."""
    table = f'eda = {{ groups = ["main"], max_size = "{text}" }}'
    if size is None:
        assert mistakes_in(table) == [f"eda.max_size: '{text}' is not a size, like 2GB or 1.5GiB"]
    else:
        assert images_of(table)["eda"].max_size_bytes == size


def test_an_unknown_image_gets_the_nearest_name() -> None:
    """The error for an image that is not declared contains the nearest name."""
    spec = parse_spec(tomllib.loads(GROUPS + 'tool.env-spec.images.eda.groups = ["main"]'))
    with pytest.raises(UnknownNameError) as caught:
        spec.image("ead")
    assert str(caught.value) == "unknown image 'ead'; did you mean 'eda'? Known images: eda"
