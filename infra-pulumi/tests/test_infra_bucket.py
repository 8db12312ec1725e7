"""Every security property of the bucket, its key and its logs, as the program declares them."""

from __future__ import annotations

import pytest
from proof.example import ACCOUNT, BUCKET, KEY, example_settings
from proof.recording import Recording, run_program

BUCKETS = ["data", "logs"]


@pytest.mark.parametrize("name", BUCKETS)
@pytest.mark.parametrize("block", ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"])
def test_public_access_is_blocked(stack: Recording, name: str, block: str) -> None:
    """Each of the four public access blocks is on, for the data and for the logs."""
    blocks = stack.one("s3/bucketPublicAccessBlock:BucketPublicAccessBlock", f"{name}-public-access")
    assert blocks.inputs[block] is True


@pytest.mark.parametrize("name", BUCKETS)
def test_objects_belong_to_the_owner(stack: Recording, name: str) -> None:
    """ACLs are disabled: the owner of the bucket owns every object."""
    controls = stack.one("s3/bucketOwnershipControls:BucketOwnershipControls", f"{name}-ownership")
    assert controls.inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


@pytest.mark.parametrize("name", BUCKETS)
def test_versions_are_kept(stack: Recording, name: str) -> None:
    """Versioning is on, so that a deletion can be undone."""
    versioning = stack.one("s3/bucketVersioning:BucketVersioning", f"{name}-versioning")
    assert versioning.inputs["versioningConfiguration"] == {"status": "Enabled"}


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_are_not_destroyed_with_their_objects(stack: Recording, name: str) -> None:
    """`pulumi destroy` refuses to delete a bucket that is protected or contains objects."""
    bucket = stack.one("s3/bucket:Bucket", name)
    assert bucket.is_protected
    assert bucket.inputs["forceDestroy"] is False


def test_the_key_is_protected_and_rotates(stack: Recording) -> None:
    """Without the key all data is lost, so it is protected, has the longest waiting time, and rotates."""
    key = stack.one("kms/key:Key", "data-key")
    assert key.is_protected
    assert key.inputs["enableKeyRotation"] is True
    assert key.inputs["deletionWindowInDays"] == 30


def test_the_key_has_a_name(stack: Recording) -> None:
    """The alias of the key contains the name of the stack, so that admins can find it."""
    alias = stack.one("kms/alias:Alias", "data-key-alias").inputs
    assert (alias["name"], alias["targetKeyId"]) == ("alias/shrinkwrap-test", KEY.rpartition("/")[2])


def test_data_is_encrypted_with_our_key(stack: Recording) -> None:
    """Without an encryption header, objects get SSE-KMS with the stack's key and a bucket key; SSE-C is blocked."""
    encryption = stack.one(
        "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "data-encryption"
    )
    assert encryption.inputs["rules"] == [
        {
            "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY},
            "bucketKeyEnabled": True,
            "blockedEncryptionTypes": ["SSE-C"],
        }
    ]


def test_logs_are_encrypted_as_log_delivery_requires(stack: Recording) -> None:
    """S3 delivers access logs only to buckets that are encrypted with S3's own keys."""
    encryption = stack.one(
        "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "logs-encryption"
    )
    assert encryption.inputs["rules"] == [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]


def test_only_old_versions_expire(stack: Recording) -> None:
    """Noncurrent versions and unfinished uploads expire after the configured days; current objects never do."""
    (rule,) = stack.one("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "data-lifecycle").inputs[
        "rules"
    ]
    assert rule["status"] == "Enabled"
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 90}
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
    assert rule["expiration"] == {"expiredObjectDeleteMarker": True}


def test_logs_expire(stack: Recording) -> None:
    """Logs expire after the configured days; their old versions and unfinished uploads as in the data bucket."""
    (rule,) = stack.one("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "logs-lifecycle").inputs[
        "rules"
    ]
    assert (rule["status"], rule["expiration"]) == ("Enabled", {"days": 365})
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 90}
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}


def test_access_is_logged_to_the_second_bucket(stack: Recording) -> None:
    """Access logs are written to a separate bucket."""
    logging = stack.one("s3/bucketLogging:BucketLogging", "data-logging").inputs
    assert (logging["bucket"], logging["targetBucket"]) == (BUCKET, f"{BUCKET}-logs")
    assert logging["targetPrefix"] == "access/"


def test_every_object_request_is_in_the_trail(stack: Recording) -> None:
    """CloudTrail records reads and writes of the bucket's objects, in files whose alteration can be detected."""
    trail = stack.one("cloudtrail/trail:Trail", "data-trail").inputs
    assert trail["enableLogging"] is True
    assert trail["enableLogFileValidation"] is True
    assert trail["s3BucketName"] == f"{BUCKET}-logs"
    (selector,) = [each for each in trail["advancedEventSelectors"] if "object" in each["name"]]
    assert selector["fieldSelectors"] == [
        {"field": "eventCategory", "equals": ["Data"]},
        {"field": "resources.type", "equals": ["AWS::S3::Object"]},
        {"field": "resources.ARN", "startsWiths": [f"arn:aws:s3:::{BUCKET}/"]},
    ]


