"""Starts a command that can write to some folders alone, and only to these: `sandbox.py ORDER COMMAND…`.

ORDER is JSON: `writable` (paths), `parent` (true ends the command with this process's parent). It uses Landlock
(https://docs.kernel.org/userspace-api/landlock.html); on a system without it, only the modes of the files protect them.
It runs with the Python of a notebook's environment, so it imports the standard library alone.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import struct
import sys
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
_SET_PARENT_DEATH_SIGNAL, _SET_NO_NEW_PRIVILEGES = 1, 38
_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
# Remove and make folders, files, links, sockets and devices; move them between folders.
_CHANGE_FOLDER = sum(1 << bit for bit in range(4, 14))
# The versions of Landlock that know moving and truncating.
_REFER_VERSION, _TRUNCATE_VERSION = 2, 3


def restrict(writable: Iterable[str]) -> bool:
    """Let this process and its children write below these paths only; False if the system cannot do that."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, 0, _VERSION)
    if version < _REFER_VERSION:
        return False
    rights = _WRITE_FILE | _CHANGE_FOLDER | (_TRUNCATE if version >= _TRUNCATE_VERSION else 0)
    attributes = struct.pack("Q", rights)
    ruleset = libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    for path in writable:
        _allow(libc, ruleset, path, rights)
    libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    is_restricted = bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    os.close(ruleset)
    return is_restricted


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # What does not exist needs no right.
    allowed = rights if os.path.isdir(path) else rights & (_WRITE_FILE | _TRUNCATE)  # noqa: PTH112
    libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", allowed, descriptor), 0)
    os.close(descriptor)


def main() -> None:
    """Read the order, and become the command."""
    order, command = json.loads(sys.argv[1]), sys.argv[2:]
    if order["parent"] and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    # The process that started this one delayed signals until it had its number.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    restrict(order["writable"])
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
