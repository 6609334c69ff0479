"""Upstream tables, categories and windows: by columns of provenance, NULLs and names."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

OTHER = "other"  # the category of features that share no prefix
UNKNOWN = "unknown_table"
_TABLE_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_WINDOW = re.compile(r"last_(\d{1,6})(d|h|w|m)?(?=_|$)(?:_(days?|hours?|weeks?|months?)(?=_|$))?")
_STAMPS = ("last_updated", "data_hash")  # columns that a table may have, the better first
_MOST_GROUPS = 900  # categories by prefixes; a contract may have a thousand
_EVIDENCE = 14.0  # of a table by its NULLs: the logarithm of odds of one in a million


@dataclass(frozen=True, slots=True)
class Place:
    """Where a feature comes from: its upstream table and category, and how that is known."""

    table: str
    category: str
    reason: str


@dataclass(frozen=True, slots=True)
class DraftWindow:
    """A window by its name; the size is None where it holds a time and not a number of events."""

    name: str
    size: int | None
    reason: str


def find_stamped_tables(schema: pl.Schema, features: Collection[str]) -> list[str]:
    """Upstream tables that the data has a timestamp or a hash of.

    >>> schema = pl.Schema({"weather__last_updated": pl.Datetime(), "temp": pl.Float64()})
    >>> find_stamped_tables(schema, ["temp"])
    ['weather']
    """
    owners = [c.rpartition("__")[0] for c in schema if c.rpartition("__")[2] in _STAMPS]
    named = dict.fromkeys(o for o in owners if o not in features and _TABLE_NAME.fullmatch(o))
    return list(named)


def name_stamp(table: str, schema: pl.Schema) -> str:
    """The column that tells whether a table has a record: its timestamp, else its hash."""
    return next(f"{table}__{s}" for s in _STAMPS if f"{table}__{s}" in schema)


def place_features(rows: pl.LazyFrame, values: pl.DataFrame) -> dict[str, Place]:
    """Find the upstream table of each feature, and its category.

    A column ``<feature>__upstream_table`` says it. Else it is the table with a timestamp whose
    name the feature's begins with, or whose missing records leave the feature without a value;
    else features that share the first part of their names stand for a table.
    """
    schema = rows.collect_schema()
    stamped = find_stamped_tables(schema, values.columns)
    columns = {t: name_stamp(t, schema) for t in stamped}
    stamps = rows.select(pl.col(c).is_null().alias(t) for t, c in columns.items()).collect()
    by_nulls = _match_nulls(values, stamps)
    said = _read_upstream_tables(rows, values.columns)
    prefixes = _find_prefixes([n for n in values.columns if n not in said and n not in by_nulls])
    out, taken = {}, {*values.columns}
    for name in values.columns:
        prefixed = next((t for t in stamped if name.startswith(f"{t}_")), None)
        if name in said:
            table, reason = said[name], f"{name}__upstream_table says so"
        elif prefixed is not None:
            table, reason = prefixed, f"{columns[prefixed]}, and the name"
        elif name in by_nulls:
            table, share = by_nulls[name]
            reason = f"NULL in {share} rows where {columns[table]} is"
        elif name in prefixes:
            table, reason = prefixes[name], "features with the same prefix; correct it"
        else:
            table, reason = UNKNOWN, "nothing says which table; correct it"
        table = f"{table}_table" if table in taken else table
        category = _name_category(OTHER if table == UNKNOWN else table, schema)
        out[name] = Place(table, category, reason)
    return out


def _name_category(table: str, schema: pl.Schema) -> str:
    """The table's name, unless a column of the output would then be called like one of the data."""
    columns = {c.lower() for c in schema}
    free = columns.isdisjoint({f"{table}_quality_pct", f"{table}_default_count"})
    return table if free else f"{table}_features"


def _read_upstream_tables(rows: pl.LazyFrame, features: Sequence[str]) -> dict[str, str]:
    """The table that most rows name in ``<feature>__upstream_table``."""
    schema = rows.collect_schema()
    said = [n for n in features if f"{n}__upstream_table" in schema]
    if not said:
        return {}
    columns = [
        pl.col(f"{n}__upstream_table").cast(pl.String).drop_nulls().mode().sort().first().alias(n)
        for n in said
    ]
    names = rows.select(columns).collect().row(0, named=True)
    return {n: t for n, t in names.items() if t is not None and _TABLE_NAME.fullmatch(t)}


def _match_nulls(values: pl.DataFrame, stamps: pl.DataFrame) -> dict[str, tuple[str, str]]:
    """Features that never have a value where a table has no timestamp, by more than chance."""
    best: dict[str, tuple[float, str, str]] = {}
    for table in stamps.columns:
        absent = stamps[table]
        count = int(absent.sum())
        if not 0 < count < len(absent):
            continue
        there = values.filter(~absent)
        nulls = values.filter(absent).null_count().row(0)
        elsewhere = there.null_count().row(0)
        for name, lost, others in zip(values.columns, nulls, elsewhere, strict=True):
            if lost < count:
                continue
            # How unlikely it is that all of these are NULL, were they as often NULL as others.
            share = (others + 1) / (there.height + 2)
            evidence = -count * math.log(share)
            if evidence > max(_EVIDENCE, best.get(name, (0.0,))[0]):
                best[name] = (evidence, table, f"all {count:,}")
    return {name: (table, rows) for name, (_, table, rows) in best.items()}


def _find_prefixes(names: Sequence[str]) -> dict[str, str]:
    """The first part of each name that another name shares.

    >>> _find_prefixes(["plane_age", "plane_seats", "hour"])
    {'plane_age': 'plane', 'plane_seats': 'plane'}
    """
    first = {n: n.split("_")[0] for n in names if "_" in n}
    common = {
        p for p, count in Counter(first.values()).most_common(_MOST_GROUPS) if count > 1 and p
    }
    return {n: p for n, p in first.items() if p in common}


def find_windows(schema: pl.Schema, features: Sequence[str]) -> dict[str, DraftWindow]:
    """The window of each feature whose name says it, or that has a column of sample sizes.

    Returns:
        By feature; windows of the same name are the same.
    """
    owners = [c.removesuffix("__sample_size") for c in schema if c.endswith("__sample_size")]
    taken = {*features}
    out = {}
    for name in features:
        named = parse_window(name)
        if named is not None and named.name not in taken:
            out[name] = named
            continue
        shared = [o for o in owners if o not in taken and _ends_in(name, o)]
        if shared:
            window = max(shared, key=len)
            out[name] = DraftWindow(window, None, f"{window}__sample_size, and the name")
    return out


def parse_window(name: str) -> DraftWindow | None:
    """The window that a name speaks of; None if it speaks of none.

    >>> parse_window("points_avg_last_10")
    DraftWindow(name='last_10', size=10, reason='the name; 10 events')
    >>> parse_window("legs_last_7d").size is None, parse_window("last_name")
    (True, None)
    """
    found = _WINDOW.search(name)
    if found is None or (found.start() and name[found.start() - 1] != "_"):
        return None
    count = int(found[1])
    if found[2] or found[3]:
        return DraftWindow(found[0], None, "the name; a time, so that no number of events is full")
    if count < 1:
        return None
    return DraftWindow(found[0], count, f"the name; {count} events")


def _ends_in(name: str, window: str) -> bool:
    return name.endswith(f"_{window}") and bool(_TABLE_NAME.fullmatch(window))
