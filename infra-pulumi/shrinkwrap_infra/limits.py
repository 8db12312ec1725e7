"""Limits of AWS that would make `pulumi up` fail half-way; all are checked before any resource is created."""

from __future__ import annotations

from collections.abc import Iterator

from .documents import (
    BUCKET_LIMIT,
    TRUST_LIMIT,
    assume_documents,
    bucket_document,
    is_inline,
    people_trust_document,
    preview_subjects,
    project_subjects,
)
from .errors import Problem
from .model import Settings
from .policies import policy_text, workflow_trust
from .policies.trust_policies import GITHUB_ISSUER
from .roles import NAME_LIMIT, Role, role_name, user_name

# Of an IAM user; one is the policy for the user's own password and device.
_ATTACHED_POLICIES = 10
_BUDGET_EMAILS = 10
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_RESERVED_BEGINNINGS = ("amzn-s3-demo-", "sthree-", "xn--")
_RESERVED_ENDINGS = ("--ol-s3", "--table-s3", "--x-s3", "-an", "-s3alias")


def exceeded_limits(settings: Settings) -> list[Problem]:
    """Every limit that the resources of these settings would exceed."""
    return [*_names(settings), *_people(settings), *_trust(settings), *_workflow_trust(settings), *_rest(settings)]


def _names(settings: Settings) -> Iterator[Problem]:
    for project in settings.projects:
        longest = role_name(settings.stack, Role(kind="contributor", project=project.name))
        if len(longest) > NAME_LIMIT:
            yield _problem(
                f"projects.{project.name}",
                f"the role name {longest} has more than {NAME_LIMIT} characters; fix: shorten the name of the"
                " project or of the stack",
            )
    # The longest name of a rule of EventBridge; other names with the name of the stack may be longer.
    if len(rule := f"shrinkwrap-{settings.stack}-alarm-break-glass") > NAME_LIMIT:
        message = f"the rule name {rule} has more than {NAME_LIMIT} characters; fix: pulumi stack rename"
        yield Problem(path="stack", message=message)
    yield from _bucket_name("bucket.name", settings.bucket.name)
    if settings.preview is not None and settings.preview.state_bucket is not None:
        yield from _bucket_name("preview.state_bucket", settings.preview.state_bucket)
    if settings.bucket.replica is not None:
        yield from _bucket_name("bucket.replica.bucket_arn", settings.bucket.replica.bucket_arn.rpartition(":")[2])


def _bucket_name(path: str, name: str) -> Iterator[Problem]:
    reserved = [text for text in _RESERVED_BEGINNINGS if name.startswith(text)]
    reserved += [text for text in _RESERVED_ENDINGS if name.endswith(text)]
    if reserved:
        yield _problem(path, f"{name} contains {reserved[0]}, which AWS reserves; choose another name")


def _people(settings: Settings) -> Iterator[Problem]:
    for person in settings.people:
        if person.principal is not None:
            continue
        name = user_name(settings.stack, person.name)
        if len(name) > NAME_LIMIT:
            yield _problem(
                f"people.{person.name}",
                f"the user name {name} has more than {NAME_LIMIT} characters; fix: shorten the name of the person or"
                " of the stack",
            )
        documents = assume_documents(settings, person)
        if not is_inline(documents) and len(documents) >= _ATTACHED_POLICIES:
            yield _problem(
                f"people.{person.name}.roles",
                f"{len(person.roles)} roles need {len(documents)} policies, and AWS attaches at most"
                f" {_ATTACHED_POLICIES - 1} more to a user; fix: give the person two users, or a principal",
            )


def _trust(settings: Settings) -> Iterator[Problem]:
    for role in settings.assigned_roles:
        length = len(policy_text(people_trust_document(settings, role) or {}))
        if length > TRUST_LIMIT:
            count = sum(role in person.roles for person in settings.people)
            yield _problem(
                "people",
                f"the trust policy of role {role.key} names {count} people and has {length:,} characters, but AWS"
                f" allows {TRUST_LIMIT:,}; fix: replace people by one principal of your identity provider that they"
                " share",
            )


def _workflow_trust(settings: Settings) -> Iterator[Problem]:
    """Long names of repositories, environments and branches, each in both forms of subjects."""
    subjects = {
        f"projects.{project.name}.github": trusted
        for project in settings.projects
        if project.github is not None
        for trusted in project_subjects(project.github).values()
    }
    if settings.preview is not None:
        subjects["preview"] = preview_subjects(settings.preview)
    provider_arn = settings.github_provider_arn or settings.place.iam("oidc-provider", GITHUB_ISSUER)
    for path, trusted in subjects.items():
        length = len(policy_text(workflow_trust(provider_arn=provider_arn, subjects=trusted)))
        if length > TRUST_LIMIT:
            message = (
                f"the trust policy of its role has {length:,} characters, but AWS allows {TRUST_LIMIT:,}; fix: shorten"
                " the names of the environments, or remove subjects: both"
            )
            yield _problem(path, message)


def _rest(settings: Settings) -> Iterator[Problem]:
    if settings.budget is not None and len(settings.budget.emails) > _BUDGET_EMAILS:
        yield _problem(
            "budget.emails",
            f"has {len(settings.budget.emails)} addresses, but AWS Budgets sends mail to at most {_BUDGET_EMAILS}; fix:"
            " use the address of a group",
        )
    # A key's ARN has the same length in every stack of the account and region.
    key_arn = settings.place.regional("kms", f"key/{'0' * 36}")
    length = len(policy_text(bucket_document(settings, key_arn=key_arn)).encode())
    if length > BUCKET_LIMIT:
        yield _problem(
            "projects",
            f"the policy of the data bucket names the stewards of all projects and has {length:,} bytes, but AWS allows"
            f" {BUCKET_LIMIT:,}; fix: use two stacks",
        )


def _problem(path: str, message: str) -> Problem:
    return Problem(path=f"shrinkwrap:settings.{path}", message=message)
