"""Whether the packages of a slice are published as wheels for a platform, before anything is built."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from env_spec import ImageEnvironment, LockedPackage, applicable
from image_build.errors import NoWheelError

# By Docker's name of a platform: the machine in a wheel's name, which is also what Python calls it.
_MACHINES = {
    "linux/386": "i686",
    "linux/amd64": "x86_64",
    "linux/arm/v6": "armv6l",
    "linux/arm/v7": "armv7l",
    "linux/arm64": "aarch64",
    "linux/ppc64le": "ppc64le",
    "linux/riscv64": "riscv64",
    "linux/s390x": "s390x",
}
# The base of an image decides its Python, which is not known before the build.
_PYTHONS = (11, 12, 13, 14, 15)


def refuse_without_wheel(environment: ImageEnvironment) -> None:
    """Refuse packages that no Python of the lock could install on a platform of the image.

    Raises:
        NoWheelError: For the first such package.
    """
    for package in environment.packages:
        missing = [platform for platform in environment.fingerprints if not _is_installable(package, platform)]
        if missing and not _is_built(package, environment.image.build):
            raise NoWheelError(
                f"{package.name} {package.version}",
                images=[environment.image.name],
                platform=", ".join(missing),
                files=[file.name for file in package.files],
            )


def _is_built(package: LockedPackage, build: Collection[str]) -> bool:
    """Whether the build makes its wheel: of the repository's own packages, from git, or as the image's table says."""
    kind = package.source.type if package.source else "legacy"
    is_archive = kind == "file" and not package.path_is_wheel
    return kind in ("directory", "git") or is_archive or package.name in build or not package.files


def _is_installable(package: LockedPackage, platform: str) -> bool:
    names = tuple(file.name for file in package.files)
    # Most packages; parsing names takes longer.
    if any(name.endswith(("-py3-none-any.whl", "-py2.py3-none-any.whl")) for name in names):
        return True
    return any(
        _fits(names, python, platform) or not applicable([package], _markers(python, platform)) for python in _PYTHONS
    )


@lru_cache(maxsize=4096)
def _fits(names: tuple[str, ...], python: int, platform: str) -> bool:
    machine, supported = _MACHINES[platform], _interpreters(python)
    return any(
        (interpreter, abi) in supported and (system == "any" or ("linux" in system and system.endswith(f"_{machine}")))
        for name in names
        for interpreter, abi, system in _tags(name)
    )


def _tags(name: str) -> Iterator[tuple[str, str, str]]:
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    if name.endswith(".whl"):
        try:
            _, _, _, tags = parse_wheel_filename(name)
        except InvalidWheelFilename:
            return
        yield from ((tag.interpreter, tag.abi, tag.platform) for tag in tags)


@lru_cache
def _interpreters(python: int) -> frozenset[tuple[str, str]]:
    """The pairs of interpreter and ABI whose wheels CPython 3.PYTHON can install."""
    from packaging.tags import compatible_tags, cpython_tags

    version, name = (3, python), f"cp3{python}"
    tags = [
        *cpython_tags(version, abis=[name], platforms=["any"]),
        *compatible_tags(version, interpreter=name, platforms=["any"]),
    ]
    return frozenset((tag.interpreter, tag.abi) for tag in tags)


def _markers(python: int, platform: str) -> Mapping[str, str]:
    return {
        "implementation_name": "cpython",
        "implementation_version": f"3.{python}.0",
        "os_name": "posix",
        "platform_machine": _MACHINES[platform],
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"3.{python}.0",
        "python_version": f"3.{python}",
        "sys_platform": "linux",
    }
