"""The query that compares dates with a learned profile."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from string import Template

import polars as pl

from fsq.contract import Contract
from fsq.errors import InputError
from fsq.profile import Profile
from fsq.sql.carried import list_used_columns, make_carried_placeholders
from fsq.sql.learned import list_needed_dates, make_learned_placeholders, quote_dates
from fsq.sql.queries import make_query
from fsq.sql.quote import escape_comment
from fsq.sql.records import make_record_placeholders
from fsq.sql.templates import read_template
from fsq.stores.bigquery.names import TableName, format_date, quote_column
from fsq.stores.bigquery.partitions import UNPARTITIONED, Partitioning
from fsq.utils.dates import validate_date_range

PROFILE = "profile"
CANARY = "canary"
# The queries that take a store's profile; the canary needs none.
PROFILE_QUERIES = {
    PROFILE: "one row per date, evidence and upstream table: what departs from a store's profile",
    CANARY: "one row per date: its verdict, by a store's profile too",
}
_HEADLINE = "the SQL cannot be generated"


def make_profile_query(
    profile: Profile,
    table: TableName,
    contract: Contract,
    schema: pl.Schema,
    start: date | None = None,
    end: date | None = None,
    partitioning: Partitioning = UNPARTITIONED,
) -> str:
    """Make the query that compares each date of a table with a profile.

    The profile's levels, limits and dates are literals in it, so it reads no other table.

    Args:
        profile: learned from rows that were scored under the contract.
        table: the scored table.
        contract: of the scoring.
        schema: the columns of the table.
        start: first date; None for the table's first.
        end: last date, included; None for the table's last.
        partitioning: of the table, where it requires a filter on something else than its dates.

    Raises:
        InputError: the profile is of another contract or of no clean date, the table lacks a
            column that it relates features to, a name is not an identifier, or start is after end.
    """
    validate_date_range(start, end, _HEADLINE)
    _require_match(profile, table, contract, schema.names())
    moments = [name for name, kind in schema.items() if isinstance(kind, pl.Datetime)]
    first = start or date.min
    needed = list_needed_dates(profile, first)
    required = partitioning.conditions(contract.table.date, "t.")
    values = (
        make_learned_placeholders(profile, contract)
        | make_carried_placeholders(profile, contract, moments)
        | make_record_placeholders(contract)
        | {
            "table": table.sql,
            "width": str(len(contract.features)),
            "start": format_date(first),
            "since": format_date(_find_first(profile, first, needed)),
            "end": format_date(end or date.max),
            "partition_filter": "".join(f"\n    AND {c}" for c in required),
            "only_history": "",
        }
    )
    if start:
        values["only_history"] = Template("""
    AND (t.$date >= $start OR t.$date > $last OR t.$date IN UNNEST($needed))""").substitute(
            values, last=format_date(profile.dates[-1]), needed=quote_dates(needed)
        )
    judged = Template(read_template("_judged").rstrip("\n"))
    for name, source in (("first", "measures"), ("second", "later_history")):
        values[f"{name}_pass"] = judged.substitute(values | {"pass": name, "source": source})
    learned = f"{escape_comment(contract.name)}, version {contract.version_hash}"
    head = f"-- fsq {PROFILE}, contract {learned}\n"
    return head + Template(read_template(PROFILE)).substitute(values)


def make_canary_query(
    profile: Profile,
    table: TableName,
    contract: Contract,
    schema: pl.Schema,
    start: date | None = None,
    end: date | None = None,
    group: bool = True,
    partitioning: Partitioning = UNPARTITIONED,
) -> str:
    """Make the canary query with what the profile says: a date with such evidence is not green.

    Args:
        profile: learned from rows that were scored under the contract.
        table: the scored table.
        contract: of the scoring.
        schema: the columns of the table.
        start: first date; None for the table's first.
        end: last date, included; None for the table's last.
        group: whether the table has the contract's group column, which gives rows per group.
        partitioning: of the table, where it requires a filter on something else than its dates.

    Raises:
        InputError: as ``make_profile_query``.
    """
    day = quote_column(contract.table.date)
    canary = make_query(CANARY, table, contract, start, end, group, partitioning)
    evidence = make_profile_query(profile, table, contract, schema, start, end, partitioning)
    return f"""\
-- What the rows say against the contract, and against the profile: evidence makes a date yellow at
-- least. `profile_evidence` names it, `profile_features` the features.
SELECT
  c.* REPLACE (
    IF(p.day IS NOT NULL AND c.verdict != 'red', 'yellow', c.verdict) AS verdict
  ),
  IFNULL(p.evidence, ARRAY<STRING>[]) AS profile_evidence,
  IFNULL(p.features, ARRAY<STRING>[]) AS profile_features
FROM (
{canary}) AS c
LEFT JOIN (
  SELECT
    e.{day} AS day,
    ARRAY_AGG(DISTINCT e.evidence ORDER BY e.evidence) AS evidence,
    ARRAY_AGG(DISTINCT name ORDER BY name) AS features
  FROM (
{evidence}) AS e
  CROSS JOIN UNNEST(e.features) AS name
  GROUP BY e.{day}
) AS p ON p.day = c.{day}
ORDER BY c.{day}
"""  # noqa: S608 - validated and quoted


def _find_first(profile: Profile, start: date, needed: list[date]) -> date:
    """The first date to read: later ones than the profile's may be history, too."""
    after = [profile.dates[-1]] if start > profile.dates[-1] else []
    return min([start, *needed, *after])


def _require_match(
    profile: Profile, table: TableName, contract: Contract, columns: Iterable[str]
) -> None:
    if profile.version_hash != contract.version_hash:
        cure = "`fsq profile learn` learns one under this contract"
        problem = f"the profile was learned under another version of {profile.contract}; {cure}"
        raise InputError([problem], _HEADLINE)
    if not profile.clean_dates:
        raise InputError(["the profile knows no clean date; learn it again"], _HEADLINE)
    missing = sorted(list_used_columns(profile, contract) - set(columns))
    if missing:
        cure = "learn the profile again, from rows of this table"
        problems = [f"{table.dotted} has no column {name}; {cure}" for name in missing]
        raise InputError(problems, _HEADLINE)
