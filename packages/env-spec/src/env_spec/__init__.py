"""Which Poetry groups make which image, and the slice of the lock they stand for."""

from __future__ import annotations

from env_spec.container import built_reference, image_name, inspected_image
from env_spec.diff import Change, ImageDiff, image_diffs
from env_spec.drift import PROBE, Difference, Drift, Installed, added_distributions, drift, parse_installed
from env_spec.environment import ImageEnvironment, image_environment, images_with_groups
from env_spec.errors import (
    EnvSpecError,
    FileError,
    IncludeCycleError,
    InstalledError,
    LockError,
    NotBuiltError,
    ParentCycleError,
    PoetryError,
    RevisionError,
    SpecError,
    SpecErrors,
    UnknownGroupsError,
    UnknownImagesError,
    UnknownNameError,
    UnknownNotebooksError,
    unknown_name,
)
from env_spec.fingerprint import fingerprint
from env_spec.groups import DependencyGroup, Requirement
from env_spec.images import PLATFORMS, ImageSpec, is_reference, is_registry, size_bytes
from env_spec.lock import (
    LockedFile,
    LockedPackage,
    LockedSource,
    applicable,
    is_up_to_date,
    load_lock,
    lock_slice,
    parse_lock,
)
from env_spec.matrix import Matrix, MatrixEntry, matrix, matrix_of_changes
from env_spec.notebooks import NotebookDataset, NotebookSpec
from env_spec.project import ProjectFiles, read_project
from env_spec.revision import read_revision
from env_spec.spec import EnvSpec, check_notebooks, group_sets, load_spec, parse_spec

__all__ = [
    "PLATFORMS",
    "PROBE",
    "Change",
    "DependencyGroup",
    "Difference",
    "Drift",
    "EnvSpec",
    "EnvSpecError",
    "FileError",
    "ImageDiff",
    "ImageEnvironment",
    "ImageSpec",
    "IncludeCycleError",
    "Installed",
    "InstalledError",
    "LockError",
    "LockedFile",
    "LockedPackage",
    "LockedSource",
    "Matrix",
    "MatrixEntry",
    "NotBuiltError",
    "NotebookDataset",
    "NotebookSpec",
    "ParentCycleError",
    "PoetryError",
    "ProjectFiles",
    "Requirement",
    "RevisionError",
    "SpecError",
    "SpecErrors",
    "UnknownGroupsError",
    "UnknownImagesError",
    "UnknownNameError",
    "UnknownNotebooksError",
    "added_distributions",
    "applicable",
    "built_reference",
    "check_notebooks",
    "drift",
    "fingerprint",
    "group_sets",
    "image_diffs",
    "image_environment",
    "image_name",
    "images_with_groups",
    "inspected_image",
    "is_reference",
    "is_registry",
    "is_up_to_date",
    "load_lock",
    "load_spec",
    "lock_slice",
    "matrix",
    "matrix_of_changes",
    "parse_installed",
    "parse_lock",
    "parse_spec",
    "read_project",
    "read_revision",
    "size_bytes",
    "unknown_name",
]
