"""Commands about environments: what images contain, what changed, and whether an environment is as locked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from invoke import Collection

from shrinkwrap.command import Option, command
from shrinkwrap.options import ImageName, Json
from shrinkwrap.root import find_root
from terminal import EXIT_DONE, EXIT_FAILED, ShrinkwrapError, json_text, show, size_text

if TYPE_CHECKING:
    from env_spec import ProjectFiles


@command("env.list", name="list")
def list_environments(*, json: Json = False) -> None:
    """Show the declared images: groups, packages, fingerprint, parent, base, platforms."""
    from env_spec import image_environment, report

    files = _current_project()
    environments = [image_environment(files, name) for name in files.spec.images]
    if json:
        show(json_text({each.image.name: report.environment_json(each) for each in environments}))
    else:
        show(report.images_table(environments), "", report.bases_text(environments))


@command("env.show jupyter-notebook", name="show")
def show_environment(image: ImageName, *, json: Json = False) -> None:
    """Show an image's packages, and why each is needed: the path from a declared dependency."""
    from env_spec import image_environment, report
    from env_spec.image.sizes import installed_sizes
    from env_spec.lock.why import dependency_paths

    files = _current_project()
    environment = image_environment(files, image)
    paths = dependency_paths(files.lock_for(environment.groups), files.spec.groups, environment.groups)
    sizes = installed_sizes(environment.packages)
    if json:
        packages = report.packages_json(environment, paths, sizes)
        show(json_text({"image": image, **report.environment_json(environment), "packages": packages}))
    else:
        show(report.environment_text(environment), "", report.packages_table(environment, paths, sizes))


@command("env.diff --rev main")
def diff(*, rev: Annotated[str, Option("the commit to compare with")] = "HEAD", json: Json = False) -> None:
    """Show what changed in each image since a commit, and whether it must be rebuilt."""
    from env_spec import image_diffs, machine_base, read_revision, report, with_base

    before = with_base(read_revision(find_root(), rev), machine_base())
    diffs = image_diffs(before, _current_project())
    show(json_text(report.diffs_json(diffs, rev)) if json else report.diffs_text(diffs, rev))


@command("env.matrix --changed-since origin/main")
def matrix(
    *,
    changed_since: Annotated[
        str | None, Option("only images that must be rebuilt since this commit", default_text="all images")
    ] = None,
) -> None:
    """Print the images as one line of JSON, for the matrix of a CI job."""
    from env_spec import machine_base, matrix, matrix_since

    if changed_since:
        jobs = matrix_since(find_root(), changed_since, base=machine_base())
    else:
        jobs = matrix(_current_project())
    # A workflow passes it on with `echo "matrix=$(…)" >> "$GITHUB_OUTPUT"`, so it must be one line.
    show(json_text(jobs, indent=None))


@command("env.lock --add scipy --group models")
def lock(
    *,
    add: Annotated[str | None, Option("a package to add first, such as scipy or 'scipy>=1.16'")] = None,
    group: Annotated[str | None, Option("the group to add it to")] = None,
    json: Json = False,
) -> None:
    """Update poetry.lock, after adding a package if requested, and show what that changes in the images.

    Uses the package index that pip is configured for. If Poetry fails, no file is changed.
    """
    from env_spec import lock_project, report

    diffs = lock_project(find_root(), package=add, group=group)
    since = "the previous lock"
    show(json_text(report.diffs_json(diffs, since)) if json else report.diffs_text(diffs, since))


@command("env.sbom jupyter-notebook")
def sbom(image: ImageName) -> None:
    """Print an image's bill of materials as CycloneDX JSON; the same slice of the lock has the same document."""
    from env_spec import image_environment

    files = _current_project()
    environment = image_environment(files, image)
    # After the checks: this import takes half a second.
    from env_spec.image.sbom import cyclonedx_json
    from env_spec.lock.why import needed_by

    show(cyclonedx_json(environment, needed_by(files.lock_for(environment.groups))))


@command("env.verify --container 0123456789ab")
def verify(
    *,
    image: Annotated[
        str | None, Option("a local image: its name in pyproject.toml, or a reference", complete="image")
    ] = None,
    container: Annotated[str | None, Option("id or name of a running container")] = None,
    here: Annotated[bool, Option("the running environment, which is also the default")] = False,
    group: Annotated[
        list[str] | None,
        Option("a group that --here should contain; may be repeated", default_text="ops and dev"),
    ] = None,
    json: Json = False,
) -> int:
    """List every package that is missing, extra, damaged, or of another version than in poetry.lock.

    A package is damaged if one of its files is missing or is not the one that was installed.
    Exits with 0 if all packages are as locked, 1 if not, 2 if they cannot be compared.
    """
    if bool(image) + bool(container) + here > 1 or (group and (image or container)):
        raise ShrinkwrapError("choose one of --image, --container and --here; only --here can have --group")
    from env_spec import report, verify_environment

    root = find_root()
    if image or container:
        from image_build import verify_container, verify_image

        verification = verify_image(root, image) if image else verify_container(root, container or "")
    else:
        verification = verify_environment(root, group or ["ops", "dev"])
    if json:
        show(json_text(report.verification_json(verification)))
    else:
        tables = (report.differences_table(verification), report.damaged_table(verification))
        show(report.verification_text(verification), *(each for each in tables if each is not None))
    return EXIT_DONE if verification.is_as_locked else EXIT_FAILED


def _current_project() -> ProjectFiles:
    """The project; SHRINKWRAP_BASE counts as it does in the commands about images."""
    from env_spec import machine_base, read_current_project, with_base

    return with_base(read_current_project(find_root()), machine_base())


@command("env.clean --dry-run")
def clean(*, dry_run: Annotated[bool, Option("only list what would be removed")] = False) -> None:
    """Remove the local environments that no notebook of the current lock and no process uses."""
    from notebook_run import clean_environments

    root = find_root()
    environments = clean_environments(root, is_dry_run=dry_run)
    for each in environments:
        done = "would be removed" if dry_run else "removed"
        state = f"kept: process {each.process} uses it" if each.process else done
        show(f"{each.folder.relative_to(root.resolve())} ({size_text(each.size_bytes)}): {state}")
    if not environments:
        show("every local environment is used by a notebook of the current lock")


collection = Collection("env", clean, diff, list_environments, lock, matrix, sbom, show_environment, verify)
