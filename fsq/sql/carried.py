"""Carried columns as a profile relates them to features: groups, sides and twins."""

from __future__ import annotations

from collections.abc import Collection

from fsq.contract import Contract
from fsq.profile import Profile
from fsq.profile.groups import TOLERANCE
from fsq.profile.rows import HOUR
from fsq.sql.quote import format_number, quote_text
from fsq.stores.bigquery.names import quote_column

_SIDE = """\
side_{i}_middles AS (
  SELECT day, event, side_{i}, feature_index, MAX(middle) AS middle
  FROM (
    SELECT
      c.day,
      c.event,
      c.side_{i},
      c.feature_index,
      PERCENTILE_DISC(c.value, 0.5) OVER (
        PARTITION BY c.day, c.event, c.side_{i}, c.feature_index
      ) AS middle
    FROM cells AS c
    WHERE c.event IS NOT NULL AND c.side_{i} IS NOT NULL
  )
  GROUP BY day, event, side_{i}, feature_index
),
side_{i}_sides AS (
  SELECT *, COUNT(*) OVER (PARTITION BY day, event, feature_index) AS sides FROM side_{i}_middles
),
-- What one side of an event implies for the other, where there are just two.
side_{i}_pairs AS (
  SELECT
    a.day,
    a.event,
    a.side_{i},
    a.feature_index,
    a.middle AS mine,
    IF(m.same, b.middle, m.total - b.middle) AS told
  FROM side_{i}_sides AS a
  JOIN UNNEST([
    {mirrors}
  ]) AS m ON m.feature = a.feature_index
  JOIN side_{i}_sides AS b
    ON b.day = a.day AND b.event = a.event AND b.side_{i} != a.side_{i}
    AND b.feature_index = m.other
  WHERE a.sides = 2
),
side_{i}_told AS (
  SELECT
    day,
    event,
    side_{i},
    feature_index,
    MAX(IF(mine IS NOT NULL AND told IS NOT NULL, 1, 0)) = 1 AS judged,
    MAX(IF(ABS(mine - told) > {tolerance} * (1 + ABS(told)), 1, 0)) = 1 AS contradicts
  FROM side_{i}_pairs
  GROUP BY day, event, side_{i}, feature_index
),
"""
_JOIN = """
  LEFT JOIN side_{i}_told AS s{i}
    ON s{i}.day = c.day AND s{i}.event = c.event AND s{i}.side_{i} = c.side_{i}
    AND s{i}.feature_index = c.feature_index"""


def list_used_columns(profile: Profile, contract: Contract) -> set[str]:
    """The carried columns that the profile relates features to."""
    structure, table = profile.structure, contract.table
    grouping = {c for g in structure.groupings for c in g.scope}
    sides = {m.side for m in structure.mirrors}
    events = {table.group} if sides and table.group else set()
    hour = {HOUR.format(table.time): table.time} if table.time else {}
    named = grouping | sides | events | {t.column for t in structure.twins}
    return {hour.get(name) or name for name in named}


def make_carried_placeholders(
    profile: Profile, contract: Contract, moments: Collection[str]
) -> dict[str, str]:
    """The placeholders of groups, sides, twins, and of the moments that rows carry.

    Args:
        profile: what normally holds.
        contract: of the scoring.
        moments: the carried columns that hold moments.

    Raises:
        InputError: a column's name is not an identifier.
    """
    structure, table = profile.structure, contract.table
    sides = list(dict.fromkeys(m.side for m in structure.mirrors)) if table.group else []
    twins = list(dict.fromkeys(t.column for t in structure.twins))
    groups = [_make_key(g.scope, contract) for g in structure.groupings]
    read = {f"group_{i}": key for i, key in enumerate(groups)}
    read |= {f"side_{i}": _make_key((name,), contract) for i, name in enumerate(sides)}
    read |= {f"twin_{i}": _make_number(name) for i, name in enumerate(twins)}
    if sides and table.group:
        read["event"] = _make_key((table.group,), contract)
    passed = [*(f"side_{i}" for i in range(len(sides))), *(["event"] if sides else [])]
    return {
        "carried": "".join(f"{sql} AS {name},\n    " for name, sql in read.items()),
        "cell_groups": "".join(
            [
                *(_choose_group(n, len(groups)) for n in (1, 2)),
                *(f"t.{name},\n    " for name in passed),
            ]
        ),
        "cell_twins": _make_twins(profile, twins),
        "side_tables": "".join(_make_side(profile, i, s) for i, s in enumerate(sides)),
        "side_joins": "".join(_JOIN.format(i=i) for i in range(len(sides))),
        "sided": "".join(f" OR IFNULL(s{i}.judged, FALSE)" for i in range(len(sides))),
        "contradicting": "".join(f" OR IFNULL(s{i}.contradicts, FALSE)" for i in range(len(sides))),
        "default_as_of": _find_as_of(contract, moments),
        "computed": _make_hours("computed_at")
        if "computed_at" in moments
        else "CAST(NULL AS FLOAT64)",
    }


