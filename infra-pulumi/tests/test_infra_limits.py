"""Every limit of AWS that a setting can exceed is reported before any resource is created."""

from __future__ import annotations

import json
from typing import Any

import pytest
from proof.example import ACCOUNT, REGION, example_settings, full_settings
from proof.recording import run_program
from shrinkwrap_infra.errors import SettingsError
from shrinkwrap_infra.settings import parse_settings


def problems(settings: object, stack: str = "test") -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse_settings(settings, stack=stack)
    return [str(problem).removeprefix("shrinkwrap:settings.") for problem in caught.value.problems]


def with_people(count: int, *, principals: bool) -> dict[str, Any]:
    """The example, with this many more people who have one role."""
    settings = example_settings()
    for number in range(count):
        person: dict[str, Any] = {"roles": ["climate/reader"]}
        if principals:
            name = f"AWSReservedSSO_Permission_{number:016x}"
            person["principal"] = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/{REGION}/{name}"
        settings["people"][f"person{number:02}"] = person
    return settings


def longest_trust(settings: dict[str, Any]) -> int:
    policies = dict(run_program(settings).policies())
    return max(
        len(json.dumps(policy, separators=(",", ":")))
        for name, policy in policies.items()
        if name.endswith("assumeRolePolicy")
    )


@pytest.mark.parametrize("principals", [False, True])
def test_a_trust_policy_has_at_most_2048_characters(principals: bool) -> None:
    """The last number of people that is accepted fits, and one more person is refused, for users and principals."""
    count = next(n for n in range(1, 60) if refuses(with_people(n, principals=principals)))
    assert 12 < count < 40
    (problem,) = problems(with_people(count, principals=principals))
    assert problem.startswith(f"people: the trust policy of role climate/reader names {count} people and has 2,")
    assert problem.endswith("fix: replace people by one principal of your identity provider that they share")
    assert 1900 < longest_trust(with_people(count - 1, principals=principals)) <= 2048


def refuses(settings: dict[str, Any]) -> bool:
    try:
        parse_settings(settings, stack="test")
    except SettingsError:
        return True
    return False


@pytest.mark.parametrize(("roles", "is_inline", "attached"), [(24, True, 0), (60, False, 1), (180, False, 2)])
def test_many_roles_of_a_user_are_split_over_policies(roles: int, is_inline: bool, attached: int) -> None:
    """All inline policies of a user may have 2,048 characters together; more roles become managed policies of 6,144."""
    settings = example_settings()
    settings["projects"] |= {f"p{number:02}": {} for number in range(60)}
    names = [f"p{number:02}/{kind}" for number in range(60) for kind in ("reader", "contributor", "steward")]
    settings["people"]["ada"]["roles"] = names[:roles]
    recording = run_program(settings)
    inline = [policy for policy in recording.all("iam/userPolicy:UserPolicy") if policy.name == "user-ada-roles"]
    managed = [policy for policy in recording.all("iam/policy:Policy") if policy.name.startswith("user-ada-roles-")]
    assert (len(inline) == 1, len(managed)) == (is_inline, attached)
    assert all(len(policy.inputs["policy"]) <= 2048 for policy in inline)
    assert all(len(policy.inputs["policy"]) <= 6144 for policy in managed)
    granted = [arn for policy in [*inline, *managed] for s in policy.policy()["Statement"] for arn in s["Resource"]]
    expected = [f"arn:aws:iam::{ACCOUNT}:role/shrinkwrap-test-{name.replace('/', '-')}" for name in names[:roles]]
    assert sorted(granted) == sorted(expected)
    links = [
        link.inputs["policyArn"]
        for link in recording.all("iam/userPolicyAttachment:UserPolicyAttachment")
        if link.name.startswith("user-ada-roles")
    ]
    assert len(links) == attached


def test_a_user_has_at_most_ten_attached_policies() -> None:
    """Nine of them can hold roles."""
    settings = example_settings()
    settings["projects"] = {f"a-project-name-{number:03}": {} for number in range(250)}
    settings["people"] = {"ada": {"roles": [f"{p}/{k}" for p in settings["projects"] for k in ("reader", "steward")]}}
    settings["people"]["ada"]["roles"] += [f"{p}/contributor" for p in settings["projects"]]
    found = [problem for problem in problems(settings) if problem.startswith("people.ada.roles")]
    assert found == [
        "people.ada.roles: 750 roles need 10 policies, and AWS attaches at most 9 more to a user; fix: give the person"
        " two users, or a principal"
    ]


