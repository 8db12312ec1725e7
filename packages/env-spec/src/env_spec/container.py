"""Which image a container was started from, and under which name an image is here, by what Docker prints."""

from __future__ import annotations

import json
from collections.abc import Collection

from env_spec.environment import ImageEnvironment
from env_spec.errors import InstalledError, NotBuiltError, UnknownImagesError

TITLE = "org.opencontainers.image.title"


def inspected_image(text: str, known: Collection[str], *, source: str = "docker inspect") -> str:
    """The declared image: by the label for titles, else by the reference the container was started with.

    Raises:
        InstalledError: The text is not what `docker inspect` prints for one container.
        UnknownImagesError: It was started from no declared image.
    """
    try:
        (container,) = json.loads(text)
        config = container["Config"]
        labels = config.get("Labels") or {}
        names = [labels.get(TITLE, ""), image_name(config["Image"])]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InstalledError(source, text) from error
    for name in names:
        if name in known:
            return str(name)
    raise UnknownImagesError([names[0] or names[1]], known=known)


def image_name(reference: str) -> str:
    """`eda` of `ghcr.io/organisation/eda:env-0123@sha256:…`."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]


def built_reference(listing: str, environment: ImageEnvironment) -> str:
    """The name under which an image is here: what its table and the lock say now, else the newest one.

    Args:
        listing: `docker image ls --format '{{.Repository}}:{{.Tag}}' REPOSITORY`, which lists the newest first.

    Raises:
        NotBuiltError: There is none.
    """
    names = listing.split()
    if environment.reference in names:
        return environment.reference
    # One that is being built has not passed its tests; one without a tag was replaced.
    finished = [name for name in names if not name.rpartition(":")[2].startswith(("building-", "<none>"))]
    if not finished:
        raise NotBuiltError(environment.image.name)
    return finished[0]
