"""Policy of the key that encrypts the data."""

from __future__ import annotations

from ..arns import Place
from .document import Document, document


def key_policy(*, place: Place) -> Document:
    """Leave access to the account's own policies, which name the key; no other account has access.

    Without this statement, a wrong key policy could never be corrected.
    """
    root = {"AWS": f"arn:{place.partition}:iam::{place.account_id}:root"}
    return document(
        {"Sid": "AccountDecides", "Effect": "Allow", "Principal": root, "Action": ["kms:*"], "Resource": ["*"]}
    )
