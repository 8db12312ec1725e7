"""The program of a notebook's stage: `python -m notebook_run NAME --environment FINGERPRINT`, in the folder notebooks.

DVC records its command, so what does not change the results comes from variables: SHRINKWRAP_NOTEBOOKS (the place) and
SHRINKWRAP_FAILURES (a file to which a failure is appended as a line of JSON, because DVC replaces exit codes).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from notebook_run.errors import InterruptedRunError, NotebookInputError
from notebook_run.lineage.stage_file import METRICS, STAGES, stage_environment
from notebook_run.project import out_folder
from notebook_run.run.execution import run_notebook
from terminal import EXIT_DONE, EXIT_INTERRUPTED, ShrinkwrapError, note

FAILURES_VARIABLE: Final = "SHRINKWRAP_FAILURES"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one notebook and write its metrics; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m notebook_run", description=__doc__.partition("\n")[0])
    parser.add_argument("name")
    parser.add_argument("--environment", required=True, help="fingerprint of its image")
    options = parser.parse_args(argv)
    if _was_interrupted():
        return EXIT_INTERRUPTED
    signal.signal(signal.SIGTERM, _interrupt)
    root = Path.cwd().resolve().parent
    try:
        run_stage(root, options.name, options.environment)
    except KeyboardInterrupt:
        return _report_failure(InterruptedRunError(), options.name)
    except ShrinkwrapError as error:
        return _report_failure(error, options.name)
    return EXIT_DONE


def run_stage(root: Path, name: str, environment: str) -> None:
    """Run a notebook, and write its metrics to the file that git has.

    Raises:
        ShrinkwrapError: A cell failed, or the notebook could not be run.
    """
    if environment != (current := stage_environment(root, name)):
        raise NotebookInputError(
            f"{STAGES} is older than the lock or the image of {name}: it has the environment {environment}, and now it"
            f" is {current}. `invoke run {name}` brings both up to date."
        )
    result = run_notebook(root, name)
    if result.error:
        raise result.error
    write_metrics(root, name)


def write_metrics(root: Path, name: str) -> None:
    """Copy the metrics of the last run to the file that git has; without any, it has an empty object."""
    metrics = out_folder(root, name) / "metrics.json"
    target = root / METRICS / f"{name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(metrics.read_text("utf-8") if metrics.is_file() else "{}\n", "utf-8")


def _was_interrupted() -> bool:
    """Whether an earlier stage of the same `dvc repro` was interrupted: DVC starts the others nevertheless."""
    path = os.environ.get(FAILURES_VARIABLE)
    if not path or not Path(path).exists():
        return False
    lines = Path(path).read_text("utf-8").splitlines()
    return any(json.loads(line)["exit_code"] == EXIT_INTERRUPTED for line in lines)


def _report_failure(error: ShrinkwrapError, name: str) -> int:
    if path := os.environ.get(FAILURES_VARIABLE):
        failure = {"exit_code": error.exit_code, "error": str(error), "notebook": name}
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(failure) + "\n")
    note(f"error: {error}")
    return error.exit_code


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
