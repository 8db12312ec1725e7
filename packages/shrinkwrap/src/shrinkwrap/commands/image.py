"""Commands about images: build, get, test, list, run, measure, clean, pin and reproduce them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal, NoReturn, TypeAlias, cast

from invoke import Collection

from shrinkwrap.command import Option, command
from shrinkwrap.options import Base, ImageName, Json
from shrinkwrap.root import find_root
from terminal import EXIT_DONE, EXIT_FAILED, json_text, note, show, size_text

Cache: TypeAlias = Literal["local", "registry", "gha", "none"]


@command("image.build --group models")
def build(
    *,
    group: Annotated[list[str] | None, Option("images that contain all these groups; may be repeated")] = None,
    image: Annotated[list[str] | None, Option("this image; may be repeated", complete="image")] = None,
    base: Base = None,
    push: Annotated[bool, Option("push the images to their registry, `latest` at the end")] = False,
    platform: Annotated[
        list[str] | None, Option("such as linux/arm64; may be repeated", default_text="those of pyproject.toml")
    ] = None,
    no_cache: Annotated[bool, Option("run every step again")] = False,
    force: Annotated[bool, Option("also build images that exist")] = False,
    cache: Annotated[str, Option("where steps are also kept: local, registry, gha or none")] = "none",
    dry_run: Annotated[bool, Option("only show what would be built and why")] = False,
    json: Json = False,
) -> None:
    """Build, test and tag the images whose inputs changed; the others stay as they are."""
    from image_build import BuildRequest, build_images, plan_build, plan_text, report_text

    request = BuildRequest(
        images=tuple(image or ()),
        groups=_names(group),
        base=base,
        platforms=tuple(platform or ()),
        is_forced=force,
        is_uncached=no_cache,
        is_pushed=push,
        cache=cast(Cache, cache),
        needs_current_lock=True,
    )
    plan = plan_build(find_root(), request)
    if dry_run:
        show(json_text([each.facts() for each in plan.requested]) if json else plan_text(plan.images))
        return
    if not json:
        note(plan_text(plan.images))
    with _interrupted_by_sigterm():
        result = build_images(plan)
    if json:
        show(json_text(result.facts()))
        return
    for report in result.reports:
        show(report_text(report))
    for each in plan.requested:
        show(f"{each.name}: {'built' if each.needs_build else 'unchanged'} as {each.reference}")


@command("image.devcontainer --image jupyter-notebook")
def devcontainer(
    *, image: Annotated[str | None, Option("the image", default_text="the first one", complete="image")] = None
) -> None:
    """Write .devcontainer/devcontainer.json, from which VS Code and Codespaces open an image."""
    from image_build import write_devcontainer

    root = find_root()
    path, is_changed = write_devcontainer(root, image)
    show(f"{'wrote' if is_changed else 'unchanged:'} {path.relative_to(root)}")


@command("image.get jupyter-notebook")
def get(
    name: ImageName,
    *,
    base: Base = None,
    registry: Annotated[
        str | None, Option("such as ghcr.io/organisation", default_text="pyproject.toml, then SHRINKWRAP_REGISTRY")
    ] = None,
    no_build: Annotated[bool, Option("fail if the image is neither local nor in its registry")] = False,
    json: Json = False,
) -> None:
    """Make sure that an image is local in the version that the lock describes: pull it, or build and test it."""
    from image_build import get_image

    with _interrupted_by_sigterm():
        image = get_image(find_root(), name, base=base, registry=registry, may_build=not no_build)
    if json:
        show(json_text(image))
    else:
        action = {"local": "already local", "pulled": "pulled", "built": "built"}[image.origin]
        show(f"{image.name}: {action} as {image.reference}")


@command("image.test jupyter-notebook")
def test(name: ImageName, *, base: Base = None, json: Json = False) -> int:
    """Test a local image in containers: packages, files, user, tools, kernel, Jupyter, size."""
    from image_build import report_text, test_image

    with _interrupted_by_sigterm():
        report = test_image(find_root(), name, base=base)
    show(json_text(report) if json else report_text(report))
    return EXIT_FAILED if report.failures else EXIT_DONE


@command("image.list", name="list")
def list_(*, base: Base = None, json: Json = False) -> None:
    """List the images: fingerprint, whether they are local and current, size, age, and packages that differ."""
    from image_build import drift_text, images_table, list_images

    images = list_images(find_root(), base=base)
    if json:
        show(json_text(images))
        return
    show(images_table(images))
    if differences := drift_text(images):
        show("", differences)


@command("image.run jupyter-notebook --command 'python -V'")
def run(
    name: ImageName,
    *,
    command: Annotated[str | None, Option("a shell command", default_text="Jupyter")] = None,
    port: Annotated[int, Option("port of Jupyter, on 127.0.0.1")] = 8888,
    base: Base = None,
) -> int:
    """Run Jupyter or a command in a local image."""
    from image_build import run_image

    with _interrupted_by_sigterm():
        return run_image(find_root(), name, command=command, port=port, base=base)


@command("image.size jupyter-notebook")
def size(name: ImageName, *, base: Base = None, json: Json = False) -> None:
    """Show what uses the space in a local image, package by package."""
    from image_build import image_size, size_table

    found = image_size(find_root(), name, base=base)
    if json:
        show(json_text({"image": name, "size_bytes": found.total_bytes, "parts": found.parts}))
    else:
        show(f"{name}: {size_text(found.total_bytes)} unpacked", size_table(found.parts, total_bytes=found.total_bytes))


@command("image.clean --dry-run")
def clean(*, dry_run: Annotated[bool, Option("only list what would be removed")] = False) -> int:
    """Remove the images that this repository built from this machine."""
    from image_build import clean_images, unlabelled_text

    cleaned = clean_images(find_root(), is_dry_run=dry_run)
    for image in cleaned.images:
        removed = "would be removed" if dry_run else "removed"
        show(f"{image.name} ({size_text(image.size_bytes)}): {f'kept: {image.problem}' if image.problem else removed}")
    if not cleaned.images:
        show("no local image was built by this repository")
    if cleaned.unlabelled:
        note(unlabelled_text(cleaned.unlabelled))
    return EXIT_FAILED if any(image.problem for image in cleaned.images) else EXIT_DONE


@command("image.pin --update")
def pin(*, update: Annotated[bool, Option("also resolve tags again that have a digest")] = False) -> None:
    """Write the digests of the base images' tags into pyproject.toml."""
    from image_build import pin_bases

    show(*pin_bases(find_root(), is_updated=update))


@command("image.reproduce jupyter-notebook")
def reproduce(name: ImageName, *, base: Base = None) -> None:
    """Build an image twice without a cache and compare: the same digest, or the files that differ."""
    from image_build import reproduce_image

    with _interrupted_by_sigterm():
        digest = reproduce_image(find_root(), name, base=base)
    show(f"{name}: two builds produced the same image, {digest}")


def _names(texts: list[str] | None) -> tuple[str, ...]:
    """Names that are repeated options, or separated by commas, or both."""
    return tuple(name.strip() for text in texts or () for name in text.split(",") if name.strip())


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Let SIGTERM interrupt the work as Ctrl-C does, so that no container and no half-built image remains."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


collection = Collection("image", build, clean, devcontainer, get, list_, pin, reproduce, run, size, test)
