"""Windows that hold the very event whose result is the label, or a later one: a leak.

Where the windows name their events, that is proof. Where they do not, a feature's step since the
entity's previous record tells: an honest window has just taken in the previous event, so given that
event's result its step knows nothing of the record's own. Each date is judged by itself.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.diagnosis.events import Events
from fsq.diagnosis.nouns import name_group
from fsq.diagnosis.rendering import format_dates
from fsq.schema.nested import dotted_name
from fsq.training.label_checks.base import LabelData, LabelFault, Mask, Matrix

EVENT_IDS = "contributing_game_ids"
_HONEST = 0.2  # partial correlation that an honest window may have
_LEAK = 0.45
_SURE = 5.0  # standard errors
_FEWEST = 25  # steps of a date


def find_own_events(data: LabelData) -> list[LabelFault]:
    """Report records whose windows hold their own or a later event."""
    proven = data.lists_own_event & data.has_label
    shown, features = _find_by_steps(data, proven)
    out = []
    table = data.contract.table
    if proven.any():
        event = name_group(table)
        names = _list_windowed(data.contract, data.features)
        out.append(
            LabelFault(
                "window_leak",
                "red",
                f"the windows of {table.count(int(proven.sum()))} hold their own {event}, or a "
                "later one: leak",
                f"Such values are computed from {data.label} itself, which nobody knows at "
                f"prediction time; seen on {format_dates(data.list_dates(proven))}.",
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
                f"Seen on {format_dates(data.list_dates(shown))}.",
                "compute the windows from earlier events only, and score these dates again",
                shown,
                tuple(features),
                {"partial_correlation": most},
            )
        )
    return out


def _list_windowed(contract: Contract, features: tuple[str, ...]) -> tuple[str, ...]:
    """Features of the set that are computed over a window."""
    windowed = {f.name for f in contract.features if f.window is not None}
    return tuple(f for f in features if f in windowed)


def mark_listed_events(
    frame: pl.DataFrame, events: Events | None, contract: Contract, features: tuple[str, ...]
) -> Mask:
    """Records whose windows list their own event, or a later one.

    Args:
        frame: some records, with a list per feature of the events in its window.
        events: from ``read_events`` of all records.
        contract: of the scoring.
        features: of the set.
    """
    out = np.zeros(frame.height, dtype=np.bool_)
    names = _list_windowed(contract, features)
    if events is None or not len(events.first) or not names:
        return out
    own = events.find(frame[str(contract.table.group)])
    moments = events.take_moments(frame)
    positions = [contract.names.index(f) for f in names]
    lists = frame[dotted_name(EVENT_IDS)].list.gather(positions)
    per_feature = lists.list.explode(empty_as_null=False)
    sizes = per_feature.list.len().fill_null(0).to_numpy()
    codes = events.find(per_feature.list.explode(empty_as_null=False, keep_nulls=False))
    record = np.repeat(np.repeat(np.arange(frame.height), len(names)), sizes)
    seen = codes >= 0  # those of earlier seasons are not among the rows
    codes, record = codes[seen], record[seen]
    late = (codes == own[record]) | (events.first[codes] > moments[record])
    out[record[late]] = True
    return out


def _find_by_steps(data: LabelData, proven: Mask) -> tuple[Mask, dict[str, float]]:
    """Records of dates on which steps follow the own label, and how closely, per feature."""
    found = np.zeros(data.rows.height, dtype=np.bool_)
    features: dict[str, float] = {}
    before = data.previous(1)
    if (before < 0).all():
        return found, features
    level = _measure_level(data)
    own = np.flatnonzero((before >= 0) & ~proven & ~np.isnan(level))
    size = len(data.dates)
    for name in _list_windowed(data.contract, data.features):
        values = data.values.get(data.features.index(name))
        usable = own[~np.isnan(values[own]) & ~np.isnan(values[before[own]])]
        if not len(usable):
            continue
        codes = data.date_codes[usable]
        # Small dates are judged together, in the place of a date that does not exist.
        judged = np.where(np.bincount(codes, minlength=size)[codes] >= _FEWEST, codes, size)
        given = [values[before[usable]], data.labels[before[usable]], level[usable]]
        step = _remove(given, values[usable], judged, size + 1)
        label = _remove(given, data.labels[usable], judged, size + 1)
        leaks = _find_leaking_dates(judged, size + 1, step, label)
        if leaks.any():
            hit = leaks[judged]
            features[name] = abs(_correlate(step[hit], label[hit]))
            found |= np.isin(data.date_codes, codes[hit])
    return found & data.has_label, features


def _measure_level(data: LabelData) -> Matrix:
    """The mean label of an entity's other records.

    It explains why a value goes with the label where the previous value says nothing: that one may
    itself be wrong.
    """
    known, entity = data.has_label, data.entity_codes
    count = np.bincount(entity[known], minlength=int(entity.max()) + 1)[entity] - 1
    total = np.bincount(entity[known], data.labels[known], minlength=int(entity.max()) + 1)[entity]
    out = np.full(data.rows.height, np.nan)
    return np.asarray(np.divide(total - data.labels, count, out=out, where=known & (count > 0)))


def _find_leaking_dates(codes: np.ndarray, size: int, step: Matrix, label: Matrix) -> Mask:
    """Dates whose own steps follow their own labels, beyond doubt."""
    n = np.bincount(codes, minlength=size)
    covariance, *variances = (
        np.bincount(codes, product, minlength=size) for product in (step * label, step**2, label**2)
    )
    scale = np.sqrt(variances[0] * variances[1])
    r = np.divide(covariance, scale, out=np.zeros(size), where=scale > 1e-9)
    beyond = np.arctanh(np.clip(np.abs(r), 0, 0.999)) - np.arctanh(_HONEST)
    sure = beyond * np.sqrt(np.maximum(n - 7, 0)) >= _SURE
    return np.asarray(sure & (np.abs(r) >= _LEAK))


def _remove(given: list[Matrix], values: Matrix, codes: np.ndarray, size: int) -> Matrix:
    """What is left of values once a linear fit on what is given is taken away, date by date."""
    known = np.column_stack([np.ones(len(values)), *given])
    known[:, 1:] -= known[:, 1:].mean(axis=0)
    width = known.shape[1]
    gram, target = np.zeros((size, width, width)), np.zeros((size, width))
    for i in range(width):
        target[:, i] = np.bincount(codes, known[:, i] * values, minlength=size)
        for j in range(i, width):
            gram[:, i, j] = np.bincount(codes, known[:, i] * known[:, j], minlength=size)
            gram[:, j, i] = gram[:, i, j]
    weights = np.einsum("dij,dj->di", np.linalg.pinv(gram, rcond=1e-9, hermitian=True), target)
    return np.asarray(values - (known * weights[codes]).sum(axis=1))


def _correlate(x: Matrix, y: Matrix) -> float:
    """Pearson's correlation; 0 where one side is constant."""
    x, y = x - x.mean(), y - y.mean()
    scale = float(np.sqrt((x**2).sum() * (y**2).sum()))
    return float((x * y).sum()) / scale if scale > 1e-9 else 0.0
