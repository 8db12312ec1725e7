"""A world of several clones for the randomised test, and a model of what must be true in it.

The world is real: git repositories, DVC's cache and checkout, a remote that is a folder, and commands that run in a
process of their own, which can be killed. The model knows the right content of every object, because it made all of
them. It decides with its own few lines what is needed; it does not ask data_share.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import random
import shutil
import signal
import subprocess
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

# Imported before the children start, which then do not import them again.
import dvc.cli
import dvc.commands.checkout
import dvc.repo
import dvc.stage.cache

from data_share import (
    DataShareError,
    GarbageRequest,
    TransferRequest,
    check_remote,
    collect_garbage,
    plan_garbage,
    plan_pull,
    plan_push,
    pull,
    push,
    status,
)
from data_share.repository import dvc as placing_module
from data_share.repository.processes import CommandResult

from .tracked import Project

_dvc_in_a_process = placing_module._dvc
DAYS = 30
DATASETS = ("climate", "traffic")
_DAY_S = 86400
_OLD = "2020-01-01T00:00:00Z"
Files = Mapping[str, bytes]


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


class World:
    """Clones, git's server and the remote.

    Attributes:
        contents: The right content of each object that was ever made.
        versions: The files of each list, by path: their objects.
        capsules: For the text of each capsule, the list and the objects that it needs.
        done: How often each event happened.
        trace: What was done, for the message of a failure.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.contents: dict[str, bytes] = {}
        self.versions: dict[str, dict[str, str]] = {}
        self.capsules: dict[str, frozenset[str]] = {}
        self.done: Counter[str] = Counter()
        self.trace: list[str] = []
        self.pool = [self.chance.randbytes(self.chance.choice([0, 10, 500, 3000])) for _ in range(20)]
        self.origin = folder / "origin.git"
        first = Project(folder / "clone 0", remote=folder / "remote")
        self.clones = [first]
        self.record(first)
        first.commit("First")
        first.publish(self.origin)
        for number in range(1, self.chance.randint(2, 4)):
            self.clones.append(first.clone(folder / f"clone {number}", origin=self.origin))
        for number, clone in enumerate(self.clones):
            clone.git("switch", "--quiet", "--create", f"own-{number}")

    # What users do.

    def step(self) -> None:
        """One random event, and the checks that belong to it."""
        events: list[tuple[int, Callable[[Project], None]]] = [
            (4, self.new_version),
            (5, self.share),
            (3, self.pull),
            (4, self.remove_garbage),
            (6, self.surprise),
            (3, self.pull_damage),
            (1, self.clean_cache),
            (2, self.freeze),
            (2, self.visit),
            (1, self.delete_branch),
            (2, self.let_time_pass),
            (2, self.damage),
            (2, self.repair),
            (2, self.ask),
        ]
        event = self.chance.choices([event for _, event in events], [weight for weight, _ in events])[0]
        clone = self.chance.choice(self.clones)
        self.trace.append(f"{event.__name__}({clone.root.name})")
        event(clone)
        self.done[event.__name__] += 1

    def record(self, clone: Project, pool: Sequence[bytes] = ()) -> str:
        """Write a version of a dataset, from few contents, so that versions share many; returns its name."""
        names = self.chance.sample("abcdef", 3)
        files = {f"{name}.parquet": self.chance.choice(pool or self.pool) for name in names}
        dataset = self.chance.choice(DATASETS)
        oid = clone.write(dataset, files)
        self.versions[oid] = {name: md5(content) for name, content in files.items()}
        self.contents |= {md5(content): content for content in files.values()}
        entries = [{"md5": md5(content), "relpath": name} for name, content in sorted(files.items())]
        self.contents[oid] = json.dumps(entries).encode()
        return dataset

    def new_version(self, clone: Project) -> None:
        self.load(clone)
        self.record(clone)
        if self.chance.random() < 0.8:
            self.commit(clone, "Version")

    def share(self, clone: Project) -> None:
        """Push the data and, usually, the commit."""
        pushed = self.command(clone, lambda: push(clone.root, TransferRequest(up="1Gbps")))
        if pushed and not pushed.unrepaired:
            lost = self.needed_by(self.recorded(clone)) - set(self.right_names(clone))
            assert not lost, f"data.push succeeded, and the remote does not have {sorted(lost)}"
            if self.chance.random() < 0.7:
                self.publish(clone)

    def publish(self, clone: Project) -> None:
        subprocess.run(
            ["git", "push", "--quiet", "--force", "origin", "HEAD"], cwd=clone.root, check=False, capture_output=True
        )

    def pull(self, clone: Project) -> None:
        if self.chance.random() < 0.5:
            shutil.rmtree(clone.root / "data/raw", ignore_errors=True)
        if self.chance.random() < 0.3:
            self.lose(clone)
        wrong = self.wrong_in_cache(clone)
        is_pulled = self.command(clone, lambda: pull(clone.root, TransferRequest(down="1Gbps")))
        added = self.wrong_in_cache(clone) - wrong
        assert not added, f"data.pull kept objects that are damaged: {sorted(added)}"
        if is_pulled:
            self.done["pulled"] += 1
            self.require_right_tree(clone, "data.pull succeeded")

    def surprise(self, clone: Project) -> None:
        """Push a version that a colleague, who then removes garbage, has a reason to keep that is easily missed."""
        steward = self.chance.choice([other for other in self.clones if other is not clone])
        steward.git("fetch", "--quiet", "--prune", "origin")
        clone.age(days=60)
        self.lose(clone)
        self.load(clone)
        # Old content of the remote that nothing needs: only the list of the new version will be young.
        unneeded = self.right_names(clone, is_read=True) - self.needed_on_remote(steward, 0)
        dataset = self.record(clone, [self.contents[oid] for oid in sorted(unneeded) if not oid.endswith(".dir")])
        self.commit(clone, "Version")
        request = TransferRequest(up="1Gbps", selections=[dataset])
        self.command(clone, lambda: push(clone.root, request), kills=False)
        reason = self.chance.choice(["young list", "capsule", "server"])
        if reason == "capsule":
            self.freeze(clone, dataset)
            self.publish(clone)
            steward.git("fetch", "--quiet", "--prune", "origin")
        elif reason == "server":
            self.publish(clone)
        self.remove_garbage(steward, days=DAYS if reason == "young list" else 0, fetches=False)

    def lose(self, clone: Project) -> None:
        """Lose the files of the data, and not the lists, without which data.gc cannot know what it may remove."""
        for oid in clone.kept():
            if not oid.endswith(".dir"):
                clone.cached(oid).unlink()
        shutil.rmtree(clone.root / "data/raw", ignore_errors=True)

    def pull_damage(self, clone: Project) -> None:
        """Lose all data, and pull while the remote has a damaged file."""
        needed = self.needed_by(self.recorded(clone)) & set(clone.objects())
        if files := sorted(oid for oid in needed if self.contents[oid] and not oid.endswith(".dir")):
            self.spoil(clone.on_remote(self.chance.choice(files)))
        self.lose(clone)
        self.pull(clone)

    def remove_garbage(self, clone: Project, days: int | None = None, *, fetches: bool = True) -> None:
        days = self.chance.choice([0, DAYS]) if days is None else days
        if fetches and self.chance.random() < 0.5:
            clone.git("fetch", "--quiet", "--prune", "origin")
        before = set(clone.objects())
        needed = self.needed_on_remote(clone, days)
        is_killed = self.chance.random() < 0.2
        ended = self.command(
            clone, lambda: collect_garbage(clone.root, GarbageRequest(days=days)), kills=is_killed or None
        )
        removed = before - set(clone.objects())
        self.done["removed"] += len(removed)
        assert not removed & needed, f"data.gc --days {days} removed {sorted(removed & needed)}, which are needed"
        assert ended or is_killed or not removed, "data.gc failed and removed something"

    def clean_cache(self, clone: Project) -> None:
        heads = [clone.git("rev-parse", name).strip() for name in clone.git("branch", "--format=%(refname)").split()]
        needed = self.needed_by({**self.at_commits(clone, heads), "": self.recorded(clone)}.values())
        before = set(clone.kept())
        self.command(clone, lambda: collect_garbage(clone.root, GarbageRequest(is_local=True, days=0)), kills=False)
        removed = before - set(clone.kept())
        assert not removed & needed, f"data.gc --local removed {sorted(removed & needed)}, which are needed"

    def freeze(self, clone: Project, dataset: str | None = None) -> None:
        """Commit a capsule of the current data; sometimes on a branch without the commit that it was made from."""
        self.load(clone)
        recorded = self.recorded(clone)
        if not recorded or clone.git("status", "--porcelain").strip():
            return
        head = clone.git("rev-parse", "HEAD").strip()
        dataset, oid = self.chance.choice(sorted(recorded.items())) if dataset is None else (dataset, recorded[dataset])
        parts = dict(self.chance.sample(sorted(self.versions[oid].items()), 2))
        text = json.dumps(
            {
                "$schema": "capsule.schema.json",
                "commit": head,
                "notebook": "n.ipynb",
                "image": {},
                "cells": [],
                "data": {dataset: {"table": "0" * 64, "parts": parts}},
            }
        )
        path = clone.root / "notebooks/capsules" / f"{self.chance.choice('xy')}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.capsules[text] = frozenset({oid, *self.versions[oid].values()})
        self.record(clone)
        if self.has_parent(clone) and self.chance.random() < 0.5:
            # As a squash merge leaves it: no branch has the commit.
            clone.git("reset", "--quiet", "--soft", "HEAD~1")
        self.commit(clone, "Capsule")

    def visit(self, clone: Project) -> None:
        """Go on from the branch of a colleague."""
        clone.git("fetch", "--quiet", "--prune", "origin")
        names = clone.git("for-each-ref", "--format=%(refname:short)", "refs/remotes/origin/").split()
        name = self.chance.choice([name for name in names if name not in ("origin", "origin/HEAD")])
        own = f"own-{self.clones.index(clone)}-{self.chance.randint(0, 1)}"
        clone.git("switch", "--quiet", "--discard-changes", "--force-create", own, name)
        self.load(clone)

    def delete_branch(self, clone: Project) -> None:
        """Delete one branch of the server."""
        names = subprocess.run(
            ["git", "branch", "--format=%(refname:short)"], cwd=self.origin, capture_output=True, text=True, check=True
        ).stdout.split()
        if len(names) > 1:
            name = self.chance.choice([name for name in names if name != "main"] or names)
            subprocess.run(["git", "branch", "--quiet", "-D", name], cwd=self.origin, check=False, capture_output=True)

    def let_time_pass(self, clone: Project) -> None:
        """What is on the remote is 60 days older; what comes later is young."""
        if names := list(clone.objects()):
            clone.age(*self.chance.sample(names, self.chance.randint(1, len(names))), days=60)

    def damage(self, clone: Project) -> None:
        """Change, cut or empty a file without changing its time."""
        remote = [path for path in (clone.remote / "files/md5").glob("??/*") if not path.name.endswith(".dir")]
        cached = list((clone.root / ".dvc/cache/files/md5").glob("??/*"))
        placed = [path for path in (clone.root / "data/raw").rglob("*.parquet") if path.is_file()]
        places = [path for path in self.chance.choice([remote, cached, placed]) if path.stat().st_size]
        if not places:
            return
        self.spoil(self.chance.choice(sorted(places)))

    def spoil(self, path: Path) -> None:
        stat, content = path.stat(), path.read_bytes()
        if not content:
            return
        path.chmod(0o644)
        path.write_bytes(self.chance.choice([b"", content[:-1], bytes([content[0] ^ 1]) + content[1:]]))
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        path.chmod(stat.st_mode & 0o777)

    def repair(self, clone: Project) -> None:
        """Make the recorded data again from raw files, then repair the remote."""
        self.load(clone)
        for oid in self.needed_by(self.recorded(clone)):
            clone.cached(oid).unlink(missing_ok=True)
            clone.keep(self.contents[oid], suffix=".dir" if oid.endswith(".dir") else "")
        pushed = self.command(clone, lambda: push(clone.root, TransferRequest(up="1Gbps", is_repair=True)))
        if pushed and not pushed.unrepaired:
            wrong = self.needed_by(self.recorded(clone)) - self.right_names(clone, is_read=True)
            assert not wrong, f"data.push --repair succeeded, and these are wrong on the remote: {sorted(wrong)}"

    def ask(self, clone: Project) -> None:
        """Questions change nothing, and do not report a wrong file as right."""
        before = self.snapshot(clone)
        is_deep = self.chance.random() < 0.5
        question = self.chance.choice(["check", "status", "push", "pull", "gc"])
        if question == "check":
            found = self.command(clone, lambda: check_remote(clone.root, is_deep=is_deep), kills=False)
            if found and found.is_complete:
                wrong = self.needed_by(self.recorded(clone)) - self.right_names(clone, is_read=is_deep)
                assert not wrong, f"data.check found all data, and these are wrong: {sorted(wrong)}"
        elif question == "status":
            found = self.command(clone, lambda: status(clone.root), kills=False)
            if found and all(each.is_listed and not each.changed + each.missing_locally for each in found.datasets):
                self.require_right_tree(clone, "data.status found all files")
        else:
            plans: dict[str, Callable[[], Any]] = {
                "push": lambda: plan_push(clone.root, TransferRequest(up="1Gbps")),
                "pull": lambda: plan_pull(clone.root, TransferRequest(down="1Gbps")),
                "gc": lambda: plan_garbage(clone.root, GarbageRequest(days=0)),
            }
            self.command(clone, plans[question], kills=False)
        assert self.snapshot(clone) == before, f"the question {question} changed something"

    # The model.

    def recorded(self, clone: Project) -> dict[str, str]:
        """The list of each dataset that the working tree records."""
        return _lists(json.loads((clone.root / "data/dvc.lock").read_text()))

    def at_commits(self, clone: Project, commits: Iterable[str]) -> dict[str, dict[str, str]]:
        return {commit: _lists(json.loads(clone.git("show", f"{commit}:data/dvc.lock"))) for commit in commits}

    def needed_by(self, records: Mapping[str, str] | Iterable[Mapping[str, str]]) -> set[str]:
        """The objects of which recorded lists consist."""
        found = [records] if isinstance(records, dict) else list(records)  # type: ignore[list-item]
        lists = {oid for record in found for oid in record.values()}
        return lists | {oid for name in lists for oid in self.versions[name].values()}

    def needed_on_remote(self, clone: Project, days: int) -> set[str]:
        """What any branch of the server or of the clone, a capsule in them, or a young list needs."""
        needed = self.needed_by(self.recorded(clone))
        for repository in (clone.root, self.origin):
            names = _git(repository, "for-each-ref", "--format=%(objectname)", "refs/heads", "refs/remotes").split()
            for commit in dict.fromkeys(names):
                needed |= self.needed_by(_lists(json.loads(_git(repository, "show", f"{commit}:data/dvc.lock"))))
                for path in _git(repository, "ls-tree", "-r", "--name-only", commit, "notebooks").split():
                    needed |= self.capsules[_git(repository, "show", f"{commit}:{path}")]
        for path in (clone.root / "notebooks/capsules").glob("*.json"):
            needed |= self.capsules[path.read_text()]
        if days:
            oldest = time.time() - days * _DAY_S
            young = {oid for oid in clone.objects() if clone.on_remote(oid).stat().st_mtime > oldest}
            needed |= young | {oid for name in young & set(self.versions) for oid in self.versions[name].values()}
        return needed

    def right_names(self, clone: Project, *, is_read: bool = False) -> set[str]:
        """The objects of the remote with the right size or, if they are read, with the right content."""
        return {
            oid
            for oid, size in clone.objects().items()
            if oid in self.contents
            and size == len(self.contents[oid])
            and (not is_read or clone.on_remote(oid).read_bytes() == self.contents[oid])
        }

    def wrong_in_cache(self, clone: Project) -> set[str]:
        return {oid for oid in clone.kept() if clone.cached(oid).read_bytes() != self.contents[oid]}

    def require_right_tree(self, clone: Project, claim: str) -> None:
        """Check that the working tree has exactly the recorded files."""
        found = clone.data()
        expected = {
            f"parquet/{dataset}/{name}": self.contents[oid]
            for dataset, the_list in self.recorded(clone).items()
            for name, oid in self.versions[the_list].items()
        }
        wrong = sorted(name for name, content in expected.items() if found.get(name) != content)
        assert not wrong, f"{claim}, and these files are wrong: {wrong}"

    # The machinery.

    def load(self, clone: Project) -> None:
        """Read the recorded outputs of the branch, which `Project.write` adds to."""
        stages = json.loads((clone.root / "data/dvc.lock").read_text())["stages"]
        clone._outputs = {name.partition("@")[2]: stage["outs"][0] for name, stage in stages.items()}

    def commit(self, clone: Project, message: str) -> None:
        # Old commits, so that nothing but branches keeps their data.
        os.environ["GIT_COMMITTER_DATE"] = _OLD
        try:
            clone.commit(message)
        finally:
            del os.environ["GIT_COMMITTER_DATE"]

    def has_parent(self, clone: Project) -> bool:
        return len(clone.git("rev-list", "--max-count=2", "HEAD").split()) == 2

    def snapshot(self, clone: Project) -> Any:
        """Everything that a question must not change."""
        parts = [path for path in (clone.root / ".dvc/cache").rglob("*") if path.is_file() and path.name != ".lock"]
        objects = {str(path): path.stat().st_mtime_ns for path in parts}
        remote = {oid: clone.on_remote(oid).stat().st_mtime_ns for oid in clone.objects()}
        return clone.data(), objects, remote, clone.git("status", "--porcelain"), clone.git("show-ref")

    def command(self, clone: Project, command: Callable[[], Any], *, kills: bool | None = None) -> Any:
        """Run a command in a process of its own; sometimes kill it at one of its effects.

        Returns:
            What the command returned, or None if it failed or was killed.
        """
        is_killed = self.chance.random() < 0.15 if kills is None else kills
        effects = self.chance.randint(1, 12)
        kind, result = in_child(clone.root, command, kill_after=effects if is_killed else None)
        self.trace[-1] += f" {kind}"
        self.done[kind] += 1
        assert kind != "crashed", result
        return (result or True) if kind == "succeeded" else None


