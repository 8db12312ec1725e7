"""What a stack says of itself, and what is made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from data_share.errors import StackOutputsError
from data_share.stack_outputs import read_outputs

ROLE = "arn:aws:iam::111122223333:role/shrinkwrap-dev-"
OUTPUTS = {
    "bucket": "acme-data",
    "region": "eu-central-1",
    "prefixes": {"traffic": "traffic/", "climate": "climate/"},
    "roles": {
        "admin": f"{ROLE}admin",
        "climate/reader": f"{ROLE}climate-reader",
        "traffic/ci-read": f"{ROLE}traffic-ci-read",
        "traffic/contributor": f"{ROLE}traffic-contributor",
        "traffic/steward": f"{ROLE}traffic-steward",
    },
    "initial_passwords": "[secret]",
}


def problem(text: str) -> str:
    with pytest.raises(StackOutputsError) as error:
        read_outputs(text, source="o.json")
    assert error.value.exit_code == 2
    return str(error.value)


def test_the_url_is_bucket_and_prefix() -> None:
    """DVC's form, without a slash at the end."""
    assert read_outputs(json.dumps(OUTPUTS), source="o.json").url("traffic") == "s3://acme-data/traffic"


def test_people_have_no_roles_of_workflows() -> None:
    """A project's own roles and admin, but none that only a workflow can assume."""
    roles = read_outputs(json.dumps(OUTPUTS), source="o.json").people_roles("traffic")
    assert list(roles) == ["admin", "traffic/contributor", "traffic/steward"]


@pytest.mark.parametrize("name", ["steward", "traffic/steward"])
def test_a_role_can_be_named_with_or_without_its_project(name: str) -> None:
    """Both mean the role of the chosen project."""
    roles = read_outputs(json.dumps(OUTPUTS), source="o.json").people_roles("traffic", [name, name])
    assert roles == {"traffic/steward": f"{ROLE}traffic-steward"}


def test_an_unknown_role_is_told_with_the_nearest() -> None:
    """And with what there is."""
    with pytest.raises(StackOutputsError) as error:
        read_outputs(json.dumps(OUTPUTS), source="o.json").people_roles("traffic", ["traffic/contributer"])
    assert str(error.value) == (
        "o.json: there is no role 'traffic/contributer'; did you mean 'traffic/contributor'?"
        " There is: admin, traffic/contributor, traffic/steward"
    )


def test_the_only_project_needs_no_name() -> None:
    """With several, one must be named; an unknown one is told."""
    outputs = read_outputs(json.dumps(OUTPUTS), source="o.json")
    with pytest.raises(StackOutputsError, match=r"o\.json: has several projects; name one of climate, traffic with"):
        outputs.project()
    with pytest.raises(StackOutputsError, match=r"there is no project 'trafic'; did you mean 'traffic'"):
        outputs.project("trafic")
    assert read_outputs(json.dumps({**OUTPUTS, "prefixes": {"x": "x/"}}), source="o.json").project() == "x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "o.json: is no JSON (Expecting value: line 1 column 1 (char 0))"),
        ("[]", "o.json: is no JSON object"),
        ('{"outputs": 1}', "o.json: has no `bucket`; it has outputs"),
        ("{}", "o.json: has no `bucket`; it has nothing"),
    ],
)
def test_other_files_are_refused(text: str, message: str) -> None:
    """What is not the JSON of infra.outputs is told, with what it has."""
    assert problem(text) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"region": 7}, "o.json: `region` is 7, which cannot be"),
        ({"bucket": "a\n[default]"}, "o.json: `bucket` is 'a\\n[default]', which cannot be"),
        ({"prefixes": {}}, "o.json: has no projects (`prefixes` is empty)"),
        ({"prefixes": "x"}, "o.json: `prefixes` is no table"),
        ({"roles": {"a": "arn:aws:iam::1:user/x"}}, "o.json: `roles.a` is 'arn:aws:iam::1:user/x', which cannot be"),
        ({"roles": {"a": f"{ROLE}x\n[y]"}}, f"o.json: `roles.a` is '{ROLE}x\\n[y]', which cannot be"),
    ],
)
def test_values_that_cannot_be_are_refused(change: dict[str, Any], message: str) -> None:
    """They become lines of settings files, so none may be more than a line."""
    assert problem(json.dumps({**OUTPUTS, **change})).startswith(message)
