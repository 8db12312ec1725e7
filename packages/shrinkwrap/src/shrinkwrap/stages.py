"""Brings datasets up to date through DVC, whose stages convert one dataset each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from data_share import write_stage_list
from dataset_spec import read_datasets
from terminal import EXIT_FAILED, EXIT_INTERRUPTED

STAGES_FILE: Final = "data/dvc.yaml"
_SETTINGS: Final = ("SHRINKWRAP_JOBS", "SHRINKWRAP_FORCE", "SHRINKWRAP_FAILURES")


@dataclass(frozen=True, kw_only=True)
class StageOutcome:
    """What became of the stages.

    Attributes:
        exit_code: 0, or that of the worst failure.
        failures: One object per failed stage: `exit_code`, `error` and `datasets`. Empty if DVC itself failed.
    """

    exit_code: int
    failures: tuple[dict[str, Any], ...] = ()


def stage_name(dataset: str) -> str:
    """The name of the stage that converts a dataset."""
    return f"compress@{dataset}"


def run_stages(
    root: Path, datasets: Sequence[str], *, jobs: int | None = None, force: bool = False, is_quiet: bool = False
) -> StageOutcome:
    """Convert the datasets whose raw files, description or conversion changed; the others are skipped by DVC.

    A failed stage reports its error on standard error and does not stop the stages of other datasets.

    Args:
        root: The project.
        jobs: Threads; by default one per core.
        force: Convert finished parts again.
        is_quiet: Print nothing on standard output.
    """
    _remove_dangling_links(root, datasets)
    write_stage_list(root, datasets)
    stages = [f"{STAGES_FILE}:{stage_name(name)}" for name in datasets]
    flags = ["--keep-going", *(["--force"] if force else [])]
    with stage_settings(jobs=jobs, force=force) as settings:
        exit_code = run_dvc(root, ["repro", "-q", *flags, *stages], settings, is_quiet=is_quiet)
        outcome = stage_outcome(exit_code, settings)
        if not outcome.failures and exit_code not in (0, EXIT_INTERRUPTED):
            # No stage failed, so DVC did, and -q hid why.
            exit_code = run_dvc(root, ["repro", *flags, *stages], settings, is_quiet=is_quiet)
            outcome = StageOutcome(exit_code=exit_code)
    # A dataset whose conversion failed is not recorded.
    write_stage_list(root)
    return outcome


@contextmanager
def stage_settings(*, jobs: int | None, force: bool) -> Iterator[dict[str, str]]:
    """The variables of the stages. What does not change the output is no argument, so DVC does not record it."""
    with tempfile.TemporaryDirectory() as folder:
        yield {
            "SHRINKWRAP_JOBS": str(jobs or ""),
            "SHRINKWRAP_FORCE": "1" if force else "",
            "SHRINKWRAP_FAILURES": str(Path(folder) / "failures"),
        }


def stage_outcome(exit_code: int, settings: Mapping[str, str]) -> StageOutcome:
    """What became of stages that ran with these settings, by the failures that they reported."""
    file = Path(settings["SHRINKWRAP_FAILURES"])
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    failures = tuple(json.loads(line) for line in lines)
    worst = max((failure["exit_code"] for failure in failures), default=exit_code)
    return StageOutcome(exit_code=worst, failures=failures)


def run_dvc(root: Path, arguments: Sequence[str], settings: dict[str, str], *, is_quiet: bool) -> int:
    """Run DVC in `root`; return its exit code."""
    return run_program(root, ["dvc", *arguments], settings, is_quiet=is_quiet)


def dvc_output(root: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """What DVC prints in `root`."""
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def run_program(folder: Path, words: Sequence[str], settings: Mapping[str, str], *, is_quiet: bool) -> int:
    """Run a module of Python in a folder; return its exit code.

    The child inherits the terminal, so DVC and the stages decide on their own about colour and progress bars.

    Args:
        words: The module and its arguments.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _SETTINGS}
    # Stages start `python`, which must be that of this environment also if it is not activated.
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    with subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**environment, **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if is_quiet else None,
    ) as child:
        return _wait(child)


def _remove_dangling_links(root: Path, datasets: Sequence[str]) -> None:
    """Remove links to objects that the cache lost (`cache.type symlink`): DVC fails at them."""
    tables = read_datasets(root)
    for name in datasets:
        folder = root / tables[name].output_path if name in tables else None
        for path in folder.rglob("*") if folder else ():
            if path.is_symlink() and not path.exists():
                path.unlink()


def _wait(child: subprocess.Popen[bytes]) -> int:
    """Wait for the child, also after Ctrl-C.

    The terminal sends Ctrl-C to the child as well, which then ends the running stage cleanly. `subprocess.run` would
    kill it after a quarter of a second.
    """
    was_interrupted = False
    while True:
        try:
            exit_code = child.wait()
        except KeyboardInterrupt:
            was_interrupted = True
            continue
        if was_interrupted:
            return EXIT_INTERRUPTED
        return exit_code if exit_code >= 0 else EXIT_FAILED
