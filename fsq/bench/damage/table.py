"""What a generator of damage must know of a table: found in its rows, stated by its contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from fsq.contract import Contract, Feature
from fsq.errors import InputError

_HEADLINE = "the rows cannot be damaged"
_LIVE = 0.5  # share of the rows that have a value
_SAME = 0.98  # share of the subgroups with a single value, if a feature is shared
_FOLLOWS = 0.9  # correlation from which a feature is an average of past labels
_VARIES = 0.5  # share of the dates on which a flag, or a shared feature, has two values
_BOTH_SIDES = 0.4  # share of the values on either side of zero, if a feature is symmetric
_SUBGROUPS = (3, 40)  # distinct values on a date
_ROWS_PER_SUBGROUP = 4


@dataclass(frozen=True)
class DamageTable:
    """A feature table as the generator sees it.

    Attributes:
        contract: of the table.
        tables: live features by upstream table, the table with the most features first. A feature
            is live if half of the rows have a value and the values differ.
        subgroup: a column whose values split a date, such as team or carrier; None without one.
        group: a column of events; the contract's, else a second one that splits a date.
        rival: a column that names another subgroup of the same event.
        label: the column that models predict.
        shared: features that are one value per date and subgroup.
        varied: other features with many values, those first that tell most of the label.
        symmetric: features whose values lie on both sides of zero.
        flags: features that are 0 or 1, and both on most dates.
        windows: features that are averages of the entity's past labels, and how many.
    """

    contract: Contract
    tables: dict[str, tuple[Feature, ...]]
    subgroup: str | None
    group: str | None
    rival: str | None
    label: str | None
    shared: tuple[str, ...]
    varied: tuple[str, ...]
    symmetric: tuple[str, ...]
    flags: tuple[str, ...]
    windows: dict[str, int]

    @property
    def date(self) -> str:
        """The column of dates."""
        return self.contract.table.date

    @property
    def keys(self) -> list[str]:
        """The columns that name an entity."""
        return list(self.contract.table.keys)

    @property
    def live(self) -> tuple[str, ...]:
        """The names of the live features, table by table."""
        return tuple(f.name for features in self.tables.values() for f in features)

    def feature(self, name: str) -> Feature:
        """A feature of the contract by its name."""
        return self.contract.features[self.contract.names.index(name)]


def describe_table(
    rows: pl.DataFrame,
    contract: Contract,
    label: str | None = None,
    subgroup: str | None = None,
    group: str | None = None,
) -> DamageTable:
    """Describe a table from its wide rows.

    Args:
        rows: clean wide rows of many dates.
        contract: of the rows.
        label: what models predict; without it nothing leaks, and no window can be shortened.
        subgroup: the column that splits a date; found if it is left out.
        group: the column of events, likewise.

    Raises:
        InputError: a named column is absent, or no feature has values that differ.
    """
    if absent := [c for c in (label, subgroup, group) if c and c not in rows.columns]:
        raise InputError([f"no columns {absent}; name columns of the rows"], _HEADLINE)
    live = _list_live(rows, contract)
    if not live:
        raise InputError(["no feature has values that differ"], _HEADLINE)
    splits = _list_splits(rows, contract)
    subgroup = subgroup or next((c for c in splits if c != contract.table.group), None)
    if group is None:
        stated = contract.table.group if contract.table.group in rows.columns else None
        group = stated or next((c for c in splits if c != subgroup), None)
    shared = _list_shared(rows, live, contract.table.date, subgroup)
    facts = _measure(rows, live, contract.table.date, label)
    own = facts.filter(~pl.col("feature").is_in(shared) & (pl.col("distinct") > 50))
    return DamageTable(
        contract=contract,
        tables=_group_by_table(live, contract),
        subgroup=subgroup,
        group=group,
        rival=_find_rival(rows, subgroup),
        label=label,
        shared=tuple(shared),
        varied=tuple(own.sort("tells", descending=True, maintain_order=True)["feature"]),
        symmetric=tuple(own.filter(pl.col("symmetric"))["feature"]),
        flags=tuple(facts.filter(pl.col("flag"))["feature"]),
        windows=_find_windows(rows, [n for n in live if n not in shared], contract, label),
    )


def _list_live(rows: pl.DataFrame, contract: Contract) -> list[str]:
    names = [n for n in contract.names if n in rows.columns]
    filled = rows.select(pl.col(n).is_not_null().mean() for n in names).row(0)
    varies = rows.select(pl.col(n).drop_nulls().n_unique() > 1 for n in names).row(0)
    return [n for n, f, v in zip(names, filled, varies, strict=True) if f >= _LIVE and v]


def _group_by_table(live: list[str], contract: Contract) -> dict[str, tuple[Feature, ...]]:
    """Live features by upstream table, the table with the most first."""
    tables = {
        table: tuple(f for f in features if f.name in live)
        for table, features in contract.group_by_table().items()
    }
    largest = sorted(tables, key=lambda table: -len(tables[table]))
    return {table: tables[table] for table in largest if tables[table]}


def _list_splits(rows: pl.DataFrame, contract: Contract) -> list[str]:
    """Text columns that split a date into a few parts of several rows, the finest first."""
    table = contract.table
    read = {*contract.names, *(f"{n}__source" for n in contract.names)}
    texts = [
        c for c, t in rows.schema.items() if t in (pl.String, pl.Categorical) and c not in read
    ]
    if not texts:
        return []
    per_date = rows.group_by(table.date).agg(
        pl.len().alias("#rows"), *(pl.col(c).drop_nulls().n_unique() for c in texts)
    )
    middle = per_date.median().row(0, named=True)
    low, high = _SUBGROUPS
    fits = {
        c: middle[c]
        for c in texts
        if low <= middle[c] <= high and middle["#rows"] / middle[c] >= _ROWS_PER_SUBGROUP
    }
    return sorted(fits, key=lambda c: -fits[c])


def _find_rival(rows: pl.DataFrame, subgroup: str | None) -> str | None:
    """Another column that has the same values as the subgroup, but never in the same row."""
    if subgroup is None:
        return None
    own = set(rows[subgroup].drop_nulls().cast(pl.String).unique())
    for column, dtype in rows.schema.items():
        if column != subgroup and dtype == rows.schema[subgroup]:
            named = set(rows[column].drop_nulls().cast(pl.String).unique())
            if named == own and not (rows[column] == rows[subgroup]).any():
                return column
    return None


def _list_shared(
    rows: pl.DataFrame, live: Sequence[str], date: str, subgroup: str | None
) -> list[str]:
    """Features that are one value per date and subgroup in nearly all of them."""
    if subgroup is None:
        return []
    same = rows.group_by(date, subgroup).agg(pl.col(n).drop_nulls().n_unique() <= 1 for n in live)
    shares = same.select(pl.col(n).mean() for n in live).row(0)
    varies = rows.group_by(date).agg(pl.col(n).drop_nulls().n_unique() > 1 for n in live)
    across = varies.select(pl.col(n).mean() for n in live).row(0)
    return [n for n, s, a in zip(live, shares, across, strict=True) if s > _SAME and a > _VARIES]


def _measure(rows: pl.DataFrame, live: Sequence[str], date: str, label: str | None) -> pl.DataFrame:
    """Per feature: distinct values, what it tells of the label, and its shape."""
    both = rows.group_by(date).agg(pl.col(n).drop_nulls().n_unique() > 1 for n in live)
    facts = []
    for n in live:
        value = pl.col(n).drop_nulls()
        told = pl.lit(0.0) if label is None else pl.corr(n, label)
        found = rows.select(
            value.n_unique().alias("distinct"),
            told.abs().fill_nan(0).fill_null(0).cast(pl.Float64).alias("tells"),
            (pl.min_horizontal((value < 0).mean(), (value > 0).mean()) > _BOTH_SIDES).alias(
                "symmetric"
            ),
            value.is_in([0.0, 1.0]).all().alias("flag"),
        ).row(0, named=True)
        varies = both.select(pl.col(n).mean() > _VARIES).item()
        facts.append({"feature": n, **found, "flag": found["flag"] and varies})
    return pl.DataFrame(facts)


def _find_windows(
    rows: pl.DataFrame, names: Sequence[str], contract: Contract, label: str | None
) -> dict[str, int]:
    """Features that follow the mean of the entity's last labels, as many as their window holds."""
    if label is None:
        return {}
    keys, found = list(contract.table.keys), {}
    known = rows.filter(pl.col(label).is_not_null()).sort(contract.table.order)
    for n in names:
        window = _get_window_size(n, contract)
        if window is None:
            continue
        past = pl.col(label).shift(1).rolling_mean(window, min_samples=window).over(keys)
        followed = known.select(pl.corr(past, n)).item()
        if followed is not None and followed > _FOLLOWS:
            found[n] = window
    return found


def _get_window_size(name: str, contract: Contract) -> int | None:
    window = contract.features[contract.names.index(name)].window
    return None if window is None else contract.windows[window].size
