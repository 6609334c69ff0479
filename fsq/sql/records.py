"""What the templates say of a record: its keys, its date, its group."""

from __future__ import annotations

from fsq.contract import Contract
from fsq.diagnosis.daily_metrics import name_group_count
from fsq.sql.quote import escape_comment
from fsq.stores.bigquery.names import quote_column


def make_record_placeholders(contract: Contract) -> dict[str, str]:
    """The placeholders of keys and date.

    >>> from fsq.contract import load_contract
    >>> contract = load_contract()
    >>> make_record_placeholders(contract)["date"] == f"`{contract.table.date}`"
    True
    """
    table = contract.table
    keys = [f"t.{quote_column(c)}" for c in table.key]
    # The date is no part of it: records are compared within a date.
    naming = [k for k, c in zip(keys, table.key, strict=True) if c != table.date]
    one = naming[0] if len(naming) == 1 else f"TO_JSON_STRING(STRUCT({', '.join(naming)}))"
    return {
        "keys": ",\n  ".join(keys),
        "record": one,
        "date": quote_column(table.date),
        "date_name": escape_comment(table.date),
    }


def make_group_placeholders(contract: Contract, *, exists: bool) -> dict[str, str]:
    """The placeholders of the column that groups rows; without it, dates are not divided.

    Args:
        contract: of the scoring.
        exists: whether the table has that column.
    """
    name, count = contract.table.group, name_group_count(contract.table)
    column = None if name is None or not exists else f"t.{quote_column(name)}"
    is_key = name in contract.table.key
    return {
        "group": f"{column},\n  " if column and not is_key else "",
        "group_read": f"{column} AS record_group,\n    " if column else "",
        "groups": "COUNT(DISTINCT t.record_group)" if column else "CAST(NULL AS INT64)",
        "group_count": "" if count is None else f"group_count AS {quote_column(count)},\n  ",
    }
