"""What happened to a feature, as far as its values show: copied, scaled, swapped, mixed up."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from fsq.diagnosis.attribution import Blame
from fsq.profile import Judgement
from fsq.profile.earlier import Earlier, lies_on, order_values
from fsq.profile.rows import Codes, Mask, Matrix, combine

# Factors that units and signs differ by.
_FACTORS = (
    -1.0, 100.0, 0.01, 1000.0, 0.001, 10.0, 0.1, 60.0, 1 / 60, 3600.0, 1 / 3600, 24.0, 1 / 24,
    1.609344, 1 / 1.609344, 0.3048, 1 / 0.3048, 2.54, 1 / 2.54, 0.453592, 1 / 0.453592, 2.0, 0.5,
    48.0, 1 / 48,
)  # fmt: skip
_CLOSE = 0.1  # of the factor
_MANY = 0.6  # share of the changed records that one explanation must fit
_MIN_CHANGED = 5
_MIN_GROUPS = 3
_MIN_PAST = 50  # values of the dates before that say how values usually lie
_BY_OTHERS = {"disagree", "contradict", "leap", "outlier", "residual_spread", "step_size"}
_ON_GRID = 0.25  # share of the values that rounding leaves on a grid
_GRIDS = (1.0, 0.5, 0.1, 10.0, 100.0)
_MAINLY = 0.5  # of the strongest alarm: a leak is seen by itself, not beside greater harm
_MOSTLY_DEFAULT = 0.4  # of the records that disagree: some do so with those of the default
_MUCH_MORE = 1.5  # times its usual share: a default may be a common value, too
_FEW = 0.1  # share of a date's records that are single outliers, and no level


@dataclass(frozen=True)
class Cause:
    """What happened to a feature on a date.

    Attributes:
        kind: name of the kind of finding.
        named: the records that show it; None if they cannot be told from the others.
        facts: figures for the text.
    """

    kind: str
    named: Mask | None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Clues:
    """The records of a date beside their own past."""

    judged: Judgement
    at: int
    expected: Matrix  # what each feature falls back to; NaN without
    ordered: dict[int, Earlier]  # of each feature that was asked for, whatever the date

    @cached_property
    def here(self) -> Codes:
        """Positions of the records of the date."""
        return self.judged.rows.find_records(self.at)

    def take_now(self, f: int) -> Matrix:
        """The date's values of a feature; NaN where there is none."""
        return np.asarray(self.judged.rows.values[self.here, f])

    def find_hits(self, metric: str, f: int) -> Mask:
        """Which of the date's records show a metric of a feature."""
        return np.asarray(self.judged.evidence.hits[metric][self.here, f])

    def take_earlier(self, f: int) -> Earlier:
        """The known values of a feature on the dates before each date."""
        if f not in self.ordered:
            rows = self.judged.rows
            self.ordered[f] = order_values(rows.values[:, f], rows.date_index, len(rows.dates))
        return self.ordered[f]

    def count_earlier(self, f: int) -> int:
        """How many values a feature has on the dates before."""
        return int(self.take_earlier(f).before[self.at])

    def take_before(self, f: int) -> Matrix:
        """The value that each of the date's records had before."""
        return np.asarray(self.take_now(f) - self.judged.moves.step[self.here, f])

    def spans_groups(self, f: int, hit: Mask) -> bool:
        """Whether records of the date lie in several of the groups that share one value."""
        rows = self.judged.rows
        for grouping in self.judged.profile.structure.groupings:
            if f in grouping.features and set(grouping.columns) <= rows.codes.keys():
                chosen = self.here[hit]
                codes = [
                    rows.date_index[chosen],
                    *(rows.codes[c][chosen] for c in grouping.columns),
                ]
                if np.unique(combine(codes)).size < _MIN_GROUPS:
                    return False
        return True

    def mark(self, hit: Mask) -> Mask:
        """A mask of the date's records as one of all records."""
        out = np.zeros(len(self.judged.rows.date_index), dtype=np.bool_)
        out[self.here[hit]] = True
        return out


def find_cause(clues: Clues, blame: Blame, others: list[Blame]) -> Cause:
    """The first cause that fits a feature's alarms and values."""
    for find in (
        _find_absent,
        _find_spike,
        _find_clamped,
        _find_swapped,
        _find_unit,
        _find_rounded,
        _find_old,
        _find_leak,
        _find_default_in_groups,
        _find_wrong_entity,
    ):
        cause = find(clues, blame, others)
        if cause is not None:
            return cause
    named = blame.named
    few = named is not None and named.sum() <= _FEW * len(clues.here)
    if few and {"leap", "outlier", "extreme"} & blame.metrics.keys():
        return Cause("outlier_values", named)
    return Cause("level_shift", named)


