"""``training_set``: the records that may be trained on, as a matrix, and what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
import pyarrow as pa

from fsq.contract import Contract, load_contract
from fsq.diagnosis import Diagnosis, Finding, diagnose
from fsq.schema.columns import KEYS
from fsq.training import export, leaks, waterfall
from fsq.training import rendering as display
from fsq.training.evaluation import GateResults, columns_read, evaluate_gates
from fsq.training.gates import OnDefault
from fsq.training.options import HEADLINE, Asked, Options, resolve_options
from fsq.training.source import Scored, Source, open_source
from fsq.utils.dates import validate_date_range

if TYPE_CHECKING:
    import pandas as pd


class TrainingSet:
    """The records of a training set; nothing is read before the first look at it.

    Attributes:
        options: what was asked for, with every default filled in.
        plan: what will be read, as a LazyFrame; ``explain()`` shows it.
        columns_read: names of what it reads; a field of the detail is named with a dot.
        origin: the store's URI; None for a frame.
    """

    def __init__(self, source: Source, options: Options) -> None:
        self.options = options
        self.columns_read = columns_read(options, source)
        self.plan = source.narrow(self.columns_read)
        self.origin = None if source.store is None else source.store.uri

    @cached_property
    def _judged(self) -> GateResults:
        return evaluate_gates(self.plan.collect(), self.options)

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The kept records, in order of date and player.

        Keys (``player_lookup``, ``game_date``, ``game_id`` if there is one), what ``carry`` names,
        the features by name as Float64 (NULL where there is no value, or where it is masked), and
        the label.
        """
        found, options = self._judged, self.options
        rows = found.rows.filter(pl.Series(found.kept))
        matrix = pl.DataFrame(found.values[found.kept], schema=list(options.features))
        keys = [*KEYS, *(["game_id"] if "game_id" in rows.columns else [])]
        label = [] if options.label is None else [options.label]
        first = dict.fromkeys([*keys, *options.carry])
        return rows.select(c for c in first if c not in label).hstack(
            [*matrix.with_columns(pl.all().fill_nan(None)), *(rows[c] for c in label)]
        )

    @cached_property
    def waterfall(self) -> pl.DataFrame:
        """What each gate dropped, in order; see ``fsq.training.waterfall.waterfall``."""
        return waterfall.waterfall(self._judged)

    @cached_property
    def overlaps(self) -> pl.DataFrame:
        """How many records fail just these ``gates`` and no other, the most frequent first."""
        return waterfall.overlaps(self._judged)

    def dropped_by(self, column: str) -> pl.DataFrame:
        """``rows``, ``dropped`` and ``dropped_pct`` per value of a column that was read.

        Records without a label do not count.

        Raises:
            InputError: the column was not read; name it in ``carry``.
        """
        return waterfall.dropped_by(self._judged, column)

    @cached_property
    def dropped_by_date(self) -> pl.DataFrame:
        """The same per date."""
        return self.dropped_by("game_date")

    @cached_property
    def dropped_by_group(self) -> pl.DataFrame:
        """The same per quarter of the players, from the lowest to the highest."""
        return waterfall.by_group(self._judged, self.options)

    @cached_property
    def correlations(self) -> pl.DataFrame:
        """Each feature's correlation with the label, the strongest first."""
        return leaks.correlations(self._judged, self.options)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Leaks, mixed definitions and uneven losses; train on nothing that has a red one."""
        return leaks.findings(self._judged, self.options, self.correlations, self.dropped_by_group)

    @property
    def late_rows(self) -> int:
        """How many of all records hold a value from after their ``as_of``."""
        return int(self._judged.late.sum())

    @cached_property
    def fingerprint(self) -> str:
        """The same for the same records, values and gates, in whatever order they were stored."""
        return export.fingerprint(self.frame, self.options.as_filter())

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the set comes from: filter, waterfall, fingerprint; files carry it along."""
        return export.provenance(self)

    def explain(self) -> str:
        """The plan of reading, and the columns in it."""
        return f"{self.plan.explain()}\ncolumns: {', '.join(self.columns_read)}"

    def to_arrow(self) -> pa.Table:
        """The frame as Arrow, with the provenance in the metadata of its schema."""
        return export.to_arrow(self)

    def to_numpy(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Features (records × features, float64, NaN where NULL), and the label or None."""
        return export.to_numpy(self)

    def to_pandas(self) -> pd.DataFrame:
        """The frame for pandas, with the provenance in ``attrs``.

        Raises:
            InputError: pandas is not installed.
        """
        return export.to_pandas(self)

    def write(self, path: str | Path) -> Path:
        """Write ``.parquet``, ``.arrow`` or ``.npz``, provenance included; whole or not at all.

        Raises:
            InputError: the file's name ends in something else.
            StoreError: it cannot be written.
        """
        return export.write(self, Path(path))

    def __len__(self) -> int:
        return self.frame.height

    def __str__(self) -> str:
        return display.text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return display.html(self)


def training_set(
    scored: Scored,
    label: str | None = None,
    on_default: OnDefault = "drop",
    *,
    contract: str | Path | Contract = "v2_33features",
    start: date | None = None,
    end: date | None = None,
    features: Iterable[str] | None = None,
    training_ready: bool | None = None,
    critical_features: bool = False,
    min_training_quality: int | None = None,
    min_quality: float | Mapping[str, float] | None = None,
    max_age_hours: float | Mapping[str, float] | None = None,
    exclude: Iterable[date] | Diagnosis | Literal["red"] | None = None,
    drop_late: bool = False,
    carry: Iterable[str] = (),
    group: str | None = None,
    leak_from: float = 0.95,
) -> TrainingSet:
    """Choose the records that may be trained on, and say what each gate costs.

    Args:
        scored: scored rows: a store, of which only the columns and fields that are needed are
            read, or a frame or Arrow table.
        label: column to predict; records without a finite label are dropped.
        on_default: what happens to records with values that are default, stale or out of range.
            ``"drop"`` drops a record that is not training ready, or has such a value in a
            required feature; what best suits linear models. ``"mask"`` keeps the record and sets
            such values to NULL, which tree models take as missing. ``"keep"`` leaves them.
        contract: of the scoring.
        start: first date.
        end: last date, included.
        features: names, in the order of the matrix; all of the contract's by default.
        training_ready: drop records that are not; by default where ``on_default`` is ``"drop"``.
        critical_features: drop records whose critical features are not all of training quality.
        min_training_quality: least number of features of training quality.
        min_quality: least points of values, of all required features or per feature. Values below
            count as untrusted: their record is dropped, or they are masked.
        max_age_hours: largest age of values, likewise; an unknown age is too old.
        exclude: dates, or those that a diagnosis calls red; ``"red"`` diagnoses the rows first.
        drop_late: drop records with a value from after their ``as_of``; they are counted always.
        carry: further columns to keep in the frame.
        group: feature or column that groups players in ``dropped_by_group``; the label by default.
        leak_from: correlation with the label from which on a feature is a finding.

    Returns:
        The set, not read yet: ``frame``, ``waterfall``, ``findings`` and the rest read it.

    Raises:
        InputError: arguments or rows are wrong; all problems are in ``.problems``. What only the
            rows show is raised at the first look.
        StoreError: the store cannot be read.

    >>> from datetime import date
    >>> from fsq.scoring.engine import score
    >>> names = load_contract().names
    >>> row = {"game_date": date(2026, 2, 6), "points": 21.0} | {n: 1.0 for n in names}
    >>> row |= {f"{n}__source": "phase4" for n in names}
    >>> rows = [row | {"player_lookup": "a"}, row | {"player_lookup": "b", "points": None}]
    >>> ts = training_set(score(pl.DataFrame(rows)), label="points", on_default="mask")
    >>> ts.waterfall.select("gate", "dropped", "left").rows()
    [('all', 0, 2), ('label', 1, 1)]
    >>> ts.frame.select("player_lookup", "home_away", "opponent_pace", "points").rows()
    [('a', 1.0, None, 21.0)]
    """
    validate_date_range(start, end, HEADLINE)
    loaded = load_contract(contract)
    source = open_source(scored, start, end, HEADLINE)
    out = _red(scored, source, loaded) if exclude == "red" else exclude
    asked = Asked(
        label,
        on_default,
        features,
        training_ready,
        critical_features,
        min_training_quality,
        min_quality,
        max_age_hours,
        out,
        drop_late,
        carry,
        leak_from,
        group,
    )
    options = resolve_options(asked, loaded, source)
    return TrainingSet(source, options)


def _red(scored: Scored, source: Source, contract: Contract) -> Diagnosis:
    """Diagnose the dates; a store's earlier ones are what they are compared with."""
    if source.store is None or source.start is None:
        return diagnose(source.rows, contract)
    before = source.start - timedelta(days=contract.diagnosis.history_max_age_days)
    return diagnose(
        source.rows, contract, history=source.store.read(before, source.start - timedelta(days=1))
    )
