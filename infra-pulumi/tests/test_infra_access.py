"""Every security property of the roles, users and workflows that the program declares."""

from __future__ import annotations

import json

import pytest
from proof.example import ACCOUNT, ANALYSTS, PROVIDER, example_settings
from proof.recording import Recording, run_program


def test_only_assigned_roles_are_created(stack: Recording) -> None:
    """A role without a person is not created; workflows get roles if their project names a repository."""
    assert sorted(resource.name for resource in stack.all("iam/role:Role")) == [
        "role-admin",
        "role-break-glass",
        "role-ci-preview",
        "role-climate-contributor",
        "role-traffic-ci-publish",
        "role-traffic-ci-read",
        "role-traffic-contributor",
        "role-traffic-reader",
        "role-traffic-steward",
    ]


def test_no_access_keys_anywhere(stack: Recording, full_stack: Recording) -> None:
    """No resource is a static access key."""
    for recording in (stack, full_stack):
        assert [resource.kind for resource in recording.resources if "accessKey" in resource.kind] == []


def test_every_user_has_the_boundary(stack: Recording) -> None:
    """The boundary limits a user's permissions, whatever policy is attached later."""
    users = stack.all("iam/user:User")
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/shrinkwrap-test-user-boundary"
    assert [user.name for user in users] == ["user-ada", "user-grace", "user-linus"]
    assert {user.inputs["permissionsBoundary"] for user in users} == {boundary}


def test_first_passwords_must_be_changed(stack: Recording) -> None:
    """A first password is long and must be changed at the first login."""
    logins = stack.all("iam/userLoginProfile:UserLoginProfile")
    assert len(logins) == 3
    assert all(login.inputs["passwordResetRequired"] is True for login in logins)
    assert all(login.inputs["passwordLength"] >= 20 for login in logins)


def test_first_passwords_are_secret(stack: Recording) -> None:
    """First passwords are secret in the state and in the outputs; with a PGP key, only its owner can read them."""
    for login in stack.all("iam/userLoginProfile:UserLoginProfile"):
        assert "password" in login.secret_outputs
    assert stack.outputs["initial_passwords"] == {"ada": "first-password", "grace": "wcBMA", "linus": "first-password"}


def test_a_changed_password_is_not_reset(stack: Recording) -> None:
    """An update does not treat a password that the user changed as a difference to undo."""
    for login in stack.all("iam/userLoginProfile:UserLoginProfile"):
        assert "password_reset_required" in login.ignored_changes or "passwordResetRequired" in login.ignored_changes


def test_a_user_may_assume_only_the_assigned_roles(stack: Recording) -> None:
    """Ada's entry in the settings has one role, and her policy has the same one."""
    (statement,) = stack.one("iam/userPolicy:UserPolicy", "user-ada-roles").policy()["Statement"]
    assert statement["Resource"] == [f"arn:aws:iam::{ACCOUNT}:role/shrinkwrap-test-traffic-contributor"]
    assert statement["Action"] == ["sts:AssumeRole"]
    assert statement["Condition"] == {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def test_a_principal_needs_no_user(stack: Recording) -> None:
    """The role of an identity provider is trusted directly; the provider is responsible for MFA."""
    (statement,) = stack.one("iam/role:Role", "role-traffic-reader").policy("assumeRolePolicy")["Statement"]
    assert statement["Principal"] == {"AWS": [ANALYSTS]}
    assert "analysts" not in json.dumps([user.inputs for user in stack.all("iam/user:User")])


def test_users_exist_before_roles_trust_them(stack: Recording) -> None:
    """IAM refuses a trust policy that names a user who does not exist."""
    assert any(urn.endswith("::user-ada") for urn in stack.one("iam/role:Role", "role-traffic-contributor").after)


def test_admin_sessions_are_short(stack: Recording) -> None:
    """Sessions last an hour for settings and a working day for data."""
    lengths = {resource.name: resource.inputs["maxSessionDuration"] for resource in stack.all("iam/role:Role")}
    short = ("role-admin", "role-break-glass", "role-ci-preview")
    assert [lengths.pop(name) for name in short] == [3600, 3600, 3600]
    assert set(lengths.values()) == {8 * 3600}


def test_removing_a_person_is_one_line(stack: Recording) -> None:
    """Without an entry in the settings, a person has no user, no login and no place in any trust policy."""
    settings = example_settings()
    del settings["people"]["ada"]
    without_ada = run_program(settings)
    assert "user-ada" in {resource.name for resource in stack.resources}
    assert [resource.name for resource in without_ada.resources if "ada" in resource.name] == []
    assert "shrinkwrap-test-ada" not in json.dumps([resource.inputs for resource in without_ada.resources])


def test_a_user_can_be_removed_with_their_mfa_device(stack: Recording) -> None:
    """Otherwise removing a person who has set up MFA would fail."""
    assert all(user.inputs["forceDestroy"] is True for user in stack.all("iam/user:User"))


def test_the_github_provider_is_created_once(stack: Recording, full_stack: Recording) -> None:
    """The stack has one provider with one audience, and none if the account already has a provider."""
    provider = stack.one("iam/openIdConnectProvider:OpenIdConnectProvider", "github")
    assert provider.inputs["url"] == "https://token.actions.githubusercontent.com"
    assert provider.inputs["clientIdLists"] == ["sts.amazonaws.com"]
    assert full_stack.all("iam/openIdConnectProvider:OpenIdConnectProvider") == []


@pytest.mark.parametrize(
    ("role", "subject"),
    [
        ("role-traffic-ci-read", "repo:acme@1001/shrinkwrap@2002:environment:data-read"),
        ("role-traffic-ci-publish", "repo:acme@1001/shrinkwrap@2002:ref:refs/heads/main"),
        (
            "role-ci-preview",
            [
                "repo:acme@1001/shrinkwrap@2002:environment:infra-preview",
                "repo:acme@1001/shrinkwrap@2002:environment:infra-plan",
            ],
        ),
    ],
)
def test_workflow_roles_are_bound_to_one_subject(stack: Recording, role: str, subject: str | list[str]) -> None:
    """Reading requires the repository and environment, publishing the main branch; subjects are compared completely."""
    (statement,) = stack.one("iam/role:Role", role).policy("assumeRolePolicy")["Statement"]
    assert statement == {
        "Sid": "Workflow",
        "Effect": "Allow",
        "Principal": {"Federated": PROVIDER},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": subject,
            }
        },
    }


