"""A notebook with its image and data: opened in Jupyter, run without a browser, frozen in a capsule and reproduced."""

from __future__ import annotations

from notebook_run.capsule.files import find_capsule
from notebook_run.capsule.freeze import FrozenNotebook, freeze_notebook, frozen_json, frozen_text
from notebook_run.capsule.touched import capsules_matrix, list_capsules
from notebook_run.comparison.compare import Comparison
from notebook_run.comparison.text import comparison_text
from notebook_run.errors import InterruptedRunError, MissingDataError, NotebookInputError, NotebookRunError
from notebook_run.lineage.compare import compare_notebooks, comparison_lines, write_comparison
from notebook_run.lineage.stage import write_metrics
from notebook_run.lineage.stage_file import recorded_notebooks, recorded_results, write_stage_file
from notebook_run.local.clean import CleanedEnvironment, clean_environments
from notebook_run.new_notebook import new_notebook
from notebook_run.place import PlaceName
from notebook_run.project import load_project
from notebook_run.reproduction import reproduce, write_report
from notebook_run.run.events import CellRun
from notebook_run.run.execution import execute, run_notebook
from notebook_run.run.request import DEFAULT_TIMEOUT_S, RunRequest, RunResult, run_text
from notebook_run.session.listing import (
    ListedNotebook,
    follow_log,
    list_notebooks,
    notebooks_text,
    running_notebooks,
    running_text,
)
from notebook_run.session.start import StartedNotebook, bring_up, wait_until_stopped
from notebook_run.session.stop import bring_down

__all__ = [
    "DEFAULT_TIMEOUT_S",
    "CellRun",
    "CleanedEnvironment",
    "Comparison",
    "FrozenNotebook",
    "InterruptedRunError",
    "ListedNotebook",
    "MissingDataError",
    "NotebookInputError",
    "NotebookRunError",
    "PlaceName",
    "RunRequest",
    "RunResult",
    "StartedNotebook",
    "bring_down",
    "bring_up",
    "capsules_matrix",
    "clean_environments",
    "compare_notebooks",
    "comparison_lines",
    "comparison_text",
    "execute",
    "find_capsule",
    "follow_log",
    "freeze_notebook",
    "frozen_json",
    "frozen_text",
    "list_capsules",
    "list_notebooks",
    "load_project",
    "new_notebook",
    "notebooks_text",
    "recorded_notebooks",
    "recorded_results",
    "reproduce",
    "run_notebook",
    "run_text",
    "running_notebooks",
    "running_text",
    "wait_until_stopped",
    "write_comparison",
    "write_metrics",
    "write_report",
    "write_stage_file",
]
