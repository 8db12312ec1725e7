"""The program of a notebook's stage."""

from __future__ import annotations

import sys

from notebook_run.lineage.stage import main

sys.exit(main())
