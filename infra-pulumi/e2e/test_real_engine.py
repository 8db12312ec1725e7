"""The real program under the real engine: preview, up, a changed setting, refresh, destroy.

Each test leaves the stack as `example_settings` describes it; the last one destroys it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from proof.aws_in_memory import KINDS, Cloud
from proof.engine import Engine
from proof.example import ANALYSTS, BUCKET, PROVIDER, example_settings
from proof.recording import run_program

LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"


@pytest.fixture(scope="module")
def first_preview(engine: Engine, cloud: Cloud) -> dict[str, str]:
    """The changes that a preview of the new stack shows, before any resource exists."""
    changes = engine.changes()
    assert cloud.resources == {}
    return changes


@pytest.fixture(scope="module")
def stack(engine: Engine, first_preview: dict[str, str]) -> Engine:
    """The engine, after it has created the stack."""
    engine.run("up", "--stack=test", "--yes", "--skip-preview", "--non-interactive")
    return engine


@pytest.fixture
def restored_settings(stack: Engine) -> Iterator[None]:
    """Restore the settings and the stack after the test."""
    yield
    stack.configure(example_settings())
    stack.run("up", "--stack=test", "--yes", "--skip-preview", "--non-interactive")


def test_the_shipped_settings_are_refused_before_any_resource_is_created(engine: Engine, cloud: Cloud) -> None:
    """Each mistake is reported with its key path, and no resource is created."""
    engine.run("stack", "init", "dev")
    result = engine.run("preview", "--stack=dev", "--non-interactive", check=False)
    engine.run("stack", "rm", "dev", "--yes", "--preserve-config")
    assert result.returncode != 0
    assert "the settings of this stack have 3 problems; nothing was changed:" in result.stdout
    assert "shrinkwrap:settings.bucket.name: must be 3 to 58 lower-case letters" in result.stdout
    assert "Traceback" not in result.stdout
    assert cloud.resources == {}


def test_a_preview_creates_nothing(first_preview: dict[str, str]) -> None:
    """A preview reports that everything would be created, and creates nothing."""
    assert set(first_preview.values()) == {"create"}
    assert {"data", "logs", "data-key", "role-admin", "user-ada"} <= first_preview.keys()


def test_up_creates_what_the_mocks_recorded(stack: Engine, cloud: Cloud) -> None:
    """The engine creates a resource of the same type for each that the mocks recorded; one policy is compared."""
    recorded = [resource for resource in run_program(example_settings()).resources if f"aws:{resource.kind}" in KINDS]
    assert len(recorded) > 40
    assert sorted(kind for kind, _ in cloud.resources) == sorted(f"aws:{resource.kind}" for resource in recorded)
    policy = next(resource for resource in recorded if resource.name == "role-traffic-reader-policy").policy()
    created = cloud.resources["aws:iam/rolePolicy:RolePolicy", "shrinkwrap-test-traffic-reader:data"][0]["policy"]
    # Only the id of the key differs, because the mocks and the cloud in memory choose their own.
    assert {statement["Sid"] for statement in json.loads(created)["Statement"]} == {
        s["Sid"] for s in policy["Statement"]
    }


def test_outputs_are_what_the_project_needs(stack: Engine) -> None:
    """The outputs are bucket, region, prefixes, role ARNs and key ARN; first passwords only with `--show-secrets`."""
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
    """Neither the state nor the settings contain a first password in clear text."""
    files = [file for file in stack.project.parent.rglob("*") if file.is_file()]
    assert any(b'"urn:pulumi:test' in file.read_bytes() for file in files)
    assert [file for file in files if b"first-password-of" in file.read_bytes()] == []


def test_a_second_up_changes_nothing(stack: Engine, cloud: Cloud) -> None:
    """With the same settings, no resource changes."""
    before = len(cloud.calls)
    stack.run("up", "--stack=test", "--yes", "--non-interactive", "--expect-no-changes")
    assert cloud.calls[before:] == []


@pytest.mark.usefixtures("restored_settings")
def test_a_changed_setting_changes_only_its_resources(stack: Engine, cloud: Cloud) -> None:
    """A different number of days for old versions updates two lifecycle configurations in place, and nothing else."""
    settings = example_settings()
    settings["bucket"]["noncurrent_days"] = 30
    stack.configure(settings)
    assert stack.changes() == {"data-lifecycle": "update", "logs-lifecycle": "update"}
    before = len(cloud.calls)
    stack.run("up", "--stack=test", "--yes", "--skip-preview", "--non-interactive")
    assert sorted(cloud.calls[before:]) == ["update data-lifecycle", "update logs-lifecycle"]
    (rule,) = cloud.resources[LIFECYCLE, BUCKET][0]["rules"]
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 30}


@pytest.mark.usefixtures("restored_settings")
def test_adding_and_removing_a_person_is_one_line(stack: Engine, cloud: Cloud) -> None:
    """A new line creates a user with access to the role; without it, user, login and trust are removed."""
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


@pytest.mark.usefixtures("restored_settings")
def test_the_name_of_a_protected_bucket_cannot_be_changed(stack: Engine, cloud: Cloud) -> None:
    """A new name means a new bucket, and the engine refuses to replace the bucket with the data."""
    settings = example_settings()
    settings["bucket"]["name"] = "acme-elsewhere"
    stack.configure(settings)
    result = stack.run("up", "--stack=test", "--yes", "--skip-preview", "--non-interactive", check=False)
    assert result.returncode != 0
    assert "it is currently marked for protection" in result.stdout
    assert BUCKET in cloud.names("aws:s3/bucket:Bucket")


@pytest.fixture
def other_stack(stack: Engine, cloud: Cloud) -> Iterator[dict[str, Any]]:
    """A second stack in the same account, not created yet; yields its settings, and takes it down afterwards."""
    before = set(cloud.resources)
    settings = example_settings()
    settings["bucket"]["name"] = "acme-existing"
    settings["github_provider_arn"] = PROVIDER
    stack.configure(settings, stack="other")
    stack.run("stack", "init", "other")
    yield settings
    stack.run("state", "unprotect", "--all", "--yes", "--stack=other")
    stack.run("destroy", "--stack=other", "--yes", "--skip-preview", "--non-interactive")
    stack.run("stack", "rm", "other", "--yes")
    cloud.resources.pop(("aws:s3/bucket:Bucket", "acme-existing"), None)
    assert set(cloud.resources) == before


def test_an_existing_bucket_is_taken_over(stack: Engine, cloud: Cloud, other_stack: dict[str, Any]) -> None:
    """With `exists`, the bucket is imported and not created; without it, the next update changes nothing."""
    cloud.create("aws:s3/bucket:Bucket", {"bucket": "acme-existing", "forceDestroy": False})
    refused = stack.run("up", "--stack=other", "--yes", "--skip-preview", "--non-interactive", check=False)
    assert "EntityAlreadyExists: aws:s3/bucket:Bucket acme-existing" in refused.stdout
    other_stack["bucket"]["exists"] = True
    stack.configure(other_stack, stack="other")
    before = len(cloud.calls)
    stack.run("up", "--stack=other", "--yes", "--skip-preview", "--non-interactive")
    assert "create data" not in cloud.calls[before:]
    assert ("aws:s3/bucketPolicy:BucketPolicy", "acme-existing") in cloud.resources
    del other_stack["bucket"]["exists"]
    stack.configure(other_stack, stack="other")
    stack.run("up", "--stack=other", "--yes", "--non-interactive", "--expect-no-changes")


def test_the_state_moves_to_another_place(stack: Engine, cloud: Cloud, tmp_path: Path) -> None:
    """Exported, and imported into an empty place with the same passphrase, it needs no change and keeps the secrets."""
    stack.run("stack", "export", "--stack=test", f"--file={tmp_path}/state.json")
    assert "first-password-of" not in (tmp_path / "state.json").read_text()
    (tmp_path / "place").mkdir()
    elsewhere = replace(stack, environment={**stack.environment, "PULUMI_BACKEND_URL": f"file://{tmp_path}/place"})
    salt = (stack.project / "Pulumi.test.yaml").read_text("utf-8")
    assert "encryptionsalt:" in salt
    elsewhere.run("stack", "init", "test")
    assert (stack.project / "Pulumi.test.yaml").read_text("utf-8") == salt
    elsewhere.run("stack", "import", "--stack=test", f"--file={tmp_path}/state.json")
    before = len(cloud.calls)
    elsewhere.run("up", "--stack=test", "--yes", "--non-interactive", "--expect-no-changes")
    assert cloud.calls[before:] == []
    shown = json.loads(elsewhere.run("stack", "output", "--stack=test", "--json", "--show-secrets").stdout)
    assert shown["initial_passwords"]["ada"].startswith("first-password-of-shrinkwrap-test-ada")


def test_refresh_detects_manual_changes(stack: Engine, cloud: Cloud) -> None:
    """A refresh finds a setting that was changed in the console, and the next update restores it."""
    key = ("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", BUCKET)
    inputs, computed = cloud.resources[key]
    cloud.resources[key] = {**inputs, "blockPublicPolicy": False}, computed
    stack.run("refresh", "--stack=test", "--yes", "--skip-preview", "--non-interactive")
    assert stack.changes() == {"data-public-access": "update"}
    stack.run("up", "--stack=test", "--yes", "--skip-preview", "--non-interactive")
    assert cloud.resources[key][0]["blockPublicPolicy"] is True


@pytest.mark.usefixtures("restored_settings")
def test_a_team_with_an_identity_provider_needs_no_users(stack: Engine, cloud: Cloud) -> None:
    """Settings without IAM users remove all users and leave the bucket unchanged."""
    settings = example_settings()
    settings["people"] = {"analysts": {"roles": ["traffic/reader"], "principal": ANALYSTS}}
    stack.configure(settings)
    stack.run("up", "--stack=test", "--yes", "--skip-preview", "--non-interactive")
    assert cloud.names("aws:iam/user:User") == []
    assert cloud.names("aws:s3/bucket:Bucket") == [BUCKET, f"{BUCKET}-logs"]


def test_destroy_is_refused_until_the_stack_is_unprotected(stack: Engine, cloud: Cloud) -> None:
    """Buckets and key are protected; after they are unprotected explicitly, everything is destroyed."""
    before = dict(cloud.resources)
    refused = stack.run("destroy", "--stack=test", "--yes", "--non-interactive", check=False)
    assert refused.returncode != 0
    for name in ("data", "logs", "data-key"):
        assert f"::{name}' cannot be deleted" in refused.stdout.replace('"', "'"), name
    assert cloud.resources == before
    stack.run("state", "unprotect", "--stack=test", "--all", "--yes")
    stack.run("destroy", "--stack=test", "--yes", "--skip-preview", "--non-interactive")
    assert cloud.resources == {}
