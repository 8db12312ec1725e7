"""What is wrong between this machine and a remote: each step tried for real, leaving nothing behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from data_share.errors import DataShareError, StoreError
from data_share.faults import role_text
from data_share.remotes import Remote
from data_share.s3_store import S3Store
from data_share.stores import FolderStore, Store, free_bytes
from data_share.units import duration_text, size_text


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that was tried.

    Attributes:
        state: `ok`, `failed`, or `unknown` where it cannot be told.
        facts: Of a failure: who, where, missing action, what mends it.
    """

    name: str
    state: str
    text: str
    facts: dict[str, str] = field(default_factory=dict)


def examined(remote: Remote, store: Store) -> Iterator[Step]:
    """Try a remote step by step; a failure that makes the rest pointless ends it."""
    yield Step(name="remote", state="ok", text=", ".join(f"{key} {value}" for key, value in remote.facts().items()))
    if isinstance(store, S3Store):
        yield from _bucket_steps(store)
    elif isinstance(store, FolderStore):
        yield from _folder_steps(store)


def _bucket_steps(store: S3Store) -> Iterator[Step]:
    who = _of_bucket(store, _tried("who am I", lambda: _who(store)), "sts:GetCallerIdentity")
    yield who
    if who.state == "failed":
        return
    yield _session(store)
    name: str | None = None

    def listed() -> str:
        nonlocal name
        region, name = store.listing()
        return f"allowed; the bucket answers from region {region}"

    listing = _of_bucket(store, _tried("list", listed), "s3:ListBucket")
    yield listing
    # Another permission may be there; another bucket, clock or network is not.
    if listing.state == "failed" and listing.facts.get("kind") != "denied":
        return
    yield _of_bucket(store, _tried("get", lambda: _got(store, name)), "s3:GetObject")
    put = _tried("put", lambda: f"{_done(store.try_put)} (an upload was begun and aborted)")
    yield _of_bucket(store, put, "s3:PutObject")


def _of_bucket(store: S3Store, step: Step, action: str) -> Step:
    """A failed step with whom, which bucket and which of AWS's actions it is about."""
    if step.state != "failed":
        return step
    facts = {"kind": "", "as": store.who(), "bucket": store.remote.bucket, **step.facts}
    if "missing" not in facts:
        facts["tried"] = action
    order = ("kind", "as", "bucket", "missing", "tried", "to mend")
    return replace(step, facts={name: facts[name] for name in order if facts.get(name)})


def _got(store: S3Store, name: str | None) -> str:
    store.try_get(name)
    return "allowed (one byte of an object)" if name else "allowed (there is no object yet, so no key was used)"


def _who(store: S3Store) -> str:
    if store.remote.settings.get("allow_anonymous_login"):
        return "nobody: the remote is used without credentials"
    store.require_credentials()
    if not store.has_sts:
        return f"{store.access_key()} (this server is not AWS: it has nobody to ask for account and role)"
    arn = store.caller_arn()
    return f"{role_text(arn)}, {arn}"


def _session(store: S3Store) -> Step:
    expiry = store.session_expiry()
    try:
        left = (datetime.fromisoformat(expiry) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        text = f"ends at {expiry}" if expiry else "these credentials do not say when they end"
        return Step(name="session", state="unknown", text=text)
    if left > 0:
        return Step(name="session", state="ok", text=f"ends in {duration_text(left)}, at {expiry}")
    facts = {"kind": "expired", "to mend": store.place.sign_in}
    return _of_bucket(store, Step(name="session", state="failed", text=f"ended at {expiry}", facts=facts), "")


def _folder_steps(store: FolderStore) -> Iterator[Step]:
    folder = store.folder

    def listing() -> str:
        if not folder.is_dir():
            return "the folder is not there yet; the first push makes it (or a drive is not mounted)"
        objects = store.all_sizes()
        return f"{len(objects):,} objects, {size_text(sum(objects.values()))}"

    def putting() -> str:
        near = folder if folder.exists() else next(up for up in folder.parents if up.exists())
        if not os.access(near, os.W_OK):
            raise StoreError("denied", f"{near} may not be written to", where=str(folder), mend=f"`ls -ld {near}`")
        return f"allowed; {size_text(free_bytes(folder))} free"

    yield _tried("list", listing)
    yield _tried("put", putting)


def _tried(name: str, call: Callable[[], str]) -> Step:
    try:
        return Step(name=name, state="ok", text=call())
    except StoreError as error:
        facts = {"kind": error.kind, "as": error.who, "missing": error.action, "to mend": error.mend}
        return Step(
            name=name, state="failed", text=error.problem, facts={key: value for key, value in facts.items() if value}
        )
    except DataShareError as error:
        return Step(name=name, state="failed", text=str(error))


def _done(call: Callable[[], None]) -> str:
    call()
    return "allowed"


def step_facts(step: Step) -> dict[str, Any]:
    """A step for programs."""
    return asdict(step)


def step_text(step: Step) -> str:
    """A step for people."""
    lines = [f"{step.state:<8}{step.name}: {step.text}"]
    lines += [f"        {name}: {fact}" for name, fact in step.facts.items() if name != "kind"]
    return "\n".join(lines) + "\n"