@pytest.mark.parametrize("name", BUCKETS)
def test_a_policy_waits_for_the_public_access_block(stack: Recording, name: str) -> None:
    """S3 refuses concurrent changes of one bucket, and the bucket must not be public at any moment."""
    policy = stack.one("s3/bucketPolicy:BucketPolicy", f"{name}-policy")
    assert any(urn.endswith(f"::{name}-public-access") for urn in policy.after)


def test_the_trail_waits_for_its_permission(stack: Recording) -> None:
    """CloudTrail and S3 check their write permission when they are set up, so the log bucket's policy comes first."""
    for kind, name in (("cloudtrail/trail:Trail", "data-trail"), ("s3/bucketLogging:BucketLogging", "data-logging")):
        assert any(urn.endswith("::logs-policy") for urn in stack.one(kind, name).after), name


def test_the_trail_in_the_log_policy_is_the_trail(stack: Recording) -> None:
    """The policy of the log bucket names the ARN that the trail will have."""
    trail = stack.one("cloudtrail/trail:Trail", "data-trail").inputs["name"]
    policy = stack.one("s3/bucketPolicy:BucketPolicy", "logs-policy").inputs["policy"]
    assert f"arn:aws:cloudtrail:eu-central-1:{ACCOUNT}:trail/{trail}" in policy


def test_the_budget_sends_mail(stack: Recording) -> None:
    """AWS sends mail at 80 % of the budget and at a forecast of 100 %, for the costs of storage, key and trail only."""
    budget = stack.one("budgets/budget:Budget", "monthly-budget").inputs
    assert (budget["limitAmount"], budget["limitUnit"], budget["timeUnit"]) == ("20", "USD", "MONTHLY")
    (costs,) = budget["costFilters"]
    assert costs == {
        "name": "Service",
        "values": ["AWS CloudTrail", "AWS Key Management Service", "Amazon Simple Storage Service"],
    }
    seen = [(n["notificationType"], n["threshold"], n["subscriberEmailAddresses"]) for n in budget["notifications"]]
    assert seen == [("ACTUAL", 80, ["admins@example.com"]), ("FORECASTED", 100, ["admins@example.com"])]


def test_object_lock_is_off_by_default(stack: Recording) -> None:
    """A lock cannot be undone."""
    assert stack.all("s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration") == []
    assert "objectLockEnabled" not in stack.one("s3/bucket:Bucket", "data").inputs


def test_object_lock_keeps_versions(full_stack: Recording) -> None:
    """If it is configured, the lock is on when the bucket is created, with the configured mode and days."""
    lock = full_stack.one("s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "data-object-lock")
    assert full_stack.one("s3/bucket:Bucket", "data").inputs["objectLockEnabled"] is True
    assert lock.inputs["rule"] == {"defaultRetention": {"mode": "GOVERNANCE", "days": 30}}


def test_the_replica_gets_no_deletions(full_stack: Recording) -> None:
    """Everything except deletions is copied, and encrypted with the replica's own key."""
    (rule,) = full_stack.one("s3/bucketReplicationConfig:BucketReplicationConfig", "data-replication").inputs["rules"]
    assert rule["deleteMarkerReplication"] == {"status": "Disabled"}
    assert rule["sourceSelectionCriteria"] == {"sseKmsEncryptedObjects": {"status": "Enabled"}}
    assert rule["destination"] == {
        "bucket": "arn:aws:s3:::acme-shrinkwrap-copy",
        "encryptionConfiguration": {
            "replicaKmsKeyId": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/99999999-2222-3333-4444-555555555555"
        },
    }


def test_every_resource_is_in_the_configured_account_and_region(stack: Recording) -> None:
    """All resources use one provider, which is bound to the account and region of the settings."""
    provider = stack.one("pulumi:providers:aws", "aws")
    assert provider.inputs["region"] == "eu-central-1"
    assert provider.inputs["allowedAccountIds"] == f'["{ACCOUNT}"]'
    for resource in stack.resources:
        if not resource.kind.startswith(("pulumi:", "shrinkwrap:")):
            assert "::aws::" in resource.provider, resource.name


def test_everything_belongs_to_a_component(stack: Recording) -> None:
    """The stack has three components, and every resource belongs to one of them."""
    parents = {resource.parent.rpartition("::")[2] for resource in stack.resources if "/" in resource.kind}
    assert parents == {"data-bucket", "data-access", "change-alarm"}


def test_outputs_have_what_the_project_needs(stack: Recording) -> None:
    """Bucket, region, prefixes, role ARNs and key ARN are outputs; only first passwords are secret."""
    assert stack.outputs["bucket"] == BUCKET
    assert stack.outputs["region"] == "eu-central-1"
    assert stack.outputs["prefixes"] == {"traffic": "traffic/", "climate": "climate/"}
    assert stack.outputs["key_arn"] == KEY
    assert stack.outputs["roles"]["traffic/reader"] == f"arn:aws:iam::{ACCOUNT}:role/shrinkwrap-test-traffic-reader"
    assert stack.secret_outputs == {"initial_passwords"}


def test_wrong_settings_declare_nothing() -> None:
    """All problems are in one message without a traceback, before any resource is declared."""
    settings = example_settings()
    settings["bucket"]["noncurrent_days"] = 0
    with pytest.raises(
        Exception, match=r"1 problem; nothing was changed:\n  shrinkwrap:settings\.bucket\.noncurrent_days"
    ):
        run_program(settings)
