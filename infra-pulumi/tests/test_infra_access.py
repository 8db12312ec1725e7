"""Every security property of roles, people and workflows, as the whole program asks for them."""

from __future__ import annotations

import json

import pytest
from proof.example import ACCOUNT, ANALYSTS, PROVIDER, example_settings
from proof.recording import Recording, run_program


def test_roles_are_exactly_those_somebody_holds(stack: Recording) -> None:
    """A role that nobody may assume is not made; workflows get theirs where a project names a repository."""
    assert sorted(made.name for made in stack.all("iam/role:Role")) == [
        "role-admin",
        "role-ci-preview",
        "role-climate-contributor",
        "role-traffic-ci-publish",
        "role-traffic-ci-read",
        "role-traffic-contributor",
        "role-traffic-reader",
        "role-traffic-steward",
    ]


def test_no_access_keys_anywhere(stack: Recording, full_stack: Recording) -> None:
    """No resource is a static key."""
    for recording in (stack, full_stack):
        assert [made.kind for made in recording.resources if "accessKey" in made.kind] == []


def test_every_user_has_the_boundary(stack: Recording) -> None:
    """Whatever is attached to a user later, the boundary caps it."""
    users = stack.all("iam/user:User")
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/shrinkwrap-test-user-boundary"
    assert [user.name for user in users] == ["user-ada", "user-grace", "user-linus"]
    assert {user.inputs["permissionsBoundary"] for user in users} == {boundary}


def test_first_passwords_must_be_changed(stack: Recording) -> None:
    """A first password is long and works once."""
    logins = stack.all("iam/userLoginProfile:UserLoginProfile")
    assert len(logins) == 3
    assert all(login.inputs["passwordResetRequired"] is True for login in logins)
    assert all(login.inputs["passwordLength"] >= 20 for login in logins)


def test_first_passwords_are_secret(stack: Recording) -> None:
    """They are secret in the state and in the outputs; with a PGP key, only its holder can read it."""
    for login in stack.all("iam/userLoginProfile:UserLoginProfile"):
        assert "password" in login.secret_outputs
    assert stack.outputs["initial_passwords"] == {"ada": "first-password", "grace": "wcBMA", "linus": "first-password"}


def test_a_changed_password_is_not_reset(stack: Recording) -> None:
    """That a person changed the password is no difference that an update would undo."""
    for login in stack.all("iam/userLoginProfile:UserLoginProfile"):
        assert "password_reset_required" in login.ignored_changes or "passwordResetRequired" in login.ignored_changes


