"""What a profile has learned, as the literals of a query."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np

from fsq.contract import Contract
from fsq.diagnosis.calm import Breaks
from fsq.diagnosis.checks.source_labels import LabelThresholds, tells_missing
from fsq.diagnosis.checks.stamps import StampThresholds
from fsq.diagnosis.learning import begins_season
from fsq.profile import Profile
from fsq.profile.evidence import FEW_GROUPS, MOST_GROUPS, ONE_SIDED, RARE, UNSETTLED
from fsq.profile.groups import TOLERANCE
from fsq.profile.limits import MIN_TRAILING, TRAILING_DATES
from fsq.profile.measures import LEAST_SPREAD, NO_SPREAD
from fsq.sql.quote import format_boolean, format_number, quote_text
from fsq.stores.bigquery.names import format_date

_BY_VALUES = ("spread", "zero")
# How many values chance drew.
_DRAWN = "LEAST(d.known, IFNULL(d.groups_1, d.known), IFNULL(d.groups_2, d.known))"
_MANY_VALUED = (
    f" AND (d.groups_{{0}} IS NULL OR d.valued_{{0}} >= {FEW_GROUPS}"
    f" OR d.valued_{{0}} >= {MOST_GROUPS} * d.groups_{{0}})"
)
# What each evidence measures, of how many values, and the rows that show it.
MEASURES = {
    "mean": ("d.mean", "d.known", "d.known"),
    "spread": (
        "IF(d.known >= 2"
        f"{_MANY_VALUED.format(1)}{_MANY_VALUED.format(2)},"
        " LN(GREATEST(d.deviation, l.least_deviation)), NULL)",
        _DRAWN,
        "d.known",
    ),
    "absent": ("d.absent / d.`rows`", "d.`rows`", "d.absent"),
    "zero": ("d.zero / NULLIF(d.known, 0)", _DRAWN, "d.zero"),
    "table_absent": ("d.table_absent / d.`rows`", "d.`rows`", "d.table_absent"),
    "disagree": ("d.disagreeing / NULLIF(d.grouped, 0)", "d.grouped", "d.disagreeing"),
    "contradict": ("d.contradicting / NULLIF(d.mirrored, 0)", "d.mirrored", "d.contradicting"),
}


def make_learned_placeholders(profile: Profile, contract: Contract) -> dict[str, str]:
    """The placeholders of levels, limits and dates.

    Args:
        profile: of rows that were scored under the contract.
        contract: of the scoring.
    """
    clean = profile.clean_dates
    others = [d for d, ok in zip(profile.dates, profile.clean, strict=True) if not ok]
    limits = StampThresholds.of(contract).model_dump() | LabelThresholds.of(contract).model_dump()
    breaks = Breaks.of(contract.diagnosis)
    missing = format_number(contract.sources["missing"].base)
    unlabelled = f"(is_default AND held IS NOT NULL AND score <= {missing})"
    return {k: format_number(v) for k, v in limits.items()} | {
        "learned": _make_rows(profile, contract),
        "measures": ",\n    ".join(_make_measure(profile, m) for m in MEASURES),
        "clean_count": str(len(clean)),
        "first_clean": min(clean).isoformat(),
        "last_clean": max(clean).isoformat(),
        "clean_dates": quote_dates(clean),
        "other_dates": quote_dates(others),
        "settled_from": format_date(_find_settled(profile, breaks)),
        "short_break": str(breaks.short),
        "longest_break": str(breaks.longest),
        "tolerance": format_number(TOLERANCE),
        "trailing_before": str(TRAILING_DATES - 1),
        "min_trailing": str(MIN_TRAILING),
        "unlabelled": unlabelled if tells_missing(contract) else "FALSE",
    }


def quote_dates(days: Iterable[date]) -> str:
    """Dates as an array, which may be empty.

    >>> quote_dates([date(2026, 2, 6)])
    "ARRAY<DATE>[DATE '2026-02-06']"
    """
    return f"ARRAY<DATE>[{', '.join(format_date(d) for d in days)}]"


def list_needed_dates(profile: Profile, before: date) -> list[date]:
    """The dates of the profile that any feature of this date or a later one is compared with."""
    dates = np.array(profile.dates, dtype="datetime64[D]")
    known = profile.clean & (dates < np.datetime64(before))
    needed: set[int] = set()
    for metric in MEASURES.keys() - set(RARE):
        for column in profile.measures[metric].T:
            needed |= set(np.flatnonzero(known & ~np.isnan(column))[-TRAILING_DATES:].tolist())
    return [profile.dates[i] for i in sorted(needed)]


def _find_settled(profile: Profile, breaks: Breaks) -> date:
    """From when on dates can be compared: later than the first if a season starts with it."""
    first = profile.dates[0]
    return first + timedelta(days=breaks.longest) if begins_season(profile) else first


def _make_rows(profile: Profile, contract: Contract) -> str:
    """One row per feature."""
    structure, limits = profile.structure, profile.limits
    there = {f for fs in structure.tables if len(fs) > 1 for f in fs}
    rows: list[str] = []
    for f in contract.features:
        groups = [i for i, g in enumerate(structure.groupings) if f.index in g.features]
        facts = {
            "feature_index": str(f.index),
            "feature_name": quote_text(f.name),
            "upstream_table": quote_text(f.upstream_table),
            "usually_there": format_boolean(f.index in there),
            "grouping_1": _format_place(groups[:1]),
            "grouping_2": _format_place(groups[1:2]),
            "least_deviation": _format(_find_least_deviation(profile, f.index)),
        }
        for metric in MEASURES:
            judged = not np.isnan(profile.measures[metric][:, f.index]).all()
            # How many groups chance drew is told by their values alone, which no query counts.
            judged &= metric not in _BY_VALUES or f.index not in structure.tied
            scale = float(limits.scales[metric][f.index]) if judged else None
            facts[f"{metric}_scale"] = _format(scale)
            facts[f"{metric}_typical"] = _format(float(limits.typical[metric][f.index]))
            if metric in RARE:
                facts[f"{metric}_center"] = _format(float(limits.centers[metric][f.index]))
        columns = [v if rows else f"{v} AS {k}" for k, v in facts.items()]
        rows.append(f"SELECT {', '.join(columns)}")
    return "\n  UNION ALL ".join(rows)


def _format_place(places: list[int]) -> str:
    return f"CAST({places[0] if places else 'NULL'} AS INT64)"


def _format(value: float | None) -> str:
    """Nine digits are enough, and short."""
    known = value is not None and np.isfinite(value)
    return f"CAST({format_number(float(f'{value:.9g}')) if known else 'NULL'} AS FLOAT64)"


def _find_least_deviation(profile: Profile, feature: int) -> float:
    spreads = profile.measures["spread"][:, feature]
    known = spreads[~np.isnan(spreads)]
    return LEAST_SPREAD * float(np.exp(np.median(known))) if known.size else NO_SPREAD


def _make_measure(profile: Profile, metric: str) -> str:
    measured, counted, hits = MEASURES[metric]
    center = f"l.{metric}_center" if metric in RARE else "CAST(NULL AS FLOAT64)"
    alarm = profile.limits.alarm[metric]
    facts = {
        "evidence": quote_text(metric),
        "measured": measured,
        "counted": f"CAST({counted} AS FLOAT64)",
        "hits": hits,
        "scale": f"l.{metric}_scale",
        "typical": f"l.{metric}_typical",
        "center": center,
        "alarm": _format(alarm) if np.isfinite(alarm) else "CAST('inf' AS FLOAT64)",
        "is_rare": format_boolean(metric in RARE),
        "is_one_sided": format_boolean(metric in ONE_SIDED),
        "is_judged_after_breaks": format_boolean(metric in UNSETTLED),
    }
    return f"STRUCT({', '.join(f'{v} AS {k}' for k, v in facts.items())})"
