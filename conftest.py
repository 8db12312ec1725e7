"""Settings of every test of this repository."""

from __future__ import annotations

import importlib.util
import signal

# A shell that runs in the background lets its programs ignore SIGINT, and their children inherit that. Tests that
# interrupt a process need the default.
signal.signal(signal.SIGINT, signal.default_int_handler)
# The same for `nohup` and SIGHUP, which the commands leave ignored where the user started them so.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Many tests compare standard error exactly, so a slow machine must not make progress visible. Not every environment of
# the tests has this package.
if importlib.util.find_spec("terminal") is not None:
    from terminal import progress_bar

    progress_bar._SILENT_S = progress_bar._LOG_EVERY_S = 300.0
