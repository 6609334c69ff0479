"""Explain one record: every feature with its source, its age, and how its score came about."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from fsq.contract import Contract, Feature, choose_contract
from fsq.diagnosis.explain_notebook import render_html
from fsq.diagnosis.lookup import HEADLINE, Key, find_record
from fsq.diagnosis.named import FINDING
from fsq.diagnosis.result import Diagnosis
from fsq.diagnosis.scored_columns import check_contract
from fsq.errors import InputError
from fsq.schema.columns import DETAIL
from fsq.schema.tables import AnyRows, read_rows
from fsq.utils.arguments import DateLike, read_date
from fsq.utils.spelling import describe_missing


def _list_record_columns(contract: Contract) -> list[str]:
    """The record's own columns that an explanation shows, where the rows have them."""
    group = contract.table.group
    return [
        *contract.table.key,
        "feature_quality_score",
        "quality_tier",
        "quality_alert_level",
        "quality_alerts",
        "is_training_ready",
        "is_production_ready",
        *(f"{c}_quality_pct" for c in contract.category_names),
        "upstream_pipeline_run_id",
        "upstream_processors_ran",
        "missing_processors",
        "upstream_data_freshness_hours",
        "feature_schema_version",
        *([] if group is None else [group]),
    ]


@dataclass(frozen=True)
class Explanation:
    """One record and its features.

    Attributes:
        record: the record's own columns.
        features: one dict per feature, in index order: the 23 fields, and ``min``, ``max``,
            ``window_size``, ``age_hours`` (None if unknown) and ``format_arithmetic``.
        findings: those that name the record, the most harmful first: ``id``, ``kind``,
            ``severity``, ``title``, ``features``, and ``should_be``: per feature of which something
            tells what it should have been, ``feature``, ``value``, ``expected`` and ``told_by``.
            None if no diagnosis was given.
    """

    record: dict[str, Any]
    features: list[dict[str, Any]]
    findings: list[dict[str, Any]] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON types."""
        return {
            "record": _convert_to_json(self.record),
            "features": [_convert_to_json(f) for f in self.features],
            "findings": self.findings,
        }

    def _repr_html_(self) -> str:
        return render_html(self.record, self.features, self.findings)


def explain(
    scored: AnyRows,
    key: Key,
    day: DateLike,
    contract: str | Path | Contract | None = None,
    diagnosis: Diagnosis | None = None,
) -> Explanation:
    """Explain one record.

    Args:
        scored: scored rows: a frame or table of any library, or a store.
        key: the value of the contract's key column; where it has several, their values in order
            or by name, as many as it takes. Case, spaces and punctuation do not matter.
        day: the date; an ISO text will do.
        contract: of the scoring; None for the store's, and for ``v2_33features`` where there is
            no store.
        diagnosis: of that date, from ``diagnose``: says which findings name the record, and what
            its values should have been. Without it, neither is given.

    Raises:
        InputError: no row has that key and date, or several do; the message lists similar
            values.

    >>> from fsq.contract import load_contract
    >>> from fsq.scoring.engine import score
    >>> contract = load_contract()
    >>> row = dict(zip(contract.table.key, ("lebronjames", date(2026, 2, 6))))
    >>> row |= {n: 1.0 for n in contract.names}
    >>> row |= {f"{n}__source": "phase3" for n in contract.names}
    >>> scored = score(pl.DataFrame(row))
    >>> explain(scored, "LeBron James", "2026-02-06").features[0]["arithmetic"]
    '87 phase3 = 87'
    """
    loaded, wanted = choose_contract(scored, contract), read_date(day, "day", HEADLINE)
    if wanted is None:
        raise InputError(["day is None; name the date of the record"], HEADLINE)
    table, every = loaded.table, read_rows(scored, "scored", HEADLINE).lazy()
    schema = every.collect_schema()
    if missing := {*table.key, DETAIL} - set(schema):
        raise InputError(describe_missing(sorted(missing), schema, "pass scored rows"), HEADLINE)
    rows = every.filter(pl.col(table.date) == wanted)
    check_contract(rows, loaded, HEADLINE)
    found = find_record(rows, key, wanted, table)
    chosen = rows.filter(pl.col(name).eq_missing(value) for name, value in found.items())
    carried = [c for c in _list_record_columns(loaded) if c in schema]
    labels = [c for c in loaded.output.legacy[:1] if c in schema]
    record = chosen.select(*carried, *labels, DETAIL).collect().row(0, named=True)
    detail = record.pop(DETAIL) or []
    if [d["feature_name"] for d in detail] != list(loaded.names):
        cure = "name the contract that it was scored with"
        problem = f"its {len(detail)} features are not those of {loaded.name}; {cure}"
        raise InputError([problem], HEADLINE)
    sources = _parse_source_labels(record.pop(labels[0]) if labels else None)
    as_of = _recover_as_of(detail, record.get("upstream_data_freshness_hours"))
    features = [
        _explain_feature(d, f, loaded, as_of, sources.get(str(f.index)))
        for d, f in zip(detail, loaded.features, strict=True)
    ]
    explanation = Explanation(record, features)
    return explanation if diagnosis is None else add_findings(explanation, diagnosis)


def add_findings(explanation: Explanation, diagnosis: Diagnosis) -> Explanation:
    """Add the findings of a diagnosis of its date that name the record."""
    return replace(explanation, findings=_list_findings(diagnosis, explanation.record))


def _list_findings(dx: Diagnosis, record: dict[str, Any]) -> list[dict[str, Any]]:
    """The findings that name a record, with what its values should have been."""
    this = [pl.col(name).eq_missing(record[name]) for name in dx.contract.table.key]
    told = dx.expected.filter(this).unique([FINDING, "feature"], maintain_order=True)
    out = []
    for position in dx.named_rows.filter(this)[FINDING].unique().sort():
        f, here = dx.findings[position], told.filter(pl.col(FINDING) == position)
        out.append(
            {
                "id": f.id,
                "kind": f.kind,
                "severity": f.severity,
                "title": f.title,
                "features": list(f.features),
                "should_be": here.select("feature", "value", "expected", "told_by").to_dicts(),
            }
        )
    return out


def _parse_source_labels(text: Any) -> dict[str, str]:
    try:
        labels = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return labels if isinstance(labels, dict) else {}


def _recover_as_of(detail: list[dict[str, Any]], freshness: float | None) -> float | None:
    """``as_of`` in hours, from the record's largest age and its oldest timestamp."""
    stamps = [d["last_updated"] for d in detail if d["last_updated"] is not None]
    if freshness is None or not stamps:
        return None
    return _to_hours(min(stamps)) + freshness


