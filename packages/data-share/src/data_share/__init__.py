"""Sharing data: what a transfer moves, moving it, and checking the remote; around DVC."""

from __future__ import annotations

from data_share.checks.check import check_json, check_pushed, check_remote, check_text
from data_share.checks.comparison import RemoteCheck
from data_share.checks.doctor import Step, doctor, step_json, step_text
from data_share.checks.hooks import InstalledHook, install_hooks
from data_share.checks.status import DatasetStatus, RepositoryStatus, status, status_json, status_text
from data_share.checks.versions import ChangedObject, VersionReport, find_versions, versions_json, versions_text
from data_share.errors import DataShareError, FailedError, RecordError, RevisionError
from data_share.garbage.collect import GarbageRequest, collect_garbage, plan_garbage
from data_share.garbage.plan import Garbage, garbage_json, garbage_text, removed_text
from data_share.records.objects import Entry, folder_entries, md5_of_file, object_key
from data_share.records.outputs import RecordedOutput, lock_outputs, recorded_outputs, stage_paths
from data_share.records.stage_list import STAGE_LIST, write_if_different, write_stage_list
from data_share.remotes.configure import (
    Configured,
    ConfigureRequest,
    configure_remote,
    configured_json,
    configured_text,
)
from data_share.remotes.editing import RemoteSettings, add_remote, use_remote
from data_share.remotes.remotes import Remote, Remotes, list_remotes, remote_json, remotes_json, remotes_text
from data_share.remotes.stack_outputs import StackOutputs, load_stack_outputs, read_stack_outputs
from data_share.repository.configuration import cache_folder, share_configuration
from data_share.repository.presence import (
    LocalFacts,
    PartPresence,
    PartRequest,
    part_presence,
    read_folder_list,
    read_outputs,
    read_presence,
)
from data_share.transfer.moving import Moved, TransferInterrupted
from data_share.transfer.plan import Plan, plan_text, plan_view
from data_share.transfer.transfers import (
    TransferRequest,
    TransferResult,
    plan_pull,
    plan_push,
    pull,
    push,
    result_text,
    transfer_json,
)
from s3_access import StoreError

__all__ = [
    "STAGE_LIST",
    "ChangedObject",
    "ConfigureRequest",
    "Configured",
    "DataShareError",
    "DatasetStatus",
    "Entry",
    "FailedError",
    "Garbage",
    "GarbageRequest",
    "InstalledHook",
    "LocalFacts",
    "Moved",
    "PartPresence",
    "PartRequest",
    "Plan",
    "RecordError",
    "RecordedOutput",
    "Remote",
    "RemoteCheck",
    "RemoteSettings",
    "Remotes",
    "RepositoryStatus",
    "RevisionError",
    "StackOutputs",
    "Step",
    "StoreError",
    "TransferInterrupted",
    "TransferRequest",
    "TransferResult",
    "VersionReport",
    "add_remote",
    "cache_folder",
    "check_json",
    "check_pushed",
    "check_remote",
    "check_text",
    "collect_garbage",
    "configure_remote",
    "configured_json",
    "configured_text",
    "doctor",
    "find_versions",
    "folder_entries",
    "garbage_json",
    "garbage_text",
    "install_hooks",
    "list_remotes",
    "load_stack_outputs",
    "lock_outputs",
    "md5_of_file",
    "object_key",
    "part_presence",
    "plan_garbage",
    "plan_pull",
    "plan_push",
    "plan_text",
    "plan_view",
    "pull",
    "push",
    "read_folder_list",
    "read_outputs",
    "read_presence",
    "read_stack_outputs",
    "recorded_outputs",
    "remote_json",
    "remotes_json",
    "remotes_text",
    "removed_text",
    "result_text",
    "share_configuration",
    "stage_paths",
    "status",
    "status_json",
    "status_text",
    "step_json",
    "step_text",
    "transfer_json",
    "use_remote",
    "versions_json",
    "versions_text",
    "write_if_different",
    "write_stage_list",
]
