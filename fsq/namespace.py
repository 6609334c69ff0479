"""``df.fsq`` and ``lf.fsq``: fsq's functions as methods of Polars frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import polars as pl

if TYPE_CHECKING:  # a method loads what it needs, so that ``import fsq`` is fast
    from fsq.contract import Contract
    from fsq.diagnosis import Diagnosis
    from fsq.diagnosis.findings import Accepted
    from fsq.intake.run_context import RunLike
    from fsq.intake.validation import OnUnknown
    from fsq.models import ModelCheck
    from fsq.profile import Profile
    from fsq.schema.tables import AnyRows
    from fsq.training import TrainingSet
    from fsq.training.gates import OnDefault
    from fsq.training.options import Exclude
    from fsq.utils.arguments import DateLike, MomentLike, Names

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


class _Namespace(Generic[Frame]):
    """The methods; each takes what the function of its name takes, but for the rows."""

    def __init__(self, frame: Frame) -> None:
        self._frame: Frame = frame

    def score(
        self,
        contract: str | Path | Contract | None = None,
        as_of: MomentLike | None = None,
        run: RunLike | None = None,
        now: MomentLike | None = None,
        on_unknown_source: OnUnknown = "error",
    ) -> Frame:
        """Score feature rows; see ``fsq.score``."""
        from fsq.scoring.engine import score

        return score(self._frame, contract, as_of, run, now, on_unknown_source)

    def explode_detail(self, contract: str | Path | Contract | None = None) -> Frame:
        """One row per record and feature; see ``fsq.explode_detail``."""
        from fsq.scoring.explode import explode_detail

        return explode_detail(self._frame, contract)

    def diagnose(
        self,
        contract: str | Path | Contract | None = None,
        run: RunLike | None = None,
        dates: DateLike | Iterable[DateLike] | None = None,
        history: AnyRows | None = None,
        source: str | None = None,
        store: str | None = None,
        profile: Profile | None = None,
        not_history: Iterable[date] = (),
        accepted: Iterable[Accepted] = (),
        known_dates: Iterable[date] = (),
        schedule: pl.DataFrame | None = None,
    ) -> Diagnosis:
        """Find what is wrong with the rows of each date; see ``fsq.diagnose``."""
        from fsq.diagnosis.diagnose import diagnose

        named = (source, store, profile, not_history, accepted, known_dates, schedule)
        return diagnose(self._frame, contract, run, dates, history, *named)

    def training_set(
        self,
        label: str | None = None,
        on_default: OnDefault = "drop",
        *,
        contract: str | Path | Contract | None = None,
        start: DateLike | None = None,
        end: DateLike | None = None,
        features: Names | None = None,
        training_ready: bool | None = None,
        critical_features: bool = False,
        min_training_quality: int | None = None,
        min_quality: float | Mapping[str, float] | None = None,
        max_age_hours: float | Mapping[str, float] | None = None,
        exclude: Exclude = "default",
        drop_late: bool = False,
        carry: Names = (),
        group: str | None = None,
        leak_from: float = 0.95,
        now: MomentLike | None = None,
    ) -> TrainingSet:
        """Choose the records to train on; see ``fsq.training_set``."""
        from fsq.training.training_set import training_set

        return training_set(
            self._frame,
            label,
            on_default,
            contract=contract,
            start=start,
            end=end,
            features=features,
            training_ready=training_ready,
            critical_features=critical_features,
            min_training_quality=min_training_quality,
            min_quality=min_quality,
            max_age_hours=max_age_hours,
            exclude=exclude,
            drop_late=drop_late,
            carry=carry,
            group=group,
            leak_from=leak_from,
            now=now,
        )

    def check_model(
        self,
        model: Any,
        *,
        contract: str | Path | Contract | None = None,
        start: DateLike | None = None,
        end: DateLike | None = None,
        optional: Names | None = None,
        min_quality: float | Mapping[str, float] | None = None,
        ordered: bool = False,
        trust_pickle: bool = False,
        exclude: Diagnosis | Literal["findings"] | None = None,
        on_incompatible: Literal["raise", "report"] = "raise",
    ) -> ModelCheck:
        """Check whether a model may predict on scored rows; see ``fsq.check_model``."""
        from fsq.models.check import check_model

        return check_model(
            model,
            self._frame,
            contract=contract,
            start=start,
            end=end,
            optional=optional,
            min_quality=min_quality,
            ordered=ordered,
            trust_pickle=trust_pickle,
            exclude=exclude,
            on_incompatible=on_incompatible,
        )


@pl.api.register_dataframe_namespace("fsq")
class FrameNamespace(_Namespace[pl.DataFrame]):
    """fsq's functions as methods of a DataFrame.

    >>> from fsq.demo import simulate_season
    >>> rows = simulate_season("2025-26").rows.tail(300)
    >>> rows.fsq.score().fsq.explode_detail().height
    9900
    """


@pl.api.register_lazyframe_namespace("fsq")
class LazyNamespace(_Namespace[pl.LazyFrame]):
    """fsq's functions as methods of a LazyFrame; ``score`` and ``explode_detail`` stay lazy."""
