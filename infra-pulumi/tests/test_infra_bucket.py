"""Every security property of the bucket, its key and its logs, as the whole program asks for them."""

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
    """ACLs are off: the bucket's owner owns every object."""
    controls = stack.one("s3/bucketOwnershipControls:BucketOwnershipControls", f"{name}-ownership")
    assert controls.inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


@pytest.mark.parametrize("name", BUCKETS)
def test_versions_are_kept(stack: Recording, name: str) -> None:
    """Versioning is on, so that a deletion can be undone."""
    versioning = stack.one("s3/bucketVersioning:BucketVersioning", f"{name}-versioning")
    assert versioning.inputs["versioningConfiguration"] == {"status": "Enabled"}


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_are_not_destroyed_with_their_objects(stack: Recording, name: str) -> None:
    """`pulumi destroy` refuses a bucket that is protected, and one that holds objects."""
    bucket = stack.one("s3/bucket:Bucket", name)
    assert bucket.is_protected
    assert bucket.inputs["forceDestroy"] is False


def test_the_key_is_protected_and_rotates(stack: Recording) -> None:
    """Without the key all data is lost: it is protected, has the longest waiting time, and rotates."""
    key = stack.one("kms/key:Key", "data-key")
    assert key.is_protected
    assert key.inputs["enableKeyRotation"] is True
    assert key.inputs["deletionWindowInDays"] == 30


def test_the_key_has_a_name(stack: Recording) -> None:
    """People find the key by its alias, which carries the stack's name."""
    alias = stack.one("kms/alias:Alias", "data-key-alias").inputs
    assert (alias["name"], alias["targetKeyId"]) == ("alias/shrinkwrap-test", KEY.rpartition("/")[2])


def test_data_is_encrypted_with_our_key(stack: Recording) -> None:
    """Objects without an encryption header get SSE-KMS with the stack's own key and a bucket key; SSE-C is blocked."""
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


def test_logs_are_encrypted_as_log_delivery_needs_it(stack: Recording) -> None:
    """S3 delivers access logs only to buckets with its own encryption."""
    encryption = stack.one(
        "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "logs-encryption"
    )
    assert encryption.inputs["rules"] == [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]


def test_old_versions_expire_and_current_ones_never(stack: Recording) -> None:
    """Noncurrent versions and unfinished uploads go after the days of the settings; no current object does."""
    (rule,) = stack.one("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "data-lifecycle").inputs[
        "rules"
    ]
    assert rule["status"] == "Enabled"
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 90}
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
    assert rule["expiration"] == {"expiredObjectDeleteMarker": True}


def test_logs_expire(stack: Recording) -> None:
    """Logs are kept for the days of the settings; their old versions and unfinished uploads go like those of data."""
    (rule,) = stack.one("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "logs-lifecycle").inputs[
        "rules"
    ]
    assert (rule["status"], rule["expiration"]) == ("Enabled", {"days": 365})
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 90}
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}


def test_access_is_logged_to_the_second_bucket(stack: Recording) -> None:
    """Access logs go to a bucket of their own."""
    logging = stack.one("s3/bucketLogging:BucketLogging", "data-logging").inputs
    assert (logging["bucket"], logging["targetBucket"]) == (BUCKET, f"{BUCKET}-logs")
    assert logging["targetPrefix"] == "access/"


def test_every_object_request_is_in_the_trail(stack: Recording) -> None:
    """CloudTrail records reads and writes of the bucket's objects, in files whose alteration shows."""
    trail = stack.one("cloudtrail/trail:Trail", "data-trail").inputs
    assert trail["enableLogging"] is True
    assert not trail.get("isMultiRegionTrail")  # paid for region by region; the bucket is in one
    assert trail["enableLogFileValidation"] is True
    assert trail["s3BucketName"] == f"{BUCKET}-logs"
    (selector,) = trail["advancedEventSelectors"]
    assert selector["fieldSelectors"] == [
        {"field": "eventCategory", "equals": ["Data"]},
        {"field": "resources.type", "equals": ["AWS::S3::Object"]},
        {"field": "resources.ARN", "startsWiths": [f"arn:aws:s3:::{BUCKET}/"]},
    ]


@pytest.mark.parametrize("name", BUCKETS)
def test_a_policy_waits_for_the_public_access_block(stack: Recording, name: str) -> None:
    """S3 refuses two changes of one bucket at a time, and no policy is there before what keeps it from being public."""
    policy = stack.one("s3/bucketPolicy:BucketPolicy", f"{name}-policy")
    assert any(urn.endswith(f"::{name}-public-access") for urn in policy.after)


def test_the_trail_waits_for_its_permission(stack: Recording) -> None:
    """CloudTrail and S3 check that they may write when they are set up, so the log bucket's policy comes first."""
    for kind, name in (("cloudtrail/trail:Trail", "data-trail"), ("s3/bucketLogging:BucketLogging", "data-logging")):
        assert any(urn.endswith("::logs-policy") for urn in stack.one(kind, name).after), name


