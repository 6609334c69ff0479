"""What damage does to a model: how much the error of its prediction rises, row by row."""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmarks.learners import make_trees
from fsq.bench.detection import Season


class Harm:
    """Trees that have learned from clean rows."""

    def __init__(self, season: Season) -> None:
        table = season.table
        if table.label is None:
            raise ValueError("name a label")
        self._names, self._label = list(table.contract.names), table.label
        learned = pl.col(table.date).is_in(season.learned)
        known = season.rows.filter(learned & pl.col(self._label).is_not_null())
        self._model = make_trees(0).fit(self._read(known), known[self._label].to_numpy())

    def __call__(self, clean: pl.DataFrame, damaged: pl.DataFrame) -> np.ndarray:
        """The rise of each row's absolute error; 0 where it has no label."""
        label = clean[self._label].cast(pl.Float64).to_numpy()
        before, after = (
            np.abs(self._model.predict(self._read(rows)) - label) for rows in (clean, damaged)
        )
        return np.asarray(np.nan_to_num(after - before, nan=0.0))

    def _read(self, rows: pl.DataFrame) -> np.ndarray:
        return rows.select(pl.col(n).cast(pl.Float64) for n in self._names).to_numpy()
