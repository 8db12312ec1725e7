"""Group models: the additional packages of notebooks with models."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LinearRegression


def test_model_fits() -> None:
    """A linear model finds the slope and intercept of a line."""
    hours = np.arange(24.0).reshape(-1, 1)
    model = LinearRegression().fit(hours, 3 * hours.ravel() + 2)
    assert np.isclose(model.coef_[0], 3)
    assert np.isclose(model.intercept_, 2)
