"""The gates of a training set as SQL conditions; NULL fails, as in ``fsq.training_set``."""

from __future__ import annotations

from fsq.contract import Contract
from fsq.sql.quote import escape_comment, format_boolean, format_number, quote_text, quote_texts
from fsq.stores.bigquery.names import quote_column
from fsq.training import gates
from fsq.training.gates import Condition, Fault


def make_gate_placeholders(contract: Contract) -> dict[str, str]:
    """The placeholders of ``training_set.sql``, from the default gates of ``fsq.training_set``."""
    conditions = [
        f"-- {escape_comment(c.description)}\n  AND {_condition_sql(c)}"
        for c in gates.list_training_ready_conditions(contract)
    ]
    return {
        "gates": "\n  ".join(conditions),
        "fault_descriptions": escape_comment("; ".join(f.description for f in gates.FAULTS)),
        "faults": " OR ".join(_fault_sql(f) for f in gates.FAULTS),
        "required": quote_texts(gates.list_required_features(contract)),
        "excusable": quote_texts(gates.list_excusable_features(contract)),
    }


def _condition_sql(c: Condition) -> str:
    name = f"t.{quote_column(c.column)}"
    if c.test == "is_true":
        return name
    if not isinstance(c.value, tuple):
        return f"{name} >= {format_number(c.value)}"
    if c.test == "one_of":
        return f"{name} IN UNNEST({quote_texts(c.value)})"
    missing = f"UNNEST({quote_texts(c.value)}) AS required WHERE required NOT IN UNNEST({name})"
    return f"NOT EXISTS (\n    SELECT 1 FROM {missing}\n  )"  # noqa: S608 - validated and quoted


def _fault_sql(fault: Fault) -> str:
    value = (
        format_boolean(fault.value) if isinstance(fault.value, bool) else quote_text(fault.value)
    )
    test = f"d.{quote_column(fault.field)} = {value}"
    return f"IFNULL({test}, TRUE)" if fault.null else test
