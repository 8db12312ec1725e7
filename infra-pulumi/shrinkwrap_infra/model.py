"""The settings of a stack as typed values."""

from __future__ import annotations

from dataclasses import dataclass

from .arns import Place
from .roles import Role


@dataclass(frozen=True, kw_only=True)
class ObjectLock:
    """For how long a version cannot be removed."""

    mode: str
    days: int


@dataclass(frozen=True, kw_only=True)
class Replica:
    """Another bucket, to which everything is copied except deletions.

    Attributes:
        has_object_lock: The user has confirmed that Object Lock is on in that bucket, which S3 requires if the data
            bucket has it.
    """

    bucket_arn: str
    key_arn: str
    has_object_lock: bool


@dataclass(frozen=True, kw_only=True)
class BucketSettings:
    """The data bucket, and for how long its contents are kept.

    Attributes:
        exists: The bucket exists already and is taken over instead of created.
    """

    name: str
    exists: bool
    noncurrent_days: int
    multipart_days: int
    log_days: int
    object_lock: ObjectLock | None
    replica: Replica | None


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The monthly cost at which AWS sends mail."""

    monthly_usd: int
    emails: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository on GitHub, by name and by the ids that never change.

    Attributes:
        name: OWNER/NAME, as GitHub spells it today.
        has_name_subjects: Tokens without the ids are trusted too, which a repository needs until it has switched to
            GitHub's immutable subjects.
    """

    name: str
    owner_id: int
    repository_id: int
    has_name_subjects: bool

    @property
    def subjects(self) -> tuple[str, ...]:
        """What the subject of a workflow's token begins with."""
        owner, _, name = self.name.partition("/")
        immutable = f"repo:{owner}@{self.owner_id}/{name}@{self.repository_id}"
        return (immutable, f"repo:{self.name}") if self.has_name_subjects else (immutable,)


@dataclass(frozen=True, kw_only=True)
class GitHub:
    """Where a project's workflows run."""

    repository: Repository
    environment: str
    branch: str


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Where previews of this program run, and where the state is.

    Attributes:
        plan_environment: The environment in which the main branch previews what it will then do; None if it has none.
        state_bucket: The bucket with the stack's state; None if the state is not in S3.
    """

    repository: Repository
    environment: str
    plan_environment: str | None
    state_bucket: str | None


@dataclass(frozen=True, kw_only=True)
class Project:
    """A prefix of the bucket, with its own roles."""

    name: str
    github: GitHub | None

    @property
    def prefix(self) -> str:
        return f"{self.name}/"


@dataclass(frozen=True, kw_only=True)
class Person:
    """A person and the roles that the person may assume, as an existing principal or as a new IAM user.

    Attributes:
        principal: The ARN of an identity provider's role; None for an IAM user.
        pgp_key: The key that encrypts the first password of an IAM user.
    """

    name: str
    roles: tuple[Role, ...]
    principal: str | None
    pgp_key: str | None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of one stack.

    Attributes:
        budget: None only where AWS Budgets does not exist.
        alarm_emails: Who gets mail when a setting changes.
    """

    stack: str
    account_id: str
    region: str
    bucket: BucketSettings
    budget: Budget | None
    alarm_emails: tuple[str, ...]
    projects: tuple[Project, ...]
    people: tuple[Person, ...]
    github_provider_arn: str | None
    preview: Preview | None

    @property
    def place(self) -> Place:
        """Where the stack is."""
        return Place(account_id=self.account_id, region=self.region, stack=self.stack)

    @property
    def assigned_roles(self) -> tuple[Role, ...]:
        """The roles that at least one person may assume, sorted by name; no others are created."""
        assigned = {role for person in self.people for role in person.roles}
        return tuple(sorted(assigned, key=lambda role: role.key))
