"""Run the program once per set of settings; the tests inspect the resources that it declared."""

from __future__ import annotations

import pytest
from proof.example import example_settings, full_settings
from proof.recording import Recording, run_program


@pytest.fixture(scope="session")
def stack() -> Recording:
    """The example stack."""
    return run_program(example_settings())


@pytest.fixture(scope="session")
def full_stack() -> Recording:
    """The example stack with all optional settings."""
    return run_program(full_settings())
