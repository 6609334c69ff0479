"""Builds queries and views from the templates in ``views`` and the contract."""

from __future__ import annotations

from datetime import date
from functools import cache
from string import Template

from fsq.contract import Contract, load_contract
from fsq.diagnosis.trend import LOOKBACK
from fsq.errors import InputError
from fsq.sql.placeholders import make_placeholders
from fsq.sql.quote import escape_comment, quote_text
from fsq.sql.records import make_group_placeholders
from fsq.sql.templates import read_template
from fsq.stores.bigquery.names import TableName, format_date
from fsq.stores.bigquery.partitions import UNPARTITIONED, Partitioning
from fsq.utils.dates import move_date, validate_date_range

VIEWS = {
    "features": "one row per record and feature: the keys and the 23 fields",
    "wide": "one row per record, one column per feature: its value",
    "canary": "one row per date: its verdict, and the categories behind it",
    "findings": "one row per date and finding: kind, severity, rows, table, job",
    "diagnosis": "one row per date and upstream table: its defaults, its job",
    "trend": "one row per date, compared with the median of the dates before it",
    "training_set": "one row per record that passes the gates, one column per feature",
}
_HEADLINE = "the SQL cannot be generated"
_HISTORY_NOTE = """\
Each date is compared with earlier ones, so a filter on a view of this query prunes no partitions.
-- Give a start and an end date to read only those dates and the few before them."""
_WITH_HISTORY = ("canary", "findings", "diagnosis")  # compared with earlier dates by `fsq check`


def make_query(
    name: str,
    table: TableName | str,
    contract: str | Contract = "v2_33features",
    start: date | None = None,
    end: date | None = None,
    group: bool = True,
    partitioning: Partitioning = UNPARTITIONED,
) -> str:
    """Make the query of one of ``VIEWS``.

    Args:
        name: which view.
        table: the scored table, or its ``bigquery://project.dataset.table``.
        contract: the contract that the table was scored under: itself, its name or its path.
        start: first date; None for the table's first.
        end: last date, included; None for the table's last.
        group: whether the table has the contract's group column, which gives rows per group.
        partitioning: of the table, where it requires a filter on something else than its dates.

    Raises:
        InputError: there is no such view, a name is not an identifier, or start is after end.
        ContractError: the contract cannot be used.

    >>> print(make_query("features", "bigquery://p.nba.scored").splitlines()[1])
    -- One row per record and feature: its keys and the fields of feature_quality_detail.
    """
    name = name.replace("-", "_")  # as commands are spelt: training-set
    if name not in VIEWS:
        raise InputError([f"no view {name!r}; use one of {', '.join(VIEWS)}"], _HEADLINE)
    validate_date_range(start, end, _HEADLINE)
    scored_table, loaded = parse_table(table), load_contract(contract)
    first = start or date.min
    values = (
        make_placeholders(loaded)
        | {
            "table": scored_table.sql,
            "start": format_date(first),
            "end": format_date(end or date.max),
        }
        | make_group_placeholders(loaded, exists=group)
    )
    values["since"] = format_date(move_date(first, -_history(name, loaded)))
    values["history_note"] = _HISTORY_NOTE
    day = loaded.table.date
    required = (f"\n    AND {c}" for c in partitioning.conditions(day, "t."))
    values["partition_filter"] = "".join(required)
    required = (f" AND {c}" for c in partitioning.conditions(day, "h."))
    values["history_filter"] = "".join(required)
    values["only_history"] = _limit_history(values) if start else ""
    contract_name = f"{escape_comment(loaded.name)}, version {loaded.version_hash}"
    head = f"-- fsq {name}, contract {contract_name}\n"
    return head + Template(_template(name)).substitute(values)


def make_view(
    name: str,
    table: TableName | str,
    contract: str | Contract = "v2_33features",
    start: date | None = None,
    end: date | None = None,
    group: bool = True,
    partitioning: Partitioning = UNPARTITIONED,
) -> str:
    """Make the statement that creates or replaces the view beside the table; see ``make_query``.

    >>> print(make_view("trend", "bigquery://p.nba.scored").splitlines()[0])
    CREATE OR REPLACE VIEW `p.nba.scored_trend`
    """
    select = make_query(name, table, contract, start, end, group, partitioning)
    return wrap_view(name, table, VIEWS[name], select)


def wrap_view(name: str, table: TableName | str, gives: str, select: str) -> str:
    """Make a query the view of that name beside the table.

    >>> print(wrap_view("one", "bigquery://p.nba.scored", "a number", "SELECT 1 AS n"))
    CREATE OR REPLACE VIEW `p.nba.scored_one`
    OPTIONS (description = 'a number')
    AS
    SELECT 1 AS n
    """
    head = f"CREATE OR REPLACE VIEW {make_view_name(name, table).sql}"
    return f"{head}\nOPTIONS (description = {quote_text(gives)})\nAS\n{select}"


def make_view_name(name: str, table: TableName | str) -> TableName:
    """Name a view of a table.

    >>> make_view_name("canary", "bigquery://p.nba.scored").dotted
    'p.nba.scored_canary'
    """
    t = parse_table(table)
    return TableName(t.project, t.dataset, f"{t.table}_{name}", t.location)


def parse_table(table: TableName | str) -> TableName:
    """A table's name, parsed if it is a ``bigquery://`` URI.

    Raises:
        InputError: the URI does not name a table.
    """
    return table if isinstance(table, TableName) else TableName.parse(table)


def _history(name: str, contract: Contract) -> int:
    """How many days before the first date a view reads."""
    if name in _WITH_HISTORY:
        return contract.diagnosis.history_max_age_days
    return LOOKBACK if name == "trend" else 0


def _limit_history(values: dict[str, str]) -> str:
    """A condition that keeps only the last few of the earlier dates, as `fsq check` does."""
    return Template("""
    AND (t.$date >= $start OR t.$date IN (
      SELECT h.$date FROM $table AS h
      WHERE h.$date >= $since AND h.$date < $start$history_filter
        AND ARRAY_LENGTH(h.`feature_quality_detail`) = $width
      GROUP BY h.$date ORDER BY h.$date DESC LIMIT $history_days
    ))""").substitute(values)


@cache
def _template(name: str) -> str:
    """A view's file, with the shared files included."""
    template = read_template(name)
    for shared in ("metrics", "checks"):
        template = template.replace(f"${shared}", read_template(f"_{shared}").rstrip("\n"))
    return template
