"""Settings are checked completely before any resource is declared; each mistake is reported with its key path."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from proof.example import ACCOUNT, ANALYSTS, example_settings, full_settings
from shrinkwrap_infra.errors import SettingsError
from shrinkwrap_infra.roles import Role
from shrinkwrap_infra.settings import Budget, GitHub, ObjectLock, Repository, parse_settings

ROOT = Path(__file__).resolve().parents[1]


def problems(settings: object, stack: str = "test") -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse_settings(settings, stack=stack)
    return [str(problem).removeprefix("shrinkwrap:settings.") for problem in caught.value.problems]


def with_value(path: str, value: object) -> dict[str, Any]:
    """The full example with another value at this path, or without the key if the value is Ellipsis."""
    settings = full_settings()
    table: Any = settings
    *tables, key = path.split(".")
    for name in tables:
        table = table[name]
    if value is ...:
        del table[key]
    else:
        table[key] = value
    return settings


def test_good_settings_are_typed() -> None:
    """Each table becomes a frozen value."""
    settings = parse_settings(full_settings(), stack="test")
    assert settings.budget == Budget(monthly_usd=20, emails=("admins@example.com",))
    assert settings.bucket.object_lock == ObjectLock(mode="GOVERNANCE", days=30)
    assert settings.projects[0].github == GitHub(
        repository=Repository(name="acme/shrinkwrap", owner_id=1001, repository_id=2002, has_name_subjects=False),
        environment="data-read",
        branch="main",
    )
    assert settings.people[1].roles == (Role(kind="steward", project="traffic"), Role(kind="admin", project=None))
    assert settings.people[3].principal == ANALYSTS


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (
            "account_id",
            111122223333,
            "account_id: must be an account number of twelve digits, quoted, not 111122223333",
        ),
        ("account_id", ..., "account_id: is missing"),
        ("region", "Frankfurt", "region: must be a region such as eu-central-1, not 'Frankfurt'"),
        ("bucket", ..., "bucket: is missing"),
        ("bucket", "acme", "bucket: must be a table, not a text"),
        (
            "bucket.name",
            "Acme_Data",
            "bucket.name: must be 3 to 58 lower-case letters, digits and hyphens, not 'Acme_Data'",
        ),
        ("bucket.noncurrent_days", 0, "bucket.noncurrent_days: must be a whole number from 1 to 36500, not 0"),
        ("bucket.noncurrent_days", "90", "bucket.noncurrent_days: must be a whole number from 1 to 36500, not '90'"),
        ("bucket.noncurrent_days", True, "bucket.noncurrent_days: must be a whole number from 1 to 36500, not True"),
        ("bucket.object_lock.mode", "governance", "bucket.object_lock.mode: unknown mode 'governance'"),
        ("budget.emails", [], "budget.emails: must be a list with at least one entry, not nothing"),
        ("budget.emails", ["a@b.c", None], "budget.emails[1]: must be a mail address, not None"),
        ("projects.traffic.github.repository", "acme/*", "projects.traffic.github.repository: must be OWNER/NAME"),
        ("projects.traffic.github.repository", "acme", "projects.traffic.github.repository: must be OWNER/NAME"),
        ("projects.traffic.github.environment", "*", "projects.traffic.github.environment: must be the name of"),
        (
            "projects.traffic.github.branch",
            "release/*",
            "projects.traffic.github.branch: must be the name of one branch",
        ),
        ("people.ada", {}, "people.ada.roles: is missing"),
        ("people.ada.roles", [], "people.ada.roles: must be a list with at least one entry, not nothing"),
        ("people.ada.roles", "admin", "people.ada.roles: must be a list with at least one entry, not a text"),
        (
            "people.ada.roles",
            ["trafic/reader"],
            "people.ada.roles[0]: unknown role 'trafic/reader'; did you mean 'traffic/reader'? Known roles: admin,"
            " break-glass, climate/contributor, climate/reader, climate/steward, traffic/contributor, traffic/reader,"
            " traffic/steward",
        ),
        ("people.ada.roles", ["traffic/ci-publish"], "people.ada.roles[0]: unknown role 'traffic/ci-publish'"),
        ("people.analysts.principal", "*", "people.analysts.principal: must be the ARN of one role, without * or ?"),
        ("people.analysts.principal", ANALYSTS[:-3] + "*", "people.analysts.principal: must be the ARN of one role"),
        ("people.analysts.pgp_key", "keybase:x", "people.analysts.pgp_key: encrypts the first password of an IAM user"),
        ("people.grace.pgp_key", "grace", "people.grace.pgp_key: must be a public key in base64, or keybase:NAME"),
        (
            "people.analysts.principal",
            ANALYSTS.replace(ACCOUNT, "999999999999"),
            "people.analysts.principal: is in account 999999999999, but the bucket is in 111122223333, and no other",
        ),
        ("bucket.replica.bucket_arn", "arn:aws:s3:::acme-shrinkwrap-test", "bucket.replica.bucket_arn: is the data"),
        ("github_provider_arn", "arn:aws:iam::111122223333:oidc-provider/gitlab.com", "github_provider_arn: must be"),
        ("preview.environment", "infra *", "preview.environment: must be the name of a GitHub environment"),
        (
            "preview.environment",
            "Data-Read",
            "preview.environment: is also the environment of a project, whose jobs could",
        ),
        ("preview.state_bucket", "acme-shrinkwrap-test-logs", "preview.state_bucket: is a bucket of this stack; store"),
    ],
)
def test_one_mistake_is_one_problem(path: str, value: object, expected: str) -> None:
    """A mistake is reported once, at its key path, with the value and what is valid."""
    (problem,) = problems(with_value(path, value))
    assert problem.startswith(expected)


@pytest.mark.parametrize(
    ("projects", "expected"),
    [
        ({}, "projects: must be a table with at least one entry, not nothing"),
        ([], "projects: must be a table with at least one entry, not nothing"),
        ({"Traffic": {}}, "projects.Traffic: the key must be a name of up to 20 lower-case letters"),
    ],
)
def test_projects_have_names(projects: object, expected: str) -> None:
    """At least one project is required, and its name must be usable as a prefix; this is reported first."""
    assert problems(with_value("projects", projects))[0].startswith(expected)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "regoin",
            "regoin: unknown setting 'regoin'; did you mean 'region'? Known settings: account_id, alarm, bucket,"
            " budget, github_provider_arn,",
        ),
        (
            "bucket.nonecurrent_days",
            "bucket.nonecurrent_days: unknown setting 'nonecurrent_days'; did you mean 'noncurrent_days'?",
        ),
        ("people.ada.role", "people.ada.role: unknown setting 'role'; did you mean 'roles'?"),
        ("projects.climate.git_hub", "projects.climate.git_hub: unknown setting 'git_hub'; did you mean 'github'?"),
    ],
)
def test_unknown_settings_get_the_nearest_name(path: str, expected: str) -> None:
    """A misspelled key is never ignored."""
    (problem,) = problems(with_value(path, 1))
    assert problem.startswith(expected)


def test_all_mistakes_are_reported_at_once() -> None:
    """One run finds all of them."""
    settings = example_settings()
    settings["region"] = "mars"
    settings["bucket"]["log_days"] = -1
    del settings["budget"]["emails"]
    settings["people"]["ada"]["roles"] = ["boss"]
    assert [problem.split(":")[0] for problem in problems(settings)] == [
        "region",
        "bucket.log_days",
        "budget.emails",
        "people.ada.roles[0]",
    ]


@pytest.mark.parametrize("settings", [None, [], "settings"])
def test_no_settings_at_all(settings: object) -> None:
    """The message names the key that the settings belong under."""
    assert problems(settings)[0].startswith("shrinkwrap:settings: must be a table, not ")


@pytest.mark.parametrize("table", ["projects.traffic.github", "preview"])
@pytest.mark.parametrize("key", ["owner_id", "repository_id"])
@pytest.mark.parametrize(
    ("value", "found"),
    [
        (..., "is missing"),
        ("1001", "must be the number that GitHub gave it, not '1001'"),
        (0, "must be the number that GitHub gave it, not 0"),
        (True, "must be the number that GitHub gave it, not True"),
    ],
)
def test_a_missing_id_is_reported_with_the_command_that_reads_it(
    table: str, key: str, value: object, found: str
) -> None:
    """GitHub's pages do not show the ids, and without them no role would ever trust a new repository."""
    query = "{repository: .full_name, owner_id: .owner.id, repository_id: .id}"
    assert problems(with_value(f"{table}.{key}", value)) == [
        f"{table}.{key}: {found}; fix: read both ids with: gh api repos/acme/shrinkwrap --jq '{query}'"
    ]


