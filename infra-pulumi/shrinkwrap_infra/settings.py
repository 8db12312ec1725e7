"""The settings of a stack, read and checked completely before anything else happens."""

from __future__ import annotations

from .conflicts import conflicts
from .errors import Problem, SettingsError, unknown_name_text
from .limits import exceeded_limits
from .model import (
    BucketSettings,
    Budget,
    GitHub,
    ObjectLock,
    Person,
    Preview,
    Project,
    Replica,
    Repository,
    Settings,
)
from .reading import Reader
from .regions import has_budgets, known_regions, partition
from .roles import PERSON_KINDS, STACK_KINDS, Role

__all__ = [
    "BucketSettings",
    "Budget",
    "GitHub",
    "ObjectLock",
    "Person",
    "Preview",
    "Project",
    "Replica",
    "Repository",
    "Settings",
    "parse_settings",
]

_ACCOUNT = (r"\d{12}", "an account number of twelve digits, quoted")
_REGION = (r"[a-z]{2}(-[a-z]+)+-\d", "a region such as eu-central-1")
# With the suffix `-logs`, the name must fit into the 63 characters that S3 allows. A dot would break TLS, because the
# name becomes part of the host name.
_BUCKET = (r"[a-z0-9][a-z0-9-]{1,56}[a-z0-9]", "3 to 58 lower-case letters, digits and hyphens")
# A bucket that this program does not create.
_OTHER_NAME = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_OTHER_BUCKET = (_OTHER_NAME, "the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens")
_PROJECT = (r"[a-z][a-z0-9-]{0,19}", "a name of up to 20 lower-case letters, digits and hyphens")
_PERSON = (r"[a-z][a-z0-9._-]{0,31}", "a name of up to 32 lower-case letters, digits, dots, hyphens and underscores")
_EMAIL = (r"[^@\s]+@[^@\s]+\.[^@\s]+", "a mail address")
_ARN = r"arn:aws(?:-cn|-us-gov)?:"
_BUCKET_ARN = (_ARN + r"s3:::" + _OTHER_NAME, "the ARN of a bucket")
_KEY_ARN = (_ARN + r"kms:[a-z0-9-]+:\d{12}:key/[\w-]+", "the ARN of a key")
_ROLE_ARN = (_ARN + r"iam::\d{12}:role/[\w+=,.@/-]+", "the ARN of one role, without * or ?")
_PROVIDER = r"iam::\d{12}:oidc-provider/token\.actions\.githubusercontent\.com"
_PROVIDER_ARN = (_ARN + _PROVIDER, "the ARN of the provider")
# The trust policy compares these; `*`, `?` and `:` could make it match more than one repository, environment or branch.
_REPOSITORY = (r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}", "OWNER/NAME on GitHub")
_ENVIRONMENT = (r"[A-Za-z0-9._-]{1,255}", "the name of a GitHub environment")
_BRANCH = (r"[A-Za-z0-9._/-]{1,255}", "the name of one branch")
# Repositories created, renamed or transferred since July 2026 have immutable subjects; others when they switch.
_SUBJECTS = ("both", "immutable")
_PGP = (r"keybase:\w+|[A-Za-z0-9+/=\s]{100,}", "a public key in base64, or keybase:NAME")


def parse_settings(raw: object, *, stack: str) -> Settings:
    """Check and return the settings.

    Raises:
        SettingsError: The settings have mistakes; the error lists all of them.
    """
    problems: list[Problem] = []
    top = Reader(raw, "shrinkwrap:settings", problems)
    account_id = top.text("account_id", _ACCOUNT)
    projects = tuple(_project(name, table) for name, table in top.named_tables("projects", _PROJECT, is_required=True))
    settings = Settings(
        stack=stack,
        account_id=account_id,
        region=(region := _region(top)),
        bucket=_bucket(top.table("bucket")),
        budget=(budget := _budget(top, region)),
        alarm_emails=_alarm_emails(top, budget),
        projects=projects,
        people=tuple(_person(name, table, projects) for name, table in top.named_tables("people", _PERSON)),
        github_provider_arn=top.optional_text("github_provider_arn", _PROVIDER_ARN),
        preview=_preview(top.optional_table("preview")),
    )
    top.finish()
    if not problems:
        problems += [*conflicts(settings), *exceeded_limits(settings)]
    if problems:
        raise SettingsError(problems)
    return settings


def _region(top: Reader) -> str:
    region = top.text("region", _REGION)
    if region and region not in known_regions():
        top.problem("region", unknown_name_text("region", region, known_regions()))
    return region


def _bucket(table: Reader) -> BucketSettings:
    settings = BucketSettings(
        name=table.text("name", _BUCKET),
        exists=table.flag("exists"),
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
    lock = ObjectLock(
        mode=table.choice("mode", "mode", ["COMPLIANCE", "GOVERNANCE"]), days=table.number("days", 1, 36500)
    )
    table.finish()
    return lock


def _replica(table: Reader | None) -> Replica | None:
    if table is None:
        return None
    replica = Replica(
        bucket_arn=table.text("bucket_arn", _BUCKET_ARN),
        key_arn=table.text("key_arn", _KEY_ARN),
        has_object_lock=table.flag("has_object_lock"),
    )
    table.finish()
    return replica


def _alarm_emails(top: Reader, budget: Budget | None) -> tuple[str, ...]:
    """The addresses of the alarm; without the setting, those of the budget."""
    if (table := top.optional_table("alarm")) is None and budget is not None:
        return budget.emails
    table = table or top.table("alarm")
    emails = table.texts("emails", _EMAIL)
    table.finish()
    return emails


def _budget(top: Reader, region: str) -> Budget | None:
    if not has_budgets(region):
        if top.optional_table("budget") is not None:
            message = f"AWS Budgets does not exist in {partition(region)}; remove it, and set alarm.emails instead"
            top.problem("budget", message)
        return None
    table = top.table("budget")
    budget = Budget(monthly_usd=table.number("monthly_usd", 1, 1_000_000), emails=table.texts("emails", _EMAIL))
    table.finish()
    return budget


def _preview(table: Reader | None) -> Preview | None:
    if table is None:
        return None
    preview = Preview(
        repository=_repository(table),
        environment=table.text("environment", _ENVIRONMENT),
        plan_environment=table.optional_text("plan_environment", _ENVIRONMENT),
        state_bucket=table.optional_text("state_bucket", _OTHER_BUCKET),
    )
    table.finish()
    return preview


def _repository(table: Reader) -> Repository:
    """The repository of a table; a missing id is reported with the command that reads it."""
    name = table.text("repository", _REPOSITORY)
    ids = {key: table.github_id(key, name or "OWNER/NAME") for key in ("owner_id", "repository_id")}
    subjects = table.optional_choice("subjects", "form", _SUBJECTS)
    return Repository(
        name=name,
        owner_id=ids["owner_id"],
        repository_id=ids["repository_id"],
        has_name_subjects=subjects == "both",
    )


def _project(name: str, table: Reader) -> Project:
    github = None
    if (source := table.optional_table("github")) is not None:
        github = GitHub(
            repository=_repository(source),
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
    known |= {kind: Role(kind=kind, project=None) for kind in STACK_KINDS}
    person = Person(
        name=name,
        roles=tuple(known[role] for role in table.choices("roles", "role", known)),
        principal=table.optional_text("principal", _ROLE_ARN),
        pgp_key=table.optional_text("pgp_key", _PGP),
    )
    if person.principal is not None and person.pgp_key is not None:
        table.problem("pgp_key", "encrypts the first password of an IAM user, but a principal has none; remove it")
    table.finish()
    return person
