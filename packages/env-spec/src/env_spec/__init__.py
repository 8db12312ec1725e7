"""Which Poetry groups make which image, and the slice of the lock they stand for."""

from __future__ import annotations

from env_spec.errors import (
    EnvSpecError,
    FileError,
    IncludeCycleError,
    LockError,
    SpecError,
    SpecErrors,
    UnknownGroupsError,
    UnknownNameError,
)
from env_spec.groups import DependencyGroup
from env_spec.images import ImageSpec
from env_spec.lock import LockedFile, LockedPackage, LockedSource, applicable, load_lock, lock_slice
from env_spec.spec import EnvSpec, group_sets, load_spec, parse_spec

__all__ = [
    "DependencyGroup",
    "EnvSpec",
    "EnvSpecError",
    "FileError",
    "ImageSpec",
    "IncludeCycleError",
    "LockError",
    "LockedFile",
    "LockedPackage",
    "LockedSource",
    "SpecError",
    "SpecErrors",
    "UnknownGroupsError",
    "UnknownNameError",
    "applicable",
    "group_sets",
    "load_lock",
    "load_spec",
    "lock_slice",
    "parse_spec",
]