def test_the_forms_of_subjects_have_names() -> None:
    """`both` is for a repository that has not switched; nothing else is accepted."""
    (problem,) = problems(with_value("projects.traffic.github.subjects", "names"))
    assert problem == ("projects.traffic.github.subjects: unknown form 'names'. Known forms: both, immutable")


@pytest.mark.parametrize("key", ["environment", "plan_environment"])
def test_a_projects_jobs_cannot_use_an_environment_of_previews(key: str) -> None:
    """The same repository under another name is the same repository."""
    settings = with_value(f"preview.{key}", "Data-Read")
    settings["preview"]["repository"] = "acme/renamed"
    (problem,) = problems(settings)
    assert problem.startswith("preview.environment: is also the environment of a project")


def test_names_must_fit_iam() -> None:
    """A role name with more than 64 characters is reported at the project whose name causes it."""
    (problem, _) = problems(example_settings(), stack="averylongnameofastackindeed0123456")
    assert problem == (
        "projects.traffic: the role name shrinkwrap-averylongnameofastackindeed0123456-traffic-contributor has more"
        " than 64 characters; fix: shorten the name of the project or of the stack"
    )


def test_the_stack_name_goes_into_arns() -> None:
    """A stack name that IAM would refuse, or that would make a pattern match more, is refused."""
    assert problems(example_settings(), stack="dev*") == [
        "stack: must be letters and digits, as a hyphen ends it in the names of resources, not 'dev*'; fix:"
        " pulumi stack rename"
    ]


