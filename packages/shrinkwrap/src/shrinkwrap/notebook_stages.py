"""Brings notebooks up to date through DVC, whose stages run one notebook each."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from notebook_run import PlaceName, recorded_notebooks, write_metrics, write_stage_file
from shrinkwrap.stages import dvc_output, run_dvc, stage_outcome, stage_settings
from terminal import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, ShrinkwrapError

_STAGES: Final = "notebooks/dvc.yaml"
_PLACE: Final = "SHRINKWRAP_NOTEBOOKS"


class StatusError(ShrinkwrapError):
    """DVC cannot say or record what changed."""

    exit_code = EXIT_FAILED

    def __init__(self, output: str) -> None:
        super().__init__(f"DVC cannot compare or record the results: {output}")


@dataclass(frozen=True, kw_only=True)
class NotebookOutcome:
    """What became of a notebook.

    Attributes:
        state: ran, up to date, failed, or not run (because the run was stopped before, or a dataset failed).
        reasons: What changed since the recorded run, or why it did not run; empty if nothing changed.
        error: Why it failed.
    """

    name: str
    state: str
    reasons: tuple[str, ...] = ()
    seconds: float | None = None
    error: str | None = None

    @property
    def text(self) -> str:
        """One line."""
        if self.state == "up to date":
            return f"{self.name}: up to date; nothing that it depends on has changed"
        because = f", because {'; '.join(self.reasons)}" if self.reasons else ""
        duration = f" in {self.seconds:.0f} s" if self.seconds is not None else ""
        return f"{self.name}: {self.state}{duration}{because}"

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def run_notebook_stages(
    root: Path, names: Sequence[str], *, place: PlaceName | None = None, force: bool = False, is_quiet: bool = False
) -> tuple[int, tuple[NotebookOutcome, ...]]:
    """Run the notebooks that changed or that depend on something that changed.

    A notebook that fails does not stop the others.

    Args:
        place: Where they run; None for the default of the project.
        force: Run all of them.
        is_quiet: Print nothing on standard output.

    Returns:
        The exit code, and the outcome of each notebook.

    Raises:
        EnvSpecError, DatasetSpecError: The project has mistakes.
        StatusError: DVC cannot compare the files with its record.
    """
    if not names:
        write_stage_file(root)
        return EXIT_DONE, ()
    new = set(names) - recorded_notebooks(root)
    write_stage_file(root, names)
    reasons = _reasons(root, names, new=new)
    stale = [name for name in names if force or name in reasons]
    outcomes = {name: NotebookOutcome(name=name, state="up to date") for name in names}
    code = EXIT_DONE
    for name in stale:
        outcomes[name] = NotebookOutcome(name=name, state="not run", reasons=tuple(reasons.get(name, ("--force",))))
    for name in stale:
        exit_code, outcomes[name] = _run(root, outcomes[name], place=place, force=force, is_quiet=is_quiet)
        code = max(code, exit_code)
        if code == EXIT_INTERRUPTED:
            break
    # A notebook that failed for the first time is not recorded; figures may be new.
    write_stage_file(root)
    return code, tuple(outcomes[name] for name in names)


def is_current(root: Path, name: str) -> bool:
    """Whether DVC has recorded a run of a notebook and nothing that it depends on has changed since."""
    if name not in recorded_notebooks(root):
        return False
    write_stage_file(root)
    return not _reasons(root, [name], new=set())


def record_run(root: Path, name: str) -> None:
    """Record a run that was made without DVC; a notebook that `invoke run` never recorded stays so.

    Raises:
        StatusError: DVC cannot record it.
    """
    if name not in recorded_notebooks(root):
        return
    write_metrics(root, name)
    write_stage_file(root)
    done = dvc_output(root, ["commit", "-q", "--force", f"{_STAGES}:{name}"])
    if done.returncode:
        raise StatusError(done.stderr.strip())


def unrecorded_text(root: Path, name: str, options: Sequence[str]) -> str | None:
    """Why the run of a recorded notebook with these options is not recorded; None if there is nothing to say."""
    if not options or name not in recorded_notebooks(root):
        return None
    verb = "is" if len(options) == 1 else "are"
    return (
        f"{name}: this run is not recorded, because {' and '.join(options)} {verb} not part of its stage; `invoke run"
        f" {name}` records one"
    )


def _run(
    root: Path, planned: NotebookOutcome, *, place: PlaceName | None, force: bool, is_quiet: bool
) -> tuple[int, NotebookOutcome]:
    """Run one stage; its exit code and its outcome."""
    words = ["repro", "-q", "--single-item", *(["--force"] if force else []), f"{_STAGES}:{planned.name}"]
    began = time.monotonic()
    with stage_settings(jobs=None, force=force) as settings:
        variables = {**settings, **({_PLACE: place} if place else {})}
        outcome = stage_outcome(run_dvc(root, words, variables, is_quiet=is_quiet), settings)
        if outcome.exit_code not in (EXIT_DONE, EXIT_INTERRUPTED) and not outcome.failures:
            # The stage did not fail, so DVC did, and -q hid why.
            words.remove("-q")
            outcome = stage_outcome(run_dvc(root, words, variables, is_quiet=is_quiet), settings)
    if outcome.exit_code == EXIT_DONE:
        return EXIT_DONE, _ended(planned, "ran", began)
    error = next((failure["error"] for failure in outcome.failures), None)
    return outcome.exit_code, _ended(planned, "failed", began, error)


def _ended(planned: NotebookOutcome, state: str, began: float, error: str | None = None) -> NotebookOutcome:
    seconds = round(time.monotonic() - began, 1)
    return NotebookOutcome(name=planned.name, state=state, reasons=planned.reasons, seconds=seconds, error=error)


def _reasons(root: Path, names: Sequence[str], *, new: set[str]) -> dict[str, list[str]]:
    """What changed, by notebook, as DVC compares it with its record."""
    done = dvc_output(root, ["status", "--json", *(f"{_STAGES}:{name}" for name in names)])
    try:
        found = json.loads(done.stdout)
    except ValueError:
        raise StatusError(done.stderr.strip()) from None
    reasons = {}
    for name in names:
        changes = found.get(f"{_STAGES}:{name}") or found.get(name)
        if name in new:
            reasons[name] = ["it was never run"]
        elif changes:
            reasons[name] = list(dict.fromkeys(_reason_texts(changes))) or ["it changed"]
    return reasons


def _reason_texts(changes: Sequence[Any]) -> Iterator[str]:
    for change in changes:
        if change == "changed command":
            yield "its environment changed"
        elif isinstance(change, Mapping):
            for kind, paths in change.items():
                yield from (_reason_text(kind, path, state) for path, state in paths.items())


def _reason_text(kind: str, path: str, state: Any) -> str:
    if isinstance(state, Mapping):
        return "its table in pyproject.toml changed"
    words = {"modified": "changed", "deleted": "is missing", "new": "is new", "not in cache": "is not in the cache"}
    what = "its results" if kind == "changed outs" and path.startswith("notebooks/out/") else path
    return f"{what} {words.get(state, state)}"
