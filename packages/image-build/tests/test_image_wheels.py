"""A package without a wheel for a platform of its image is refused before the build."""

from __future__ import annotations

import tomllib

import pytest

from env_spec import ProjectFiles, image_environment, parse_spec
from image_build.errors import NoWheelError
from image_build.planning.wheels import refuse_without_wheel

FOLDER = "images/notebook"


def refuse(*files: str, platforms: tuple[str, ...] = ("linux/amd64",), more: str = "") -> None:
    """Check an image with one package that has these files."""
    listed = ", ".join(f'{{file = "{name}", hash = "sha256:aa"}}' for name in files)
    lock = f"""
[[package]]
name = "fast"
version = "1.0"
groups = ["main"]
files = [{listed}]
{more}
[metadata]
lock-version = "2.1"
python-versions = ">=3.11"
"""
    images = {"eda": {"groups": ["main"], "platforms": list(platforms)}}
    spec = parse_spec({"dependency-groups": {"main": ["fast"]}, "tool": {"env-spec": {"images": images}}})
    files_of = ProjectFiles(spec=spec, lock=tomllib.loads(lock), folders={FOLDER: "d"})
    refuse_without_wheel(image_environment(files_of, "eda"))


@pytest.mark.parametrize(
    "name",
    [
        "fast-1.0-py3-none-any.whl",
        "fast-1.0-py2.py3-none-any.whl",
        "fast-1.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "fast-1.0-cp39-abi3-manylinux_2_28_x86_64.whl",
        "fast-1.0-py3-none-linux_x86_64.whl",
        "fast-1.0-1-cp311-cp311-manylinux1_x86_64.whl",
        "fast-1.0-cp311-none-manylinux2010_x86_64.whl",
    ],
)
def test_a_wheel_that_fits(name: str) -> None:
    """For any Python that the base could have, as the tags in its name say."""
    refuse("fast-1.0.tar.gz", name)


@pytest.mark.parametrize(
    "name",
    [
        "fast-1.0.tar.gz",
        "fast-1.0.zip",
        "fast-1.0-cp313-cp313-manylinux_2_17_aarch64.whl",
        "fast-1.0-cp313-cp313-win_amd64.whl",
        "fast-1.0-cp313-cp313-macosx_11_0_x86_64.whl",
        "fast-1.0-cp38-cp38-manylinux1_x86_64.whl",
        "fast-1.0-py2-none-any.whl",
        "fast-1.0-pp311-pypy311_pp73-manylinux1_x86_64.whl",
        "fast-nothing.whl",
    ],
)
def test_a_file_that_does_not_fit(name: str) -> None:
    """Another machine, system, Python or implementation, or no wheel at all."""
    with pytest.raises(NoWheelError, match=r"^fast 1\.0, which eda needs, has no wheel for linux/amd64 \(only "):
        refuse(name)


def test_each_platform_is_checked() -> None:
    """The message names those without a wheel, before a builder emulates anything."""
    intel = "fast-1.0-cp313-cp313-manylinux_2_17_x86_64.whl"
    with pytest.raises(NoWheelError, match=r"has no wheel for linux/arm64, linux/s390x \(only "):
        refuse(intel, platforms=("linux/amd64", "linux/arm64", "linux/s390x"))
    refuse(intel, "fast-1.0-cp313-cp313-manylinux_2_17_aarch64.whl", platforms=("linux/amd64", "linux/arm64"))


def test_a_package_for_other_systems_needs_no_wheel() -> None:
    """Its marker is false in every image of the platform."""
    for marker in ('sys_platform == "win32"', 'platform_machine == "aarch64"', 'python_version < "3.11"'):
        refuse("fast-1.0.tar.gz", more=f"markers = '{marker}'")
    refuse("fast-1.0.tar.gz", more='[package.source]\ntype = "git"\nurl = "https://git.example/fast.git"')
