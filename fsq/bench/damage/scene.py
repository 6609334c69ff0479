"""A date to damage: its clean rows, those before it, and chance that repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.bench.damage.table import DamageTable
from fsq.schema.provenance import PROVENANCE

Mask = npt.NDArray[np.bool_]
_LEAST = 3  # rows of a subgroup that is worth damaging


@dataclass(frozen=True)
class Scene:
    """One date to damage.

    Attributes:
        table: what is known of the table.
        day: the date's clean wide rows.
        before: clean wide rows of earlier dates.
        seed: of what is left to chance; the same seed damages the same rows.
        step: how many dates the fault has lasted before this one.
    """

    table: DamageTable
    day: pl.DataFrame
    before: pl.DataFrame
    seed: int = 0
    step: int = 0

    @property
    def date(self) -> date:
        """The date."""
        first: date = self.day[self.table.date][0]
        return first

    @cached_property
    def rng(self) -> np.random.Generator:
        """Chance: the same for the same seed, date and step."""
        return np.random.default_rng([self.seed, self.date.toordinal(), self.step])

    def choose_share(self, share: float) -> Mask:
        """So many rows, scattered; at least one."""
        height = self.day.height
        chosen = np.zeros(height, dtype=np.bool_)
        count = min(height, max(1, round(share * height)))
        chosen[self.rng.permutation(height)[:count]] = True
        return chosen

    def choose_value(self, column: str | None) -> Mask | None:
        """The rows of one value of a column, such as one team; None if the date has not two.

        The choice depends on the seed alone where it can, so that a lasting fault stays with it.
        """
        if column is None:
            return None
        sizes = self.day.group_by(column).len().drop_nulls().filter(pl.col("len") >= _LEAST)
        if sizes.height < 2:
            return None
        names = sizes[column].sort()
        one = names[int(np.random.default_rng(self.seed).integers(len(names)))]
        chosen: Mask = self.day[column].eq_missing(one).to_numpy()
        return chosen

    def read_previous(self, columns: Sequence[str], days: int = 1) -> pl.DataFrame:
        """Columns of each entity's last earlier row, at least so many days ago; NULL without."""
        keys, day = self.table.keys, self.table.date
        until = self.date - timedelta(days=days)
        old = self.before.filter(pl.col(day) <= until).sort(self.table.contract.table.order)
        last = old.group_by(keys, maintain_order=True).agg(pl.col(columns).last())
        found = self.day.select(keys).join(last, on=keys, how="left", maintain_order="left")
        return found.select(columns)

    def has_previous(self, days: int = 1) -> Mask:
        """Whether each entity has a row at least so many days ago."""
        old = self.before.filter(pl.col(self.table.date) <= self.date - timedelta(days=days))
        known = old.select(self.table.keys).unique().with_columns(pl.lit(True).alias("#known"))
        found = self.day.select(self.table.keys).join(
            known, on=self.table.keys, how="left", maintain_order="left"
        )
        return found["#known"].fill_null(False).to_numpy()

    def list_columns(self, features: Sequence[str], suffix: str) -> list[str]:
        """The provenance columns of some features that the rows have, each once."""
        field = PROVENANCE[suffix]
        owned = (c for n in features for c in field.columns(self.table.feature(n)))
        return [c for c in dict.fromkeys(owned) if c in self.day.columns]