def test_a_user_name_has_at_most_64_characters() -> None:
    """The name of the stack is part of it; a principal has no user."""
    settings = example_settings()
    settings["projects"] = {"t": {}}
    name = "a" * 32
    settings["people"] = {name: {"roles": ["t/reader"]}}
    stack = "s" * 21
    (problem,) = problems(settings, stack=stack)
    assert problem == (
        f"people.{name}: the user name shrinkwrap-{stack}-{name} has more than 64 characters; fix: shorten the name of"
        " the person or of the stack"
    )
    settings["people"][name]["principal"] = f"arn:aws:iam::{ACCOUNT}:role/x"
    parse_settings(settings, stack=stack)


def test_the_name_of_the_stack_fits_into_the_names_of_rules() -> None:
    """EventBridge allows 64 characters, and no role of this stack is longer."""
    settings = example_settings()
    settings["projects"] = {"t": {}}
    settings["people"] = {"ada": {"roles": ["t/reader"]}}
    parse_settings(settings, stack="s" * 35)
    (problem,) = problems(settings, stack="s" * 36)
    assert problem.startswith(f"stack: the rule name shrinkwrap-{'s' * 36}-alarm-break-glass has more than 64")


def test_a_budget_sends_at_most_ten_mails() -> None:
    """An eleventh address is refused by AWS when everything else exists already."""
    settings = example_settings()
    settings["budget"]["emails"] = [f"a{number}@example.com" for number in range(10)]
    parse_settings(settings, stack="test")
    settings["budget"]["emails"].append("b@example.com")
    assert problems(settings) == [
        "budget.emails: has 11 addresses, but AWS Budgets sends mail to at most 10; fix: use the address of a group"
    ]


RESERVED = [
    ("sthree-data", "sthree-"),
    ("sthree-configurator-data", "sthree-"),
    ("xn--data", "xn--"),
    ("amzn-s3-demo-data", "amzn-s3-demo-"),
    ("data--x-s3", "--x-s3"),
    ("data-s3alias", "-s3alias"),
    ("data--ol-s3", "--ol-s3"),
    ("data--table-s3", "--table-s3"),
    ("data-123456789012-eu-central-1-an", "-an"),
]


@pytest.mark.parametrize(("name", "text"), RESERVED)
def test_reserved_bucket_names_are_refused(name: str, text: str) -> None:
    """This holds for the data bucket, the replica and the bucket with the state."""
    settings = full_settings()
    settings["bucket"]["name"] = name
    settings["bucket"]["replica"]["bucket_arn"] = f"arn:aws:s3:::{name}"
    settings["preview"]["state_bucket"] = f"{name}"
    assert f"bucket.name: {name} contains {text}, which AWS reserves; choose another name" in problems(settings)
    assert len([problem for problem in problems(settings) if "which AWS reserves" in problem]) == 3


def test_the_replica_is_not_the_bucket_with_the_logs() -> None:
    """Its objects expire, and its policy would refuse the copies."""
    settings = full_settings()
    settings["bucket"]["replica"]["bucket_arn"] = "arn:aws:s3:::acme-shrinkwrap-test-logs"
    (problem,) = problems(settings)
    assert problem.startswith("bucket.replica.bucket_arn: is the bucket with the logs of this stack")


def test_a_locked_bucket_is_copied_only_to_a_locked_bucket() -> None:
    """S3 refuses the replication otherwise, after everything else exists; without a lock, nothing is required."""
    settings = full_settings()
    del settings["bucket"]["replica"]["has_object_lock"]
    (problem,) = problems(settings)
    assert problem.startswith("bucket.replica.has_object_lock: must be true, because S3 copies from a bucket with")
    settings["bucket"]["replica"]["has_object_lock"] = "yes"
    assert problems(settings)[0] == "bucket.replica.has_object_lock: must be true or false, not 'yes'"
    del settings["bucket"]["replica"]["has_object_lock"], settings["bucket"]["object_lock"]
    parse_settings(settings, stack="test")


