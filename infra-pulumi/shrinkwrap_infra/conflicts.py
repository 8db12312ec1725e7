"""Mistakes that involve several settings, each of which is valid by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from .arns import bucket_arn
from .errors import Problem
from .model import GitHub, Preview, Settings
from .regions import partition_of


def conflicts(settings: Settings) -> list[Problem]:
    """Every mistake of this kind."""
    return [
        *_stack(settings),
        *_preview(settings),
        *_replica(settings),
        *_existing(settings),
        *_accounts(settings),
    ]


def _stack(settings: Settings) -> Iterator[Problem]:
    # With a hyphen, stack `dev-x` with project `y` would have the role names of stack `dev` with project `x-y`, and a
    # pattern for all roles of `dev` would match those of `dev-x`.
    if re.fullmatch(r"[A-Za-z0-9]+", settings.stack) is None:
        message = (
            f"must be letters and digits, as a hyphen ends it in the names of resources, not {settings.stack!r}; fix:"
            " pulumi stack rename"
        )
        yield Problem(path="stack", message=message)


def _preview(settings: Settings) -> Iterator[Problem]:
    if (preview := settings.preview) is None:
        return
    if preview.state_bucket in (settings.bucket.name, f"{settings.bucket.name}-logs"):
        message = "is a bucket of this stack; store the state in a bucket that the stack does not manage"
        yield _problem("preview.state_bucket", message)
    for project in settings.projects:
        if project.github is not None and _same_environment(project.github, preview):
            message = "is also the environment of a project, whose jobs could assume the preview role; choose another"
            yield _problem("preview.environment", message)


def _replica(settings: Settings) -> Iterator[Problem]:
    if (replica := settings.bucket.replica) is None:
        return
    own = settings.bucket.name
    if replica.bucket_arn == bucket_arn(own, region=settings.region):
        yield _problem("bucket.replica.bucket_arn", "is the data bucket itself; choose another one")
    if replica.bucket_arn == bucket_arn(f"{own}-logs", region=settings.region):
        message = "is the bucket with the logs of this stack, whose objects expire; choose another one"
        yield _problem("bucket.replica.bucket_arn", message)
    if settings.bucket.object_lock is not None and not replica.has_object_lock:
        message = (
            "must be true, because S3 copies from a bucket with Object Lock only to a bucket that has it too; fix:"
            " turn on Object Lock in that bucket (aws s3api put-object-lock-configuration), then add"
            " has_object_lock: true"
        )
        yield _problem("bucket.replica.has_object_lock", message)


def _existing(settings: Settings) -> Iterator[Problem]:
    if settings.bucket.exists and settings.bucket.object_lock is not None:
        message = "cannot be taken over with object_lock, which is decided when a bucket is created; remove one of them"
        yield _problem("bucket.exists", message)


def _accounts(settings: Settings) -> Iterator[Problem]:
    replica = settings.bucket.replica
    arns: Mapping[str, str | None] = {
        "github_provider_arn": settings.github_provider_arn,
        "bucket.replica.bucket_arn": replica.bucket_arn if replica else None,
        "bucket.replica.key_arn": replica.key_arn if replica else None,
        **{f"people.{person.name}.principal": person.principal for person in settings.people},
    }
    for path, arn in arns.items():
        if arn is None:
            continue
        # The ARN of a bucket does not contain its account.
        account = arn.split(":")[4] or settings.account_id
        if partition_of(arn) != settings.place.partition:
            yield _problem(
                path,
                f"begins with arn:{partition_of(arn)}, but {settings.region} is in partition"
                f" {settings.place.partition}",
            )
        elif account != settings.account_id:
            message = (
                f"is in account {account}, but the bucket is in {settings.account_id}, and no other account has access"
            )
            yield _problem(path, message)


def _problem(path: str, message: str) -> Problem:
    return Problem(path=f"shrinkwrap:settings.{path}", message=message)


def _same_environment(github: GitHub, preview: Preview) -> bool:
    """Whether both name one environment; case is ignored, as GitHub does, although the trust policy respects it."""
    previews = {name.lower() for name in (preview.environment, preview.plan_environment) if name is not None}
    is_same_repository = github.repository.repository_id == preview.repository.repository_id
    has_same_name = github.repository.name.lower() == preview.repository.name.lower()
    return (is_same_repository or has_same_name) and github.environment.lower() in previews
