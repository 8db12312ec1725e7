"""Every ARN is in the partition of the stack's region, and regions that do not exist are refused."""

from __future__ import annotations

import json
import re

import pytest
from proof.example import full_settings, settings_in
from proof.recording import run_program
from shrinkwrap_infra.errors import SettingsError
from shrinkwrap_infra.policies import data_policy
from shrinkwrap_infra.regions import known_regions, partition, s3_names, sign_in_address
from shrinkwrap_infra.settings import parse_settings


@pytest.mark.parametrize(
    ("region", "name"),
    [
        ("eu-central-1", "aws"),
        ("us-east-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("cn-northwest-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-gov-east-1", "aws-us-gov"),
    ],
)
def test_every_arn_is_in_the_partition_of_the_region(region: str, name: str) -> None:
    """No input of any resource, and no output, names another partition."""
    recording = run_program(settings_in(region, name))
    text = json.dumps([[resource.inputs for resource in recording.resources], recording.outputs])
    found = re.findall(r"arn:(aws[a-z-]*):", text)
    assert len(found) > 100
    assert set(found) == {name}


def test_the_real_regions_are_known() -> None:
    """The list has regions of three partitions, and none of the partitions in which nothing has been tried."""
    assert {partition(region) for region in known_regions()} == {"aws", "aws-cn", "aws-us-gov"}
    assert {"eu-central-1", "us-gov-west-1", "cn-north-1"} <= set(known_regions())
    assert not [region for region in known_regions() if region.startswith(("us-iso", "eu-iso", "eusc"))]


@pytest.mark.parametrize(
    ("region", "nearest"), [("eu-central-3", "eu-central-2"), ("us-west-7", "us-west-2"), ("cn-south-1", None)]
)
def test_a_region_that_does_not_exist_is_refused(region: str, nearest: str | None) -> None:
    """It has the form of a region, so only the list can refuse it; the message has a region that exists."""
    settings = full_settings()
    settings["region"] = region
    with pytest.raises(SettingsError) as caught:
        parse_settings(settings, stack="test")
    problems = [problem for problem in caught.value.problems if problem.path == "shrinkwrap:settings.region"]
    assert [problem.message.split(";")[0].split(".")[0] for problem in problems] == [f"unknown region '{region}'"]
    assert nearest is None or f"did you mean '{nearest}'" in problems[0].message


def test_an_arn_of_another_partition_is_refused() -> None:
    """A principal, key, bucket or provider of another partition cannot be named."""
    settings = settings_in("cn-north-1", "aws")
    with pytest.raises(SettingsError) as caught:
        parse_settings(settings, stack="test")
    paths = {problem.path.removeprefix("shrinkwrap:settings.") for problem in caught.value.problems}
    assert paths == {
        "bucket.replica.bucket_arn",
        "bucket.replica.key_arn",
        "github_provider_arn",
        "people.analysts.principal",
        "people.operators.principal",
    }


def test_the_key_is_bound_to_the_s3_of_the_partition() -> None:
    """In China, `kms:ViaService` may have either documented domain; elsewhere it has one."""
    assert s3_names("eu-central-1") == ["s3.eu-central-1.amazonaws.com"]
    assert s3_names("cn-north-1") == ["s3.cn-north-1.amazonaws.com", "s3.cn-north-1.amazonaws.com.cn"]
    policy = data_policy("reader", bucket="b", prefix="p/", key_arn="k", region="cn-north-1")
    (use,) = [statement for statement in policy["Statement"] if statement["Sid"] == "Decrypt"]
    assert use["Condition"]["StringEquals"]["kms:ViaService"] == s3_names("cn-north-1")


def test_people_sign_in_where_the_partition_has_its_console() -> None:
    """The address in the outputs depends on the partition."""
    assert sign_in_address("eu-central-1", "1") == "https://1.signin.aws.amazon.com/console"
    assert sign_in_address("cn-north-1", "1") == "https://1.signin.amazonaws.cn/console"
    assert sign_in_address("us-gov-west-1", "1") == "https://1.signin.amazonaws-us-gov.com/console"


def test_govcloud_has_no_budget() -> None:
    """AWS Budgets does not exist there: the setting is refused, and without it the alarm needs addresses."""
    settings = settings_in("us-gov-west-1", "aws-us-gov")
    recording = run_program(settings)
    assert recording.all("budgets/budget:Budget") == []
    settings["budget"] = {"monthly_usd": 20, "emails": ["a@example.com"]}
    del settings["alarm"]
    with pytest.raises(SettingsError) as caught:
        parse_settings(settings, stack="test")
    assert [str(problem) for problem in caught.value.problems] == [
        "shrinkwrap:settings.budget: AWS Budgets does not exist in aws-us-gov; remove it, and set alarm.emails instead",
        "shrinkwrap:settings.alarm: is missing",
    ]
