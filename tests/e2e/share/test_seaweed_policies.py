"""SeaweedFS evaluates the policies of its identities, on which other tests rely."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ..seaweed import Identity, SeaweedFS


def allow(action: str, resource: str, **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": f"arn:aws:s3:::{resource}", **condition}


OF_PROJECT = {"Condition": {"StringLike": {"s3:prefix": "project/*"}}}
READER = Identity(
    name="reader",
    policies=[
        {"Version": "2012-10-17", "Statement": [allow("s3:ListBucket", "team", **OF_PROJECT)]},
        {"Version": "2012-10-17", "Statement": [allow("s3:GetObject", "team/project/*")]},
    ],
)


def test_policies_limit_an_identity(tmp_path: Path) -> None:
    """Prefixes, the condition on s3:prefix and the denial of a bucket policy have the same effect as on AWS."""
    with SeaweedFS(tmp_path, [READER]) as server:
        server.make_bucket("team")
        for key in ("project/näme 1", "other/1"):
            server.client().put_object(Bucket="team", Key=key, Body=b"1")
        reader = server.client(READER)
        reader.list_objects_v2(Bucket="team", Prefix="project/")
        reader.get_object(Bucket="team", Key="project/näme 1")
        for call in (
            lambda: reader.list_objects_v2(Bucket="team", Prefix="other/"),
            lambda: reader.get_object(Bucket="team", Key="other/1"),
            lambda: reader.put_object(Bucket="team", Key="project/2", Body=b"2"),
            lambda: reader.create_multipart_upload(Bucket="team", Key="project/2"),
            lambda: reader.delete_object(Bucket="team", Key="project/näme 1"),
        ):
            with pytest.raises(ClientError, match="AccessDenied"):
                call()
        assert server.objects("team") == {"other/1": 1, "project/näme 1": 1}
        denial = {
            "Sid": "Plain",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": "arn:aws:s3:::team/*",
        }
        document = json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{**denial, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}],
            }
        )
        server.client().put_bucket_policy(Bucket="team", Policy=document)
        with pytest.raises(ClientError, match="AccessDenied"):
            reader.get_object(Bucket="team", Key="project/näme 1")