def _to_hours(moment: datetime) -> float:
    return moment.timestamp() / 3600


def _explain_feature(
    d: dict[str, Any], f: Feature, contract: Contract, as_of: float | None, source: str | None
) -> dict[str, Any]:
    age = None
    if as_of is not None and d["last_updated"] is not None:
        age = max(0.0, as_of - _to_hours(d["last_updated"]))
    size = contract.windows[f.window].size if f.window else None
    d |= {"min": f.min, "max": f.max, "window_size": size, "age_hours": age, "source": source}
    return d | {"arithmetic": format_arithmetic(d, contract)}


def format_arithmetic(feature: dict[str, Any], contract: Contract) -> str:
    """How the score came about: base, penalties, and what the bounds cut off.

    If the source label is unknown or does not give the score, the sum begins with the base that
    it must have had.

    >>> from fsq.contract import load_contract
    >>> feature = {"feature_index": 0, "source": "phase4", "source_type": "phase4",
    ...         "age_hours": 31.0, "sample_size": 3, "window_size": 10, "feature_value": 1.0,
    ...         "is_default": False, "quality_score": 80.0}
    >>> format_arithmetic(feature, load_contract())
    '100 phase4 − 10 stale 31 h − 10 thin 3/10 = 80'
    """
    rules, score = contract.feature_rules, feature["quality_score"]
    own = contract.features[feature["feature_index"]]
    stale, very_stale = (contract.threshold(own, n) for n in ("stale_hours", "very_stale_hours"))
    age, sample = feature["age_hours"], feature["sample_size"]
    penalties: list[tuple[float, str]] = []
    if age is not None and age > stale:
        points = rules.very_stale_penalty if age > very_stale else rules.stale_penalty
        word = "very stale" if age > very_stale else "stale"
        penalties.append((points, f"{word} {_format_hours(age, (stale, very_stale))} h"))
    if sample is not None and sample < contract.threshold(own, "thin_sample"):
        size = feature["window_size"]
        penalties.append(
            (rules.thin_penalty, f"thin {sample}/{size}" if size else f"thin {sample}")
        )
    total = sum(points for points, _ in penalties)
    label = feature["source"]
    known = contract.sources.get(label) if label else None
    if feature["feature_value"] is None and (known is None or known.type != "default"):
        label, known = "missing", contract.sources["missing"]
    base = known.base if known else None
    if base is None or abs(min(100.0, max(0.0, base - total)) - score) > 1e-9:
        base, label = score + total, feature["source_type"]
    parts = "".join(f" − {points:g} {why}" for points, why in penalties)
    cut = "" if 0 <= base - total <= 100 else f" → {score:g} by the bounds"
    return f"{base:g} {label}{parts} = {base - total:g}{cut}"


def _format_hours(age: float, limits: tuple[float, float]) -> str:
    """Hours without decimals, unless rounding would reach a limit that they exceed."""
    whole = f"{age:.0f}"
    return f"{age:.2f}" if float(whole) in limits else whole


def _convert_to_json(data: dict[str, Any]) -> dict[str, Any]:
    def convert(value: Any) -> Any:
        if isinstance(value, date):  # a datetime is one, too
            return value.isoformat()
        return None if isinstance(value, float) and value - value != 0 else value

    return {k: convert(v) for k, v in data.items()}
