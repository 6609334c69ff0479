"""What other libraries can check of feature rows: NULL, ranges, words and keys, and no more."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from fsq.contract import Contract


@dataclass(frozen=True)
class PlainRules:
    """The part of a contract that a schema library knows.

    Attributes:
        key: columns that name a record, each there and together unique.
        ranges: features with the bounds of their values; NULL where a feature is optional.
        words: columns of source labels, and the labels.
    """

    key: list[str]
    ranges: dict[str, tuple[float, float, bool]]
    words: dict[str, list[str]]

    @classmethod
    def of(cls, contract: Contract, columns: list[str]) -> PlainRules:
        """The rules about these columns."""
        labels = sorted(contract.sources)
        features = [f for f in contract.features if f.name in columns]
        return cls(
            list(contract.table.key),
            {f.name: (f.min, f.max, f.optional) for f in features},
            {n: labels for f in features if (n := f"{f.name}__source") in columns},
        )


def filter_rows(rows: pl.DataFrame, rules: PlainRules) -> pl.DataFrame:
    """The rows that keep the rules, by plain expressions: what each library must return."""
    tests = [pl.col(c).is_not_null() for c in rules.key]
    for column, (low, high, optional) in rules.ranges.items():
        tests.append(pl.col(column).is_between(low, high).fill_null(optional))
    for column, labels in rules.words.items():
        tests.append(pl.col(column).is_in(labels).fill_null(value=True))
    return rows.filter(pl.all_horizontal(tests) & pl.struct(rules.key).is_unique())
