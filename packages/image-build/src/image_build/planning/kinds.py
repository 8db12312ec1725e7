"""Refuses packages of a lock that no build could install, before anything is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from env_spec import (
    EMPTY_DIGEST,
    ImageEnvironment,
    LockedPackage,
    LockedSource,
    ProjectFiles,
    is_in_project,
    normalized_name,
)
from image_build.errors import ImageRequestError

_GIT_URLS = ("https://", "http://", "git://")
_ARCHIVES = (".whl", ".tar.gz", ".zip")


def refuse_unsupported(environment: ImageEnvironment, files: ProjectFiles) -> None:
    """Refuse packages that an image cannot have.

    Args:
        files: With the digests of the packages that have a path, and the lock.

    Raises:
        ImageRequestError: With all of them, and what to do.
    """
    name = environment.image.name
    problems = [
        f"{package.name} {package.version}, which {name} needs, {problem}"
        for package in environment.packages
        if (problem := _problem(package, files.folders))
    ]
    problems += list(_build_problems(environment))
    known = {normalized_name(extra) for extra in files.lock_for(environment.groups).get("extras", {})}
    problems += [
        f"extras of [tool.env-spec.images.{name}] has {extra}, which [project.optional-dependencies] does not declare"
        f" ({', '.join(sorted(known)) or 'it declares none'}); correct the name, or declare it."
        for extra in environment.image.extras
        if extra not in known
    ]
    if problems:
        raise ImageRequestError("\n".join(problems))


def _problem(package: LockedPackage, folders: Mapping[str, str]) -> str | None:
    source = package.source
    if source is None or source.type == "legacy":
        return None
    if source.type in ("directory", "file"):
        return _path_problem(source, folders.get(source.url))
    if source.type == "git":
        return _git_problem(source)
    if source.type == "url":
        if source.url.partition("#")[0].endswith(_ARCHIVES):
            return None
        return f"comes from {source.url}, which is not a wheel, a .tar.gz or a .zip; name the URL of one."
    return (
        f"comes from {source.type}, which no build here can read ({source.url}); use a git repository, a path in this"
        " repository, or a package index."
    )


def _path_problem(source: LockedSource, digest: str | None) -> str | None:
    if not is_in_project(source.url):
        return (
            f"is in {source.url}, outside of this repository's packages, and a build reads only those. Move it to a"
            " folder of this repository, or depend on its git repository or on a release in a package index."
        )
    if digest == EMPTY_DIGEST:
        return (
            f"is in {source.url}, which is missing or empty. Restore it, or correct its path in pyproject.toml and run"
            " `./run invoke env.lock`."
        )
    return None


def _git_problem(source: LockedSource) -> str | None:
    if not source.resolved_reference:
        return "comes from git, and the lock names no commit; run `./run invoke env.lock`."
    if not source.url.startswith(_GIT_URLS):
        return (
            f"comes from {source.url}, and a build has no keys for SSH and no files of this machine. Use the"
            " repository's https:// URL, or put the package into a folder of this repository or on a package index."
        )
    return None


def _build_problems(environment: ImageEnvironment) -> Iterator[str]:
    key = f"[tool.env-spec.images.{environment.image.name}]"
    packages = {package.name: package for package in environment.packages}
    for name in environment.image.build:
        if name not in packages:
            yield f"{name} is in `build` of {key}, but no group of the image needs it; remove it there."
        elif not any(file.name.endswith((".tar.gz", ".zip")) for file in packages[name].files):
            yield (
                f"{name} {packages[name].version} is in `build` of {key}, but has no source distribution to compile;"
                " remove it there."
            )
