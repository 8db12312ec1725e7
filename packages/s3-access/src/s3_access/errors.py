"""Errors of s3_access: wrong addresses, and what a server refused."""

from __future__ import annotations

from terminal import ShrinkwrapError


class S3AccessError(ShrinkwrapError):
    """A wrong address, and the base class of every error of this package."""


class StoreError(S3AccessError):
    """The store refused a request or could not be reached.

    Attributes:
        kind: One word for programs, such as `denied` or `expired`.
        action: The AWS action that is missing, if one is.
        identity: Who signed the request, as far as that is known.
        where: Bucket and prefix, or folder.
        fix: One command or setting.
        place: What `where` is: a remote of DVC, or the name of something else.
    """

    exit_code = 1

    def __init__(
        self,
        kind: str,
        problem: str,
        *,
        where: str,
        fix: str,
        identity: str = "",
        action: str = "",
        place: str = "remote",
    ) -> None:
        self.kind = kind
        self.problem = problem
        self.where = where
        self.fix = fix
        self.identity = identity
        self.action = action
        self.place = place
        facts = {place: where, "as": identity, "missing": action, "fix": fix}
        super().__init__("\n  ".join([problem, *(f"{name}: {fact}" for name, fact in facts.items() if fact)]))

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are pickled by their positional arguments; a worker of a cluster sends this one to its client.
        return _store_error, (self.kind, self.problem, self.where, self.fix, self.identity, self.action, self.place)


def _store_error(*facts: str) -> StoreError:
    kind, problem, where, fix, identity, action, place = facts
    return StoreError(kind, problem, where=where, fix=fix, identity=identity, action=action, place=place)
