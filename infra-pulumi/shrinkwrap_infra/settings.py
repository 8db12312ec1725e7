"""The settings of a stack, read and checked as a whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import Problem, SettingsError
from .reading import Reader
from .roles import PERSON_KINDS, ROLE_NAME_LIMIT, Role, role_name

_ACCOUNT = (r"\d{12}", "an account number of twelve digits, quoted")
_REGION = (r"[a-z]{2}(-[a-z]+)+-\d", "a region such as eu-central-1")
# `-logs` must fit behind it within the 63 letters S3 allows. A dot would break TLS for virtual hosts.
_BUCKET = (r"[a-z0-9][a-z0-9-]{1,56}[a-z0-9]", "3 to 58 lower-case letters, digits and hyphens")
_PROJECT = (r"[a-z][a-z0-9-]{0,19}", "a name of up to 20 lower-case letters, digits and hyphens")
_PERSON = (r"[a-z][a-z0-9._-]{0,31}", "a name of up to 32 lower-case letters, digits, dots, hyphens and underscores")
_EMAIL = (r"[^@\s]+@[^@\s]+\.[^@\s]+", "a mail address")
_BUCKET_ARN = (r"arn:aws:s3:::[a-z0-9][a-z0-9-]+", "the ARN of a bucket")
_KEY_ARN = (r"arn:aws:kms:[a-z0-9-]+:\d{12}:key/[\w-]+", "the ARN of a key")
_ROLE_ARN = (r"arn:aws:iam::\d{12}:role/[\w+=,.@/-]+", "the ARN of one role, without * or ?")
_PROVIDER_ARN = (r"arn:aws:iam::\d{12}:oidc-provider/token\.actions\.githubusercontent\.com", "the ARN of the provider")
# `*`, `?` and `:` would widen the subject that the trust policy compares.
_REPOSITORY = (r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", "OWNER/NAME on GitHub")
_ENVIRONMENT = (r"[A-Za-z0-9._-]+", "the name of a GitHub environment")
_BRANCH = (r"[A-Za-z0-9._/-]+", "the name of one branch")
_PGP = (r"keybase:\w+|[A-Za-z0-9+/=\s]{100,}", "a public key in base64, or keybase:NAME")


@dataclass(frozen=True, kw_only=True)
class ObjectLock:
    """How long a version cannot be removed."""

    mode: str
    days: int


@dataclass(frozen=True, kw_only=True)
class Replica:
    """Another bucket that gets a copy of everything but deletions."""

    bucket_arn: str
    key_arn: str


@dataclass(frozen=True, kw_only=True)
class BucketSettings:
    """The data bucket and what is kept for how long."""

    name: str
    noncurrent_days: int
    multipart_days: int
    log_days: int
    object_lock: ObjectLock | None
    replica: Replica | None


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a month may cost before somebody is told."""

    monthly_usd: int
    emails: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GitHub:
    """Where a project's workflows run."""

    repository: str
    environment: str
    branch: str


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Where previews of this very program run, and where their state is.

    Attributes:
        state_bucket: where Pulumi keeps the stack's state; None if it is not in S3.
    """

    repository: str
    environment: str
    state_bucket: str | None


@dataclass(frozen=True, kw_only=True)
class Project:
    """A prefix of the bucket with roles of its own."""

    name: str
    github: GitHub | None

    @property
    def prefix(self) -> str:
        return f"{self.name}/"


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who may assume which roles: a principal that exists, or an IAM user to be made.

    Attributes:
        principal: the ARN of an identity provider's role; None for an IAM user.
        pgp_key: encrypts the first password of an IAM user.
    """

    name: str
    roles: tuple[Role, ...]
    principal: str | None
    pgp_key: str | None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of one stack."""

    stack: str
    account_id: str
    region: str
    bucket: BucketSettings
    budget: Budget
    projects: tuple[Project, ...]
    people: tuple[Person, ...]
    github_provider_arn: str | None
    preview: Preview | None

    @property
    def held_roles(self) -> tuple[Role, ...]:
        """The roles that somebody may assume, in a settled order; a role without anybody is not made."""
        held = {role for person in self.people for role in person.roles}
        return tuple(sorted(held, key=lambda role: role.key))


def parse_settings(raw: object, *, stack: str) -> Settings:
    """The settings, if nothing at all is wrong with them.

    Raises:
        SettingsError: with everything that is wrong.
    """
    problems: list[Problem] = []
    top = Reader(raw, "shrinkwrap:settings", problems)
    account_id = top.text("account_id", _ACCOUNT)
    projects = tuple(_project(name, table) for name, table in top.named_tables("projects", _PROJECT, is_required=True))
    settings = Settings(
        stack=stack,
        account_id=account_id,
        region=top.text("region", _REGION),
        bucket=_bucket(top.table("bucket")),
        budget=_budget(top.table("budget")),
        projects=projects,
        people=tuple(_person(name, table, projects) for name, table in top.named_tables("people", _PERSON)),
        github_provider_arn=top.optional_text("github_provider_arn", _PROVIDER_ARN),
        preview=_preview(top.optional_table("preview")),
    )
    top.finish()
    if not problems:
        problems += _conflicts(settings)
    if problems:
        raise SettingsError(problems)
    return settings


def _bucket(table: Reader) -> BucketSettings:
    settings = BucketSettings(
        name=table.text("name", _BUCKET),
        noncurrent_days=table.number("noncurrent_days", 1, 36500),
        multipart_days=table.number("multipart_days", 1, 365),
        log_days=table.number("log_days", 1, 36500),
        object_lock=_object_lock(table.optional_table("object_lock")),
        replica=_replica(table.optional_table("replica")),
    )
    table.finish()
    return settings


def _object_lock(table: Reader | None) -> ObjectLock | None:
    if table is None:
        return None
    lock = ObjectLock(mode=table.choice("mode", ["COMPLIANCE", "GOVERNANCE"]), days=table.number("days", 1, 36500))
    table.finish()
    return lock


def _replica(table: Reader | None) -> Replica | None:
    if table is None:
        return None
    replica = Replica(bucket_arn=table.text("bucket_arn", _BUCKET_ARN), key_arn=table.text("key_arn", _KEY_ARN))
    table.finish()
    return replica


def _budget(table: Reader) -> Budget:
    budget = Budget(monthly_usd=table.number("monthly_usd", 1, 1_000_000), emails=table.texts("emails", _EMAIL))
    table.finish()
    return budget


def _preview(table: Reader | None) -> Preview | None:
    if table is None:
        return None
    preview = Preview(
        repository=table.text("repository", _REPOSITORY),
        environment=table.text("environment", _ENVIRONMENT),
        state_bucket=table.optional_text("state_bucket", _BUCKET),
    )
    table.finish()
    return preview


def _project(name: str, table: Reader) -> Project:
    github = None
    if (source := table.optional_table("github")) is not None:
        github = GitHub(
            repository=source.text("repository", _REPOSITORY),
            environment=source.text("environment", _ENVIRONMENT),
            branch=source.text("branch", _BRANCH),
        )
        source.finish()
    table.finish()
    return Project(name=name, github=github)


def _person(name: str, table: Reader, projects: tuple[Project, ...]) -> Person:
    known = {
        f"{project.name}/{kind}": Role(kind=kind, project=project.name) for project in projects for kind in PERSON_KINDS
    }
    known["admin"] = Role(kind="admin", project=None)
    person = Person(
        name=name,
        roles=tuple(known[role] for role in table.choices("roles", known)),
        principal=table.optional_text("principal", _ROLE_ARN),
        pgp_key=table.optional_text("pgp_key", _PGP),
    )
    if person.principal is not None and person.pgp_key is not None:
        table.problem("pgp_key", "is for an IAM user's first password; with a principal there is none")
    table.finish()
    return person


def _conflicts(settings: Settings) -> list[Problem]:
    """What is wrong between settings that are each well-formed."""
    problems = []
    if re.fullmatch(r"[A-Za-z0-9-]+", settings.stack) is None:
        problems.append(
            Problem(path="stack", message=f"{settings.stack!r} goes into names: letters, digits and hyphens")
        )
    for project in settings.projects:
        longest = role_name(settings.stack, Role(kind="contributor", project=project.name))
        if len(longest) > ROLE_NAME_LIMIT:
            message = (
                f"the role name {longest} is longer than {ROLE_NAME_LIMIT} letters; shorten the project or the stack"
            )
            problems.append(Problem(path=f"shrinkwrap:settings.projects.{project.name}", message=message))
    preview = settings.preview
    if preview is not None and preview.state_bucket in (settings.bucket.name, f"{settings.bucket.name}-logs"):
        message = "is a bucket of this stack; state belongs into one that the stack does not manage"
        problems.append(Problem(path="shrinkwrap:settings.preview.state_bucket", message=message))
    for project in settings.projects:
        if preview is not None and project.github is not None and _same_environment(project.github, preview):
            message = (
                "is the environment of a project, whose jobs would get the role for previews, too; name another one"
            )
            problems.append(Problem(path="shrinkwrap:settings.preview.environment", message=message))
    replica = settings.bucket.replica
    if replica is not None and replica.bucket_arn == f"arn:aws:s3:::{settings.bucket.name}":
        message = "is the data bucket itself; name another one"
        problems.append(Problem(path="shrinkwrap:settings.bucket.replica.bucket_arn", message=message))
    account_arns: Mapping[str, str | None] = {
        "github_provider_arn": settings.github_provider_arn,
        "bucket.replica.key_arn": replica.key_arn if replica else None,
        **{f"people.{person.name}.principal": person.principal for person in settings.people},
    }
    for path, arn in account_arns.items():
        if arn is not None and arn.split(":")[4] != settings.account_id:
            message = (
                f"is in account {arn.split(':')[4]}, the bucket in {settings.account_id}; only its own account gets in"
            )
            problems.append(Problem(path=f"shrinkwrap:settings.{path}", message=message))
    return problems


def _same_environment(github: GitHub, preview: Preview) -> bool:
    """GitHub takes names for the same whatever their case; the trust policy does not, so this errs on the safe side."""
    return (github.repository.lower(), github.environment.lower()) == (
        preview.repository.lower(),
        preview.environment.lower(),
    )
