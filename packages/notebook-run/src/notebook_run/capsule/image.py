"""The image of a run: the project's current one, or the one that a capsule records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from env_spec import EnvSpecError, image_environment, load_spec, read_revision, with_base
from image_build import get_image
from image_build.errors import ImageBuildError
from notebook_run.capsule.checkout import switch
from notebook_run.capsule.record import Capsule, ImageRecord

if TYPE_CHECKING:
    from notebook_run.engine import Engine

_BASE_LABELS: Final = ("org.opencontainers.image.base.name", "org.opencontainers.image.base.digest")
_ORIGINS: Final = {"local": "was local", "pulled": "was pulled", "built": "was rebuilt from the commit"}


@dataclass(frozen=True, kw_only=True)
class FoundImage:
    """A local image.

    Attributes:
        origin: How it became local: `local`, `pulled` or `built`.
    """

    record: ImageRecord
    origin: str


def current_image(
    project: Path, name: str, engine: Engine, on_line: Callable[[str], None], *, base: str | None = None
) -> FoundImage:
    """The image that a project describes now; it is pulled or built if it is not local.

    Raises:
        ImageBuildError: It is neither available nor can be built.
    """
    local = get_image(project, name, base=base, on_line=on_line)
    image = engine.image(local.reference)
    labels = image.labels if image else {}
    base_name, base_digest = (labels.get(label, "") for label in _BASE_LABELS)
    record = ImageRecord(
        name=name,
        reference=local.reference,
        digest=local.digest,
        fingerprint=local.fingerprint,
        base=f"{base_name}@{base_digest}" if base_digest else base_name,
        commit=labels.get("org.opencontainers.image.revision") or None,
    )
    return FoundImage(record=record, origin=local.origin)


def is_built_from_commit(root: Path, image: ImageRecord) -> bool:
    """Whether the commit that an image names has the image's fingerprint, so that no uncommitted change is in it."""
    if image.commit is None:
        return False
    try:
        files = read_revision(root, image.commit)
        # The fingerprint contains the base as it is written. Earlier versions added the digest to one from --base.
        bases = (None, image.base.partition("@")[0] or None, image.base or None)
        found = {image_environment(with_base(files, base), image.name).fingerprint for base in bases}
    except EnvSpecError:
        return False
    return image.fingerprint in found


def with_commit(root: Path, image: ImageRecord, commit: str) -> ImageRecord:
    """The record with a commit whose files have the image's fingerprint, if there is one.

    That is the commit that the image names, or else the given one: the image was then built from the same files before
    they were committed, so a rebuilt image has the same packages, and another digest only because of its labels.
    """
    if is_built_from_commit(root, image):
        return image
    later = replace(image, commit=commit)
    return later if is_built_from_commit(root, later) else image


@dataclass(frozen=True, kw_only=True)
class ImageSearch:
    """A search for the image of a capsule.

    Attributes:
        root: The project.
        checkout: A checkout of the capsule's commit; the search may check out another commit, but not leave it so.
        base: Base of the image, if it must be built; None for the recorded one.
    """

    root: Path
    checkout: Path
    engine: Engine
    on_line: Callable[[str], None]
    base: str | None = None


def recorded_image(search: ImageSearch, capsule: Capsule, recorded: ImageRecord) -> tuple[ImageRecord, str]:
    """The image of a capsule, and a sentence that says whether it is identical.

    The image is searched on this machine, then in its registry by digest and by fingerprint. Otherwise it is built from
    the commit that it was built from, or from the capsule's.
    """
    base = search.base
    if base is None and (reference := _identical_image(search, recorded)):
        return replace(recorded, reference=reference), f"The image is identical: {_short(recorded.digest)}."
    if recorded.commit and recorded.commit != capsule.commit and is_built_from_commit(search.root, recorded):
        switch(search.checkout, recorded.commit)
    base = base or _other_base(search.checkout, recorded)
    found = current_image(search.checkout, recorded.name, search.engine, search.on_line, base=base)
    switch(search.checkout, capsule.commit)
    record, how = found.record, _ORIGINS[found.origin]
    if record.digest == recorded.digest:
        return record, f"The image {how}, and its digest is the same: {_short(record.digest)}."
    same = "the same fingerprint" if record.fingerprint == recorded.fingerprint else "another fingerprint"
    digests = f"{_short(recorded.digest)} → {_short(record.digest)}"
    return record, f"The image {how}; it has {same}, but its digest differs: {digests}."


def _identical_image(search: ImageSearch, recorded: ImageRecord) -> str | None:
    """A reference of the image with the recorded digest, if it is local or its registry has it."""
    engine = search.engine
    if engine.local_digest(recorded.reference) == recorded.digest:
        return recorded.reference
    repository = recorded.reference.rpartition(":")[0]
    reference = f"{repository}@{recorded.digest}"
    if "/" not in repository:
        return None
    if engine.has(reference):
        return reference
    try:
        engine.pull(reference, search.on_line)
    except ImageBuildError as error:
        search.on_line(f"{reference} cannot be pulled: {error}")
        return None
    return reference


def _other_base(checkout: Path, recorded: ImageRecord) -> str | None:
    """The base that the image was built on, if the commit's table names another one."""
    named = load_spec(checkout / "pyproject.toml").image(recorded.name).base
    name = recorded.base.partition("@")[0]
    return None if named in (recorded.base, name) else name or None


def _short(digest: str) -> str:
    return digest[:19]
