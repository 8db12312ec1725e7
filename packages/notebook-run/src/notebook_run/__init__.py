"""A notebook with its image and data: compose, headless run, capsule."""

from __future__ import annotations

from notebook_run.errors import NotebookRunError
from notebook_run.events import RanCell
from notebook_run.headless import DEFAULT_TIMEOUT_S, RunRequest, RunResult, run_notebook

__all__ = ["DEFAULT_TIMEOUT_S", "NotebookRunError", "RanCell", "RunRequest", "RunResult", "run_notebook"]
