"""Makes exactly the environment that poetry.lock describes for some of its groups.

The front door, `run`, starts this package with the Python of the machine, before anything is installed. So it uses only
the standard library and imports no sibling.
"""

from __future__ import annotations

from env_make.environment import current_environment, make_environment
from env_make.errors import EnvMakeError
from env_make.lock import exclusive_lock
from env_make.lock_state import lock_fits, lock_problem, locked_by
from env_make.processes import Runner
from env_make.recipe import Environment
from env_make.relock import LOCK_BEFORE, MIRROR_VARIABLE, lock_project, mirror_variables
from env_make.slice_sources import authenticated_url
from env_make.tools import Tools, make_tools

__all__ = [
    "LOCK_BEFORE",
    "MIRROR_VARIABLE",
    "EnvMakeError",
    "Environment",
    "Runner",
    "Tools",
    "authenticated_url",
    "current_environment",
    "exclusive_lock",
    "lock_fits",
    "lock_problem",
    "lock_project",
    "locked_by",
    "make_environment",
    "make_tools",
    "mirror_variables",
]
