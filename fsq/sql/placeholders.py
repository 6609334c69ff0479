"""What the templates take from a contract: columns, a table of features, thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fsq.contract import Contract, Feature
from fsq.diagnosis.calm import Breaks
from fsq.diagnosis.checks import list_checks, list_kinds
from fsq.diagnosis.checks.constant_values import ENOUGH, FEW
from fsq.diagnosis.learning import MORE_ABSENT
from fsq.diagnosis.trend import list_compared_metrics
from fsq.schema.columns import DETAIL_FIELDS
from fsq.sql.gates import make_gate_placeholders
from fsq.sql.optional import make_optional_placeholders
from fsq.sql.quote import escape_comment, format_boolean, format_number, quote_text, quote_texts
from fsq.sql.records import make_record_placeholders
from fsq.stores.bigquery.names import quote_column

_INFINITE = "CAST('inf' AS FLOAT64)"


def make_placeholders(contract: Contract) -> dict[str, str]:
    """Make the text of every placeholder that depends on the contract.

    Raises:
        InputError: a feature's name is not an identifier.
    """
    rules = contract.diagnosis
    means = [f"{c}_quality_pct" for c in contract.category_names]
    required = [c.name for c in contract.categories if not c.optional]
    return (
        _list_thresholds(contract)
        | make_gate_placeholders(contract)
        | make_record_placeholders(contract)
        | make_optional_placeholders(contract, lambda c: _usual_value(c, contract))
        | {
            "width": str(len(contract.features)),
            "detail_fields": _join(2, (f"d.{quote_column(f.name)}" for f in DETAIL_FIELDS)),
            "values": _join(2, (_feature_value(f) for f in contract.features)),
            "category_read": _join(4, (f"t.`{c}`" for c in means)),
            "category_means": _join(4, (f"AVG(t.`{c}`) AS {c}" for c in means)),
            "category_columns": _join(2, means),
            "category_fields": _join(6, (f"{c} AS {c}" for c in means)),
            "usual_categories": _join(
                4,
                (
                    f"IF(r.has_history, {_usual_value(c, contract)}, NULL) AS usual_{c}"
                    for c in means
                ),
            ),
            "required_categories": _make_category_array(required, contract),
            "categories": _join(
                8, (_category_struct(c.name, contract, False) for c in contract.categories)
            ),
            "compared_fields": _join(
                6,
                (
                    f"CAST({_quote_reserved(c)} AS FLOAT64) AS {_quote_reserved(c)}"
                    for c in list_compared_metrics(contract)
                ),
            ),
            "trailing": _join(
                4,
                (
                    _trailing_median(c, rules.history_min_days)
                    for c in list_compared_metrics(contract)
                ),
            ),
            "contract_features": _feature_table(contract),
            "before": "PARTITION BY feature_index ORDER BY day "
            f"ROWS BETWEEN {rules.history_days} PRECEDING AND 1 PRECEDING",
            "recent": _is_recent(contract),
            "enough_values": format_number(ENOUGH),
            "few_values": format_number(FEW),
            "short_break": str(Breaks.of(rules).short),
            "longest_break": str(Breaks.of(rules).longest),
            "more_absent": format_number(MORE_ABSENT),
            "not_in_sql": _list_not_in_sql(),
        }
        | {
            f"usual_{name}": _usual_value(name, contract)
            for name in (
                "median_sample",
                "default_share",
                "expected_share",
                "distinct_values",
                "most_common_share",
                "rate",
            )
        }
    )


def _list_thresholds(contract: Contract) -> dict[str, str]:
    """The thresholds that are numbers, with the defaults of those that the contract leaves out."""
    values = contract.diagnosis.model_dump()
    for check in list_checks():
        if check.thresholds is not None:
            values |= check.thresholds.of(contract).model_dump()
    return {k: format_number(v) for k, v in values.items() if isinstance(v, (int, float))}


def _list_not_in_sql() -> str:
    """What `fsq check` sees and these views cannot, as lines of a comment."""
    missing = [f"{k.name}: {k.meaning}" for k in list_kinds().values() if not k.in_sql]
    missing += [
        "dates without rows (red)",
        "a run context outside the rows",
        "that the window of one feature is still filling while others are full",
        "that each subgroup of a date, such as a team, may have a value of its own",
        "that a value which all rows share was common on earlier dates, too",
    ]
    return "\n".join(f"-- * {escape_comment(line)}" for line in missing)


def _join(indent: int, items: Iterable[str]) -> str:
    return (",\n" + " " * indent).join(items)


def _quote_reserved(name: str) -> str:
    return f"`{name}`" if name == "rows" else name  # ROWS is a reserved word


def _feature_value(f: Feature) -> str:
    """A feature's value, taken by position if the name at that position is right."""
    item = f"t.`feature_quality_detail`[SAFE_OFFSET({f.index})]"
    matches = f"{item}.`feature_name` = {quote_text(f.name)}"
    return f"IF({matches}, {item}.`feature_value`, NULL) AS {quote_column(f.name)}"


