"""The kinds of roles, and their names and ARNs, which are known before the roles exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .arns import Place

RoleKind = Literal["reader", "contributor", "steward", "admin", "break-glass", "ci-read", "ci-publish", "ci-preview"]

# The roles in a project that the settings may assign to people, and those that belong to no project. Workflows have
# ci-read and ci-publish, and ci-preview belongs to no project.
PERSON_KINDS: tuple[RoleKind, ...] = ("reader", "contributor", "steward")
STACK_KINDS: tuple[RoleKind, ...] = ("admin", "break-glass")
# Characters that IAM allows in the name of a role or user.
NAME_LIMIT = 64


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role of a project; admin, break-glass and ci-preview belong to no project."""

    kind: RoleKind
    project: str | None

    @property
    def key(self) -> str:
        """The name in settings and outputs: `traffic/reader`, `admin`."""
        return self.kind if self.project is None else f"{self.project}/{self.kind}"


def role_name(stack: str, role: Role) -> str:
    return f"shrinkwrap-{stack}-{role.key.replace('/', '-')}"


def role_arn(place: Place, role: Role) -> str:
    return place.iam("role", role_name(place.stack, role))


def user_name(stack: str, person: str) -> str:
    return f"shrinkwrap-{stack}-{person}"


def user_arn(place: Place, person: str) -> str:
    return place.iam("user", user_name(place.stack, person))
