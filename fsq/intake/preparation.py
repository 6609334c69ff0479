"""Names in any spelling; dates and moments as texts, whole numbers as decimals."""

from __future__ import annotations

import logging
from functools import lru_cache

import polars as pl

from fsq.contract import Contract
from fsq.contract.table import Table
from fsq.errors import InputError, short
from fsq.intake.expected_types import expected_types, list_expected_columns
from fsq.intake.formats import detect_form
from fsq.schema.dates import Frame, convert_zone, parse_dates, parse_moments
from fsq.schema.plain import parse_keys, unwrap_extensions
from fsq.utils.spelling import normalize_name

log = logging.getLogger("fsq")

_HEADLINE = "the input cannot be scored"


def prepare_rows(rows: Frame, contract: Contract) -> Frame:
    """Give columns the contract's spelling, and rows a column of dates.

    Names that differ only in case, in ``.`` for ``_``, in their Unicode form, or in marks and
    blanks around them are matched; dates may be ISO texts, midnights, or missing where each record
    has its own time; moments may be ISO texts; keys may be decimals without a fraction. Arrow's
    extension types give way to what they are stored as.

    Args:
        rows: rows in any form; what needs no change is returned as it is.
        contract: whose columns they are to have.

    Raises:
        InputError: two columns match one name, a text is not an ISO date or moment, or a
            timestamp is not midnight; the message says which.

    >>> from fsq.contract import load_contract
    >>> rows = pl.DataFrame({"Carrier": ["UA"], "FLIGHT.DATE": ["2013-02-09"]})
    >>> dict(prepare_rows(rows, load_contract("flights_2013")).schema)
    {'carrier': String, 'flight_date': Date}
    """
    named = _match_names(unwrap_extensions(rows, _HEADLINE), contract)
    named = parse_keys(named, contract.table.keys)
    return _prepare_dates(_prepare_moments(named, contract), contract.table)


def _match_names(rows: Frame, contract: Contract) -> Frame:
    """Rename columns that mean a name which no column has."""
    found: tuple[dict[str, str], tuple[str, ...]]
    found = find_renames(tuple(rows.collect_schema().names()), contract)
    if found[1]:
        raise InputError(found[1])
    if found[0]:
        names = ", ".join(f"{short(old)!r} as {new}" for old, new in list(found[0].items())[:5])
        log.info("%d columns are matched by another spelling: %s", len(found[0]), names)
    return rows.rename(found[0]) if found[0] else rows


@lru_cache(maxsize=32)
def find_renames(
    present: tuple[str, ...], contract: Contract
) -> tuple[dict[str, str], tuple[str, ...]]:
    """New names by old ones, and the names that two columns could mean."""
    expected = list_expected_columns(contract).difference(present)
    by_spelling: dict[str, list[str]] = {}
    for name in present:
        if name not in contract.output.names:
            by_spelling.setdefault(normalize_name(name), []).append(name)
    meant = {n: m for n in sorted(expected) if (m := by_spelling.get(normalize_name(n)))}
    # A column that this form does not read is carried through under its own name.
    form = detect_form([*present, *meant], contract)
    read = list_expected_columns(contract, [form])
    meant = {name: columns for name, columns in meant.items() if name in read}
    problems = [
        f"{name}: {columns} could be meant; rename one to {name}"
        for name, columns in meant.items()
        if len(columns) > 1
    ]
    return {columns[0]: name for name, columns in meant.items()}, tuple(problems)


def _prepare_moments(rows: Frame, contract: Contract) -> Frame:
    schema = rows.collect_schema()
    expected = expected_types(contract, detect_form(schema, contract))
    moments = [c for c, kind in expected.items() if kind == "timestamp" and c in schema]
    if (time := contract.table.time) is not None and time in schema:
        moments.append(time)
    return parse_moments(rows, dict.fromkeys(moments), _HEADLINE)


def _prepare_dates(rows: Frame, table: Table) -> Frame:
    schema, name = rows.collect_schema(), table.date
    if name not in schema:
        if table.time is None or not isinstance(schema.get(table.time), pl.Datetime):
            return rows  # validation names what is missing
        moment = convert_zone(pl.col(table.time), schema[table.time], table.timezone)
        return rows.with_columns(moment.dt.date().alias(name))
    as_time = f'[table] time = "{name}"'
    return parse_dates(rows, name, as_time, _HEADLINE, table.timezone)