@pytest.mark.parametrize(("workflow", "person"), [("ci-read", "reader"), ("ci-publish", "contributor")])
def test_workflows_may_do_what_people_may(stack: Recording, workflow: str, person: str) -> None:
    """Workflows that read have the reader's policy; workflows that publish have the contributor's."""
    policies = [stack.one("iam/rolePolicy:RolePolicy", f"role-traffic-{kind}-policy") for kind in (workflow, person)]
    assert policies[0].policy() == policies[1].policy()


def test_a_stack_without_users_has_no_user_policies() -> None:
    """A team with an identity provider gets no IAM users and none of their policies."""
    settings = example_settings()
    settings["people"] = {"analysts": {"roles": ["traffic/reader"], "principal": ANALYSTS}}
    kinds = {resource.kind for resource in run_program(settings).resources}
    assert not {"iam/user:User", "iam/policy:Policy", "iam/userLoginProfile:UserLoginProfile"} & kinds


def test_the_preview_role_exists_only_if_previews_are_configured() -> None:
    """Without the setting `preview` the role is not created; without a state bucket it may read no state."""
    settings = example_settings()
    settings["preview"].pop("state_bucket")
    with_folder = run_program(settings)
    policy = with_folder.one("iam/rolePolicy:RolePolicy", "role-ci-preview-policy").policy()
    assert not {"ListState", "ReadState"} & {statement["Sid"] for statement in policy["Statement"]}
    del settings["preview"]
    assert "role-ci-preview" not in {resource.name for resource in run_program(settings).resources}


def test_previews_need_the_github_provider() -> None:
    """The provider is created for previews even if no project has workflows."""
    settings = example_settings()
    del settings["projects"]["traffic"]["github"]
    recording = run_program(settings)
    assert len(recording.all("iam/openIdConnectProvider:OpenIdConnectProvider")) == 1
    assert [resource.name for resource in recording.all("iam/role:Role") if "ci" in resource.name.split("-")] == [
        "role-ci-preview"
    ]


def test_the_preview_role_is_read_only(stack: Recording) -> None:
    """Every action begins with Get, List, Describe or View; the only readable objects are Pulumi's state."""
    policy = stack.one("iam/rolePolicy:RolePolicy", "role-ci-preview-policy").policy()
    for statement in policy["Statement"]:
        for action in statement["Action"]:
            assert action.partition(":")[2].startswith(("Describe", "Get", "List", "View")), action
            if action == "s3:GetObject":
                assert statement["Resource"] == ["arn:aws:s3:::acme-pulumi-state/.pulumi/*"]
