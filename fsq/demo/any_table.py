"""Simulates the table of any contract: keys, values in their ranges, sources, and incidents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.contract import Contract, Feature, load_contract
from fsq.contract.table import Table
from fsq.demo.any_incidents import plant_incidents
from fsq.errors import InputError
from fsq.intake.batch_query import end_of_row
from fsq.schema.columns import UTC_MICROS
from fsq.schema.vocabulary import DEFAULT

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_FIRST = date(2025, 10, 1)
_PRESENT = 0.75  # share of the entities that have a row on a date
_DEFAULTED = 0.02  # share of the rows for which an upstream table has no record
_GROUP_SIZE = 20


def simulate_table(
    contract: str | Path | Contract,
    seed: int = 7,
    dates: int = 160,
    entities: int = 300,
    incidents: bool = True,
) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """Simulate a contract's table; the same contract and seed give the same rows.

    About three quarters of the entities have a row on a date. Values stay in their ranges, windows
    fill up from empty ones, half of the rows have optional features, and each upstream table lacks
    a record now and then: its features are then default.

    Args:
        contract: the contract to simulate a table of.
        seed: of the random numbers.
        dates: how many, one after another.
        entities: how many different ones there are.
        incidents: whether to plant incidents; it takes at least 30 dates.

    Returns:
        Feature rows in wide form with text keys, and notes on the incidents planted in them.

    Raises:
        InputError: too few dates or entities.

    >>> rows, notes = simulate_table("v2_33features", dates=40, entities=40)
    >>> [note["kind"] for note in notes]
    ['processor_did_not_run', 'stale_data', 'range_violation', 'missing_rows']
    """
    if dates < 1 or entities < 1 or (incidents and dates < 30):
        raise InputError(
            [f"{dates} dates of {entities} entities; use at least one, and 30 dates for incidents"]
        )
    loaded, rng = load_contract(contract), np.random.default_rng(seed)
    present = rng.random((dates, entities)) < _PRESENT
    date_of_row, entity_of_row = (a.astype(np.int64) for a in np.nonzero(present))
    place = _Place(date_of_row, entity_of_row, entities, present)
    rows = _make_keys(loaded.table, place, rng)
    rows = rows.with_columns(_make_values(loaded, place, rng))
    rows = rows.with_columns(_make_provenance(loaded, rows, rng))
    rows = rows.with_columns(_make_outcome(loaded, rows, rng))
    return plant_incidents(rows, loaded) if incidents else (rows, [])


@dataclass(frozen=True)
class _Place:
    """Where a row stands: the position of its date, and that of its entity."""

    date: npt.NDArray[np.int64]
    entity: npt.NDArray[np.int64]
    entities: int
    present: Mask

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.date)

    def count_earlier(self) -> npt.NDArray[np.int64]:
        """Rows of the same entity on earlier dates."""
        earlier: npt.NDArray[np.int64] = np.cumsum(self.present, axis=0) - self.present
        return np.asarray(earlier[self.date, self.entity])


def _make_keys(table: Table, place: _Place, rng: np.random.Generator) -> pl.DataFrame:
    days = [_FIRST + timedelta(days=int(i)) for i in range(len(place.present))]
    columns = {table.date: pl.Series(days, dtype=pl.Date).gather(place.date)}
    columns = _name_entities(table, place) | columns
    rows = pl.DataFrame(columns)
    if table.group is not None and table.group not in table.key:
        groups = max(1, round(place.entities * _PRESENT / _GROUP_SIZE))
        group = (place.entity + place.date) % groups
        rows = rows.with_columns(
            pl.format("{}_{}", table.date, pl.lit(pl.Series(group))).alias(table.group)
        )
    if table.time is not None:
        minutes = rng.integers(6 * 60, 22 * 60, place.entities)[place.entity]
        local = pl.col(table.date).cast(pl.Datetime("us")) + pl.duration(
            minutes=pl.lit(pl.Series(minutes))
        )
        moment = local.dt.replace_time_zone(table.timezone, ambiguous="earliest")
        rows = rows.with_columns(moment.dt.convert_time_zone("UTC").alias(table.time))
    return rows


def _name_entities(table: Table, place: _Place) -> dict[str, pl.Series]:
    """Keys that together name an entity, each of them shared by several."""
    count = len(table.keys)
    base = 1
    while base**count < place.entities:
        base += 1
    names = {}
    for i, key in enumerate(reversed(table.keys)):
        digit = place.entity // base**i % base
        names[key] = pl.select(pl.format(f"{key}_{{}}", pl.Series(digit))).to_series()
    return {key: names[key].alias(key) for key in table.keys}


def _make_values(contract: Contract, place: _Place, rng: np.random.Generator) -> list[pl.Series]:
    """A value and a source word per feature, and the sample sizes of the windows."""
    words = _choose_words(contract)
    columns = [
        pl.Series(f"{window}__sample_size", sizes)
        for window, sizes in _count_samples(contract, place).items()
    ]
    samples = {c.name.removesuffix("__sample_size"): c.to_numpy() for c in columns}
    lost = {table: rng.random(place.rows) < _DEFAULTED for table in contract.group_by_table()}
    absent = rng.random(place.rows) < 0.5
    for f in contract.features:
        gone = lost[f.upstream_table] | absent if f.optional else lost[f.upstream_table]
        if f.window is not None:
            gone = gone | (samples[f.window] == 0)
        values = np.where(gone, np.nan, _draw_values(f, place, rng))
        no_value = None if f.optional else f.expected
        fallback = DEFAULT if no_value is not None else "missing"
        labels = pl.Series(np.where(gone, fallback, words[f.index % len(words)]))
        column = pl.Series(f.name, values, nan_to_null=True)
        columns.append(column if no_value is None else column.fill_null(no_value))
        columns.append(labels.alias(f"{f.name}__source"))
    return columns


def _choose_words(contract: Contract) -> list[str]:
    """Source words of good values: those that suffice for training, if there are any."""
    good = contract.feature_rules.training_min_score
    named = {w: s.base for w, s in contract.sources.items() if s.type != DEFAULT}
    return [w for w, base in named.items() if base >= good] or list(named) or [DEFAULT]


def _count_samples(contract: Contract, place: _Place) -> dict[str, npt.NDArray[np.int64]]:
    earlier = place.count_earlier()
    return {
        name: earlier if window.size is None else np.minimum(earlier, window.size)
        for name, window in contract.windows.items()
    }


def _draw_values(f: Feature, place: _Place, rng: np.random.Generator) -> Floats:
    """Values about the entity's own level, within the feature's range."""
    low, high = f.min, f.max
    level = low + (high - low) * rng.uniform(0.1, 0.9, place.entities)
    noise = (high - low) * rng.normal(0, 0.04, place.rows)
    return np.clip(level[place.entity] + noise, low, high)


def _make_provenance(
    contract: Contract, rows: pl.DataFrame, rng: np.random.Generator
) -> Iterable[pl.Series]:
    """When each table was written and its hashes, and the run that wrote the rows."""
    table = contract.table
    over = rows.select(end_of_row(dict(rows.schema), table).cast(UTC_MICROS)).to_series()
    for i, (name, features) in enumerate(contract.group_by_table().items()):
        hours = 0.4 * min(contract.threshold(f, "stale_hours") for f in features)
        age = timedelta(hours=min(hours, 24), seconds=i)
        yield (over - age).alias(f"{name}__last_updated")
        digits = rng.integers(0, 16, (rows.height, 16))
        hashes = np.array(list("0123456789abcdef"))[digits].view("U16").ravel()
        yield pl.Series(f"{name}__data_hash", hashes)
    yield (over - timedelta(minutes=5)).alias("computed_at")
    yield pl.select(pl.format("run-{}", rows[table.date])).to_series().alias("pipeline_run_id")
    if jobs := [p.name for p in contract.processors]:
        yield pl.Series("processors_completed", [jobs]).new_from_index(0, rows.height)


def _make_outcome(contract: Contract, rows: pl.DataFrame, rng: np.random.Generator) -> pl.Series:
    """Something to predict: partly the first few features, partly chance."""
    signal = np.zeros(rows.height)
    for f in contract.features[:3]:
        width = f.max - f.min or 1.0
        signal += (rows[f.name].fill_null(f.min).to_numpy() - f.min) / width
    return pl.Series("outcome", 10 * (signal + rng.normal(0, 0.5, rows.height)))
