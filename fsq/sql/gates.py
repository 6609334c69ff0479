"""The gates of a training set as conditions of SQL; what cannot be evaluated does not pass."""

from __future__ import annotations

from fsq.contract import Contract
from fsq.sql.quote import boolean, comment, number, text, texts
from fsq.stores.bigquery.names import column
from fsq.training import gates
from fsq.training.gates import Condition, Fault


def gate_parts(contract: Contract) -> dict[str, str]:
    """What the training set's file takes from the gates that ``fsq.training_set`` asks of all."""
    asked = [f"-- {comment(c.asks)}\n  AND {_met(c)}" for c in gates.training_ready(contract)]
    return {
        "gates": "\n  ".join(asked),
        "faults_ask": comment("; ".join(f.asks for f in gates.FAULTS)),
        "faults": " OR ".join(_has(f) for f in gates.FAULTS),
        "required": texts(gates.required(contract)),
        "excusable": texts(gates.excusable(contract)),
    }


def _met(c: Condition) -> str:
    name = f"t.{column(c.column)}"
    if c.test == "is_true":
        return name
    if not isinstance(c.value, tuple):
        return f"{name} >= {number(c.value)}"
    if c.test == "one_of":
        return f"{name} IN UNNEST({texts(c.value)})"
    lacking = f"UNNEST({texts(c.value)}) AS word WHERE word NOT IN UNNEST({name})"
    return f"NOT EXISTS (\n    SELECT 1 FROM {lacking}\n  )"  # noqa: S608 - validated and quoted


def _has(fault: Fault) -> str:
    value = boolean(fault.value) if isinstance(fault.value, bool) else text(fault.value)
    met = f"d.{column(fault.field)} = {value}"
    return f"IFNULL({met}, TRUE)" if fault.null else met
