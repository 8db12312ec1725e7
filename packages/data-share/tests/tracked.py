"""A repository whose data DVC tracks, as `dvc repro` and `dvc add` would leave it, made in milliseconds."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Project:
    """A git repository with `.dvc`, a remote that is a folder beside it, and datasets that are recorded.

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
        self.git("init", "--quiet", "--initial-branch=main")

    def configure(self, remotes: str, default: str = "box") -> None:
        """Write .dvc/config."""
        head = f"[core]\n    analytics = false\n    remote = {default}\n"
        (self.root / ".dvc/config").write_text(head + remotes)

    def write(self, dataset: str, files: Mapping[str, bytes], *, folder: str | None = None) -> str:
        """Make a dataset of these files: in the working tree, in the cache, and recorded. Gives its list's object."""
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
        # JSON is YAML; DVC reads both files so.
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
        """Put content into the cache, and give its object's name."""
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
        """The objects of the cache."""
        return [path.parent.name + path.name for path in (self.root / ".dvc/cache/files/md5").glob("??/*")]

    def there(self, oid: str) -> Path:
        return self.remote / "files/md5" / oid[:2] / oid[2:]

    def objects(self) -> dict[str, int]:
        """Size of each object of the remote's folder."""
        files = (path for path in (self.remote / "files/md5").glob("??/*") if path.is_file())
        return {path.parent.name + path.name: path.stat().st_size for path in files}

    def forget(self, *, working_tree: bool = True) -> None:
        """Be a machine that has none of the data."""
        for path in (self.root / ".dvc/cache", self.root / ".dvc/tmp"):
            shutil.rmtree(path, ignore_errors=True)
        if working_tree:
            shutil.rmtree(self.root / "data/raw", ignore_errors=True)

    def data(self) -> dict[str, bytes]:
        """The files of all datasets in the working tree."""
        folder = self.root / "data/raw"
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def commit(self, message: str = "A change") -> str:
        """Commit everything, and give the commit's name."""
        who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        self.git("add", "--all")
        self.git(*who, "commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *words: str) -> str:
        command = ["git", "-c", "core.hooksPath=", *words] if words[0] == "commit" else ["git", *words]
        return subprocess.run(command, cwd=self.root, stdout=subprocess.PIPE, text=True, check=True).stdout

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """`python -m data_share WORDS` as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "data_share", *words],
            cwd=self.root,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The same, waited for."""
        with self.start(*words, **environment) as process:
            out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def json(self, *words: str, **environment: str) -> Any:
        """What it prints with `--json`; that it succeeds is asserted."""
        answer = self.run(*words, "--json", **environment)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return json.loads(answer.stdout)