def _drop_nan(values: Matrix) -> Matrix:
    return np.asarray(values[~np.isnan(values)])


def _find_absent(clues: Clues, blame: Blame, _: list[Blame]) -> Cause | None:
    found = {"absent", "table_absent", "group_absent"} & blame.metrics.keys()
    if not found:
        return None
    share = float(clues.judged.evidence.measures["absent"][clues.at, blame.feature])
    usual = float(clues.judged.usual["absent"][clues.at, blame.feature])
    if np.isnan(usual):
        usual = 0.0
    hits = clues.find_hits("absent", blame.feature)
    facts = {"default_share": round(share, 4), "usual_share": round(usual, 4)}
    return Cause("default_rate_shift", clues.mark(hits), facts)


def _find_leak(clues: Clues, blame: Blame, _: list[Blame]) -> Cause | None:
    if blame.metrics.get("leak", 0.0) < _MAINLY * blame.strength:
        return None
    slope = float(clues.judged.evidence.measures["leak"][clues.at, blame.feature])
    label = clues.judged.profile.structure.label
    return Cause("leak", None, {"label": label, "slope": round(slope, 3)})


def _find_spike(clues: Clues, blame: Blame, _: list[Blame]) -> Cause | None:
    if not {"spike", "zero", "group_same"} & blame.metrics.keys():
        return None
    return _describe_spike(clues, blame.feature)


def _find_default_in_groups(clues: Clues, blame: Blame, _: list[Blame]) -> Cause | None:
    """Records that disagree with their group since some of them have the default.

    So many groups have several values that a common one may not stand out by itself.
    """
    if blame.named is None or not {"disagree", "contradict"} & blame.metrics.keys():
        return None
    found = _describe_spike(clues, blame.feature)
    if found is None or found.kind != "silent_default" or found.named is None:
        return None
    share, usual = float(found.facts["share"]), float(found.facts["usual_share"])
    rise = found.named.sum() * (share - usual) / share
    clear = share >= _MUCH_MORE * usual and rise >= _MOSTLY_DEFAULT * blame.named.sum()
    return found if clear else None


def _describe_spike(clues: Clues, f: int) -> Cause | None:
    """The value whose share rose most, unless others went beyond it on earlier dates."""
    at = clues.at
    hits = clues.find_hits("spike", f)
    if not hits.any():
        return None
    value = float(clues.take_now(f)[hits][0])
    known = _drop_nan(clues.take_now(f))
    if known.size and _is_edge(clues, f, value, known):
        return None
    share = float(hits.sum() / max(known.size, 1))
    usual = share - float(clues.judged.evidence.measures["spike"][at, f])
    facts = {"value": value, "share": round(share, 4), "usual_share": round(usual, 4)}
    kind = "silent_default" if value == clues.expected[f] else "value_too_common"
    return Cause(kind, clues.mark(hits), facts)


def _is_edge(clues: Clues, f: int, value: float, known: Matrix) -> bool:
    """Whether a value is the date's largest or smallest, which the past went clearly beyond."""
    if clues.count_earlier(f) < _MIN_PAST or np.unique(known).size < 5:
        return False
    low, high = clues.take_earlier(f).take_quantiles(clues.at, [0.02, 0.98])
    return bool((value == known.max() and high > value) or (value == known.min() and low < value))


def _find_clamped(clues: Clues, blame: Blame, _: list[Blame]) -> Cause | None:
    f = blame.feature
    now = clues.take_now(f)
    known = _drop_nan(now)
    if known.size < _MIN_CHANGED:
        return None
    for edge in (known.max(), known.min()):
        held = now == edge
        if held.sum() < max(3, 0.02 * known.size) or not clues.spans_groups(f, held):
            continue
        if _is_edge(clues, f, float(edge), known):
            return Cause("clamped_values", clues.mark(held), {"value": float(edge)})
    return None


def _find_swapped(clues: Clues, blame: Blame, others: list[Blame]) -> Cause | None:
    f = blame.feature
    own, names = clues.take_before(f), clues.judged.rows.names
    now = clues.take_now(f)
    for other in others:
        g = other.feature
        if g == f:
            continue
        theirs = clues.take_before(g)
        known = ~np.isnan(now) & ~np.isnan(own) & ~np.isnan(theirs)
        if known.sum() < _MIN_CHANGED:
            continue
        scale = clues.judged.profile.structure.carriers.scales
        far = np.abs(now - own) > 3 * scale[f]
        near = np.abs(now - theirs) < 3 * scale[g]
        apart = known & (np.abs(own - theirs) > 4 * (scale[f] + scale[g]))
        if apart.sum() >= _MIN_CHANGED and (far & near)[apart].mean() >= 0.5:
            return Cause("swapped_features", clues.mark(known & far & near), {"with": names[g]})
    return None


