"""Which Poetry groups make which image, and the slice of the lock that they need."""

from __future__ import annotations

from env_make import authenticated_url
from env_spec.declaration.groups import DependencyGroup, Requirement
from env_spec.declaration.images import PLATFORMS, ImageSpec, is_reference, is_registry
from env_spec.declaration.notebooks import NotebookDataset, NotebookSpec
from env_spec.declaration.own import OWN_FOLDER
from env_spec.declaration.spec import EnvSpec, check_notebooks, group_sets, load_spec, lock_folders, parse_spec
from env_spec.declaration.tables import normalized_name
from env_spec.errors import (
    EnvSpecError,
    FileError,
    InstalledError,
    LockError,
    PoetryError,
    RevisionError,
    SpecError,
    SpecErrors,
    UnknownNameError,
)
from env_spec.image.base import machine_base, with_base
from env_spec.image.diff import Change, ImageDiff, image_diffs
from env_spec.image.drift import (
    DamagedFile,
    Difference,
    Drift,
    Installed,
    added_distributions,
    drift,
    parse_installed,
    replaced_records,
)
from env_spec.image.environment import ImageEnvironment, image_environment, images_with_groups
from env_spec.image.fingerprint import fingerprint
from env_spec.image.matrix import Matrix, MatrixEntry, matrix, matrix_of_changes, matrix_since
from env_spec.image.probe import PROBE
from env_spec.lock.lockfile import is_up_to_date, load_lock, parse_lock
from env_spec.lock.slice import LockedFile, LockedPackage, LockedSource, applicable, lock_slice
from env_spec.locking import lock_project
from env_spec.project.content import EMPTY_DIGEST, is_hashed, is_in_project
from env_spec.project.files import ProjectFiles, read_current_project, read_project, read_slice
from env_spec.project.revision import read_revision
from env_spec.verification import Verification, verify_environment, verify_installed

__all__ = [
    "EMPTY_DIGEST",
    "OWN_FOLDER",
    "PLATFORMS",
    "PROBE",
    "Change",
    "DamagedFile",
    "DependencyGroup",
    "Difference",
    "Drift",
    "EnvSpec",
    "EnvSpecError",
    "FileError",
    "ImageDiff",
    "ImageEnvironment",
    "ImageSpec",
    "Installed",
    "InstalledError",
    "LockError",
    "LockedFile",
    "LockedPackage",
    "LockedSource",
    "Matrix",
    "MatrixEntry",
    "NotebookDataset",
    "NotebookSpec",
    "PoetryError",
    "ProjectFiles",
    "Requirement",
    "RevisionError",
    "SpecError",
    "SpecErrors",
    "UnknownNameError",
    "Verification",
    "added_distributions",
    "applicable",
    "authenticated_url",
    "check_notebooks",
    "drift",
    "fingerprint",
    "group_sets",
    "image_diffs",
    "image_environment",
    "images_with_groups",
    "is_hashed",
    "is_in_project",
    "is_reference",
    "is_registry",
    "is_up_to_date",
    "load_lock",
    "load_spec",
    "lock_folders",
    "lock_project",
    "lock_slice",
    "machine_base",
    "matrix",
    "matrix_of_changes",
    "matrix_since",
    "normalized_name",
    "parse_installed",
    "parse_lock",
    "parse_spec",
    "read_current_project",
    "read_project",
    "read_revision",
    "read_slice",
    "replaced_records",
    "verify_environment",
    "verify_installed",
    "with_base",
]
