"""What every test of this repository may rely on."""

from __future__ import annotations

import signal

# A shell that was started in the background has its programs ignore Ctrl-C, and these theirs: then nothing that a test
# starts could be interrupted.
signal.signal(signal.SIGINT, signal.default_int_handler)
