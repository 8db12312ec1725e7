"""Unit tests of images start no processes and use no engine."""

from __future__ import annotations

import subprocess
from typing import Any, NoReturn

import pytest


@pytest.fixture(autouse=True)
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **_: Any) -> NoReturn:
        raise AssertionError(f"a unit test started {arguments}")

    monkeypatch.setattr(subprocess, "Popen", refuse)
