"""The real program under the real engine: preview, up, a changed setting, refresh, destroy.

Each test leaves the stack as the settings of `example_settings` describe it; the last one takes it down.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from proof.aws_in_memory import KINDS, Cloud
from proof.engine import Engine
from proof.example import ANALYSTS, BUCKET, example_settings
from proof.recording import run_program

LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"


@pytest.fixture(scope="module")
def first_preview(engine: Engine, cloud: Cloud) -> dict[str, str]:
    """What a preview of the new stack says, before anything is made."""
    changes = engine.changes()
    assert cloud.resources == {}
    return changes


@pytest.fixture(scope="module")
def stack(engine: Engine, first_preview: dict[str, str]) -> Engine:
    """The engine with the stack made."""
    engine.run("up", "--stack=test", "--yes", "--skip-preview", "--non-interactive")
    return engine


@pytest.fixture
def settings_again(stack: Engine) -> Iterator[None]:
    """Puts the settings back, and the stack."""
    yield
    stack.configure(example_settings())
    stack.run("up", "--stack=test", "--yes", "--skip-preview", "--non-interactive")


def test_the_settings_as_shipped_are_refused_before_anything_is_made(engine: Engine, cloud: Cloud) -> None:
    """Each mistake is told with its place; no resource is asked for."""
    engine.run("stack", "init", "dev")
    answer = engine.run("preview", "--stack=dev", "--non-interactive", check=False)
    engine.run("stack", "rm", "dev", "--yes", "--preserve-config")
    assert answer.returncode != 0
    assert "the settings of this stack have 1 problem; nothing was made:" in answer.stdout
    assert "shrinkwrap:settings.bucket.name: must be 3 to 58 lower-case letters" in answer.stdout
    assert "Traceback" not in answer.stdout
    assert cloud.resources == {}


def test_a_preview_makes_nothing(first_preview: dict[str, str]) -> None:
    """It says that everything would be created, and creates nothing."""
    assert set(first_preview.values()) == {"create"}
    assert {"data", "logs", "data-key", "role-admin", "user-ada"} <= first_preview.keys()


def test_up_makes_what_the_mocks_recorded(stack: Engine, cloud: Cloud) -> None:
    """The engine made each resource that the program asks for under the mocks, with the inputs that the mocks saw."""
    recorded = [made for made in run_program(example_settings()).resources if f"aws:{made.kind}" in KINDS]
    assert len(recorded) > 40
    assert sorted(kind for kind, _ in cloud.resources) == sorted(f"aws:{made.kind}" for made in recorded)
    policy = next(made for made in recorded if made.name == "role-traffic-reader-policy").policy()
    made = cloud.resources["aws:iam/rolePolicy:RolePolicy", "shrinkwrap-test-traffic-reader:data"][0]["policy"]
    # Only the key's number differs: the mocks and the cloud in memory each give their own.
    assert {statement["Sid"] for statement in json.loads(made)["Statement"]} == {s["Sid"] for s in policy["Statement"]}


def test_outputs_are_what_the_project_needs(stack: Engine) -> None:
    """Bucket, region, prefixes, role ARNs, key ARN; first passwords only to those who ask for secrets."""
    outputs = json.loads(stack.run("stack", "output", "--stack=test", "--json").stdout)
    assert outputs["bucket"] == BUCKET
    assert outputs["region"] == "eu-central-1"
    assert outputs["prefixes"] == {"climate": "climate/", "traffic": "traffic/"}
    assert outputs["roles"]["traffic/steward"].endswith(":role/shrinkwrap-test-traffic-steward")
    assert outputs["key_arn"].startswith("arn:aws:kms:eu-central-1:111122223333:key/")
    assert "first-password" not in json.dumps(outputs)
    shown = json.loads(stack.run("stack", "output", "--stack=test", "--json", "--show-secrets").stdout)
    assert shown["initial_passwords"]["ada"].startswith("first-password-of-shrinkwrap-test-ada")


def test_passwords_are_encrypted_in_the_state(stack: Engine) -> None:
    """Neither the state nor the settings hold a first password in clear text."""
    files = [file for file in stack.project.parent.rglob("*") if file.is_file()]
    assert any(b'"urn:pulumi:test' in file.read_bytes() for file in files)
    assert [file for file in files if b"first-password-of" in file.read_bytes()] == []


def test_a_second_up_changes_nothing(stack: Engine, cloud: Cloud) -> None:
    """The same settings give the same stack: no resource is touched."""
    before = len(cloud.calls)
    stack.run("up", "--stack=test", "--yes", "--non-interactive", "--expect-no-changes")
    assert cloud.calls[before:] == []


@pytest.mark.usefixtures("settings_again")
def test_a_changed_setting_changes_what_is_meant(stack: Engine, cloud: Cloud) -> None:
    """Other days for old versions: two lifecycle configurations are updated in place, and nothing else."""
    settings = example_settings()
    settings["bucket"]["noncurrent_days"] = 30
    stack.configure(settings)
    assert stack.changes() == {"data-lifecycle": "update", "logs-lifecycle": "update"}
    before = len(cloud.calls)
    stack.run("up", "--stack=test", "--yes", "--skip-preview", "--non-interactive")
    assert sorted(cloud.calls[before:]) == ["update data-lifecycle", "update logs-lifecycle"]
    (rule,) = cloud.resources[LIFECYCLE, BUCKET][0]["rules"]
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 30}


@pytest.mark.usefixtures("settings_again")
def test_joining_and_leaving_is_one_line(stack: Engine, cloud: Cloud) -> None:
    """A new line makes one person and lets them into their role; without it, user, login and trust are gone."""
    settings = example_settings()
    settings["people"]["edsger"] = {"roles": ["traffic/contributor"]}
    stack.configure(settings)
    assert stack.changes() == {
        "role-traffic-contributor": "update",
        "user-edsger": "create",
        "user-edsger-login": "create",
        "user-edsger-roles": "create",
        "user-edsger-self-service": "create",
    }
    stack.run("up", "--stack=test", "--yes", "--skip-preview", "--non-interactive")
    trust = cloud.resources["aws:iam/role:Role", "shrinkwrap-test-traffic-contributor"][0]["assumeRolePolicy"]
    assert "user/shrinkwrap-test-edsger" in trust
    stack.configure(example_settings())
    stack.run("up", "--stack=test", "--yes", "--skip-preview", "--non-interactive")
    assert [key for key in cloud.resources if "edsger" in key[1]] == []


@pytest.mark.usefixtures("settings_again")
def test_the_name_of_a_protected_bucket_cannot_be_changed(stack: Engine, cloud: Cloud) -> None:
    """Another name would be another bucket; the engine refuses to replace the one with the data."""
    settings = example_settings()
    settings["bucket"]["name"] = "acme-elsewhere"
    stack.configure(settings)
    answer = stack.run("up", "--stack=test", "--yes", "--skip-preview", "--non-interactive", check=False)
    assert answer.returncode != 0
    assert "it is currently marked for protection" in answer.stdout
    assert BUCKET in cloud.names("aws:s3/bucket:Bucket")


def test_refresh_sees_what_somebody_changed_by_hand(stack: Engine, cloud: Cloud) -> None:
    """A setting that was changed in the console is found by refresh, and put right by the next up."""
    key = ("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", BUCKET)
    inputs, computed = cloud.resources[key]
    cloud.resources[key] = {**inputs, "blockPublicPolicy": False}, computed
    stack.run("refresh", "--stack=test", "--yes", "--skip-preview", "--non-interactive")
    assert stack.changes() == {"data-public-access": "update"}
    stack.run("up", "--stack=test", "--yes", "--skip-preview", "--non-interactive")
    assert cloud.resources[key][0]["blockPublicPolicy"] is True


@pytest.mark.usefixtures("settings_again")
def test_a_team_with_an_identity_provider_needs_no_users(stack: Engine, cloud: Cloud) -> None:
    """Settings without users take all users down, and leave the bucket alone."""
    settings = example_settings()
    settings["people"] = {"analysts": {"roles": ["traffic/reader"], "principal": ANALYSTS}}
    stack.configure(settings)
    stack.run("up", "--stack=test", "--yes", "--skip-preview", "--non-interactive")
    assert cloud.names("aws:iam/user:User") == []
    assert cloud.names("aws:s3/bucket:Bucket") == [BUCKET, f"{BUCKET}-logs"]


def test_destroy_is_refused_until_the_stack_is_unprotected(stack: Engine, cloud: Cloud) -> None:
    """Buckets and key are protected; unprotected on purpose, everything goes."""
    there = dict(cloud.resources)
    refused = stack.run("destroy", "--stack=test", "--yes", "--non-interactive", check=False)
    assert refused.returncode != 0
    for name in ("data", "logs", "data-key"):
        assert f"::{name}' cannot be deleted" in refused.stdout.replace('"', "'"), name
    assert cloud.resources == there
    stack.run("state", "unprotect", "--stack=test", "--all", "--yes")
    stack.run("destroy", "--stack=test", "--yes", "--skip-preview", "--non-interactive")
    assert cloud.resources == {}