def in_child(root: Path, command: Callable[[], Any], *, kill_after: int | None) -> tuple[str, Any]:
    """Run a command in a child process.

    Args:
        kill_after: SIGKILL the process at this effect on files.

    Returns:
        `succeeded`, `refused`, `crashed` or `killed`, and the result or the message.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        os.close(reading)
        answer: tuple[str, Any]
        try:
            # pytest makes errors of warnings, also of those that DVC causes.
            warnings.simplefilter("ignore")
            os.chdir(root)
            placing_module._dvc = _dvc_in_process
            if kill_after is not None:
                _kill_at_effect(kill_after)
            with redirect_stderr(StringIO()), redirect_stdout(StringIO()):
                answer = ("succeeded", command())
        except DataShareError as error:
            answer = ("refused", str(error))
        except BaseException as error:
            answer = ("crashed", repr(error))
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(answer, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        content = pipe.read()
    os.waitpid(child, 0)
    return pickle.loads(content) if content else ("killed", None)


def _kill_at_effect(number: int) -> None:
    """Kill this process at the given call of a function that changes files, half of the times after the change."""
    calls = [0]

    def killing(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **options: Any) -> Any:
            calls[0] += 1
            if calls[0] == number and number % 2:
                os.kill(os.getpid(), signal.SIGKILL)
            result = function(*arguments, **options)
            if calls[0] == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return called

    for name in ("replace", "unlink", "rename", "chmod", "mkdir"):
        setattr(Path, name, killing(getattr(Path, name)))
    for name in ("replace", "unlink", "link", "fsync"):
        setattr(os, name, killing(getattr(os, name)))


def _dvc_in_process(repository: Any, *words: str, environment: Any = None) -> CommandResult:
    """Run DVC's command line in this process, which saves the second that its imports take."""
    if words[0] != "checkout":
        # DVC keeps the standard output that it found when it was imported.
        return _dvc_in_a_process(repository, *words, environment=environment)
    os.environ["DVC_NO_ANALYTICS"] = "1"
    os.chdir(repository.root)
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = dvc.cli.main(list(words))
    return CommandResult(exit_code=code, stdout=out.getvalue().encode(), stderr=err.getvalue().encode())


def _lists(lock: Any) -> dict[str, str]:
    return {name.partition("@")[2]: stage["outs"][0]["md5"] for name, stage in lock["stages"].items()}


def _git(repository: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=repository, stdout=subprocess.PIPE, text=True, check=True).stdout
