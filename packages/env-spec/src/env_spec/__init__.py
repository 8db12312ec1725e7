"""Which Poetry groups make which image, and the slice of the lock they stand for."""

from __future__ import annotations

from env_spec.environment import ImageEnvironment, image_environment, images_with_groups
from env_spec.errors import (
    EnvSpecError,
    FileError,
    IncludeCycleError,
    LockError,
    ParentCycleError,
    SpecError,
    SpecErrors,
    UnknownGroupsError,
    UnknownImagesError,
    UnknownNameError,
)
from env_spec.fingerprint import fingerprint
from env_spec.groups import DependencyGroup
from env_spec.images import ImageSpec, size_bytes
from env_spec.lock import LockedFile, LockedPackage, LockedSource, applicable, load_lock, lock_slice
from env_spec.project import ProjectFiles, read_project
from env_spec.spec import EnvSpec, group_sets, load_spec, parse_spec

__all__ = [
    "DependencyGroup",
    "EnvSpec",
    "EnvSpecError",
    "FileError",
    "ImageEnvironment",
    "ImageSpec",
    "IncludeCycleError",
    "LockError",
    "LockedFile",
    "LockedPackage",
    "LockedSource",
    "ParentCycleError",
    "ProjectFiles",
    "SpecError",
    "SpecErrors",
    "UnknownGroupsError",
    "UnknownImagesError",
    "UnknownNameError",
    "applicable",
    "fingerprint",
    "group_sets",
    "image_environment",
    "images_with_groups",
    "load_lock",
    "load_spec",
    "lock_slice",
    "parse_spec",
    "read_project",
    "size_bytes",
]