def _make_key(columns: tuple[str, ...], contract: Contract) -> str:
    """A text per combination of columns; NULL where one of them is."""
    time = contract.table.time
    parts = [
        f"TIMESTAMP_TRUNC(t.{quote_column(time)}, HOUR)"
        if time and name == HOUR.format(time)
        else f"t.{quote_column(name)}"
        for name in columns
    ]
    if not parts:
        return "''"
    absent = " OR ".join(f"{part} IS NULL" for part in parts)
    key = f"TO_JSON_STRING(STRUCT({', '.join(f'{p} AS k{i}' for i, p in enumerate(parts))}))"
    return f"IF({absent}, NULL, {key})"


def _make_number(name: str) -> str:
    """A number or flag as a number; NULL for NaN."""
    text = f"CAST(t.{quote_column(name)} AS STRING)"
    return (
        f"CASE LOWER({text}) WHEN 'true' THEN 1.0 WHEN 'false' THEN 0.0 WHEN 'nan' THEN NULL "
        f"ELSE SAFE_CAST({text} AS FLOAT64) END"
    )


def _choose_group(place: int, groups: int) -> str:
    whens = " ".join(f"WHEN {i} THEN t.group_{i}" for i in range(groups))
    chosen = f"CASE l.grouping_{place} {whens} END" if groups else "CAST(NULL AS STRING)"
    return f"{chosen} AS group_{place},\n    "


def _make_twins(profile: Profile, twins: list[str]) -> str:
    """Whether a value can be compared with its twins, and whether it differs from one."""
    value = "IF(d.`is_default` OR IS_NAN(d.`feature_value`), NULL, d.`feature_value`)"
    known: dict[int, list[str]] = {}
    differs: dict[int, list[str]] = {}
    for twin in profile.structure.twins:
        column = f"t.twin_{twins.index(twin.column)}"
        known.setdefault(twin.feature, []).append(f"({value} IS NOT NULL AND {column} IS NOT NULL)")
        limit = f"{format_number(TOLERANCE)} * (1 + ABS({column}))"
        off = f"IFNULL(ABS({value} - {column}) > {limit}, FALSE)"
        differs.setdefault(twin.feature, []).append(off)
    return f"{_choose_feature(known)} AS twinned,\n    {_choose_feature(differs)} AS untwinned"


def _choose_feature(tests: dict[int, list[str]]) -> str:
    if not tests:
        return "FALSE"
    whens = " ".join(f"WHEN {f} THEN {' OR '.join(found)}" for f, found in tests.items())
    return f"CASE l.feature_index {whens} ELSE FALSE END"


def _make_side(profile: Profile, place: int, side: str) -> str:
    mirrors = [
        f"STRUCT({m.feature} AS feature, {m.other} AS other, {m.relation == 'equals'} AS same, "
        f"CAST({format_number(m.total)} AS FLOAT64) AS total)"
        for m in profile.structure.mirrors
        if m.side == side
    ]
    tolerance = format_number(TOLERANCE)
    return _SIDE.format(i=place, mirrors=",\n    ".join(mirrors), tolerance=tolerance)


def _find_as_of(contract: Contract, moments: Collection[str]) -> str:
    """A row's as_of, in hours since 1970, if its ages do not say."""
    table = contract.table
    if table.time is not None:
        default = _make_hours(table.time) if table.time in moments else "CAST(NULL AS FLOAT64)"
    else:
        after = f"DATE_ADD(t.{quote_column(table.date)}, INTERVAL 1 DAY)"
        default = f"UNIX_MICROS(TIMESTAMP({after}, {quote_text(table.timezone)})) / 3.6e9"
    return f"IFNULL({_make_hours('as_of')}, {default})" if "as_of" in moments else default


def _make_hours(name: str) -> str:
    return f"UNIX_MICROS(t.{quote_column(name)}) / 3.6e9"
