"""Labels that are one value for a whole date or event, and labels that are absent."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from fsq.diagnosis.nouns import name_group
from fsq.diagnosis.rendering import format_dates
from fsq.training.label_checks.base import (
    SURE,
    Codes,
    LabelData,
    LabelFault,
    Mask,
    measure_surprise,
)

_NEARLY_ALL = 0.9
_RISE = 0.15  # of the share of one value on a date, above what is usual
_MANY_VALUES = 10  # distinct labels: with fewer, one value's share may well change
_DAYS_TO_LABEL = 3  # after a date, at most
_OUTLIER = 5.0  # robust standard deviations


def find_repeated_values(data: LabelData) -> list[LabelFault]:
    """Report dates, and events, whose labels are nearly all one value, as nowhere else."""
    units = [data.date_codes] if data.event_codes is None else [data.date_codes, data.event_codes]
    records = np.any([_find_uniform(data, u) for u in units], axis=0)
    records |= _find_rise(data.without(records))
    if not records.any():
        return []
    values, hits = np.unique(data.labels[records], return_counts=True)
    value = float(values[hits.argmax()])
    days = data.list_dates(records)
    on_these = np.isin(data.date_codes, data.date_codes[records]) & data.has_label
    usual = (
        float(np.mean(data.labels[data.has_label & ~on_these] == value))
        if (data.has_label & ~on_these).any()
        else None
    )
    table = data.contract.table
    elsewhere = "" if usual is None else f"; on other dates {usual:.0%} have it"
    return [
        LabelFault(
            "label_one_value",
            "red",
            f"{data.label} is {value:g} for {table.count(int(records.sum()))} on "
            f"{format_dates(days)}",
            f"These dates have {int(on_these.sum()):,} labels{elsewhere}. They were probably "
            "written before the result was known, or a job wrote a placeholder.",
            f"fill {data.label} again for these dates",
            records,
            evidence={"value": value, "usual_share": usual},
        )
    ]


def _count_values(data: LabelData, units: Codes) -> pl.DataFrame:
    """Per unit and value: how many labels, in the unit and elsewhere.

    Columns ``unit``, ``value``, ``hits``, ``tries`` (labels of the unit), ``share`` (of the value
    elsewhere, never 0 or 1).
    """
    known = data.has_label & (units >= 0)
    flat = pl.DataFrame({"unit": units[known], "value": data.labels[known]})
    total = flat.height
    return (
        flat.group_by("unit", "value")
        .agg(hits=pl.len().cast(pl.Int64))
        .with_columns(
            tries=pl.col("hits").sum().over("unit"), everywhere=pl.col("hits").sum().over("value")
        )
        .with_columns(
            share=(pl.col("everywhere") - pl.col("hits") + 1) / (total - pl.col("tries") + 2),
            elsewhere=total - pl.col("tries"),
        )
    )


def _find_uniform(data: LabelData, units: Codes) -> Mask:
    """Records with the one value of a unit."""
    every = _count_values(data, units)
    counts = every.filter(
        (pl.col("hits") >= _NEARLY_ALL * pl.col("tries")) & (pl.col("elsewhere") > 0)
    )
    found = [counts.clear()]
    for value in counts["value"].unique().to_list():
        of_value = counts.filter(pl.col("value") == value)
        usual = _find_high_share(every.filter(pl.col("value") == value), units)
        share = np.clip(np.maximum(of_value["share"].to_numpy(), usual), 0.0, 0.9999)
        surprise = measure_surprise(of_value["hits"], of_value["tries"], share)
        found.append(of_value.filter(pl.Series(surprise >= SURE)))
    return _find_records(data, units, pl.concat(found))


def _find_high_share(of_value: pl.DataFrame, units: Codes) -> float:
    """The share of one value that one unit in twenty reaches, of those that are not all one value.

    Units differ by more than chance: a binary label may well be the same for most of a date.
    """
    size = int(units.max()) + 1
    shares = np.zeros(size)
    shares[of_value["unit"].to_numpy()] = (of_value["hits"] / of_value["tries"]).to_numpy()
    mixed = shares[shares < 1]
    return float(np.quantile(mixed, 0.95)) if len(mixed) else 0.0


def _find_rise(data: LabelData) -> Mask:
    """Records of dates on which one value is far more common than on any ordinary date."""
    dates = len(data.dates)
    if np.unique(data.labels[data.has_label]).size < _MANY_VALUES or dates < _MANY_VALUES:
        return np.zeros(data.rows.height, dtype=np.bool_)
    counts = _count_values(data, data.date_codes)
    seen = counts.with_columns(seen=pl.col("hits") / pl.col("tries"))
    common = seen.filter(pl.col("seen").max().over("value") >= _RISE)
    out = [common.clear()]
    for value in common["value"].unique().to_list():
        of_value = common.filter(pl.col("value") == value)
        # A date without the value has a share of 0, so the median is one of all dates.
        shares = np.zeros(dates)
        shares[of_value["unit"].to_numpy()] = of_value["seen"].to_numpy()
        usual = float(np.median(shares))
        spread = 1.4826 * float(np.median(np.abs(shares - usual)))
        chance = np.sqrt(usual * (1 - usual) / of_value["tries"].to_numpy())
        rise = of_value["seen"].to_numpy() - usual
        enough = measure_surprise(
            of_value["hits"], of_value["tries"], np.clip(usual + spread, 0.01, 0.99)
        )
        stands_out = (rise >= _RISE) & (rise >= _OUTLIER * np.maximum(spread, chance))
        out.append(of_value.filter(pl.Series(stands_out & (enough >= SURE))))
    return _find_records(data, data.date_codes, pl.concat(out))


def _find_records(data: LabelData, units: Codes, found: pl.DataFrame) -> Mask:
    """The records that have the values found in their units."""
    if found.is_empty():
        return np.zeros(data.rows.height, dtype=np.bool_)
    flat = pl.DataFrame({"unit": units, "value": data.labels})
    wanted = found.select("unit", "value").with_columns(hit=pl.lit(True))
    hit = flat.join(wanted, on=["unit", "value"], how="left", maintain_order="left")["hit"]
    return np.asarray(hit.fill_null(False).to_numpy() & data.has_label)


def find_missing_labels(data: LabelData) -> list[LabelFault]:
    """Report dates, and events, that have no labels, or few, although theirs are due.

    They are due where a later date has its own, or once some days have passed.
    """
    size = len(data.dates)
    rows = np.bincount(data.date_codes, minlength=size)
    labelled = np.bincount(data.date_codes[data.has_label], minlength=size)
    late = (data.now - timedelta(days=_DAYS_TO_LABEL)).date()
    due = np.array([day < late for day in data.dates])
    due[: int(np.flatnonzero(labelled)[-1])] = True
    usual = float(np.median((labelled / rows)[labelled > 0]))
    few = labelled <= 0.5 * usual * rows
    surprise = measure_surprise(rows - labelled, rows, min(max(1 - usual, 0.02), 0.98))
    lacking = few & ((labelled == 0) | (surprise >= SURE)) & due
    affected = lacking[data.date_codes] & ~data.has_label
    events = _find_events_without_labels(data, usual) & ~lacking[data.date_codes]
    events &= due[data.date_codes]
    codes = data.event_codes
    without = 0 if codes is None else len(np.unique(codes[events]))
    affected |= events
    if not affected.any():
        return []
    days = data.list_dates(affected)
    noun = name_group(data.contract.table)
    also = f" {without} of their {noun}s have none at all." if without else ""
    return [
        LabelFault(
            "label_absent",
            "yellow",
            f"{data.label} is absent for {data.contract.table.count(int(affected.sum()))} on "
            f"{format_dates(days)}",
            f"On other dates {usual:.0%} of the records have a label, and these are due.{also}",
            f"fill {data.label} for these dates, or leave them out knowingly",
            np.zeros(data.rows.height, dtype=np.bool_),
            evidence={"usual_share": usual},
            affected=affected,
        )
    ]


def _find_events_without_labels(data: LabelData, usual: float) -> Mask:
    """Records of events of which none has a label, where chance does not explain it."""
    codes = data.event_codes
    if codes is None:
        return np.zeros(data.rows.height, dtype=np.bool_)
    known = codes >= 0
    rows = np.bincount(codes[known], minlength=1)
    labelled = np.bincount(codes[known & data.has_label], minlength=len(rows))
    surprise = measure_surprise(rows - labelled, rows, min(max(1 - usual, 0.02), 0.98))
    empty = (rows > 0) & (labelled == 0) & (surprise >= SURE)
    return np.asarray(known & empty[np.maximum(codes, 0)])
