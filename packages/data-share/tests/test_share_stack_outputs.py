"""Outputs of a stack, and what a remote needs of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data_share import DataShareError, FailedError, load_stack_outputs, read_stack_outputs

ROLE = "arn:aws:iam::111122223333:role/shrinkwrap-dev-"
OUTPUTS = {
    "bucket": "acme-data",
    "region": "eu-central-1",
    "prefixes": {"traffic": "traffic/", "climate": "climate/"},
    "roles": {
        "admin": f"{ROLE}admin",
        "break-glass": f"{ROLE}break-glass",
        "climate/reader": f"{ROLE}climate-reader",
        "traffic/ci-read": f"{ROLE}traffic-ci-read",
        "traffic/contributor": f"{ROLE}traffic-contributor",
        "traffic/steward": f"{ROLE}traffic-steward",
    },
    "initial_passwords": "[secret]",
}


def problem(text: str) -> str:
    with pytest.raises(DataShareError) as error:
        read_stack_outputs(text, source="o.json")
    assert error.value.exit_code == 2
    return str(error.value)


def test_the_url_is_bucket_and_prefix() -> None:
    """The URL has the form that DVC uses, without a slash at the end."""
    assert read_stack_outputs(json.dumps(OUTPUTS), source="o.json").url("traffic") == "s3://acme-data/traffic"


def test_users_have_no_roles_of_workflows() -> None:
    """Users may have a project's own roles and admin, but none that only a workflow can assume."""
    roles = read_stack_outputs(json.dumps(OUTPUTS), source="o.json").user_roles("traffic")
    assert list(roles) == ["admin", "traffic/contributor", "traffic/steward"]


def test_the_role_for_emergencies_must_be_named() -> None:
    """A profile that exists all the time invites its use; the role's sessions raise an alarm."""
    outputs = read_stack_outputs(json.dumps(OUTPUTS), source="o.json")
    assert outputs.user_roles("traffic", ["break-glass"]) == {"break-glass": f"{ROLE}break-glass"}


@pytest.mark.parametrize("name", ["steward", "traffic/steward"])
def test_a_role_can_be_named_with_or_without_its_project(name: str) -> None:
    """A role means that of the chosen project, with or without the project's name."""
    roles = read_stack_outputs(json.dumps(OUTPUTS), source="o.json").user_roles("traffic", [name, name])
    assert roles == {"traffic/steward": f"{ROLE}traffic-steward"}


def test_an_unknown_role_is_refused() -> None:
    """The error for an unknown role has the nearest and all known roles."""
    with pytest.raises(DataShareError) as error:
        read_stack_outputs(json.dumps(OUTPUTS), source="o.json").user_roles("traffic", ["traffic/contributer"])
    assert str(error.value) == (
        "o.json: unknown role 'traffic/contributer'; did you mean 'traffic/contributor'?"
        " Known roles: admin, break-glass, traffic/contributor, traffic/steward"
    )


def test_the_only_project_needs_no_name() -> None:
    """One of several projects must be named; an unknown one is an error."""
    outputs = read_stack_outputs(json.dumps(OUTPUTS), source="o.json")
    with pytest.raises(DataShareError, match=r"o\.json: has several projects; name one of climate, traffic with"):
        outputs.project()
    with pytest.raises(DataShareError, match=r"unknown project 'trafic'; did you mean 'traffic'"):
        outputs.project("trafic")
    assert read_stack_outputs(json.dumps({**OUTPUTS, "prefixes": {"x": "x/"}}), source="o.json").project() == "x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "o.json: is not JSON (Expecting value: line 1 column 1 (char 0))"),
        ("[]", "o.json: is not a JSON object"),
        ('{"outputs": 1}', "o.json: has no `bucket`; it has outputs"),
        ("{}", "o.json: has no `bucket`; it has no key"),
    ],
)
def test_other_files_are_refused(text: str, message: str) -> None:
    """The error for another document has the keys that it has."""
    assert problem(text) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"region": 7}, "o.json: `region` is 7, which is not valid"),
        ({"bucket": "a\n[default]"}, "o.json: `bucket` is 'a\\n[default]', which is not valid"),
        ({"prefixes": {}}, "o.json: has no projects (`prefixes` is empty)"),
        ({"prefixes": "x"}, "o.json: `prefixes` is not a table"),
        ({"roles": {"a": "arn:aws:iam::1:user/x"}}, "o.json: `roles.a` is 'arn:aws:iam::1:user/x', which is not valid"),
        ({"roles": {"a": f"{ROLE}x\n[y]"}}, f"o.json: `roles.a` is '{ROLE}x\\n[y]', which is not valid"),
    ],
)
def test_invalid_values_are_refused(change: dict[str, Any], message: str) -> None:
    """Values become lines of settings files, so a value with a line break is refused."""
    assert problem(json.dumps({**OUTPUTS, **change})).startswith(message)


def test_a_missing_file_of_outputs_is_an_error(tmp_path: Path) -> None:
    """A file that cannot be read has exit code 1."""
    with pytest.raises(FailedError, match=r"nowhere\.json cannot be read: ") as caught:
        load_stack_outputs(tmp_path / "nowhere.json")
    assert caught.value.exit_code == 1
