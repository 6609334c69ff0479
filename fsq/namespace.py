"""``df.fsq`` and ``lf.fsq``: the same functions as methods of Polars frames."""

from __future__ import annotations

from typing import Any

import polars as pl

from fsq.diagnosis import Diagnosis, diagnose
from fsq.models import ModelCheck, check_model
from fsq.scoring.engine import explode_detail, score
from fsq.training import TrainingSet, training_set


@pl.api.register_dataframe_namespace("fsq")
class FrameNamespace:
    """fsq's functions on a DataFrame."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def score(self, **options: Any) -> pl.DataFrame:
        """See ``fsq.score``."""
        return score(self._frame, **options)

    def explode_detail(self) -> pl.DataFrame:
        """See ``fsq.explode_detail``."""
        return explode_detail(self._frame)

    def diagnose(self, **options: Any) -> Diagnosis:
        """See ``fsq.diagnose``."""
        return diagnose(self._frame, **options)

    def training_set(self, label: str | None = None, **options: Any) -> TrainingSet:
        """See ``fsq.training_set``."""
        return training_set(self._frame, label, **options)

    def check_model(self, model: Any, **options: Any) -> ModelCheck:
        """See ``fsq.check_model``."""
        return check_model(model, self._frame, **options)


@pl.api.register_lazyframe_namespace("fsq")
class LazyNamespace:
    """fsq's functions on a LazyFrame; they stay lazy."""

    def __init__(self, frame: pl.LazyFrame) -> None:
        self._frame = frame

    def score(self, **options: Any) -> pl.LazyFrame:
        """See ``fsq.score``."""
        return score(self._frame, **options)

    def explode_detail(self) -> pl.LazyFrame:
        """See ``fsq.explode_detail``."""
        return explode_detail(self._frame)

    def diagnose(self, **options: Any) -> Diagnosis:
        """See ``fsq.diagnose``."""
        return diagnose(self._frame, **options)

    def training_set(self, label: str | None = None, **options: Any) -> TrainingSet:
        """See ``fsq.training_set``."""
        return training_set(self._frame, label, **options)

    def check_model(self, model: Any, **options: Any) -> ModelCheck:
        """See ``fsq.check_model``."""
        return check_model(model, self._frame, **options)
