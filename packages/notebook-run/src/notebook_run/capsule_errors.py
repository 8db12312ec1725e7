"""Errors of freezing and reproducing, written for the person who wants to trust a result."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from notebook_run.errors import NotebookRunError, nearest

_MANY = 12


class UnknownCapsuleError(NotebookRunError):
    """A capsule that is not there."""

    exit_code = 2

    def __init__(self, wanted: str, *, known: Collection[str]) -> None:
        self.wanted = wanted
        self.known = tuple(known)
        hint = nearest(wanted, self.known) or "."
        there_is = f"Capsules: {', '.join(self.known)}" if self.known else "There is none yet"
        super().__init__(
            f"there is no capsule '{wanted}'{hint} {there_is}."
            f" `invoke notebook.freeze {wanted.removesuffix('.json').rpartition('/')[2]}` makes one."
        )


class CapsuleInvalidError(NotebookRunError):
    """A file that is no capsule."""

    exit_code = 2

    def __init__(self, source: str, mistakes: Sequence[str]) -> None:
        self.source = source
        self.mistakes = tuple(mistakes)
        super().__init__(
            "\n".join(
                [
                    f"{source} is no capsule that can be read:",
                    *_shortened(mistakes),
                    "  Restore it with `git checkout`, or write it anew with `invoke notebook.freeze`.",
                ]
            )
        )


class UncommittedError(NotebookRunError):
    """Changes that a capsule could not tell anyone about."""

    exit_code = 2

    def __init__(self, notebook: str, changes: Sequence[str]) -> None:
        self.notebook = notebook
        self.changes = tuple(changes)
        super().__init__(
            "\n".join(
                [
                    f"{notebook} cannot be frozen: what it is made from is not committed:",
                    *_shortened(changes),
                    "  Commit these (a capsule names a commit), or put them back with `git restore` or `git stash -u`.",
                ]
            )
        )


class CommittedOutputsError(NotebookRunError):
    """A notebook whose file in git holds outputs."""

    exit_code = 2

    def __init__(self, path: str, cells: Sequence[str]) -> None:
        self.path = path
        self.cells = tuple(cells)
        super().__init__(
            f"{path} was committed with outputs (cells {', '.join(self.cells)}). They belong into the capsule:"
            f" run `nbstripout --keep-id {path}` and commit it; `pre-commit install` refuses them from then on."
        )


class NoDataVersionError(NotebookRunError):
    """A dataset of which the commit records no version."""

    exit_code = 2

    def __init__(self, datasets: Sequence[str], *, commit: str) -> None:
        self.datasets = tuple(datasets)
        super().__init__(
            f"data/dvc.lock of commit {commit[:12]} records no version of {', '.join(self.datasets)}."
            " Make it from raw files with `invoke data.compress`, commit data/dvc.lock, and try again."
        )


class DataMissingError(NotebookRunError):
    """Parts that are neither here nor on the remote."""

    def __init__(self, parts: Sequence[str]) -> None:
        self.parts = tuple(parts)
        lines = [
            f"{len(self.parts)} part{'' if len(self.parts) == 1 else 's'} of the data cannot be had,"
            " neither from the cache here nor from the remote:",
            *_shortened(self.parts),
            "  Someone who has that version runs `invoke data.push`; whoever has the raw files can make it anew.",
        ]
        super().__init__("\n".join(lines))


class DataChangedError(NotebookRunError):
    """Parts that are not what data/dvc.lock says."""

    def __init__(self, parts: Sequence[str]) -> None:
        self.parts = tuple(parts)
        super().__init__(
            "\n".join(
                [
                    "these parts are not what data/dvc.lock of the commit says:",
                    *_shortened(self.parts),
                    "  Their copy in DVC's cache was changed or damaged: remove it, then `invoke data.pull`.",
                ]
            )
        )


class CommitGoneError(NotebookRunError):
    """A capsule whose commit this clone does not have."""

    def __init__(self, commit: str, *, is_shallow: bool) -> None:
        self.commit = commit
        how = "git fetch --unshallow" if is_shallow else f"git fetch --all, or git fetch origin {commit}"
        super().__init__(
            f"this clone has no commit {commit[:12]}, which the capsule was made from. Get it with `{how}`."
            " If no remote has it (a branch that was never pushed, or history that was rewritten), whoever froze it"
            " must push it, or freeze again."
        )


class NoGitError(NotebookRunError):
    """A folder that is no repository, or a machine without git."""

    exit_code = 2

    def __init__(self, problem: str) -> None:
        super().__init__(f"a capsule names a commit, so this must be run in a git repository: {problem}")


class CheckoutError(NotebookRunError):
    """git could not make the clean checkout."""

    def __init__(self, commit: str, said: str) -> None:
        super().__init__(f"a clean checkout of {commit[:12]} could not be made: {said}")


class GoneFromCommitError(NotebookRunError):
    """A notebook that what is to be run does not declare; `commit` is None for the working tree."""

    exit_code = 2

    def __init__(self, name: str, *, commit: str | None, problem: str) -> None:
        self.name = name
        where = f"commit {commit[:12]}, which the capsule names," if commit else "the working tree"
        super().__init__(f"{where} cannot run {name}: {problem}")


class FrozenRunError(NotebookRunError):
    """A notebook that does not run to its end, and so cannot be frozen."""

    def __init__(self, name: str, problem: str) -> None:
        self.problem = problem
        super().__init__(f"{name} was not frozen, because it does not run to its end:\n{problem}")


def _shortened(lines: Sequence[str]) -> list[str]:
    more = [f"  and {len(lines) - _MANY} more"] if len(lines) > _MANY else []
    return [*(f"  {line}" for line in lines[:_MANY]), *more]
