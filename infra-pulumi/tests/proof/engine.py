"""Runs the real Pulumi engine on a copy of the program."""

from __future__ import annotations

import ensurepip
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Runs Pulumi in a copy of the program.

    Attributes:
        project: The folder of the copy, which also contains the settings of its stacks.
    """

    project: Path
    environment: dict[str, str]

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `pulumi ARGUMENTS`; a failure fails the test unless `check=False`."""
        result = subprocess.run(
            ["pulumi", *arguments],
            cwd=self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert not check or result.returncode == 0, result.stdout + result.stderr
        return result

    def configure(self, settings: dict[str, Any], *, stack: str = "test") -> None:
        """Write the settings of a stack as JSON, which is also YAML."""
        file = self.project / f"Pulumi.{stack}.yaml"
        salt = [line for line in _lines(file) if line.startswith("encryptionsalt:")]
        file.write_text("\n".join([*salt, "config:", f"  shrinkwrap:settings: {json.dumps(settings)}", ""]), "utf-8")

    def changes(self, *arguments: str) -> dict[str, str]:
        """The operations that a preview shows, by the name of the resource; unchanged resources are left out."""
        document = json.loads(self.run("preview", "--stack=test", "--json", *arguments).stdout)
        steps = {step["urn"].rpartition("::")[2]: step["op"] for step in document["steps"]}
        return {name: op for name, op in steps.items() if op != "same"}


def engine_environment(pulumi_folder: Path, *, port: int, home: Path, state: Path) -> dict[str, str]:
    """The variables of this process with the engine and its cloud, without those of the machine's Pulumi and AWS."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "AWS_"))}
    # The language host looks for plugins with pip, which the test environment does not have. Python bundles its wheel.
    pip = next((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
    return {
        **kept,
        "PATH": os.pathsep.join([str(pulumi_folder), str(Path(sys.executable).parent), kept["PATH"]]),
        "PYTHONPATH": str(pip),
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": "only of this test",
        "PULUMI_DEBUG_PROVIDERS": f"aws:{port}",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_HOME": str(home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines() if file.exists() else []
