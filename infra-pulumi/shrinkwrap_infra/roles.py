"""Which roles there are and what they are called; names and ARNs are known before anything is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RoleKind = Literal["reader", "contributor", "steward", "admin", "ci-read", "ci-publish", "ci-preview"]

# What a person may be in a project; workflows are ci-read and ci-publish, and ci-preview, which is of no project.
PERSON_KINDS: tuple[RoleKind, ...] = ("reader", "contributor", "steward")
ROLE_NAME_LIMIT = 64


@dataclass(frozen=True, kw_only=True)
class Role:
    """A kind of role in a project; admin and ci-preview are of no project."""

    kind: RoleKind
    project: str | None

    @property
    def key(self) -> str:
        """Its name in settings and outputs: `traffic/reader`, `admin`."""
        return self.kind if self.project is None else f"{self.project}/{self.kind}"


def role_name(stack: str, role: Role) -> str:
    return f"shrinkwrap-{stack}-{role.key.replace('/', '-')}"


def role_arn(account_id: str, stack: str, role: Role) -> str:
    return f"arn:aws:iam::{account_id}:role/{role_name(stack, role)}"


def user_name(stack: str, person: str) -> str:
    return f"shrinkwrap-{stack}-{person}"


def user_arn(account_id: str, stack: str, person: str) -> str:
    return f"arn:aws:iam::{account_id}:user/{user_name(stack, person)}"
