"""The whole draft: what the parts found, as a TOML file that says where each line comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import polars as pl

from fsq.contract.drafting.calendar import find_group, find_zone, list_days, measure_ages
from fsq.contract.drafting.features import Where, draft_feature
from fsq.contract.drafting.grouping import find_stamped_tables, find_windows, place_features
from fsq.contract.drafting.identities import find_identities
from fsq.contract.drafting.labels import DraftLabels, read_labels
from fsq.contract.drafting.roles import HEADLINE, Roles, assign_roles
from fsq.contract.drafting.rules import draft_diagnosis, draft_tables, draft_windows
from fsq.contract.drafting.spelling import match_spelling
from fsq.contract.drafting.statistics import (
    FeatureStatistics,
    measure,
    measure_extremes,
    read_values,
)
from fsq.contract.loading import parse_contract
from fsq.contract.text import Line, clean, comment, section, to_key
from fsq.errors import InputError, short
from fsq.utils.text import plural

_ENTITY = re.compile(r"_?(id|uuid|key|code|lookup|name|no|number)$")


def draft_contract(
    rows: pl.LazyFrame | pl.DataFrame,
    *,
    keys: Sequence[str] = (),
    date: str | None = None,
    time: str | None = None,
    label: str | None = None,
    name: str = "mine",
) -> str:
    """Draft a contract from the rows that it is to describe.

    Each line of the draft says in a comment what it was read from; look at each, for data can
    only say what was, not what should be. The same rows always give the same draft, whatever
    their order. Every value of the data lies in its range.

    Args:
        rows: feature rows: a column for each feature, and those of the keys. Rows are read
            into memory as far as features and keys go.
        keys: columns that name the entity; strings or integers.
        date: the column of dates; not needed if there is a time.
        time: the timestamp that is part of the key.
        label: what models predict, which is not a feature. If None, a column named ``label``,
            ``target`` or ``actual_…`` is taken for it.
        name: of the contract.

    Returns:
        The contract as TOML, which ``load_contract`` accepts.

    Raises:
        InputError: keys or dates are not named, or do not name a record; no column can be a
            feature. Columns that would do are named.

    >>> from datetime import date
    >>> days = pl.date_range(date(2026, 1, 1), date(2026, 1, 20), eager=True)
    >>> rows = pl.DataFrame({"day": days, "shop_id": "s1", "sales_avg_last_7": range(20)})
    >>> "sales_avg_last_7" in draft_contract(rows, keys=["shop_id"], date="day")
    True
    """
    lazy = match_spelling(rows.lazy(), date, keys, time, label)
    roles = assign_roles(lazy, keys, date, time, label)
    labels = read_labels(lazy, roles)
    zone = find_zone(lazy, roles)
    days = list_days(lazy, roles, zone.name)
    values = read_values(lazy, roles.features, labels.defaults)
    per_day = days.value_counts()["count"]
    least_rows = min(50, max(2, int(per_day.median() or 0) // 2))  # type: ignore[arg-type]
    measured = measure(values, days, least_rows)
    if not measured:
        problem = "no feature has a value in any row; draft from data that has some"
        raise InputError([problem], HEADLINE)
    values = values.select(s.name for s in measured)
    group = find_group(lazy, roles, days)
    schema = lazy.collect_schema()
    places, windows = place_features(lazy, values), find_windows(schema, values.columns)
    extremes = measure_extremes(lazy, values.columns)
    features = [(s, Where(places[s.name], extremes[s.name], windows.get(s.name))) for s in measured]
    tables = find_stamped_tables(schema, roles.features)
    ages = measure_ages(lazy, roles, days, zone.name, tables)
    dates = {i: str(d) for i, d in enumerate(days.unique().sort())}
    spread = _list_unmeasured(roles, measured)
    lines = [
        *_draft_head(labels, name, len(days), dates),
        *section("[table]", _draft_table(roles, zone.name, zone.reason, group)),
        *section("[sources]", labels.lines),
        *draft_windows(windows),
        *draft_tables(ages, {p.table for p in places.values()}),
        *draft_diagnosis(lazy, measured, windows, days, least_rows),
        *_draft_identities(values),
        *_draft_left_out(roles, spread),
    ]
    for s, where in features:
        lines += ["", "[[features]]", *map(str, draft_feature(s, where, dates))]
    text = "\n".join(lines) + "\n"
    _require_free_names(text, schema)
    return text


def _require_free_names(text: str, schema: pl.Schema) -> None:
    """Check that the draft loads, and that the data can be scored with it.

    Raises:
        InputError: columns of the data have names of the output.
    """
    contract = parse_contract(text, "the draft")
    taken = [c for c in schema if c in contract.output.names and c not in contract.names]
    if taken:
        problem = f"columns named like output columns: {taken}; rename or drop them"
        raise InputError([problem], HEADLINE)


def _draft_head(labels: DraftLabels, name: str, rows: int, dates: dict[int, str]) -> Iterator[str]:
    first, last = dates[0], dates[len(dates) - 1]
    yield comment(
        f"Drafted from {plural(rows, 'row')} of {plural(len(dates), 'date')}, {first} to {last}."
    )
    yield comment("Each line says what it was read from. Data shows what was, not what should be:")
    yield comment("look at each, correct it, and run `fsq contract check`.")
    yield ""
    yield str(Line("name", name, "becomes feature_schema_version of every scored row"))
    if labels.unlabelled is not None:
        yield str(Line("unlabelled", labels.unlabelled, labels.reason))


def _draft_table(
    roles: Roles, zone: str, reason: str, group: tuple[str, str] | None
) -> Iterator[Line | str]:
    yield Line("keys", list(roles.keys), "no two rows have the same keys, date and time")
    if roles.date is not None:
        yield Line("date", roles.date, "tables are partitioned and filled by it")
    if roles.time is not None:
        yield Line("time", roles.time, "part of the key; freshness is judged at this moment")
    yield Line("timezone", zone, reason)
    if group is not None:
        yield Line("group", *group)
    noun = _ENTITY.sub("", roles.keys[0].lower()).replace("_", " ").strip()
    if len(roles.keys) == 1 and re.fullmatch(r"[a-z][a-z ]{0,30}", noun):
        yield Line("entity", noun, f"the name of {roles.keys[0]}; the noun in messages")
    else:
        yield comment('entity = "record": what a row is about, as a noun for messages')
    if roles.label is not None:
        yield comment(f"{clean(roles.label)} is the label, so it is not a feature")


def _draft_identities(values: pl.DataFrame) -> Iterator[str]:
    for at, found in enumerate(find_identities(values)):
        what = f"holds in {found.share:.2%} of {found.rows:,} rows"
        yield ""
        yield "[[identities]]"
        yield str(Line("name", f"identity_{at + 1}", "give it a name that says what it means"))
        yield str(Line("left", found.left, what))
        yield str(Line("right", found.right, "chance, or a definition? remove it if chance"))
        yield str(Line("tolerance", found.tolerance, "twice the error of 99.9 % of the rows"))


def _list_unmeasured(roles: Roles, measured: list[FeatureStatistics]) -> dict[str, str]:
    known = {s.name for s in measured}
    return {n: "every value is missing or a default" for n in roles.features if n not in known}


def _draft_left_out(roles: Roles, unmeasured: dict[str, str]) -> Iterator[str]:
    left_out = {**roles.left_out, **unmeasured}
    if left_out:
        yield ""
        yield comment("Numeric columns that are not features here:")
        for column, reason in left_out.items():
            yield comment(f"  {to_key(short(column))}: {reason}")