def _find_unit(clues: Clues, blame: Blame, _: list[Blame]) -> Cause | None:
    f = blame.feature
    now, before = clues.take_now(f), clues.take_before(f)
    scale = clues.judged.profile.structure.carriers.scales[f]
    known = ~np.isnan(now) & ~np.isnan(before) & (np.abs(before) > 1e-9)
    moved = known & (np.abs(now - before) > 2 * scale)
    if moved.sum() < _MIN_CHANGED:
        return _find_unit_by_level(clues, blame)
    close = np.abs(now[moved] / before[moved] / np.array(_FACTORS)[:, None] - 1) < _CLOSE
    for number in np.flatnonzero(close.mean(axis=1) >= _MANY).tolist():
        factor, fits = _FACTORS[number], close[number]
        if factor in (2.0, 0.5, -1.0):
            fits = fits & (
                np.abs(now[moved] - factor * before[moved]) < 2 * scale * max(1, abs(factor))
            )
        if fits.mean() >= _MANY:
            hit = np.zeros(len(now), dtype=np.bool_)
            hit[np.flatnonzero(moved)[fits]] = True
            return Cause("wrong_unit", clues.mark(hit), {"factor": factor})
    return None


def _find_unit_by_level(clues: Clues, blame: Blame) -> Cause | None:
    """The same without the records' own past: by the quartiles of the date."""
    f = blame.feature
    now = _drop_nan(clues.take_now(f))
    if "spread" not in blame.metrics or now.size < _MIN_CHANGED:
        return None
    if clues.count_earlier(f) < _MIN_PAST:
        return None
    quarters = [0.25, 0.5, 0.75]
    quartiles = np.quantile(now, quarters)
    usual = clues.take_earlier(f).take_quantiles(clues.at, quarters)
    for factor in _FACTORS[1:]:
        wanted = np.sort(usual * factor)
        if np.all(np.abs(quartiles - wanted) <= 0.25 * np.abs(wanted)) and abs(np.log(factor)) > 1:
            every = np.ones(len(clues.here), dtype=np.bool_)
            return Cause("wrong_unit", clues.mark(every), {"factor": factor})
    return None


def _find_rounded(clues: Clues, blame: Blame, _: list[Blame]) -> Cause | None:
    f = blame.feature
    now = clues.take_now(f)
    count = _drop_nan(now).size
    if count < _MIN_CHANGED or clues.count_earlier(f) < _MIN_PAST:
        return None
    for grid in _GRIDS:
        on = lies_on(now, grid)
        share = float(on.sum() / count)
        if share <= _ON_GRID or not np.any(now[on]):  # zero lies on every grid
            continue
        usual = clues.take_earlier(f).measure_on_grid(clues.at, grid)
        if share - usual > max(0.2, 0.5 * (1 - usual)):
            return Cause("rounded_values", clues.mark(on), {"grid": grid})
    return None


def _find_old(clues: Clues, blame: Blame, _: list[Blame]) -> Cause | None:
    found = [m for m in ("still", "returned", "group_still", "copied") if m in blame.metrics]
    if not found:
        return None
    hits = np.any([clues.find_hits(m, blame.feature) for m in found], axis=0)
    share = float(hits.sum() / max(len(clues.here), 1))
    return Cause("old_values", clues.mark(hits), {"share": round(share, 4)})


def _find_wrong_entity(clues: Clues, blame: Blame, _: list[Blame]) -> Cause | None:
    """Normal values in records that they do not belong to."""
    if not _BY_OTHERS & blame.metrics.keys():
        return None
    f = blame.feature
    now = _drop_nan(clues.take_now(f))
    if now.size < _MIN_CHANGED or clues.count_earlier(f) < _MIN_PAST:
        return None
    low, high = clues.take_earlier(f).take_quantiles(clues.at, [0.001, 0.999])
    inside = float(((now >= low) & (now <= high)).mean())
    stays = max(blame.metrics.get("mean", 0.0), blame.metrics.get("spread", 0.0)) < 3
    if inside < 0.98 or not stays:
        return None
    return Cause("wrong_entity", blame.named)
