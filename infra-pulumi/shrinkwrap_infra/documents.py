"""Documents that depend on how many people and roles the settings have, as pure functions of the settings."""

from __future__ import annotations

from collections.abc import Sequence

from .model import GitHub, Person, Preview, Settings
from .policies import Document, assume_policy, data_bucket_policy, people_trust, policy_text
from .policies.trust_policies import branch_subjects, environment_subjects
from .roles import Role, RoleKind, role_arn, user_arn

# Characters, without spaces between the parts of a document. IAM's limits for a trust policy and for all inline
# policies of a user together; for a managed policy; and S3's limit for the policy of a bucket, in bytes.
TRUST_LIMIT = 2048
USER_INLINE_LIMIT = 2048
MANAGED_LIMIT = 6144
BUCKET_LIMIT = 20480


def people_trust_document(settings: Settings, role: Role) -> Document | None:
    """The trust policy of a role that people assume."""
    people = [person for person in settings.people if role in person.roles]
    return people_trust(
        user_arns=[user_arn(settings.place, person.name) for person in people if person.principal is None],
        principal_arns=[person.principal for person in people if person.principal is not None],
        only_in_region=settings.region if role.kind == "break-glass" else None,
    )


def project_subjects(github: GitHub) -> dict[RoleKind, list[str]]:
    """The subjects of the workflows that may assume the roles of a project."""
    return {
        "ci-read": environment_subjects(github.repository.subjects, github.environment),
        "ci-publish": branch_subjects(github.repository.subjects, github.branch),
    }


def preview_subjects(preview: Preview) -> list[str]:
    """The subjects of the workflows that may assume the role `ci-preview`."""
    names = [preview.environment, *([preview.plan_environment] if preview.plan_environment else [])]
    return [subject for name in names for subject in environment_subjects(preview.repository.subjects, name)]


def assume_documents(settings: Settings, person: Person) -> list[Document]:
    """The permission to assume the person's roles, in as many documents as the limits of IAM require.

    If they are not inline (`is_inline`), each is a managed policy.
    """
    arns = [role_arn(settings.place, role) for role in person.roles]
    return [assume_policy(role_arns=part) for part in _parts(sorted(arns))]


def is_inline(documents: Sequence[Document]) -> bool:
    """Whether these permissions fit into an inline policy of the user."""
    return len(documents) == 1 and len(policy_text(documents[0])) <= USER_INLINE_LIMIT


def bucket_document(settings: Settings, *, key_arn: str) -> Document:
    """The policy of the data bucket."""
    assigned = {role: role_arn(settings.place, role) for role in settings.assigned_roles}
    return data_bucket_policy(
        bucket=settings.bucket.name,
        account_id=settings.account_id,
        key_arn=key_arn,
        steward_arns=[arn for role, arn in assigned.items() if role.kind == "steward"],
        own_callers=[settings.place.own_iam("role"), settings.place.own_iam("user")],
        break_glass_arn=next((arn for role, arn in assigned.items() if role.kind == "break-glass"), None),
    )


def _parts(arns: Sequence[str]) -> list[list[str]]:
    """The ARNs in order, in parts that each fit into a managed policy."""
    parts: list[list[str]] = [[]]
    for arn in arns:
        if len(policy_text(assume_policy(role_arns=[*parts[-1], arn]))) > MANAGED_LIMIT:
            parts.append([])
        parts[-1].append(arn)
    return parts
