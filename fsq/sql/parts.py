"""What the views take from a contract: lists of columns, the table of features, thresholds."""

from __future__ import annotations

from collections.abc import Iterable

from fsq.contract import Contract, Feature
from fsq.diagnosis.checks.optional_features import OptionalThresholds
from fsq.diagnosis.trend import COMPARED
from fsq.schema.columns import CATEGORIES, DETAIL_FIELDS
from fsq.sql.gates import make_gate_values
from fsq.sql.quote import boolean, number, text, texts
from fsq.stores.bigquery.names import column

_INFINITE = "CAST('inf' AS FLOAT64)"


def parts(contract: Contract) -> dict[str, str]:
    """Everything in the views' files that begins with a dollar sign and derives from the contract.

    Raises:
        InputError: a feature's name cannot be a column's.
    """
    rules, levels = contract.diagnosis, contract.feature_rules
    low, high = OptionalThresholds.of(contract).optional_normal
    thresholds = {k: number(v) for k, v in rules if isinstance(v, (int, float))}
    optional = [f for f in contract.features if f.optional]
    table = optional[0].upstream_table if optional else None
    writer = contract.writer(table) if table else None
    required = [c.name for c in contract.categories if not c.optional]
    return (
        thresholds
        | make_gate_values(contract)
        | {
            "width": str(len(contract.features)),
            "stale_hours": number(levels.stale_hours),
            "very_stale_hours": number(levels.very_stale_hours),
            "detail_fields": _lines(2, (f"d.{column(f.name)}" for f in DETAIL_FIELDS)),
            "values": _lines(2, (_value(f) for f in contract.features)),
            "category_read": _lines(4, (f"t.`{c}`" for c in _percents())),
            "category_means": _lines(4, (f"AVG(t.`{c}`) AS {c}" for c in _percents())),
            "category_columns": _lines(2, _percents()),
            "category_fields": _lines(6, (f"{c} AS {c}" for c in _percents())),
            "usual_categories": _lines(
                4,
                (
                    f"IF(r.has_history, {_usual(c, contract)}, NULL) AS usual_{c}"
                    for c in _percents()
                ),
            ),
            "required_categories": _lines(10, (_category(c, contract, True) for c in required)),
            "categories": _lines(
                8, (_category(c.name, contract, False) for c in contract.categories)
            ),
            "compared_fields": _lines(
                6, (f"CAST({_bare(c)} AS FLOAT64) AS {_bare(c)}" for c in COMPARED)
            ),
            "trailing": _lines(4, (_trailing(c, rules.history_min_days) for c in COMPARED)),
            "contract_features": _features(contract),
            "before": "PARTITION BY feature_index ORDER BY game_date "
            f"ROWS BETWEEN {rules.history_days} PRECEDING AND 1 PRECEDING",
            "recent": _recent(contract),
            "optional_low": number(low),
            "optional_high": number(high),
            "has_optional": boolean(bool(optional)),
            "optional_table": text(table),
            "optional_processor": text(writer.name if writer else None),
            "optional_features": texts(f.name for f in optional),
        }
        | {
            f"usual_{name}": _usual(name, contract)
            for name in (
                "games",
                "default_share",
                "expected_share",
                "distinct_values",
                "rate",
                "optional_share",
            )
        }
    )


def _lines(indent: int, items: Iterable[str]) -> str:
    return (",\n" + " " * indent).join(items)


def _percents() -> list[str]:
    return [f"{c}_quality_pct" for c in CATEGORIES]


def _bare(name: str) -> str:
    return f"`{name}`" if name == "rows" else name  # ROWS is a reserved word


def _value(f: Feature) -> str:
    """A feature's value by its place, and only if that is really its place."""
    item = f"t.`feature_quality_detail`[SAFE_OFFSET({f.index})]"
    sure = f"{item}.`feature_name` = {text(f.name)}"
    return f"IF({sure}, {item}.`feature_value`, NULL) AS {column(f.name)}"


def _category(name: str, contract: Contract, compared: bool) -> str:
    members = texts(contract.names[i] for i in contract.in_category(name))
    facts = (
        f", n.{name}_quality_pct AS quality, n.usual_{name}_quality_pct AS usual"
        if compared
        else ""
    )
    place = next(i for i, c in enumerate(contract.categories) if c.name == name)
    return f"STRUCT({place} AS place, {text(name)} AS category{facts}, {members} AS features)"


def _recent(contract: Contract) -> str:
    """Earlier dates that are not another season's."""
    return f"DATE_DIFF(r.game_date, e.day, DAY) <= {contract.diagnosis.history_max_age_days}"


def _usual(name: str, contract: Contract) -> str:
    """The lower median of the earlier dates, where what is unknown lies above everything."""
    known = f"IFNULL(e.{name}, {_INFINITE})"
    median = f"NULLIF(PERCENTILE_DISC({known}, 0.5) OVER (), {_INFINITE})"
    earlier = f"UNNEST(r.earlier) AS e WHERE {_recent(contract)}"
    return f"(SELECT {median} FROM {earlier} LIMIT 1)"  # noqa: S608 - our own names


def _trailing(name: str, least: int) -> str:
    """The median of the earlier dates; NULL where they are too few."""
    median = f"PERCENTILE_CONT(e.{_bare(name)}, 0.5) OVER ()"
    found = f"(SELECT {median} FROM UNNEST(r.earlier) AS e LIMIT 1)"  # noqa: S608 - our own names
    return f"IF(ARRAY_LENGTH(r.earlier) >= {least}, {found}, NULL) AS {name}_trailing"


def _features(contract: Contract) -> str:
    """What the contract says of each feature, as rows."""
    siblings: dict[str, list[Feature]] = {}
    for f in contract.features:
        siblings.setdefault(f.upstream_table, []).append(f)
    rows: list[str] = []
    for f in contract.features:
        writer, table = contract.writer(f.upstream_table), siblings[f.upstream_table]
        size = contract.windows[f.window].size if f.window else None
        facts = {
            "feature_index": str(f.index),
            "feature_name": text(f.name),
            "upstream_table": text(f.upstream_table),
            "table_width": str(len(table)),
            "table_optional": boolean(all(s.optional for s in table)),
            "processor": text(writer.name if writer else None),
            "processor_expected": boolean(bool(writer and writer.expected)),
            "optional": boolean(f.optional),
            "suspicious": boolean(f.suspicious_default),
            "sized": boolean(size is not None),
            "open_ended": boolean(f.window is not None and size is None),
            "min_std": f"CAST({number(f.min_std)} AS FLOAT64)",
            "min_distinct": f"CAST({number(f.min_distinct)} AS INT64)",
        }
        named = [v if rows else f"{v} AS {k}" for k, v in facts.items()]
        rows.append(f"SELECT {', '.join(named)}")
    return "\n  UNION ALL ".join(rows)
