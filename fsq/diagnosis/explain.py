"""Explain one record: every feature with its source, its age, and how its score came about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import polars as pl

from fsq.contract import Contract, Feature, load_contract
from fsq.contract.v2 import KEYS
from fsq.errors import InputError, short

_MAX_NAME = 100  # characters of a name
_RECORD_COLUMNS = (
    "player_lookup", "game_date", "feature_quality_score", "quality_tier", "quality_alert_level",
    "quality_alerts", "is_training_ready", "is_production_ready", "matchup_quality_pct",
    "player_history_quality_pct", "team_context_quality_pct", "vegas_quality_pct",
    "game_context_quality_pct", "upstream_pipeline_run_id", "upstream_processors_ran",
    "missing_processors", "upstream_data_freshness_hours", "feature_schema_version",
)  # fmt: skip


@dataclass(frozen=True)
class Explanation:
    """One record and its features.

    Attributes:
        record: the record's own columns.
        features: one dict per feature, in index order: the 23 fields, and ``min``, ``max``,
            ``window_size``, ``age_hours`` (None if unknown) and ``format_arithmetic``.
    """

    record: dict[str, Any]
    features: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Both as JSON types."""
        return {
            "record": _convert_to_json(self.record),
            "features": [_convert_to_json(f) for f in self.features],
        }


def explain(
    scored: pl.LazyFrame | pl.DataFrame,
    player: str,
    day: date,
    contract: str | Path | Contract = "v2_33features",
) -> Explanation:
    """Explain one record.

    Args:
        scored: scored rows, such as ``store.read(day, day)``.
        player: ``player_lookup``; case, spaces and punctuation do not matter.
        day: the game date.
        contract: of the scoring.

    Raises:
        InputError: there is no row for that player and date; the message lists similar names.

    >>> from fsq.scoring.engine import score
    >>> names = load_contract().names
    >>> row = {"player_lookup": "lebronjames", "game_date": date(2026, 2, 6)}
    >>> row |= {n: 1.0 for n in names} | {f"{n}__source": "phase3" for n in names}
    >>> scored = score(pl.DataFrame(row))
    >>> explain(scored, "LeBron James", date(2026, 2, 6)).features[0]["arithmetic"]
    '87 phase3 = 87'
    """
    loaded, rows = load_contract(contract), scored.lazy().filter(pl.col("game_date") == day)
    schema = rows.collect_schema()
    carried = [c for c in (*_RECORD_COLUMNS, "game_id") if c in schema]
    missing = {*KEYS, "feature_quality_detail"} - set(schema)
    if missing:
        raise InputError(
            [f"no column {c}; pass scored rows" for c in sorted(missing)],
            "the record cannot be explained",
        )
    name = _match_player(player, rows.select("player_lookup").collect()["player_lookup"], day)
    chosen = rows.filter(pl.col("player_lookup") == name)
    labels = ["feature_sources"] if "feature_sources" in schema else []
    columns = [*carried, *labels, "feature_quality_detail"]
    record = chosen.select(columns).collect().row(0, named=True)
    detail = record.pop("feature_quality_detail") or []
    if [d["feature_name"] for d in detail] != list(loaded.names):
        raise InputError(
            [
                f"its {len(detail)} features are not those of {loaded.name}; name the contract "
                "that it was scored with"
            ],
            "the record cannot be explained",
        )
    sources = _parse_source_labels(record.pop("feature_sources", None))
    as_of = _recover_as_of(detail, record.get("upstream_data_freshness_hours"))
    features = [
        _explain_feature(d, f, loaded, as_of, sources.get(str(f.index)))
        for d, f in zip(detail, loaded.features, strict=True)
    ]
    return Explanation(record, features)


def _match_player(player: str, names: pl.Series, day: date) -> str:
    known: list[str] = sorted({n for n in names.to_list() if n is not None})
    if player in known:
        return player
    wanted = _normalize_name(player)
    same: list[str] = [n for n in known if _normalize_name(n) == wanted]
    if len(same) == 1:
        return same[0]
    if not known:
        cure = "there are no rows for this date; name another one"
    else:
        # Comparing takes quadratic time, and a name may be as long as a cell.
        keys = {n: _normalize_name(n[:_MAX_NAME]) for n in known}
        wanted = wanted[:_MAX_NAME]
        near = get_close_matches(wanted, keys.values(), n=5, cutoff=0.5)
        holding = [k for k in keys.values() if wanted and wanted in k][:5]
        order = list(dict.fromkeys(holding + near))[:5]
        close = [short(n) for k in order for n in known if keys[n] == k][:5]
        cure = f"similar names: {', '.join(close)}" if close else "no name is similar"
    raise InputError(
        [f"no player {short(player)!r} on {day}; {cure}"], "the record cannot be explained"
    )


def _normalize_name(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


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

    >>> feature = {"source": "phase4", "source_type": "phase4", "quality_score": 80.0,
    ...         "age_hours": 31.0, "sample_size": 3, "window_size": 10, "feature_value": 1.0,
    ...         "is_default": False}
    >>> format_arithmetic(feature, load_contract())
    '100 phase4 − 10 stale 31 h − 10 thin 3/10 = 80'
    """
    rules, score = contract.feature_rules, feature["quality_score"]
    age, sample = feature["age_hours"], feature["sample_size"]
    penalties: list[tuple[float, str]] = []
    if age is not None and age > rules.very_stale_hours:
        penalties.append((rules.very_stale_penalty, f"very stale {_format_hours(age, rules)} h"))
    elif age is not None and age > rules.stale_hours:
        penalties.append((rules.stale_penalty, f"stale {_format_hours(age, rules)} h"))
    if sample is not None and sample < rules.thin_sample:
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


def _format_hours(age: float, rules: Any) -> str:
    """Hours without decimals, unless rounding would reach a limit that they exceed."""
    whole = f"{age:.0f}"
    return f"{age:.2f}" if float(whole) in (rules.stale_hours, rules.very_stale_hours) else whole


def _convert_to_json(data: dict[str, Any]) -> dict[str, Any]:
    def convert(value: Any) -> Any:
        if isinstance(value, date):  # a datetime is one, too
            return value.isoformat()
        return None if isinstance(value, float) and value - value != 0 else value

    return {k: convert(v) for k, v in data.items()}