def test_the_trail_in_the_log_policy_is_the_trail(stack: Recording) -> None:
    """The log bucket lets in this trail by the ARN it will have."""
    trail = stack.one("cloudtrail/trail:Trail", "data-trail").inputs["name"]
    policy = stack.one("s3/bucketPolicy:BucketPolicy", "logs-policy").inputs["policy"]
    assert f"arn:aws:cloudtrail:eu-central-1:{ACCOUNT}:trail/{trail}" in policy


def test_money_is_watched(stack: Recording) -> None:
    """Mail goes out at 80 % spent and at a forecast of 100 %, of what storage, key and trail cost and nothing else."""
    budget = stack.one("budgets/budget:Budget", "monthly-budget").inputs
    assert (budget["limitAmount"], budget["limitUnit"], budget["timeUnit"]) == ("20", "USD", "MONTHLY")
    (costs,) = budget["costFilters"]
    assert costs == {
        "name": "Service",
        "values": ["AWS CloudTrail", "AWS Key Management Service", "Amazon Simple Storage Service"],
    }
    seen = [(n["notificationType"], n["threshold"], n["subscriberEmailAddresses"]) for n in budget["notifications"]]
    assert seen == [("ACTUAL", 80, ["admins@example.com"]), ("FORECASTED", 100, ["admins@example.com"])]


def test_object_lock_is_off_unless_asked_for(stack: Recording) -> None:
    """A lock cannot be undone, so it is never on by default."""
    assert stack.all("s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration") == []
    assert "objectLockEnabled" not in stack.one("s3/bucket:Bucket", "data").inputs


def test_object_lock_keeps_versions(full_stack: Recording) -> None:
    """Asked for, the lock is part of the bucket from its making, with the mode and days of the settings."""
    lock = full_stack.one("s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration", "data-object-lock")
    assert full_stack.one("s3/bucket:Bucket", "data").inputs["objectLockEnabled"] is True
    assert lock.inputs["rule"] == {"defaultRetention": {"mode": "GOVERNANCE", "days": 30}}


def test_the_replica_gets_no_deletions(full_stack: Recording) -> None:
    """Everything but deletions is copied, encrypted with the replica's own key."""
    (rule,) = full_stack.one("s3/bucketReplicationConfig:BucketReplicationConfig", "data-replication").inputs["rules"]
    assert rule["deleteMarkerReplication"] == {"status": "Disabled"}
    assert rule["sourceSelectionCriteria"] == {"sseKmsEncryptedObjects": {"status": "Enabled"}}
    assert rule["destination"] == {
        "bucket": "arn:aws:s3:::acme-shrinkwrap-copy",
        "encryptionConfiguration": {
            "replicaKmsKeyId": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/99999999-2222-3333-4444-555555555555"
        },
    }


def test_everything_is_made_in_the_right_account_and_region(stack: Recording) -> None:
    """One provider, bound to the account and region of the settings, makes every resource."""
    provider = stack.one("pulumi:providers:aws", "aws")
    assert provider.inputs["region"] == "eu-central-1"
    assert provider.inputs["allowedAccountIds"] == f'["{ACCOUNT}"]'
    for made in stack.resources:
        if not made.kind.startswith(("pulumi:", "shrinkwrap:")):
            assert "::aws::" in made.provider, made.name


def test_everything_belongs_to_a_component(stack: Recording) -> None:
    """The stack is two components; nothing hangs loose."""
    parents = {made.parent.rpartition("::")[2] for made in stack.resources if "/" in made.kind}
    assert parents == {"data-bucket", "data-access"}


def test_outputs_tell_what_the_project_needs(stack: Recording) -> None:
    """Bucket, region, prefixes, role ARNs and key ARN are outputs; only first passwords are secret."""
    assert stack.outputs["bucket"] == BUCKET
    assert stack.outputs["region"] == "eu-central-1"
    assert stack.outputs["prefixes"] == {"traffic": "traffic/", "climate": "climate/"}
    assert stack.outputs["key_arn"] == KEY
    assert stack.outputs["roles"]["traffic/reader"] == f"arn:aws:iam::{ACCOUNT}:role/shrinkwrap-test-traffic-reader"
    assert stack.secret_outputs == {"initial_passwords"}


def test_wrong_settings_make_nothing() -> None:
    """All problems are told in one message without a traceback of ours, before anything is asked of AWS."""
    settings = example_settings()
    settings["bucket"]["noncurrent_days"] = 0
    with pytest.raises(
        Exception, match=r"1 problem; nothing was made:\n  shrinkwrap:settings\.bucket\.noncurrent_days"
    ):
        run_program(settings)
