"""What a model check finds, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from fsq.contract.table import Table


@dataclass(frozen=True, repr=False)
class CheckResult:
    """Which records a model may predict on, and why not the others.

    Attributes:
        model: name of the model.
        needed: the features that it reads, in its own order.
        optional: those of them that may be default.
        available: the data's features, in its order, without those that the model reads and
            that are default for nearly all records of a date.
        renamed: per missing feature, a feature of the data with a similar name.
        reordered: the needed features in the data's order, if it differs from the model's.
        table: names the keys and the date.
        dates: per date: ``records``, ``may_predict`` (how many of them), ``supported``,
            ``missing`` (features that nearly all records lack), ``default`` (required features
            that are default for nearly all), ``named`` (how many records findings name).
        records: per record: its keys, ``may_predict``, the required features that are
            ``missing``, ``default`` or ``weak`` (below ``min_quality``), in index order, and
            ``named``: whether a finding names it, if findings were asked for.
        problems: why the data cannot be used; empty if it can.
    """

    model: str
    needed: tuple[str, ...]
    optional: tuple[str, ...]
    available: tuple[str, ...]
    renamed: dict[str, str]
    reordered: tuple[str, ...]
    table: Table
    dates: pl.DataFrame = field(compare=False)
    records: pl.DataFrame = field(compare=False)
    problems: tuple[str, ...]

    @property
    def supported(self) -> bool:
        """Whether the model may predict on these dates, record by record."""
        return not self.problems

    @property
    def predictable(self) -> pl.DataFrame:
        """Keys of the records that it may predict on."""
        return self.records.filter("may_predict").select(self.table.key)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON types, without the records."""
        day = self.table.date
        return {
            "model": self.model,
            "supported": self.supported,
            "needed": list(self.needed),
            "optional": list(self.optional),
            "available": list(self.available),
            "renamed": self.renamed,
            "reordered": list(self.reordered),
            "records": self.records.height,
            "may_predict": int(self.records["may_predict"].sum()),
            "named_by_findings": int(self.records["named"].sum()),
            "dates": [d | {day: str(d[day])} for d in self.dates.to_dicts()],
            "problems": list(self.problems),
        }
