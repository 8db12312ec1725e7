"""The only module that starts processes: git and DVC, and DVC's configuration."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data_share.errors import ConfigurationError, HookError, PlacingError, RecordError, RevisionError, StagesError
from data_share.records import STAGES_FILE, dataset_of, is_record

HERE = "the working tree"


class Repository:
    """A working tree with data that DVC tracks.

    Args:
        root: Folder that has `.dvc`.

    Raises:
        ConfigurationError: It has none.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        if not (self.root / ".dvc").is_dir():
            raise ConfigurationError(f"{self.root} is not the root of a DVC repository: there is no folder .dvc in it")

    @property
    def own_folder(self) -> Path:
        """Where this package keeps what no commit should have; DVC has git ignore it."""
        return self.root / ".dvc" / "tmp" / "share"

    def config(self) -> Mapping[str, Any]:
        """DVC's configuration, all its levels merged, paths resolved."""
        from dvc.config import Config, ConfigError

        try:
            config: Mapping[str, Any] = Config(str(self.root / ".dvc"))
        except ConfigError as error:
            raise ConfigurationError(f"DVC's configuration cannot be read: {error}") from error
        return config

    @contextmanager
    def edited_config(self, *, is_local: bool = False) -> Iterator[dict[str, Any]]:
        """`.dvc/config` (or `.dvc/config.local`) to be changed, as it stands there; written when the block ends.

        DVC's own editing drops comments, and leaves an empty file where a path is not ASCII.

        Raises:
            ConfigurationError: DVC does not take what it would be; the file is as it was.
        """
        from configobj import ConfigObj, ConfigObjError

        path = self.root / ".dvc" / ("config.local" if is_local else "config")
        before = path.read_bytes() if path.exists() else b""
        try:
            lines = before.decode("utf-8").splitlines()
            config = ConfigObj(lines, encoding="utf-8", list_values=False, interpolation=False, write_empty_values=True)
        except (ConfigObjError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path} cannot be read: {error}") from error
        yield config
        end = "\r\n" if b"\r\n" in before else "\n"
        text = "".join(f"{_text(line)}{end}" for line in config.write())
        _replace(path, text.encode("utf-8"))
        try:
            self.config()
        except ConfigurationError:
            _replace(path, before)
            raise

    def cache(self, config: Mapping[str, Any]) -> Path:
        """The folder of DVC's cache."""
        return Path(config.get("cache", {}).get("dir") or self.root / ".dvc" / "cache")

    def records(self, revision: str | None = None) -> dict[str, str]:
        """Text of every `dvc.lock`, `dvc.yaml` and `*.dvc` of a commit, or of the working tree, by path.

        Raises:
            RevisionError: There is no such commit, or no git here.
        """
        if revision is None:
            return {path: _read(self.root / path) for path in self._paths_here() if (self.root / path).is_file()}
        return self.text_of(self.record_blobs(revision))

    def record_blobs(self, revision: str) -> dict[str, str]:
        """The blob of each record at a commit, by path."""
        commit = self.commit(revision)
        listing = self._git("ls-tree", "-r", "-z", "--full-tree", commit).decode("utf-8", "surrogateescape")
        blobs = {}
        for line in filter(None, listing.split("\0")):
            facts, _, path = line.partition("\t")
            if is_record(path) or path.rpartition("/")[2] == STAGES_FILE:
                blobs[path] = facts.split()[2]
        return blobs

    def text_of(self, blobs: Mapping[str, str]) -> dict[str, str]:
        """The text of each blob, under the same keys."""
        return {path: self._git("cat-file", "blob", blob).decode("utf-8", "replace") for path, blob in blobs.items()}

    def commit(self, revision: str) -> str:
        """The full name of a commit.

        Raises:
            RevisionError: There is none of that name.
        """
        try:
            # A revision that starts with a dash would be an option.
            found = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        except RevisionError:
            raise RevisionError(revision, "git knows no such commit here; is it fetched?") from None
        return found.decode().strip()

    def needed_commits(self, days: int) -> list[str]:
        """Tips of branches and tags, here or seen on a remote, what is checked out, and all commits of the last days.

        Raises:
            RevisionError: The clone is shallow, so it cannot be told.
        """
        if self._git("rev-parse", "--is-shallow-repository").strip() == b"true":
            raise RevisionError(
                "--all", "this clone is shallow, so what other commits need is unknown; `git fetch --unshallow`"
            )
        listing = self._git("for-each-ref", "--format=%(objecttype) %(*objecttype) %(objectname) %(*objectname)")
        tips = [words[-1] for line in listing.decode().splitlines() if "commit" in (words := line.split())]
        # Of a detached HEAD, here or in another worktree of this repository, no branch may know.
        lines = self._git("worktree", "list", "--porcelain").decode("utf-8", "replace").splitlines()
        heads = [words[1] for line in lines if (words := line.split())[:1] == ["HEAD"] and words[1].strip("0")]
        recent = self._git("rev-list", "--all", f"--since={days} days ago").decode().split() if days else []
        return list(dict.fromkeys([*tips, *heads, *recent]))

    def place(self, paths: Sequence[str]) -> None:
        """Have DVC put files from its cache in their place.

        Raises:
            PlacingError: It would overwrite what is in no cache, or the system refuses.
        """
        command = [sys.executable, "-m", "dvc", "checkout", *paths]
        answer = _started(command, cwd=self.root, env={**os.environ, "DVC_NO_ANALYTICS": "1"})
        if answer.returncode == 0:
            return
        said = answer.stderr.decode("utf-8", "replace").strip()
        if "No space left" in said:
            raise PlacingError(
                "the disk is full: the data are in the cache, but not all of them fit into the working tree, too.\n"
                "  Make room (`invoke data.gc --local` removes what no commit needs), then run it again: it continues."
            )
        if "without confirmation" in said:
            files = [
                line.removeprefix(f"{self.root}/") for line in said.splitlines() if line.startswith(f"{self.root}/")
            ]
            raise PlacingError(
                "files in the working tree differ from what this commit records and are kept nowhere else:"
                + "".join(f"\n  {file}" for file in files)
                + "\n  Record them with `invoke data.compress`, or move them away, then run it again."
            )
        raise PlacingError(f"the data are in the cache, but DVC could not put them in their place:\n  {said}")

    def changed_inputs(self) -> dict[str, list[str] | None]:
        """What DVC finds changed of what each dataset is made from, by dataset; None if some of it is not here.

        Raises:
            StagesError: DVC cannot tell.
        """
        command = [sys.executable, "-m", "dvc", "status", "--json"]
        answer = _started(command, cwd=self.root, env={**os.environ, "DVC_NO_ANALYTICS": "1"})
        if answer.returncode or not answer.stdout.strip():
            raise StagesError(answer.stderr.decode("utf-8", "replace").strip())
        return {
            dataset: _changed(facts)
            for stage, facts in json.loads(answer.stdout).items()
            if (dataset := dataset_of(stage.rpartition(":")[2]))
        }

    def hooks_folder(self) -> Path:
        """Where git looks for hooks, `core.hooksPath` considered.

        Raises:
            HookError: That is outside of the repository, so a hook there would be other repositories' too.
        """
        folder = (self.root / os.fsdecode(self._git("rev-parse", "--git-path", "hooks").rstrip(b"\n"))).resolve()
        common = (self.root / os.fsdecode(self._git("rev-parse", "--git-common-dir").rstrip(b"\n"))).resolve()
        if not folder.is_relative_to(self.root) and not folder.is_relative_to(common):
            raise HookError(
                f"git's core.hooksPath is {folder}, which other repositories may share, so nothing was written.\n"
                f"  Add to its pre-push hook: {HOOK_LINE}"
            )
        return folder

    def _paths_here(self) -> Iterable[str]:
        names = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        try:
            listed = self._git(*names, "--", f"*{STAGES_FILE}", "*dvc.lock", "*.dvc").decode("utf-8", "surrogateescape")
        except RevisionError:
            return (f"data/{name}" for name in (STAGES_FILE, "dvc.lock"))
        return filter(None, listed.split("\0"))

    def _git(self, *words: str) -> bytes:
        # Inside a hook, git's own variables would point somewhere else for a worktree.
        ours = {name: value for name, value in os.environ.items() if name not in ("GIT_DIR", "GIT_WORK_TREE")}
        answer = _started(["git", *words], cwd=self.root, env=ours)
        if answer.returncode:
            problem = answer.stderr.decode("utf-8", "replace").strip() or f"git {words[0]} failed"
            raise RevisionError(words[-1], problem)
        return answer.stdout


HOOK_LINE = "./run python -m data_share check --pre-push"


def _changed(facts: Iterable[Any]) -> list[str] | None:
    """What DVC says of a stage, as paths; what changed of an output is told from the records instead."""
    changed = []
    for fact in facts:
        if fact == "changed command":
            changed.append(f"its command in {STAGES_FILE}")
        for path, state in (fact.get("changed deps", {}) if isinstance(fact, dict) else {}).items():
            if state == "deleted":
                return None
            changed.append(f"{', '.join(state)} in {path}" if isinstance(state, dict) else path)
    return changed


def _started(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise RevisionError(command[-1], f"there is no program '{command[0]}' here") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(str(path), f"cannot be read: {error}") from error


def _text(line: str | bytes) -> str:
    text = line.decode("utf-8") if isinstance(line, bytes) else line
    # As DVC writes the names of remotes.
    return re.sub(r'^(\s*)\[(\w+ "[^"]+")\]', r"\1['\2']", text)


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error
