"""What normally holds, as learned from clean dates, but not on a date."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from fsq.contract import Contract, Feature
from fsq.diagnosis.attribution import Blame, find_blame
from fsq.diagnosis.checks.base import Check, Kind, Need, Stage
from fsq.diagnosis.checks.constant_values import SILENT_DEFAULT
from fsq.diagnosis.checks.upstream import DEFAULT_RISE, WROTE_PART, UpstreamThresholds
from fsq.diagnosis.context import Context
from fsq.diagnosis.findings import Severity
from fsq.diagnosis.learning import find_calm_dates, find_following_dates, learn_from
from fsq.diagnosis.messages import Facts, Text
from fsq.diagnosis.naming import Cause, Clues, find_cause
from fsq.diagnosis.scored_columns import list_plain_columns
from fsq.profile import Evidence, Judgement, Profile, Rows, judge, measure_dates
from fsq.profile.earlier import Earlier
from fsq.profile.evidence import measure_again
from fsq.profile.rows import Codes, Mask, Matrix

_RED = 2.0  # times the limit; clean dates have not come near
_RED_LEVEL = 4.0  # the same, where nothing says what happened
_MOSTLY_JUDGED = 0.3  # share of the features that are compared, for a date to count as judged
_RED_SHARE = 0.05  # of a date's records

CLEAN_DATES = Need("clean dates to learn from", "too few clean dates to learn what is normal")


def _make_text(title: str, cause: str) -> Callable[[Facts], Text]:
    """What fills the templates of a title, which follows the features, and of a cause."""

    def describe(f: Facts) -> Text:
        words = f.evidence | {
            "rows": f.rows,
            "entity": f.contract.table.entity,
            "table": f.table,
            "job": f.job,
        }
        return Text(f"{f.feature}: {title.format(**words)}", cause.format(**words))

    return describe


def _make_kind(name: str, meaning: str, title: str, cause: str) -> Kind:
    return Kind(
        name,
        meaning,
        ("red", "yellow"),
        _make_text(title, cause),
        (CLEAN_DATES,),
        in_sql=False,
        of_values=True,
    )


OLD = _make_kind(
    "old_values",
    "values repeat an earlier record, where they should have moved",
    "values of an earlier record in {rows}",
    "{table} seems to serve an old copy: {share:.0%} of the rows hold earlier values.",
)
WRONG_ENTITY = _make_kind(
    "wrong_entity",
    "values look normal, but belong to another entity",
    "values of another {entity} in {rows}",
    "The values look normal, but not for these records: a join of {table} may have gone wrong.",
)
WRONG_UNIT = _make_kind(
    "wrong_unit",
    "values are off by a factor",
    "values are {factor:g} times what they were in {rows}",
    "{table} may have changed its unit or sign.",
)
SWAPPED = _make_kind(
    "swapped_features",
    "two features have changed places",
    "values look like those of {with}",
    "{table} may have written its columns in a different order.",
)
CLAMPED = _make_kind(
    "clamped_values",
    "values are clamped at a bound that they used to exceed",
    "values clamped at {value:g}",
    "Values beyond {value:g} used to occur; {job} may clamp them now.",
)
ROUNDED = _make_kind(
    "rounded_values",
    "values are rounded that were not rounded before",
    "values rounded to multiples of {grid:g}",
    "{table} may have changed the type or the precision of its columns.",
)
TOO_COMMON = _make_kind(
    "value_too_common",
    "one value, which is not the default, is far more common than it was",
    "{share:.0%} of the values are {value:g}, usually {usual_share:.0%}",
    "{job} may have written a placeholder instead of values.",
)
LEAK = _make_kind(
    "leak",
    "a feature knows the label that it is to predict",
    "moves with {label} of the same record",
    "The window of {table} seems to include the event that is to be predicted.",
)
OUTLIERS = _make_kind(
    "outlier_values",
    "a few values fit neither the record's other features nor its past",
    "outliers in {rows}",
    "The record's other features, or its earlier values, point elsewhere.",
)
LEVEL = _make_kind(
    "level_shift",
    "values as a whole have shifted from where they lie on clean dates",
    "values have shifted from their usual level",
    "Check whether {table} changed its definition, scale or window.",
)
_KINDS = {
    k.name: k
    for k in (
        OLD, WRONG_ENTITY, WRONG_UNIT, SWAPPED, CLAMPED, ROUNDED, TOO_COMMON, LEAK, OUTLIERS, LEVEL
    )
}  # fmt: skip


def _choose_kind(ctx: Context, name: str, table: str, features: list[Feature]) -> Kind:
    if name == SILENT_DEFAULT.name:
        return SILENT_DEFAULT
    if name == DEFAULT_RISE.name:
        required = [f for f in ctx.tables[table] if not f.optional]
        return WROTE_PART if 1 < len(required) <= len(features) else DEFAULT_RISE
    return _KINDS[name]


@dataclass
class _State:
    """A profile, given or learned, what the rows show under it, and how each date was judged."""

    profile: Profile
    rows: Rows
    evidence: Evidence
    judged: Judgement | None = None
    strength: dict[str, Matrix] = field(default_factory=dict)

    def compare_with_history(self, faulty: Mask) -> None:
        """Measure steps again if a later record was compared with what is faulty."""
        known = self.rows.faulty
        if known is None or (faulty[:-1] != known[:-1]).any():
            self.rows = self.rows.with_faulty(faulty)
            self.evidence = measure_again(self.evidence, self.rows, self.profile.structure)

    def judge(self, ctx: Context, faulty: Mask, wanted: Codes) -> Judgement:
        """Judge some dates; what is known of the others stays."""
        self.judged = judge(self.profile, self.rows, faulty, self.evidence, wanted, self.judged)
        calm, following = (
            find_calm_dates(ctx, self.profile),
            find_following_dates(ctx, self.profile),
        )
        for metric, found in self.judged.measure_strength(calm, following, wanted).items():
            self.strength.setdefault(metric, np.zeros(faulty.shape))[wanted] = found
        return self.judged


def _prepare(ctx: Context) -> _State | None:
    spared = np.array([d in ctx.asked_dates for d in ctx.dates], dtype=np.bool_)
    profile = ctx.profile or learn_from(ctx, spared)
    if profile is None or not ctx.dates:
        return None
    return _State(profile, ctx.profile_rows, measure_dates(profile, ctx.profile_rows))


class ProfileEvidence(Check):
    """Compare each date with what was learned from clean dates."""

    stage = Stage.PROFILE
    kinds = tuple(_KINDS.values())

    def list_columns(self, contract: Contract, schema: pl.Schema) -> Iterable[str]:
        """All plain columns: any of them may group the records."""
        return list_plain_columns(schema, contract)

    def find(self, ctx: Context) -> None:
        """Report what stands out and no check before has explained."""
        state = ctx.remember("profile", lambda: _prepare(ctx))
        if state is None:
            for at, _ in ctx.iterate_dates():
                for kind in self.kinds:
                    kind.note_unmet(ctx, at, CLEAN_DATES)
            return
        profile, faulty = state.profile, ctx.find_faulty()
        state.compare_with_history(faulty)
        ctx.has_profile = True
        ctx.leaning = dict(zip(profile.names, profile.structure.leaning.tolist(), strict=True))
        places = np.array([at for at, _ in ctx.iterate_dates()], dtype=np.int64)
        judged, strength = state.judge(ctx, faulty, places), state.strength
        place = {name: f for f, name in enumerate(ctx.contract.names)}
        ordered: dict[int, Earlier] = ctx.remember("values in order", dict)
        defaults = [np.nan if f.expected is None else f.expected for f in ctx.contract.features]
        # What is reported here is of the date in turn, and changes neither for the others.
        explained: dict[date, list[int]] = {}
        for day, name in ctx.list_explained():
            explained.setdefault(day, []).append(place[name])
        alarmed = np.any([(s > 1).any(axis=1) for s in strength.values()], axis=0)
        lacking = {s.day for s in ctx.signals if s.severity == "red" and not s.features}
        for at, day in ctx.iterate_dates():
            ctx.judgements[day] = judged, strength
            known = ~np.isnan(judged.distances["mean"][at])
            if known.mean() > _MOSTLY_JUDGED:
                ctx.settled_dates.add(day)
            if day in lacking:
                continue  # rows are missing: what is left is no sample of the date
            if not alarmed[at]:
                continue
            blamed = find_blame(judged, strength, at, explained.get(day, []))
            clues = Clues(judged, at, np.array(defaults), ordered)
            causes = [(b, find_cause(clues, b, blamed)) for b in blamed]
            _report(ctx, at, causes, profile.limits.dates)


def _report(ctx: Context, at: int, causes: list[tuple[Blame, Cause]], clean_dates: int) -> None:
    """One signal per kind and table."""
    groups: dict[tuple[str, str], list[tuple[Blame, Cause]]] = {}
    for blame, cause in causes:
        table = ctx.contract.features[blame.feature].upstream_table
        groups.setdefault((cause.kind, table), []).append((blame, cause))
    for (name, table), members in groups.items():
        strongest, cause = max(members, key=lambda m: m[0].strength)
        masks = [c.named for _, c in members if c.named is not None]
        named = np.any(masks, axis=0) if masks else None
        rows = ctx.rows[at] if named is None else (named & (ctx.date_index == at)).sum()
        features: list[Feature] = [ctx.contract.features[b.feature] for b, _ in members]
        kind = _choose_kind(ctx, name, table, features)
        facts = dict(cause.facts)
        severity = _rate(ctx, at, kind, strongest.strength, rows, facts)
        if kind is SILENT_DEFAULT:
            facts |= {"expected_value": facts.pop("value"), "expected_share": facts.pop("share")}
        facts["signals"] = {m: round(s, 2) for m, s in strongest.metrics.items()}
        facts["clean_dates"] = clean_dates
        kind.report(ctx, at, severity, table, features, rows, table, named, **facts)


def _rate(
    ctx: Context, at: int, kind: Kind, strength: float, rows: float, facts: dict[str, Any]
) -> Severity:
    """Red if the evidence is strong and shows in a good share of the rows."""
    if kind in (DEFAULT_RISE, WROTE_PART):  # as red as the check of upstream tables would have it
        rise = facts["default_share"] - facts["usual_share"]
        return "red" if rise >= UpstreamThresholds.of(ctx.contract).default_rise_red else "yellow"
    sure = _RED_LEVEL if kind is LEVEL else _RED
    return "red" if strength >= sure and rows >= _RED_SHARE * ctx.rows[at] else "yellow"
