"""Settings are checked as a whole, before anything is made; each mistake is told with its place and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from proof.example import ACCOUNT, ANALYSTS, example_settings, full_settings
from shrinkwrap_infra.errors import SettingsError
from shrinkwrap_infra.roles import Role
from shrinkwrap_infra.settings import Budget, GitHub, ObjectLock, parse_settings

ROOT = Path(__file__).resolve().parents[1]


def problems(settings: object, stack: str = "test") -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse_settings(settings, stack=stack)
    return [str(problem).removeprefix("shrinkwrap:settings.") for problem in caught.value.problems]


def with_value(path: str, value: object) -> dict[str, Any]:
    """The full example with another value at this path; an absent one if the value is Ellipsis."""
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
    assert settings.projects[0].github == GitHub(repository="acme/shrinkwrap", environment="data-read", branch="main")
    assert settings.people[1].roles == (Role(kind="steward", project="traffic"), Role(kind="admin", project=None))
    assert settings.people[3].principal == ANALYSTS


@pytest.mark.parametrize(
    ("path", "value", "told"),
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
        ("bucket.object_lock.mode", "governance", "bucket.object_lock.mode: there is no 'governance'"),
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
            "people.ada.roles[0]: there is no 'trafic/reader'; did you mean 'traffic/reader'? There is: admin,"
            " climate/contributor, climate/reader, climate/steward, traffic/contributor, traffic/reader,"
            " traffic/steward.",
        ),
        ("people.ada.roles", ["traffic/ci-publish"], "people.ada.roles[0]: there is no 'traffic/ci-publish'"),
        ("people.analysts.principal", "*", "people.analysts.principal: must be the ARN of one role, without * or ?"),
        ("people.analysts.principal", ANALYSTS[:-3] + "*", "people.analysts.principal: must be the ARN of one role"),
        ("people.analysts.pgp_key", "keybase:x", "people.analysts.pgp_key: is for an IAM user's first password"),
        ("people.grace.pgp_key", "grace", "people.grace.pgp_key: must be a public key in base64, or keybase:NAME"),
        (
            "people.analysts.principal",
            ANALYSTS.replace(ACCOUNT, "999999999999"),
            "people.analysts.principal: is in account 999999999999, the bucket in 111122223333; only its own account",
        ),
        ("bucket.replica.bucket_arn", "arn:aws:s3:::acme-shrinkwrap-test", "bucket.replica.bucket_arn: is the data"),
        ("github_provider_arn", "arn:aws:iam::111122223333:oidc-provider/gitlab.com", "github_provider_arn: must be"),
        ("preview.environment", "infra *", "preview.environment: must be the name of a GitHub environment"),
        ("preview.environment", "Data-Read", "preview.environment: is the environment of a project, whose jobs would"),
        ("preview.state_bucket", "acme-shrinkwrap-test-logs", "preview.state_bucket: is a bucket of this stack; state"),
    ],
)
def test_one_mistake_is_one_problem(path: str, value: object, told: str) -> None:
    """A mistake is told once, at its place, with what there is and what would do."""
    (problem,) = problems(with_value(path, value))
    assert problem.startswith(told)


@pytest.mark.parametrize(
    ("projects", "told"),
    [
        ({}, "projects: must be a table with at least one entry, not nothing"),
        ([], "projects: must be a table with at least one entry, not nothing"),
        ({"Traffic": {}}, "projects.Traffic: the key must be a name of up to 20 lower-case letters"),
    ],
)
def test_projects_have_names(projects: object, told: str) -> None:
    """There is at least one project, and its name can be a prefix; the roles of missing ones are told after it."""
    assert problems(with_value("projects", projects))[0].startswith(told)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("regoin", "regoin: is not a setting; did you mean 'region'? There is: account_id, bucket, budget,"),
        ("bucket.nonecurrent_days", "bucket.nonecurrent_days: is not a setting; did you mean 'noncurrent_days'?"),
        ("people.ada.role", "people.ada.role: is not a setting; did you mean 'roles'?"),
        ("projects.climate.git_hub", "projects.climate.git_hub: is not a setting; did you mean 'github'?"),
    ],
)
def test_unknown_settings_get_the_nearest_name(path: str, told: str) -> None:
    """A misspelt key is never ignored."""
    (problem,) = problems(with_value(path, 1))
    assert problem.startswith(told)


def test_all_mistakes_are_told_at_once() -> None:
    """One run finds them all."""
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
    """A stack without settings says where they are expected."""
    assert problems(settings)[0].startswith("shrinkwrap:settings: must be a table, not ")


def test_names_must_fit_iam() -> None:
    """A role name over 64 letters is told with the project that makes it so."""
    (problem, _) = problems(example_settings(), stack="a-very-long-name-of-a-stack-indeed")
    assert problem == (
        "projects.traffic: the role name shrinkwrap-a-very-long-name-of-a-stack-indeed-traffic-contributor is longer"
        " than 64 letters; shorten the project or the stack"
    )


def test_the_stack_name_goes_into_arns() -> None:
    """A stack whose name IAM would not take, or that would widen a pattern, is refused."""
    assert problems(example_settings(), stack="dev*") == ["stack: 'dev*' goes into names: letters, digits and hyphens"]


def test_the_shipped_settings_are_good_but_for_their_blanks() -> None:
    """Pulumi.dev.yaml has every setting; filled in, and with every commented line, it is accepted."""
    text = (ROOT / "Pulumi.dev.yaml").read_text("utf-8")
    commented = ["object_lock:", "replica:", "github_provider_arn:", "preview:", "grace:", "analysts:"]
    for key in commented:
        assert f"# {key}" in text, key
        text = text.replace(f"# {key}", key)
    raw = yaml.safe_load(text.replace("YOUR-TEAM", "acme"))["config"]["shrinkwrap:settings"]
    settings = parse_settings(raw, stack="dev")
    assert [person.name for person in settings.people] == ["ada", "grace", "analysts"]
    assert settings.bucket.object_lock is not None and settings.bucket.replica is not None
    assert settings.preview is not None


def test_the_shipped_settings_cannot_be_used_by_accident() -> None:
    """As shipped, the settings are refused at the bucket's name, so nobody makes a bucket called YOUR-TEAM."""
    raw = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text("utf-8"))["config"]["shrinkwrap:settings"]
    (problem,) = problems(raw, stack="dev")
    assert problem.startswith("bucket.name: must be 3 to 58 lower-case letters")
