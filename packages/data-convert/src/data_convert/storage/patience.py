"""Repeats a request to a bucket while its server cannot be reached: a short cut of the network fails nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from data_convert.storage.output_place import CheckStop, keep_going
from s3_access import StoreError

_T = TypeVar("_T")

_PATIENCE_S: Final = 75.0
"""A network that is cut for longer fails the part."""

_LONGEST_PAUSE_S: Final = 4.0
_PASSING: Final = ("unreachable", "busy")
"""Kinds of StoreError that may be over soon. The client has repeated the request a few times already."""


_has_answered: Final = threading.Event()
"""A server that has never answered this process is probably a wrong address, and waiting does not help."""


def with_patience(request: Callable[[], _T], check_stop: CheckStop = keep_going) -> _T:
    """The result of the request, which may be made several times.

    Args:
        check_stop: Called before each repetition; what it raises ends the patience.

    Raises:
        StoreError: The server refused the request, or could not be reached for more than a minute.
    """
    pause_s, give_up_at = 0.25, 0.0
    while True:
        try:
            result = request()
        except StoreError as error:
            now = time.monotonic()
            give_up_at = give_up_at or now + _PATIENCE_S
            if error.kind not in _PASSING:
                _has_answered.set()
                raise
            if not _has_answered.is_set() or now + pause_s > give_up_at:
                raise
        else:
            _has_answered.set()
            return result
        check_stop()
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
