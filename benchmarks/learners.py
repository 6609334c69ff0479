"""The two models of the experiments: one needs every value, the other handles gaps."""

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


def make_linear(seed: int) -> Any:
    """Make a ridge regression that fills gaps with the median of the training rows."""
    fill = SimpleImputer(strategy="median", keep_empty_features=True)
    return make_pipeline(fill, StandardScaler(), Ridge(1.0))


def make_trees(seed: int) -> Any:
    """Make boosted trees for the mean absolute error, which handle gaps themselves."""
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


LEARNERS = {"linear": make_linear, "trees": make_trees}


def compute_errors(model: Any, features: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Compute the absolute error of each row, in points."""
    return np.asarray(np.abs(model.predict(features) - label))
