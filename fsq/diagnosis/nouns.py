"""What texts and columns call the records of a table, their groups, and the members of a window."""

from __future__ import annotations

from fsq.contract import Contract
from fsq.contract.table import Table

# Names beside them that no contract chooses.
_EVIDENCE = {"ran", "default_share", "usual_share", "features", "table", "rows_affected"}


def name_entities(table: Table) -> str:
    """Many of what the records are about, such as ``players``.

    >>> from fsq.contract import load_contract
    >>> name_entities(load_contract("v2_33features").table)
    'players'
    """
    return table.plural or f"{table.entity}s"


def name_group(table: Table) -> str:
    """One group of rows, or a date without groups; ``_id`` at the end of a name is left out.

    >>> from fsq.contract import load_contract
    >>> name_group(load_contract("v2_33features").table)
    'game'
    """
    return "date" if table.group is None else table.group.removesuffix("_id").replace("_", " ")


def name_events(table: Table, count: int = 2) -> str:
    """So many members of a window: the groups if their column is an id, else ``events``.

    >>> from fsq.contract import load_contract
    >>> name_events(load_contract("v2_33features").table)
    'games'
    """
    is_id = table.group is not None and table.group.endswith("_id")
    return (name_group(table) if is_id else "event") + ("" if count == 1 else "s")


def as_name(words: str) -> str:
    """Words as the name of a column.

    >>> as_name("sales orders")
    'sales_orders'
    """
    return words.replace(" ", "_").replace("-", "_")


def name_examples(table: Table) -> str:
    """The field of a finding's evidence that lists a few of its records.

    >>> from fsq.contract import load_contract
    >>> name_examples(load_contract("v2_33features").table)
    'players'
    """
    name = as_name(name_entities(table))
    return "examples" if name in _EVIDENCE else name


def name_sample(table: Table) -> str:
    """The field of a finding's evidence that counts the members of a window.

    >>> from fsq.contract import load_contract
    >>> name_sample(load_contract("v2_33features").table)
    'games'
    """
    name = as_name(name_events(table))
    return "events" if name in _EVIDENCE else name


def describe_start(contract: Contract) -> str:
    """Why windows cannot be full yet."""
    if contract.table.season_start is None:
        return "the windows are still filling"
    return "the season has just begun"
