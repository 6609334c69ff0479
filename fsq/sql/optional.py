"""The check of optional features as SQL: each group's share of rows, against earlier dates."""

from __future__ import annotations

from collections.abc import Callable

from fsq.contract import Contract
from fsq.diagnosis.checks.optional_features import OptionalThresholds
from fsq.diagnosis.optional import OptionalGroup, group_optional
from fsq.sql.quote import format_number, quote_text, quote_texts

# Each of them follows other items, and brings its own commas.
_COUNT = "COUNTIF(NOT ({defaulted})) AS optional_rows_{i},\n    "
_SHARE = ",\n    d.optional_rows_{i} / d.`rows` AS optional_share_{i}"
_FIELD = ",\n      optional_share_{i} AS optional_share_{i}"
# How much more rows share one value than usual, in the feature where that has risen most.
_RISEN = """,
    MAX(IF(
      f.feature_index IN ({indices}) AND f.trusted_rows > 0,
      f.most_common_share - IFNULL(f.usual_most_common_share, 0), NULL
    )) AS optional_risen_{i}"""
_RISEN_FIELD = ",\n    c.optional_risen_{i}"
_USUAL = ",\n    IF(r.has_history, {usual}, NULL) AS usual_optional_share_{i}"
_FINDING = """,
          STRUCT(
            CASE
              WHEN {absent} THEN 'optional_absent'
              WHEN NOT m.warming_up
                AND m.optional_share_{i} NOT BETWEEN {low} AND {high}
                AND ABS(m.optional_share_{i} - m.usual_optional_share_{i}) >= {shift}
                AND (
                  m.calm OR m.optional_share_{i} <= m.usual_optional_share_{i}
                  OR m.optional_risen_{i} >= {shift}
                )
                THEN 'optional_coverage'
            END AS kind,
            IF({absent}, 'info', 'yellow') AS severity,
            {subject} AS subject,
            {table} AS upstream_table,
            {processor} AS processor,
            {features} AS features,
            CAST(TRUNC(m.`rows` * IF(
              m.optional_share_{i} > IFNULL(m.usual_optional_share_{i}, 0),
              m.optional_share_{i} - IFNULL(m.usual_optional_share_{i}, 0),
              1 - m.optional_share_{i}
            )) AS INT64) AS rows_affected
          )"""
_ABSENT = "m.optional_share_{i} = 0 AND IFNULL(m.usual_optional_share_{i}, 0) = 0"


def make_optional_placeholders(
    contract: Contract, make_usual: Callable[[str], str]
) -> dict[str, str]:
    """The placeholders of optional features; empty if the contract has none.

    Args:
        contract: of the scoring.
        make_usual: the SQL of the earlier dates' median of a column.
    """
    groups = list(enumerate(group_optional(contract)))
    return {
        "optional_counts": "".join(
            _COUNT.format(i=i, defaulted=_is_defaulted(group)) for i, group in groups
        ),
        "optional_shares": "".join(_SHARE.format(i=i) for i, _ in groups),
        "optional_fields": "".join(_FIELD.format(i=i) for i, _ in groups),
        "usual_optional": "".join(
            _USUAL.format(i=i, usual=make_usual(f"optional_share_{i}")) for i, _ in groups
        ),
        "optional_risen": "".join(
            _RISEN.format(i=i, indices=", ".join(str(f.index) for f in group.deciding))
            for i, group in groups
        ),
        "optional_risen_fields": "".join(_RISEN_FIELD.format(i=i) for i, _ in groups),
        "optional_findings": "".join(_make_finding(i, group, contract) for i, group in groups),
    }


def _is_defaulted(group: OptionalGroup) -> str:
    """Whether a record has a default for one of the features that decide."""
    items = (f"t.`feature_quality_detail`[SAFE_OFFSET({f.index})]" for f in group.deciding)
    return " OR ".join(f"{item}.`is_default`" for item in items)


def _make_finding(i: int, group: OptionalGroup, contract: Contract) -> str:
    limits, writer = OptionalThresholds.of(contract), contract.writer(group.table)
    low, high = limits.optional_normal
    return _FINDING.format(
        i=i,
        absent=_ABSENT.format(i=i),
        low=format_number(low),
        high=format_number(high),
        shift=format_number(limits.optional_shift),
        subject=quote_text(group.name),
        table=quote_text(group.table),
        processor=quote_text(writer.name if writer else None),
        features=quote_texts(f.name for f in group.features),
    )
