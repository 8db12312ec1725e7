"""Every error of the package, written for the person whose transfer it stops."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence


class DataShareError(Exception):
    """Base of every error this package raises on purpose.

    Attributes:
        exit_code: 2 for wrong input, 1 for work that failed.
    """

    exit_code = 2


class NoRemoteError(DataShareError):
    """No remote is set."""

    def __init__(self, known: Collection[str]) -> None:
        self.known = tuple(known)
        there = f"name one of {', '.join(sorted(known))} with --remote, or set it: `invoke data.remote-use NAME`"
        none = "add one: `invoke data.remote-add NAME s3://BUCKET/PREFIX` (a folder will do)"
        super().__init__(f"no remote is set; {there if known else none}")


class UnknownRemoteError(DataShareError):
    """A remote that DVC's configuration does not have."""

    def __init__(self, name: str, known: Collection[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(unknown_name("remote", name, known) + " (`invoke data.remote-list`)")


class RemoteSettingError(DataShareError):
    """A remote that cannot be, or that must not be written down."""

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        super().__init__(f"remote '{name}': {problem}")


class UnknownDatasetsError(DataShareError):
    """Datasets that were asked for and that dvc.lock does not record."""

    def __init__(self, names: Sequence[str], known: Collection[str]) -> None:
        self.names = tuple(names)
        self.known = tuple(known)
        lines = [unknown_name("recorded dataset", name, known) for name in names]
        lines.append("Make it from raw files with `invoke data.compress`, or pull the commit in which a colleague did.")
        super().__init__("\n  ".join(lines))


class NothingRecordedError(DataShareError):
    """No record of any data."""

    def __init__(self) -> None:
        super().__init__(
            "data/dvc.lock records no dataset."
            " Make it from raw files with `invoke data.compress`, or pull the commit in which a colleague did."
        )


class SelectionError(DataShareError):
    """A selection that selects nothing, or that means something outside of the dataset."""


class RecordError(DataShareError):
    """A record of DVC that cannot be read or that points to where it must not."""

    def __init__(self, source: str, problem: str) -> None:
        self.source = source
        super().__init__(f"{source}: {problem}")


class RevisionError(DataShareError):
    """A commit that git does not give."""

    def __init__(self, revision: str, problem: str) -> None:
        self.revision = revision
        super().__init__(f"revision '{revision}': {problem}")


class RateError(DataShareError):
    """A text that is no rate."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"{text!r} is not a rate. Write a number above zero and a unit, such as 4Mbps or 800kbps")


class HookError(DataShareError):
    """A hook that would replace what somebody else put there."""


class StackOutputsError(DataShareError):
    """Outputs of a stack from which no remote can be made."""

    def __init__(self, source: str, problem: str) -> None:
        self.source = source
        super().__init__(f"{source}: {problem}")


class ProfileError(DataShareError):
    """A profile of the user's AWS settings that says something else, or is not there.

    Attributes:
        differing: By key, what stands there (or None) and what should.
    """

    def __init__(
        self,
        name: str,
        source: str,
        differing: Mapping[str, tuple[str | None, str]] | None = None,
        *,
        problem: str = "",
    ) -> None:
        self.name = name
        self.differing = dict(differing or {})
        lines = "".join(
            f"\n  {key} is {there or 'not set'}, and would become {wanted}"
            for key, (there, wanted) in self.differing.items()
        )
        told = f"profile '{name}' is there already and says something else; nothing was written:{lines}"
        super().__init__(f"{source}: {problem or told + chr(10) + '  Change it with --replace, or by hand.'}")


class NotConfirmedError(DataShareError):
    """Something that only happens if somebody says yes."""


class ConfigurationError(DataShareError):
    """DVC's configuration cannot be read."""


class FailedError(DataShareError):
    """Work that failed."""

    exit_code = 1


class MissingHereError(FailedError):
    """Data that should be sent, but are neither here nor there.

    Attributes:
        missing: Paths of the missing files by dataset.
    """

    def __init__(self, missing: Mapping[str, Sequence[str]]) -> None:
        self.missing = {name: tuple(paths) for name, paths in missing.items()}
        super().__init__(
            f"dvc.lock records data that are neither here nor on the remote; nothing was sent:{listed(self.missing)}\n"
            "  Make them from raw files with `invoke data.compress`; whoever made this version can push it."
        )


class DamagedHereError(FailedError):
    """Objects of the local cache whose content is not what their name says.

    Attributes:
        damaged: Path in the cache by path of the file it stands for.
    """

    def __init__(self, damaged: Mapping[str, str]) -> None:
        self.damaged = dict(damaged)
        lines = "".join(f"\n  {path}: {cached}" for path, cached in sorted(self.damaged.items()))
        super().__init__(
            f"{_count(len(self.damaged), 'file')} in the cache changed since DVC hashed it; nothing was sent:{lines}\n"
            "  Remove the named files from the cache and run it again: what the working tree has whole comes from it.\n"
            "  What it has not is made anew by `invoke data.compress --force`."
        )


class MissingThereError(FailedError):
    """Data that should be fetched, but are not on the remote.

    Attributes:
        missing: Paths of the missing files by dataset.
    """

    def __init__(self, missing: Mapping[str, Sequence[str]], where: str, *, is_own: bool = False) -> None:
        self.missing = {name: tuple(paths) for name, paths in missing.items()}
        own = (
            "\n  This remote is a folder of this clone alone, so nobody else can push to it;"
            " `invoke data.remote-add NAME s3://BUCKET/PREFIX --default` sets one for all."
        )
        super().__init__(
            f"{where} lacks data that dvc.lock records; nothing was fetched:{listed(self.missing)}\n"
            "  Someone who has them runs `invoke data.push`; from raw files, `invoke data.compress` makes them anew.\n"
            "  Other datasets can be pulled by name: `invoke data.pull --dataset NAME`." + (own if is_own else "")
        )


class DamagedThereError(FailedError):
    """An object of the remote whose content is not what its name says."""

    def __init__(self, path: str, where: str, found: str) -> None:
        self.path = path
        self.where = where
        super().__init__(
            f"{path}: the object on the remote is damaged: {where} has the MD5 {found}; it was not kept.\n"
            "  A steward removes the object, then someone who has the data whole runs `invoke data.push`."
        )


class DiskFullError(FailedError):
    """No room for what is fetched."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"the disk is full: {path} could not be written.\n"
            "  Make room (`invoke data.gc --local` removes what no commit needs), then run it again: it continues."
        )


class PlacingError(FailedError):
    """Fetched data that could not be put in their place in the working tree."""


class StagesError(FailedError):
    """DVC could not compare datasets with what they were made from."""

    def __init__(self, said: str) -> None:
        self.said = said
        super().__init__(f"DVC could not compare the datasets with what they were made from:\n  {said or 'no answer'}")


class FileAccessError(FailedError):
    """A file or folder that the system does not let us use."""


class KeptError(FailedError):
    """Objects that should be gone and are still there.

    Attributes:
        kept: Why, by object; the text may be empty.
    """

    def __init__(self, where: str, kept: Mapping[str, str], removed: int) -> None:
        self.where = where
        self.kept = dict(kept)
        reason = next((text for text in kept.values() if text), "it said nothing")
        super().__init__(
            f"{where} kept {_count(len(kept), 'object')} that should be gone ({removed} went): {reason}\n"
            "  Removing needs s3:DeleteObject, which the role steward has."
        )


class StoreError(FailedError):
    """The remote refused or could not be reached.

    Attributes:
        kind: A word for programs, such as `denied` or `expired`.
        action: The AWS action that is missing, if one is.
        who: Who asked, as far as that is known.
        where: Bucket and prefix, or folder.
        mend: One command or setting.
    """

    def __init__(self, kind: str, problem: str, *, where: str, mend: str, who: str = "", action: str = "") -> None:
        self.kind = kind
        self.problem = problem
        self.where = where
        self.mend = mend
        self.who = who
        self.action = action
        facts = {"remote": where, "as": who, "missing": action, "to mend": mend}
        super().__init__("\n  ".join([problem, *(f"{name}: {fact}" for name, fact in facts.items() if fact)]))


def unknown_name(kind: str, name: str, known: Collection[str]) -> str:
    """The sentence for an unknown name: what was asked, the nearest known name, what there is."""
    import difflib  # only a wrong input pays for it

    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean '{nearest[0]}'?" if nearest else "."
    return f"there is no {kind} '{name}'{hint} There is: {', '.join(sorted(known)) or 'none'}"


def listed(files: Mapping[str, Sequence[str]], most: int = 5) -> str:
    """The files of each dataset, a few of them by name, each on a line of its own."""
    lines = []
    for name, paths in files.items():
        lines.append(f"{name}: {_count(len(paths), 'file')}")
        lines += [f"  {path}" for path in paths[:most]]
        if len(paths) > most:
            lines.append(f"  … and {len(paths) - most} more")
    return "".join(f"\n  {line}" for line in lines)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
