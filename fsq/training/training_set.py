"""``training_set``: the records that may be trained on, as a matrix, and what was dropped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa

from fsq.contract import Contract, choose_contract
from fsq.diagnosis import Finding
from fsq.schema.tables import AnyRows
from fsq.training import export, leaks, rendering, waterfall
from fsq.training.evaluation import evaluate_gates, list_columns_to_read, list_keys
from fsq.training.exclusion import Exclusion, make_exclusion
from fsq.training.gates import OnDefault
from fsq.training.options import HEADLINE, Arguments, Exclude, Options, resolve_options
from fsq.training.records import KeptRecords
from fsq.training.result import GateResults, Summary
from fsq.training.source import Source, open_source
from fsq.utils.arguments import DateLike, MomentLike, Names
from fsq.utils.dates import read_date_range
from fsq.utils.forks import require_whole_process

if TYPE_CHECKING:
    import pandas as pd


class TrainingSet:
    """The records of a training set; nothing is read until you look at it.

    Attributes:
        options: the options, with every default filled in.
        plan: what will be read, as a LazyFrame; ``explain()`` shows it.
        columns_read: names of the columns it reads; a field of the detail has a dot in its name.
        origin: the store's URI; None for a frame.
    """

    def __init__(self, source: Source, options: Options) -> None:
        self.options = options
        self._source = source
        self.columns_read = list_columns_to_read(options, source)
        self.plan = source.narrow(self.columns_read)
        self.origin = None if source.store is None else source.store.uri

    @cached_property
    def _results(self) -> GateResults:
        require_whole_process()
        return evaluate_gates(self.plan, self.options, self.exclusion)

    @cached_property
    def exclusion(self) -> Exclusion:
        """What is left out whatever the gates say; the rows are diagnosed if need be."""
        o = self.options
        return make_exclusion(o.exclude, self._source, o.contract, o.features)

    @property
    def filter(self) -> dict[str, Any]:
        """Everything that decides which rows and values are in the set, as JSON types."""
        return self.options.as_filter() | self.exclusion.as_filter()

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The kept records, in order of date and keys.

        The contract's keys, date and time, its group if the rows have that column, the columns in
        ``carry``, the features by name as Float64 (NULL where a value is absent or masked), and
        the label.
        """
        return self._records.make_frame()

    @cached_property
    def _records(self) -> KeptRecords:
        results, options = self._results, self.options
        keys = list_keys(options.contract, results.rows.columns)
        leading = dict.fromkeys([*keys, *options.carry])
        return KeptRecords(
            results.rows,
            tuple(c for c in leading if c != options.label),
            options.label,
            options.features,
            results.values,
            results.kept,
        )

    @cached_property
    def waterfall(self) -> pl.DataFrame:
        """What each gate dropped, in order; see ``fsq.training.waterfall.make_waterfall``."""
        return waterfall.make_waterfall(self._results)

    @cached_property
    def overlaps(self) -> pl.DataFrame:
        """How many records fail exactly these ``gates``, the most frequent combination first."""
        return waterfall.count_overlaps(self._results)

    def dropped_by(self, column: str) -> pl.DataFrame:
        """``rows``, ``dropped`` and ``dropped_pct`` per value of a column that was read.

        Records without a label do not count.

        Raises:
            InputError: the column was not read; name it in ``carry``.
        """
        return waterfall.count_dropped(self._results, column)

    @cached_property
    def dropped_by_date(self) -> pl.DataFrame:
        """The same per date."""
        return self.dropped_by(self.options.contract.table.date)

    @cached_property
    def dropped_by_group(self) -> pl.DataFrame:
        """The same per group of entities: quarters from the lowest to the highest by default."""
        return waterfall.count_dropped_by_group(self._results, self.options)

    @cached_property
    def correlations(self) -> pl.DataFrame:
        """Each feature's correlation with the label, the strongest first."""
        return leaks.compute_correlations(self._results, self.options)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Leaks, wrong labels, mixed definitions, uneven losses; a red finding forbids training."""
        return leaks.find_problems(
            self._results, self.options, self.correlations, self.dropped_by_group
        )

    @property
    def late_rows(self) -> int:
        """How many of all records have a value that was updated after their ``as_of``."""
        return int(self._results.late.sum())

    @cached_property
    def fingerprint(self) -> str:
        """The same for the same records, values and gates, in whatever order they were stored."""
        return export.compute_fingerprint(self._records, self.filter)

    @property
    def summary(self) -> Summary:
        """What is shown of the set: options, fingerprint, waterfall, overlaps, findings."""
        return Summary(
            self.options,
            self.fingerprint,
            self.waterfall,
            self.overlaps,
            self.findings,
            self.filter,
        )

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the set comes from: filter, waterfall, fingerprint. Files carry it along."""
        return export.make_provenance(self._records, self.summary, self.late_rows, self.origin)

    @property
    def _export_data(self) -> export.ExportData:
        return export.ExportData(
            self._records,
            self.options.contract.table.key,
            self.options.features,
            self.options.label,
            self.provenance,
        )

    def explain(self) -> str:
        """The plan of reading, and the columns in it."""
        return f"{self.plan.explain()}\ncolumns: {', '.join(self.columns_read)}"

    def to_arrow(self) -> pa.Table:
        """The frame as Arrow, with the provenance in its schema's metadata."""
        return export.to_arrow(self._export_data)

    def to_numpy(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Features (records × features, float64, NaN where NULL), and the label or None."""
        return export.to_numpy(self._records, self.options.label)

    def to_pandas(self) -> pd.DataFrame:
        """The frame for pandas, with the provenance in ``attrs``.

        Raises:
            InputError: pandas is not installed.
        """
        return export.to_pandas(self._export_data)

    def write(self, path: str | Path) -> Path:
        """Write a ``.parquet``, ``.arrow`` or ``.npz`` file with its provenance, atomically.

        Raises:
            InputError: the file's name ends in something else.
            StoreError: the file cannot be written.
        """
        export.choose_writer(Path(path))
        return export.write(self._export_data, Path(path))

    def __len__(self) -> int:
        return self._records.height

    def __str__(self) -> str:
        return rendering.render_text(self.summary)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return rendering.render_html(self.summary)


def training_set(
    scored: AnyRows,
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
    """Choose the records to train on, and count what each gate drops.

    Args:
        scored: scored rows: a frame or table of any library, or a store, of which only the needed
            columns and fields are read.
        label: column to predict; records without a finite label are dropped.
        on_default: what to do with records whose values are default, stale or out of range.
            ``"drop"`` drops a record that is not training ready, or that has such a value in a
            required feature; this suits linear models best. ``"mask"`` keeps the record and sets
            such values to NULL, which tree models handle as missing. ``"keep"`` changes nothing.
        contract: the contract that the rows were scored under; None for the store's, and for
            ``v2_33features`` where there is no store.
        start: first date; an ISO text will do.
        end: last date, included.
        features: names, in the order of the matrix; by default all of the contract's.
        training_ready: drop records that are not; the default if ``on_default`` is ``"drop"``.
        critical_features: drop records whose critical features are not all of training quality.
        min_training_quality: least number of features of training quality.
        min_quality: least points of a value, for all required features or per feature. A value
            below it is untrusted: its record is dropped, or the value masked.
        max_age_hours: largest age of a value, likewise; an unknown age is too old.
        exclude: what to leave out besides. ``"findings"``, the default if ``on_default`` is
            ``"drop"``, diagnoses the rows and leaves out the records that a finding names, alone,
            and those whose label a finding doubts; ``"red"`` leaves out red dates as a whole; a
            diagnosis, its red dates; dates, these; None or ``"nothing"``, nothing. To diagnose a
            range, the dates before ``start`` are read as its history.
        drop_late: drop records with a value that was updated after their ``as_of``;
            ``late_rows`` counts them in any case.
        carry: further columns to keep in the frame.
        group: feature or column that groups entities in ``dropped_by_group``; by default the label.
        leak_from: correlation with the label at which a feature becomes a finding.
        now: the moment after which an event is still to come; the present by default. Without a
            time zone it is UTC.

    Returns:
        The set. Its ``frame``, ``waterfall``, ``findings`` and so on read the rows when first used.

    Raises:
        InputError: arguments or rows are wrong; all problems are in ``.problems``. What only the
            rows can show is raised when they are read.
        StoreError: the store cannot be read.

    >>> from datetime import date
    >>> from fsq.contract import load_contract
    >>> from fsq.scoring.engine import score
    >>> names, (player, day) = load_contract().names, load_contract().table.key
    >>> row = {day: date(2026, 2, 6), "points": 21.0} | {n: 1.0 for n in names}
    >>> row |= {f"{n}__source": "phase4" for n in names}
    >>> rows = [row | {player: "a"}, row | {player: "b", "points": None}]
    >>> ts = training_set(score(pl.DataFrame(rows)), label="points", on_default="mask")
    >>> ts.waterfall.select("gate", "dropped", "left").rows()
    [('all', 0, 2), ('label', 1, 1)]
    >>> ts.frame.select(player, "home_away", "opponent_pace", "points").rows()
    [('a', 1.0, None, 21.0)]
    """
    loaded, (first, last) = choose_contract(scored, contract), read_date_range(start, end, HEADLINE)
    source = open_source(scored, loaded, first, last, HEADLINE)
    given = Arguments(
        label, on_default, features, training_ready, critical_features, min_training_quality,
        min_quality, max_age_hours, exclude, drop_late, carry, leak_from, group, now,
    )  # fmt: skip
    return TrainingSet(source, resolve_options(given, loaded, source))