def test_a_lock_cannot_be_added_to_a_bucket_that_exists() -> None:
    """Taking over a bucket changes its settings, and S3 does not allow this change by `pulumi up`."""
    settings = full_settings()
    settings["bucket"]["exists"] = True
    (problem,) = problems(settings)
    assert problem.startswith("bucket.exists: cannot be taken over with object_lock")


def test_two_stacks_never_share_a_role_name() -> None:
    """Stack `dev` with project `x-y` and stack `dev-x` with project `y` would: a stack's name has no hyphen."""
    settings = example_settings()
    settings["projects"]["x-y"] = {}
    settings["people"]["ada"]["roles"] = ["x-y/reader"]
    names = {role.inputs["name"] for role in run_program(settings, stack="dev").all("iam/role:Role")}
    assert "shrinkwrap-dev-x-y-reader" in names
    (problem,) = problems(example_settings(), stack="dev-x")
    assert problem.startswith("stack: must be letters and digits, as a hyphen ends it in the names of resources")


def test_the_policy_of_the_bucket_has_at_most_20_kb() -> None:
    """It names the role of every steward."""
    settings = example_settings()
    settings["projects"] = {f"a-project-name-{number:03}": {} for number in range(300)}
    settings["people"] = {
        f"p{number}": {"roles": [f"{project}/steward"], "principal": f"arn:aws:iam::{ACCOUNT}:role/x{number}"}
        for number, project in enumerate(settings["projects"])
    }
    del settings["preview"]
    (problem,) = problems(settings)
    assert problem.startswith("projects: the policy of the data bucket names the stewards of all projects and has 2")


def test_the_trust_in_workflows_has_at_most_2048_characters() -> None:
    """The longest names in both forms of subjects are too long together; one form, or shorter names, are accepted."""
    settings = full_settings()
    settings["preview"] |= {"owner_id": 10**9, "repository_id": 10**9, "repository": f"{'o' * 39}/{'r' * 100}"}
    settings["preview"] |= {"plan_environment": "p" * 255, "subjects": "both"}
    (problem,) = problems(with_environment(settings, 255))
    assert problem.startswith("preview: the trust policy of its role has 2,0") and "allows 2,048; fix:" in problem
    longest = max(n for n in range(200, 255) if not refuses(with_environment(settings, n)))
    assert 2040 < longest_trust(with_environment(settings, longest)) <= 2048
    settings["preview"]["subjects"] = "immutable"
    assert not refuses(with_environment(settings, 255))


def with_environment(settings: dict[str, Any], length: int) -> dict[str, Any]:
    return {**settings, "preview": {**settings["preview"], "environment": "e" * length}}


@pytest.mark.parametrize("key", ["budget", "alarm"])
def test_an_address_is_in_a_list_once(key: str) -> None:
    """AWS Budgets refuses a second equal subscriber, and a topic has one subscription for both."""
    settings = example_settings()
    settings["alarm"] = {"emails": ["a@example.com"]}
    settings[key]["emails"] = ["a@example.com", "b@example.com", "A@example.com"]
    assert problems(settings) == [f"{key}.emails[2]: 'A@example.com' is in the list twice; remove one"]


def test_a_principal_that_two_people_share_is_in_a_trust_policy_once() -> None:
    """AWS stores it once, so a second one would be a difference in every preview."""
    settings = example_settings()
    settings["people"]["students"] = dict(settings["people"]["analysts"])
    policy = run_program(settings).one("iam/role:Role", "role-traffic-reader").policy("assumeRolePolicy")
    assert len(policy["Statement"][0]["Principal"]["AWS"]) == 1


@pytest.mark.parametrize("name", ["a.bucket.of-ours", "n" * 63])
def test_buckets_that_exist_already_may_have_other_names(name: str) -> None:
    """The bucket with the state and the replica may have dots and 63 characters; the data bucket may not."""
    settings = full_settings()
    settings["preview"]["state_bucket"] = name
    settings["bucket"]["replica"]["bucket_arn"] = f"arn:aws:s3:::{name}"
    parse_settings(settings, stack="test")
    settings["bucket"]["name"] = name
    (problem,) = problems(settings)
    assert problem.startswith("bucket.name: must be 3 to 58 lower-case letters, digits and hyphens")
