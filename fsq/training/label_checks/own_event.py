"""Windows that hold the very event whose result is the label, or a later one: a leak.

Where the windows name their events, that is proof. Where they do not, a feature's step since the
entity's previous record tells: an honest window has just taken in the previous event, so given that
event's result its step knows nothing of the record's own.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from fsq.diagnosis.nouns import name_group
from fsq.diagnosis.rendering import format_dates
from fsq.training.label_checks.base import LabelData, LabelFault, Mask, Matrix

EVENT_IDS = "contributing_game_ids"
_HONEST = 0.2  # partial correlation that an honest window may have
_LEAK = 0.45
_SURE = 5.0  # standard errors
_FEWEST = 50  # steps


def find_own_events(data: LabelData) -> list[LabelFault]:
    """Report records whose windows hold their own or a later event."""
    proven = _find_by_ids(data)
    shown, features = _find_by_steps(data, proven)
    out = []
    table = data.contract.table
    if proven.any():
        event = name_group(table)
        names = _list_windowed(data)
        out.append(
            LabelFault(
                "window_leak",
                "red",
                f"the windows of {table.count(int(proven.sum()))} hold their own {event}, or a "
                "later one: leak",
                f"Such values are computed from {data.label} itself, which nobody knows at "
                f"prediction time; {_say_dates(data, proven)}.",
                "compute the windows from earlier events only, and score these dates again",
                proven,
                names,
                {"records": int(proven.sum())},
            )
        )
    if features:
        most, strongest = max((r, f) for f, r in features.items())
        out.append(
            LabelFault(
                "window_leak",
                "red",
                f"{', '.join(list(features)[:3])}{' …' if len(features) > 3 else ''}: values "
                f"follow the record's own {data.label}: leak",
                f"The step of {strongest} since the previous record of the same {table.entity} "
                f"correlates {most:.2f} with the {data.label} that it should predict, given the "
                f"previous one; an honest window shows at most {_HONEST:g}. "
                f"{_say_dates(data, shown)}.",
                "compute the windows from earlier events only, and score these dates again",
                shown,
                tuple(features),
                {"partial_correlation": most},
            )
        )
    return out


def _list_windowed(data: LabelData) -> tuple[str, ...]:
    """Features of the set that are computed over a window."""
    windowed = {f.name for f in data.contract.features if f.window is not None}
    return tuple(f for f in data.features if f in windowed)


def _find_by_ids(data: LabelData) -> Mask:
    """Records with a label whose windows list their own event, or one of a later date."""
    nothing = np.zeros(data.rows.height, dtype=np.bool_)
    names = _list_windowed(data)
    if data.event_ids is None or data.group is None or not names:
        return nothing
    known = data.rows.select(
        event=pl.col(data.group).cast(pl.String), day=pl.Series(data.date_codes)
    )
    # An event that is listed under two dates took place on the first, as far as this is concerned.
    events = known.drop_nulls().group_by("event").agg(pl.col("day").min())
    if events.is_empty():
        return nothing
    coded = pl.Enum(events["event"])
    own = known["event"].cast(coded).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    day = events["day"].to_numpy()
    chosen = np.flatnonzero(data.has_label)
    lists = data.event_ids.gather(chosen).list.gather([data.contract.names.index(f) for f in names])
    per_feature = lists.list.explode(empty_as_null=False)
    sizes = per_feature.list.len().fill_null(0).to_numpy()
    held = per_feature.list.explode(empty_as_null=False, keep_nulls=False).cast(pl.String)
    codes = held.cast(coded, strict=False).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    record = np.repeat(np.repeat(chosen, len(names)), sizes)
    seen = codes >= 0  # those of earlier seasons are not among the rows
    codes, record = codes[seen], record[seen]
    late = (codes == own[record]) | (day[codes] > data.date_codes[record])
    nothing[record[late]] = True
    return nothing


def _find_by_steps(data: LabelData, proven: Mask) -> tuple[Mask, dict[str, float]]:
    """Records of dates on which steps follow the own label, and how closely, per feature."""
    before = data.previous(1)
    own = np.flatnonzero((before >= 0) & ~proven)
    found = np.zeros(data.rows.height, dtype=np.bool_)
    features: dict[str, float] = {}
    for name in _list_windowed(data):
        values = data.values[:, data.features.index(name)]
        usable = own[~np.isnan(values[own]) & ~np.isnan(values[before[own]])]
        if len(usable) < _FEWEST:
            continue
        given = [values[before[usable]], data.labels[before[usable]]]
        step, label = _remove(given, values[usable]), _remove(given, data.labels[usable])
        codes = data.date_codes[usable]
        dates = _find_leaking_dates(codes, len(data.dates), step, label)
        rest = ~dates[codes]
        if rest.sum() >= _FEWEST and abs(_correlate(step[rest], label[rest])) >= _LEAK:
            # Dates too small to tell by themselves.
            dates[np.unique(codes)] = True
        if dates.any():
            features[name] = abs(_correlate(step[dates[codes]], label[dates[codes]]))
            found |= dates[data.date_codes]
    return found & data.has_label, features


def _find_leaking_dates(codes: np.ndarray, size: int, step: Matrix, label: Matrix) -> Mask:
    """Dates whose own steps follow their own labels, beyond doubt."""

    def total(values: Matrix) -> Matrix:
        return np.bincount(codes, values, minlength=size).astype(np.float64)

    n = np.bincount(codes, minlength=size)
    many = np.maximum(n, 1)
    means = total(step) / many, total(label) / many
    covariance = total(step * label) / many - means[0] * means[1]
    variance = (total(step**2) / many - means[0] ** 2) * (total(label**2) / many - means[1] ** 2)
    scale = np.sqrt(np.maximum(variance, 0.0))
    r = np.divide(covariance, scale, out=np.zeros(size), where=scale > 1e-12)
    beyond = np.arctanh(np.clip(np.abs(r), 0, 0.999)) - np.arctanh(_HONEST)
    sure = beyond * np.sqrt(np.maximum(n - 5, 0)) >= _SURE
    return np.asarray(sure & (np.abs(r) >= _LEAK))


def _remove(given: list[Matrix], values: Matrix) -> Matrix:
    """What is left of values once a linear fit on what is given is taken away."""
    known = np.column_stack([np.ones(len(values)), *given])
    # Three columns: the normal equations are quicker than a decomposition.
    weights = np.linalg.pinv(known.T @ known) @ (known.T @ values)
    return np.asarray(values - known @ weights)


def _correlate(x: Matrix, y: Matrix) -> float:
    """Pearson's correlation; 0 where one side is constant."""
    x, y = x - x.mean(), y - y.mean()
    scale = float(np.sqrt((x**2).sum() * (y**2).sum()))
    return float((x * y).sum()) / scale if scale > 1e-9 else 0.0


def _say_dates(data: LabelData, records: Mask) -> str:
    return "seen on " + format_dates(data.dates[i] for i in np.unique(data.date_codes[records]))