def test_a_user_may_assume_only_the_roles_of_their_line(stack: Recording) -> None:
    """Ada's line has one role, and so has her policy."""
    (statement,) = stack.one("iam/userPolicy:UserPolicy", "user-ada-roles").policy()["Statement"]
    assert statement["Resource"] == [f"arn:aws:iam::{ACCOUNT}:role/shrinkwrap-test-traffic-contributor"]
    assert statement["Action"] == ["sts:AssumeRole"]
    assert statement["Condition"] == {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def test_a_principal_makes_no_user(stack: Recording) -> None:
    """The role of an identity provider is trusted as it is; its MFA is the provider's duty."""
    (statement,) = stack.one("iam/role:Role", "role-traffic-reader").policy("assumeRolePolicy")["Statement"]
    assert statement["Principal"] == {"AWS": [ANALYSTS]}
    assert "analysts" not in json.dumps([user.inputs for user in stack.all("iam/user:User")])


def test_users_exist_before_roles_trust_them(stack: Recording) -> None:
    """IAM refuses a trust policy that names nobody."""
    assert any(urn.endswith("::user-ada") for urn in stack.one("iam/role:Role", "role-traffic-contributor").after)


def test_admin_sessions_are_short(stack: Recording) -> None:
    """An hour for settings, a working day for data."""
    lengths = {made.name: made.inputs["maxSessionDuration"] for made in stack.all("iam/role:Role")}
    assert (lengths.pop("role-admin"), lengths.pop("role-ci-preview")) == (3600, 3600)
    assert set(lengths.values()) == {8 * 3600}


def test_leaving_is_one_line(stack: Recording) -> None:
    """Without their line, a person has no user, no login and no place in any trust policy."""
    settings = example_settings()
    del settings["people"]["ada"]
    left = run_program(settings)
    assert "user-ada" in {made.name for made in stack.resources}
    assert [made.name for made in left.resources if "ada" in made.name] == []
    assert "shrinkwrap-test-ada" not in json.dumps([made.inputs for made in left.resources])


def test_a_user_can_be_removed_with_their_mfa_device(stack: Recording) -> None:
    """Else removing the line of somebody who set up MFA would fail."""
    assert all(user.inputs["forceDestroy"] is True for user in stack.all("iam/user:User"))


def test_the_github_provider_is_made_once(stack: Recording, full_stack: Recording) -> None:
    """One provider with the one audience; none if the account has it already."""
    provider = stack.one("iam/openIdConnectProvider:OpenIdConnectProvider", "github")
    assert provider.inputs["url"] == "https://token.actions.githubusercontent.com"
    assert provider.inputs["clientIdLists"] == ["sts.amazonaws.com"]
    assert full_stack.all("iam/openIdConnectProvider:OpenIdConnectProvider") == []


@pytest.mark.parametrize(
    ("role", "subject"),
    [
        ("role-traffic-ci-read", "repo:acme/shrinkwrap:environment:data-read"),
        ("role-traffic-ci-publish", "repo:acme/shrinkwrap:ref:refs/heads/main"),
        ("role-ci-preview", "repo:acme/shrinkwrap:environment:infra-preview"),
    ],
)
def test_workflow_roles_are_bound_to_one_subject(stack: Recording, role: str, subject: str) -> None:
    """Reading is bound to repository and environment, publishing to the main branch; compared whole, not by pattern."""
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
    """A workflow reads like a reader and publishes like a contributor, even where the bucket would deny more."""
    policies = [stack.one("iam/rolePolicy:RolePolicy", f"role-traffic-{kind}-policy") for kind in (workflow, person)]
    assert policies[0].policy() == policies[1].policy()


def test_a_stack_without_users_has_no_user_policies() -> None:
    """A team with an identity provider gets no IAM users and nothing made for them."""
    settings = example_settings()
    settings["people"] = {"analysts": {"roles": ["traffic/reader"], "principal": ANALYSTS}}
    kinds = {made.kind for made in run_program(settings).resources}
    assert not {"iam/user:User", "iam/policy:Policy", "iam/userLoginProfile:UserLoginProfile"} & kinds


def test_without_previews_there_is_no_role_for_them() -> None:
    """The role is made only where the settings say where previews run; with its state elsewhere, it reads no bucket."""
    settings = example_settings()
    settings["preview"].pop("state_bucket")
    with_folder = run_program(settings)
    policy = with_folder.one("iam/rolePolicy:RolePolicy", "role-ci-preview-policy").policy()
    assert not {"ListState", "ReadState"} & {statement["Sid"] for statement in policy["Statement"]}
    del settings["preview"]
    assert "role-ci-preview" not in {made.name for made in run_program(settings).resources}


def test_previews_alone_need_the_provider_too() -> None:
    """A stack whose projects have no workflows still has the provider for its own."""
    settings = example_settings()
    del settings["projects"]["traffic"]["github"]
    recording = run_program(settings)
    assert len(recording.all("iam/openIdConnectProvider:OpenIdConnectProvider")) == 1
    assert [made.name for made in recording.all("iam/role:Role") if "ci" in made.name.split("-")] == ["role-ci-preview"]


def test_the_role_for_previews_only_looks(stack: Recording) -> None:
    """Every action begins with Get, List, Describe or View; of objects, only Pulumi's state is read."""
    policy = stack.one("iam/rolePolicy:RolePolicy", "role-ci-preview-policy").policy()
    for statement in policy["Statement"]:
        for action in statement["Action"]:
            assert action.partition(":")[2].startswith(("Describe", "Get", "List", "View")), action
            if action == "s3:GetObject":
                assert statement["Resource"] == ["arn:aws:s3:::acme-pulumi-state/.pulumi/*"]
