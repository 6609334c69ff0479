"""The oracle: a slow, plain scorer, one row and one feature at a time, for any contract.

Written from the definition of quality alone; fsq never imports it, and it imports nothing of
fsq. The fast path must give what this gives, field by field.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.support.oracle_model import OracleContract
from tests.support.oracle_record import judge_record, trace_lineage, write_legacy
from tests.support.oracle_rules import moment_of, score_feature

Row = dict[str, Any]


def score_rows(
    rows: list[Row],
    contract: OracleContract,
    *,
    now: datetime,
    as_of: datetime | None = None,
    run_id: str | None = None,
    processors: list[str] | None = None,
) -> list[Row]:
    """The output columns of each wide row, in their order.

    A row holds its date too, where the contract has dates of its own; moments are in UTC.
    """
    return [score_row(row, contract, now, as_of, run_id, processors) for row in rows]


def score_row(
    row: Row,
    contract: OracleContract,
    now: datetime,
    as_of: datetime | None,
    run_id: str | None,
    processors: list[str] | None,
) -> Row:
    """The output columns of one wide row."""
    moment = moment_of(row, contract, now, as_of)
    scored = [score_feature(row, f, contract, moment) for f in contract.features]
    details, extras = [d for d, _ in scored], [e for _, e in scored]
    out: Row = {"feature_quality_detail": details}
    for c in contract.categories:
        members = [d for d in details if d["feature_category"] == c]
        total = sum(0.0 if d["is_default"] else d["quality_score"] for d in members)
        out[f"{c}_quality_pct"] = total / len(members)
        out[f"{c}_default_count"] = sum(d["is_default"] for d in members)
    good = {d["feature_name"] for d in details if not d["is_default"]}
    out |= {name: set(names) <= good for name, names in contract.flags.items()}
    out |= judge_record(contract, details, extras, out)
    out |= trace_lineage(row, contract, moment, now, run_id, processors)
    out |= write_legacy(row, contract, extras, out)
    if set(out) != set(contract.columns):
        raise AssertionError(set(out) ^ set(contract.columns))
    return {name: out[name] for name in contract.columns}
