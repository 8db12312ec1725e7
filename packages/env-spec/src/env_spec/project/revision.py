"""Reads the files that images are built from, as they are in a commit."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from env_spec.declaration.spec import lock_folders, parse_spec
from env_spec.declaration.tables import parse_toml
from env_spec.errors import RevisionError
from env_spec.lock.lockfile import parse_lock
from env_spec.process import run_captured
from env_spec.project.content import Content, folder_digest, is_hashed
from env_spec.project.files import LockedFolder, ProjectFiles, project_files


def read_revision(root: Path, revision: str) -> ProjectFiles:
    """The project's files in a commit, read from git's objects without a checkout. A missing folder counts as empty.

    Raises:
        RevisionError: Git, the repository or the commit is missing, or the commit has no pyproject.toml or poetry.lock.
        FileError: One of the two is not TOML.
        SpecErrors: Its pyproject.toml has mistakes; all are listed.
    """
    commit = _commit(root, revision)
    own = _locked_folder(root, commit, revision, "")
    folders = lock_folders(own.pyproject)
    further = {name: _locked_folder(root, commit, revision, folder) for name, folder in folders.items()}
    spec = parse_spec(
        own.pyproject,
        source=f"{revision}:pyproject.toml",
        locks={name: each.pyproject for name, each in further.items()},
    )
    return project_files(own, spec, further, lambda path: _digest(root, commit, path))


def _commit(root: Path, revision: str) -> str:
    # Passed through standard input, so that git cannot take the revision for an option.
    output = _git(
        root, revision, "cat-file", "--batch-check=%(objecttype) %(objectname)", stdin=f"{revision}^{{commit}}"
    )
    kind, _, name = output.decode().strip().partition(" ")
    if kind != "commit":
        shallow = "; this clone is shallow, so fetch the history with `git fetch --unshallow`"
        is_shallow = _git(root, revision, "rev-parse", "--is-shallow-repository").strip() == b"true"
        raise RevisionError(revision, f"git finds no such commit{shallow if is_shallow else ''}")
    return name


def _locked_folder(root: Path, commit: str, revision: str, folder: str) -> LockedFolder:
    names = [f"{folder}/{name}".lstrip("/") for name in ("pyproject.toml", "poetry.lock")]
    found = _blobs(root, revision, [f"{commit}:./{name}" for name in names])
    for name, content in zip(names, found, strict=True):
        if content is None:
            raise RevisionError(revision, f"has no {name} in {root}")
    pyproject, lock = (content or b"" for content in found)
    sources = [f"{revision}:{name}" for name in names]
    return LockedFolder(
        pyproject=parse_toml(pyproject, source=sources[0]),
        lock=parse_lock(lock, source=sources[1]),
        source=sources[1],
    )


def _digest(root: Path, commit: str, path: str) -> str:
    listing = _git(root, commit, "ls-tree", "-r", "-z", commit, "--", path).decode("utf-8", "surrogateescape")
    entries = {}
    for line in filter(None, listing.split("\0")):
        facts, _, name = line.partition("\t")
        mode, kind, blob = facts.split()
        relative = Path(name).name if name == path else Path(name).relative_to(path).as_posix()
        if kind == "blob" and is_hashed(relative):
            entries[relative] = (mode, blob)
    contents = _blobs(root, commit, [blob for _, blob in entries.values()])
    return folder_digest(
        {
            name: Content(data=data or b"", is_executable=mode == "100755", is_link=mode == "120000")
            for (name, (mode, _)), data in zip(entries.items(), contents, strict=True)
        }
    )


def _blobs(root: Path, revision: str, names: Iterable[str]) -> list[bytes | None]:
    """The content of each object; None for one that does not exist."""
    requested = list(names)
    rest = _git(root, revision, "cat-file", "--batch", stdin="".join(f"{name}\n" for name in requested))
    contents: list[bytes | None] = []
    for _ in requested:
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
        result = run_captured(["git", *words], root=root, stdin=stdin.encode("utf-8", "surrogateescape"))
    except FileNotFoundError as error:
        raise RevisionError(revision, "git is missing; install it to read commits") from error
    if result.returncode:
        raise RevisionError(revision, f"git failed: {result.stderr.decode(errors='replace').strip()}")
    return result.stdout