def _category_struct(name: str, contract: Contract, compared: bool) -> str:
    members = quote_texts(contract.names[i] for i in contract.in_category(name))
    facts = (
        f", n.{name}_quality_pct AS quality, n.usual_{name}_quality_pct AS usual"
        if compared
        else ""
    )
    position = next(i for i, c in enumerate(contract.categories) if c.name == name)
    return (
        f"STRUCT({position} AS position, {quote_text(name)} AS category{facts}, "
        f"{members} AS features)"
    )


def _make_category_array(names: Sequence[str], contract: Contract) -> str:
    """The categories to compare with earlier dates, which may be none."""
    if not names:
        types = "category STRING, quality FLOAT64, usual FLOAT64, features ARRAY<STRING>"
        return f"ARRAY<STRUCT<position INT64, {types}>>[]"
    return (
        f"[\n          {_join(10, (_category_struct(c, contract, True) for c in names))}\n        ]"
    )


def _is_recent(contract: Contract) -> str:
    """Whether an earlier date belongs to the same season."""
    return f"DATE_DIFF(r.day, e.day, DAY) <= {contract.diagnosis.history_max_age_days}"


def _usual_value(name: str, contract: Contract) -> str:
    """The lower median of the earlier dates; unknown values sort above all others."""
    known = f"IFNULL(e.{name}, {_INFINITE})"
    median = f"NULLIF(PERCENTILE_DISC({known}, 0.5) OVER (), {_INFINITE})"
    earlier = f"UNNEST(r.earlier) AS e WHERE {_is_recent(contract)}"
    return f"(SELECT {median} FROM {earlier} LIMIT 1)"  # noqa: S608 - our own names


def _trailing_median(name: str, min_days: int) -> str:
    """The median of the earlier dates; NULL if they are too few."""
    median = f"PERCENTILE_CONT(e.{_quote_reserved(name)}, 0.5) OVER ()"
    trailing = f"(SELECT {median} FROM UNNEST(r.earlier) AS e LIMIT 1)"  # noqa: S608 - our own names
    return f"IF(ARRAY_LENGTH(r.earlier) >= {min_days}, {trailing}, NULL) AS {name}_trailing"


def _feature_table(contract: Contract) -> str:
    """What the contract says about each feature, as rows."""
    siblings, rows = contract.group_by_table(), list[str]()
    for f in contract.features:
        writer, table = contract.writer(f.upstream_table), siblings[f.upstream_table]
        size = contract.windows[f.window].size if f.window else None
        stale, very_stale = (
            format_number(contract.threshold(f, name))
            for name in ("stale_hours", "very_stale_hours")
        )
        facts = {
            "feature_index": str(f.index),
            "feature_name": quote_text(f.name),
            "upstream_table": quote_text(f.upstream_table),
            "table_width": str(len(table)),
            "table_optional": format_boolean(all(s.optional for s in table)),
            "processor": quote_text(writer.name if writer else None),
            "processor_expected": format_boolean(bool(writer and writer.expected)),
            "optional": format_boolean(f.optional),
            "suspicious": format_boolean(f.suspicious_default),
            "window_size": f"CAST({format_number(size)} AS INT64)",
            "open_ended": format_boolean(f.window is not None and size is None),
            "stale_hours": f"CAST({stale} AS FLOAT64)",
            "very_stale_hours": f"CAST({very_stale} AS FLOAT64)",
            "min_std": f"CAST({format_number(f.min_std)} AS FLOAT64)",
            "min_distinct": f"CAST({format_number(f.min_distinct)} AS INT64)",
        }
        columns = [v if rows else f"{v} AS {k}" for k, v in facts.items()]
        rows.append(f"SELECT {', '.join(columns)}")
    return "\n  UNION ALL ".join(rows)
