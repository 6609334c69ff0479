"""The two models of the experiments: one that needs every value, one that takes gaps."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from lightgbm import LGBMRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore", message="X does not have valid feature names")
warnings.filterwarnings("ignore", message="Skipping features without any observed values")


def linear(seed: int) -> Any:
    """Ridge regression; gaps are filled with the median of the training rows."""
    fill = SimpleImputer(strategy="median", keep_empty_features=True)
    return make_pipeline(fill, StandardScaler(), Ridge(1.0))


def boosting(seed: int) -> Any:
    """Gradient boosting for the mean absolute error; a gap is a value of its own."""
    return LGBMRegressor(
        objective="l1",
        n_estimators=300,
        learning_rate=0.03,
        num_leaves=15,
        min_child_samples=50,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.8,
        seed=seed,
        n_jobs=1,
        verbose=-1,
    )


LEARNERS = {"linear": linear, "boosting": boosting}


def errors(model: Any, features: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Absolute error of each row, in points."""
    return np.asarray(np.abs(model.predict(features) - label))
