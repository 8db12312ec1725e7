"""A small repository whose data DVC tracks, as `dvc repro` and `dvc add` leave it, without running DVC."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Project:
    """A git repository with `.dvc`, recorded datasets, and a remote that is a folder.

    Attributes:
        remote: The folder of the default remote.
    """

    def __init__(self, root: Path, *, remote: Path | None = None) -> None:
        self.root = root
        self.remote = remote or root / "remote"
        self._outputs: dict[str, dict[str, Any]] = {}
        (root / ".dvc").mkdir(parents=True)
        (root / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
        (root / ".gitignore").write_text("/data/raw/\n/remote/\n")
        self.configure(f"['remote \"box\"']\n    url = {self.remote}\n")
        (root / "data").mkdir()
        (root / "data/datasets.toml").touch()
        self.git("init", "--quiet", "--initial-branch=main")

    def configure(self, remotes: str, default: str = "box") -> None:
        """Write .dvc/config."""
        head = f"[core]\n    analytics = false\n    remote = {default}\n"
        (self.root / ".dvc/config").write_text(head + remotes)

    def write(self, dataset: str, files: Mapping[str, bytes], *, folder: str | None = None) -> str:
        """Write a dataset with these files: to the working tree, to the cache and to the records.

        Returns:
            The object of its list.
        """
        folder = folder or f"raw/parquet/{dataset}"
        target = self.root / "data" / folder
        shutil.rmtree(target, ignore_errors=True)
        entries = []
        for name, content in sorted(files.items()):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(content)
            entries.append({"md5": self.keep(content), "relpath": name})
        oid = self.keep(json.dumps(entries).encode(), suffix=".dir")
        size = sum(map(len, files.values()))
        self._outputs[dataset] = {"path": folder, "hash": "md5", "md5": oid, "size": size, "nfiles": len(files)}
        self.record()
        return oid

    def record(self) -> None:
        """Write dvc.yaml and dvc.lock."""
        # JSON is a subset of YAML.
        datasets = {name: {"output": output["path"]} for name, output in self._outputs.items()}
        stage = {
            "foreach": datasets,
            "do": {
                "cmd": "true ${key}",
                "outs": [{"${item.output}": {"persist": True}}],
                "metrics": [{"reports/${key}.json": {"cache": False}}],
            },
        }
        (self.root / "data/dvc.yaml").write_text(json.dumps({"stages": {"compress": stage}}))
        report = {"hash": "md5", "md5": "0" * 32, "size": 1}
        stages = {
            f"compress@{name}": {
                "cmd": f"true {name}",
                "outs": [output, {"path": f"reports/{name}.json", **report}],
            }
            for name, output in self._outputs.items()
        }
        (self.root / "data/dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": stages}))

    def keep(self, content: bytes, *, suffix: str = "") -> str:
        """Add content to the cache; returns the name of its object."""
        oid = hashlib.md5(content, usedforsecurity=False).hexdigest() + suffix
        path = self.cached(oid)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(0o444)
        return oid

    def cached(self, oid: str) -> Path:
        return self.root / ".dvc/cache/files/md5" / oid[:2] / oid[2:]

    def kept(self) -> list[str]:
        """The objects in the cache."""
        return [path.parent.name + path.name for path in (self.root / ".dvc/cache/files/md5").glob("??/*")]

    def on_remote(self, oid: str) -> Path:
        """Where the remote has an object."""
        return self.remote / "files/md5" / oid[:2] / oid[2:]

    def objects(self) -> dict[str, int]:
        """Size in bytes of each object on the remote."""
        sizes = {}
        for path in (self.remote / "files/md5").glob("??/*"):
            # A running push renames its partial files at any moment.
            with contextlib.suppress(FileNotFoundError):
                sizes[path.parent.name + path.name] = path.stat().st_size
        return sizes

    def forget(self, *, working_tree: bool = True) -> None:
        """Become a machine that has none of the data."""
        for path in (self.root / ".dvc/cache", self.root / ".dvc/tmp"):
            shutil.rmtree(path, ignore_errors=True)
        if working_tree:
            shutil.rmtree(self.root / "data/raw", ignore_errors=True)

    def data(self) -> dict[str, bytes]:
        """The content of each file of the datasets in the working tree."""
        folder = self.root / "data/raw"
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def commit(self, message: str = "A change") -> str:
        """Commit all files; returns the full name of the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *words: str) -> str:
        # Commits, tags and stashes need an author, and a machine may have none.
        who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        command = ["git", *who, *(["-c", "core.hooksPath="] if words[0] == "commit" else []), *words]
        return subprocess.run(command, cwd=self.root, stdout=subprocess.PIPE, text=True, check=True).stdout

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start `shrinkwrap data.WORDS` as a process of its own."""
        program = Path(sys.executable).with_name("shrinkwrap")
        return subprocess.Popen(
            [program, f"data.{words[0]}", *words[1:]],
            cwd=self.root,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `shrinkwrap data.WORDS` to its end."""
        with self.start(*words, **environment) as process:
            out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def json(self, *words: str, **environment: str) -> Any:
        """The document that a command prints with `--json`; it must succeed."""
        result = self.run(*words, "--json", **environment)
        assert result.returncode == 0, result.stdout + result.stderr
        return json.loads(result.stdout)

    def clone(self, root: Path, *, origin: Path | None = None) -> Project:
        """Another clone, which has none of the data and uses the same remote."""
        subprocess.run(["git", "clone", "--quiet", str(origin or self.root), root], check=True)
        made = object.__new__(Project)
        made.root, made.remote, made._outputs = root, self.remote, dict(self._outputs)
        return made

    def publish(self, origin: Path) -> None:
        """Create git's remote `origin` and push all branches to it."""
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", origin], check=True)
        self.git("remote", "add", "origin", str(origin))
        self.git("push", "--quiet", "--all", "--set-upstream", "origin")

    def age(self, *oids: str, days: int = 60) -> None:
        """Make objects of the remote older; all of them, if none is named."""
        now = time.time()
        for oid in oids or self.objects():
            os.utime(self.on_remote(oid), (now, now - days * 86400))
