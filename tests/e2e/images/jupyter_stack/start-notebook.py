#!/usr/bin/env python
"""Starts `jupyter lab`, or the subcommand in DOCKER_STACKS_JUPYTER_CMD, with NOTEBOOK_ARGS and the given options."""

import os
import shlex
import sys

command = ["jupyter", os.environ.get("DOCKER_STACKS_JUPYTER_CMD", "lab")]
command += shlex.split(os.environ.get("NOTEBOOK_ARGS", "")) + sys.argv[1:]
print("Executing: " + " ".join(command), flush=True)
os.execvp(command[0], command)
