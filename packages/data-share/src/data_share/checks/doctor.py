"""Checking the access to a remote step by step, with real requests that leave nothing behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from data_share.errors import DataShareError
from data_share.remotes.remotes import Remote, read_remotes, remote_json
from data_share.repository.repository import Repository
from data_share.stores.folder import FolderStore
from data_share.stores.opening import open_store
from data_share.stores.s3 import ListingSample, S3Store
from s3_access import BucketSession, StoreError, identity_text
from terminal import count_text, duration_text, size_text

State: TypeAlias = Literal["ok", "failed", "unknown"]

_FACTS = ("kind", "as", "bucket", "missing", "tried", "fix")


@dataclass(frozen=True, kw_only=True)
class Step:
    """The result of one check.

    Attributes:
        state: `unknown` if it cannot be determined.
        text: What was found.
        facts: About a failure: who signed, the bucket, the missing permission, the fix.
    """

    name: str
    state: State = "ok"
    text: str
    facts: dict[str, str] = field(default_factory=dict)


def doctor(root: Path, *, remote: str | None = None) -> Iterator[Step]:
    """Check a remote step by step; a failure that makes the other steps pointless ends it.

    Raises:
        DataShareError: The remote does not exist.
    """
    repository = Repository(root)
    chosen = read_remotes(repository).remote(remote)
    return _steps(chosen, repository)


def step_json(step: Step) -> dict[str, Any]:
    """A step for programs."""
    return {"name": step.name, "state": step.state, "text": step.text, "facts": step.facts}


def step_text(step: Step) -> str:
    """A step for the user."""
    facts = [f"        {name}: {fact}" for name, fact in step.facts.items() if name != "kind"]
    return "\n".join([f"{step.state:<8}{step.name}: {step.text}", *facts])


def _steps(remote: Remote, repository: Repository) -> Iterator[Step]:
    yield Step(name="remote", text=", ".join(f"{key} {value}" for key, value in remote_json(remote).items()))
    store = open_store(remote, repository)
    if isinstance(store, S3Store):
        yield from _bucket_steps(store)
    elif isinstance(store, FolderStore):
        yield _tried("list", lambda: _folder_listing(store))
        yield _tried("put", lambda: _folder_permission(store))


def _bucket_steps(store: S3Store) -> Iterator[Step]:
    session = store.session
    identity = _with_facts(session, _tried("who am I", lambda: _identity(session)), "sts:GetCallerIdentity")
    yield identity
    if identity.state == "failed":
        return
    yield _expiry(session)
    sample: ListingSample | None = None

    def list_bucket() -> str:
        nonlocal sample
        sample = store.sample_listing()
        return f"allowed; the bucket answers from region {sample.region}"

    listing = _with_facts(session, _tried("list", list_bucket), "s3:ListBucket")
    yield listing
    # A user without this permission may have others; with a wrong bucket, clock or network, all steps fail.
    if listing.state == "failed" and listing.facts.get("kind") != "denied":
        return
    key = sample.key if sample else None
    yield _with_facts(session, _tried("get", lambda: _get(store, key)), "s3:GetObject")
    yield _with_facts(session, _tried("put", lambda: _put(store)), "s3:PutObject")


def _with_facts(session: BucketSession, step: Step, action: str) -> Step:
    """A failed step with who signed, the bucket, and the action that was tried."""
    if step.state != "failed":
        return step
    facts = {"as": session.identity(), "bucket": session.remote.bucket, **step.facts}
    if "missing" not in facts:
        facts["tried"] = action
    return replace(step, facts={name: facts[name] for name in _FACTS if facts.get(name)})


def _identity(session: BucketSession) -> str:
    if session.is_anonymous:
        return "no credentials: the remote is used anonymously"
    session.require_credentials()
    if not session.has_sts:
        return f"{session.access_key()} (this server is not AWS: it does not report account and role)"
    arn = session.caller_arn()
    return f"{identity_text(arn)}, {arn}"


def _expiry(session: BucketSession) -> Step:
    expiry = session.expiry()
    try:
        left_s = (datetime.fromisoformat(expiry) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        text = f"ends at {expiry}" if expiry else "these credentials do not say when they end"
        return Step(name="session", state="unknown", text=text)
    if left_s > 0:
        return Step(name="session", text=f"ends in {duration_text(left_s)}, at {expiry}")
    facts = {"kind": "expired", "fix": session.context.session_fix}
    return _with_facts(session, Step(name="session", state="failed", text=f"ended at {expiry}", facts=facts), "")


def _get(store: S3Store, key: str | None) -> str:
    store.try_get(key)
    return "allowed (one byte of an object)" if key else "allowed (the bucket has no object, so no key was used)"


def _put(store: S3Store) -> str:
    store.try_put()
    return "allowed (an upload was begun and aborted)"


def _folder_listing(store: FolderStore) -> str:
    if not store.folder.is_dir():
        return "the folder does not exist; the first push creates it (or a drive is not mounted)"
    sizes = store.all_sizes()
    return f"{count_text(len(sizes), 'object')}, {size_text(sum(sizes.values()))}"


def _folder_permission(store: FolderStore) -> str:
    folder = store.existing_folder()
    if not os.access(folder, os.W_OK):
        problem = f"the user is not allowed to write to {folder}"
        raise StoreError("denied", problem, where=store.where, fix=f"`ls -ld {folder}`")
    return f"allowed; {size_text(store.free_bytes())} free"


def _tried(name: str, call: Callable[[], str]) -> Step:
    try:
        return Step(name=name, text=call())
    except StoreError as error:
        facts = {"kind": error.kind, "as": error.identity, "missing": error.action, "fix": error.fix}
        known = {key: value for key, value in facts.items() if value}
        return Step(name=name, state="failed", text=error.problem, facts=known)
    except DataShareError as error:
        return Step(name=name, state="failed", text=str(error))
