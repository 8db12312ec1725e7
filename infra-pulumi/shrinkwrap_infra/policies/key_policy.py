"""Who may use and administer the key."""

from __future__ import annotations

from .document import Document, document


def key_policy(*, account_id: str) -> Document:
    """The account decides by its own policies, which name the key; no other account is let in.

    Without this statement, nobody could mend a key whose policy is wrong.
    """
    root = {"AWS": f"arn:aws:iam::{account_id}:root"}
    return document(
        {"Sid": "AccountDecides", "Effect": "Allow", "Principal": root, "Action": ["kms:*"], "Resource": ["*"]}
    )