def test_the_shipped_settings_are_valid_except_for_their_placeholders() -> None:
    """Pulumi.dev.yaml shows every setting; filled in, and with every commented line, it is accepted."""
    text = (ROOT / "Pulumi.dev.yaml").read_text("utf-8")
    commented = ["object_lock:", "replica:", "alarm:", "github_provider_arn:", "preview:", "grace:", "analysts:"]
    for key in commented:
        assert f"# {key}" in text, key
        text = text.replace(f"# {key}", key)
    filled = re.sub(r"YOUR-\w+-ID", "1", text).replace("YOUR-TEAM", "acme")
    raw = yaml.safe_load(filled)["config"]["shrinkwrap:settings"]
    settings = parse_settings(raw, stack="dev")
    assert [person.name for person in settings.people] == ["ada", "grace", "analysts"]
    assert settings.bucket.object_lock is not None and settings.bucket.replica is not None
    assert settings.preview is not None
    assert settings.alarm_emails == ("data-admins@example.com",)


def test_the_shipped_settings_cannot_be_used_by_accident() -> None:
    """The bucket name of the shipped settings is invalid, so a bucket called YOUR-TEAM cannot be created."""
    raw = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text("utf-8"))["config"]["shrinkwrap:settings"]
    (owner, repository, name) = problems(raw, stack="dev")
    assert name.startswith("bucket.name: must be 3 to 58 lower-case letters")
    assert owner.startswith("projects.traffic.github.owner_id: must be the number that GitHub gave it")
    assert repository.startswith("projects.traffic.github.repository_id: must be the number that GitHub gave it")
