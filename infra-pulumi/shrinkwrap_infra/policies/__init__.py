"""Policy documents; each is a pure function of names and ARNs."""

from __future__ import annotations

from .alarm_policies import alarm_topic_policy, key_pattern, session_pattern, settings_pattern
from .bucket_policies import data_bucket_policy, log_bucket_policy
from .document import Document, Statement, policy_text
from .key_policy import key_policy
from .role_policies import admin_policy, break_glass_policy, data_policy, preview_policy, replication_policy
from .trust_policies import people_trust, replication_trust, workflow_trust
from .user_policies import assume_policy, self_service_policy, user_boundary

__all__ = [
    "Document",
    "Statement",
    "admin_policy",
    "alarm_topic_policy",
    "assume_policy",
    "break_glass_policy",
    "data_bucket_policy",
    "data_policy",
    "key_pattern",
    "key_policy",
    "log_bucket_policy",
    "people_trust",
    "policy_text",
    "preview_policy",
    "replication_policy",
    "replication_trust",
    "self_service_policy",
    "session_pattern",
    "settings_pattern",
    "user_boundary",
    "workflow_trust",
]
