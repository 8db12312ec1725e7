"""A project's files as they are in a commit."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from env_spec.content import Content, counts, folder_digest
from env_spec.errors import RevisionError
from env_spec.lock import parse_lock
from env_spec.process import started
from env_spec.project import ProjectFiles, project_files
from env_spec.spec import parse_spec
from env_spec.tables import parse_toml


def read_revision(root: Path, revision: str) -> ProjectFiles:
    """What a commit holds, read from git's objects: nothing is checked out. A folder it lacks counts as empty.

    Raises:
        RevisionError: There is no git, no repository, no such commit, or no pyproject.toml or poetry.lock in it.
        FileError: One of the two is not TOML.
        SpecErrors: Every mistake in its pyproject.toml.
    """
    commit = _commit(root, revision)
    pyproject_content, lock_content = _project_files(root, commit, revision)
    pyproject = parse_toml(pyproject_content, source=f"{revision}:pyproject.toml")
    spec = parse_spec(pyproject, source=f"{revision}:pyproject.toml")
    lock = parse_lock(lock_content, source=f"{revision}:poetry.lock")
    return project_files(
        pyproject, spec, lock, lambda path: _digest(root, commit, path), lock_source=f"{revision}:poetry.lock"
    )


def _commit(root: Path, revision: str) -> str:
    # The revision goes through standard input, so that it cannot be taken for an option.
    answer = _git(
        root, revision, "cat-file", "--batch-check=%(objecttype) %(objectname)", stdin=f"{revision}^{{commit}}"
    )
    kind, _, name = answer.decode().strip().partition(" ")
    if kind != "commit":
        shallow = "; this clone is shallow, so get more with `git fetch --unshallow`"
        is_shallow = _git(root, revision, "rev-parse", "--is-shallow-repository").strip() == b"true"
        raise RevisionError(revision, f"git knows no such commit{shallow if is_shallow else ''}")
    return name


def _project_files(root: Path, commit: str, revision: str) -> tuple[bytes, bytes]:
    names = ("pyproject.toml", "poetry.lock")
    found = _blobs(root, revision, [f"{commit}:./{name}" for name in names])
    for name, content in zip(names, found, strict=True):
        if content is None:
            raise RevisionError(revision, f"has no {name} in {root}")
    pyproject, lock = found
    return pyproject or b"", lock or b""


def _digest(root: Path, commit: str, path: str) -> str:
    listing = _git(root, commit, "ls-tree", "-r", "-z", commit, "--", path).decode("utf-8", "surrogateescape")
    entries = {}
    for line in filter(None, listing.split("\0")):
        facts, _, name = line.partition("\t")
        mode, kind, blob = facts.split()
        relative = Path(name).name if name == path else Path(name).relative_to(path).as_posix()
        if kind == "blob" and counts(relative):
            entries[relative] = (mode, blob)
    contents = _blobs(root, commit, [blob for _, blob in entries.values()])
    return folder_digest(
        {
            name: Content(data=data or b"", is_executable=mode == "100755", is_link=mode == "120000")
            for (name, (mode, _)), data in zip(entries.items(), contents, strict=True)
        }
    )


def _blobs(root: Path, revision: str, names: Iterable[str]) -> list[bytes | None]:
    """The content of each object; None for one that is not there."""
    asked = list(names)
    rest = _git(root, revision, "cat-file", "--batch", stdin="".join(f"{name}\n" for name in asked))
    contents: list[bytes | None] = []
    for _ in asked:
        head, _, rest = rest.partition(b"\n")
        if head.endswith(b" missing"):
            contents.append(None)
            continue
        size = int(head.split()[-1])
        contents.append(rest[:size])
        rest = rest[size + 1 :]
    return contents


def _git(root: Path, revision: str, *words: str, stdin: str = "") -> bytes:
    try:
        done = started(["git", *words], root=root, stdin=stdin.encode("utf-8", "surrogateescape"))
    except FileNotFoundError as error:
        raise RevisionError(revision, "there is no git here to read it with") from error
    if done.returncode:
        raise RevisionError(revision, f"git says: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
