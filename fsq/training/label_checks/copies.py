"""One event, or one entity, that is in the set twice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from fsq.diagnosis.nouns import name_group
from fsq.diagnosis.rendering import format_dates
from fsq.training.label_checks.base import (
    SURE,
    Codes,
    LabelData,
    LabelFault,
    Mask,
    Matrix,
    mark_pairs,
    measure_surprise,
)

_LAGS = (1, 2, 3)  # earlier records of an entity among which a copy is looked for
_COPIED = 0.8  # share of an event's labels that equal those of the other
_COMMON = 3  # entities that two events share at least
_RARE = 0.02  # share of records for which something unusual is no property of the table
_TELLING = 3  # values that a record has at least, so that equality tells something
_ODD = np.uint64(0x9E3779B97F4A7C15)  # spreads hashes that are added up
_HOLDERS = 3  # records of a date that may share a telling value


def find_events_twice(data: LabelData) -> list[LabelFault]:
    """Report events that are stored under two dates or two ids: the later ones."""
    by_id = _find_repeated_ids(data)
    copied = _find_copied_labels(data) | _find_copied_records(data)
    records = (by_id | copied) & data.has_label
    if not records.any():
        return []
    table, event = data.contract.table, name_group(data.contract.table)
    how = []
    if by_id.any():
        how.append(f"{int(by_id.sum()):,} have the {event} of an earlier date")
    if copied.any():
        how.append(f"{int(copied.sum()):,} repeat an earlier record's {data.label}")
    return [
        LabelFault(
            "event_twice",
            "red",
            f"{table.count(int(records.sum()))} on {format_dates(data.list_dates(records))} belong "
            "to an event that is in the set already",
            f"{'; '.join(how)}: too many for chance. A model would count the event twice, and the "
            "later copy's windows may hold its result.",
            "delete the copies at their source, and backfill these dates",
            records,
        )
    ]


def _find_repeated_ids(data: LabelData) -> Mask:
    """Records whose entity has the same event on an earlier date."""
    nothing = np.zeros(data.rows.height, dtype=np.bool_)
    if data.group is None or len(data.dates) < 2:
        return nothing
    event = data.rows.hash(data.group)
    flat = pl.DataFrame({"entity": data.entity_codes, "event": event, "date": data.date_codes})
    later = flat.select(
        (pl.col("date") > pl.col("date").min().over("entity", "event"))
        & pl.col("event").is_not_null()
    ).to_series()
    several = later.to_numpy()
    # Where events last several dates, that is what the table is like.
    return several if several.mean() <= _RARE * 5 else nothing


def _find_copied_labels(data: LabelData) -> Mask:
    """Records of events whose entities had nearly all the same labels in an earlier event."""
    events = data.date_codes if data.event_codes is None else data.event_codes
    found = np.any([_find_copies(data, events, events, lag) for lag in _LAGS], axis=0)
    # Labels that nobody refreshed are those of each entity's previous event, whichever it was.
    any_event = np.zeros_like(events)
    for units in (events, data.date_codes):
        found |= _find_copies(data, units, any_event, 1)
    return np.asarray(found)


def _find_copies(data: LabelData, events: Codes, earlier: Codes, lag: int) -> Mask:
    """Records whose label is that of the entity's ``lag``-th earlier one, event by event."""
    found = np.zeros(data.rows.height, dtype=np.bool_)
    before = data.previous(lag)
    own = np.flatnonzero((before >= 0) & (events >= 0) & (earlier[np.maximum(before, 0)] >= 0))
    if len(own):
        same = data.labels[own] == data.labels[before[own]]
        pairs = _count_pairs(events[own], earlier[before[own]], same)
        surprise = measure_surprise(pairs["hits"], pairs["tries"], _find_usual_share(pairs))
        many = (pairs["tries"] >= _COMMON) & (pairs["hits"] >= _COPIED * pairs["tries"])
        chosen = pairs.filter(many & pl.Series(surprise >= SURE)).select("event", "earlier")
        flat = pl.DataFrame({"event": events[own], "earlier": earlier[before[own]]})
        found[own[mark_pairs(flat, chosen) & same]] = True
    return found


def _count_pairs(event: Codes, earlier: Codes, same: Mask) -> pl.DataFrame:
    """Per pair of events: how many entities they share, and how many labels are equal."""
    flat = pl.DataFrame({"event": event, "earlier": earlier, "same": same})
    return flat.group_by("event", "earlier").agg(
        hits=pl.col("same").sum().cast(pl.Int64), tries=pl.len().cast(pl.Int64)
    )


def _find_usual_share(pairs: pl.DataFrame) -> np.ndarray:
    """The share of equal labels that is usual elsewhere, so that a copy does not excuse itself.

    Pairs differ by more than chance, so it is at least what one pair in twenty reaches.
    """
    hits, tries = pairs["hits"].to_numpy(), pairs["tries"].to_numpy()
    elsewhere = (hits.sum() - hits + 1) / (tries.sum() - tries + 2)
    mixed = (hits / tries)[(tries >= _COMMON) & (hits < tries)]
    high = float(np.quantile(mixed, 0.95)) if len(mixed) else 0.0
    return np.asarray(np.clip(np.maximum(elsewhere, high), 1e-4, 0.9999))


def _find_copied_records(data: LabelData) -> Mask:
    """Records whose label and whole vector are those of an entity's previous record."""
    before = data.previous(1)
    own = np.flatnonzero(before >= 0)
    found = np.zeros(data.rows.height, dtype=np.bool_)
    if not len(own):
        return found
    equal = data.labels[own] == data.labels[before[own]]
    telling = np.zeros(len(own), dtype=np.int64)
    for feature in range(len(data.features)):
        values = data.values.get(feature)
        now, then = values[own], values[before[own]]
        equal &= (now == then) | (np.isnan(now) & np.isnan(then))
        telling += ~np.isnan(now)
    equal &= telling >= _TELLING
    if equal.mean() <= _RARE:
        found[own[equal]] = True
    return found


def find_look_alikes(data: LabelData) -> list[LabelFault]:
    """Report entities in two spellings on one date: all but the more common spelling."""
    spelled = _find_spellings(data)
    same = _find_equal_rows(data)
    records = spelled | same
    if not records.any():
        return []
    table = data.contract.table
    names = data.rows.take(np.flatnonzero(records), data.entity_columns).unique()
    examples = [" ".join(map(str, row)) for row in names.sort(names.columns).head(5).rows()]
    return [
        LabelFault(
            "look_alike",
            "red",
            f"{table.count(int(records.sum()))} on {format_dates(data.list_dates(records))} repeat "
            f"another one under a second name: {', '.join(examples)}",
            f"They have the same {data.label} and the same values, or a name that differs only in "
            "case, accents or punctuation. A model would count them twice.",
            "map the spellings to one key, and backfill these dates",
            records,
            evidence={"examples": examples},
        )
    ]


def _find_spellings(data: LabelData) -> Mask:
    """Records whose name is that of another one of the date, but for case and punctuation."""
    texts = [c for c in data.entity_columns if not data.rows.schema[c].is_integer()]
    nothing = np.zeros(data.rows.height, dtype=np.bool_)
    if not texts:
        return nothing
    plain = {
        f"p{i}": data.rows.map(c, _hash_name) if c in texts else data.rows[c]
        for i, c in enumerate(data.entity_columns)
    }
    flat = _describe_records(data).with_columns(**plain)
    names = list(plain)
    return _choose_rarer(data, flat, ["at", *names, "label"])


def _find_equal_rows(data: LabelData) -> Mask:
    """Records that equal another entity's of the same date and event in label and all values."""
    flat = _describe_records(data).with_columns(
        values=_hash_values(data),
        event=pl.lit(0) if data.event_codes is None else pl.Series(data.event_codes),
    )
    chosen = np.flatnonzero(_choose_rarer(data, flat, ["at", "event", "label", "values"]))
    # Newcomers have few values of their own, and share the others with everybody.
    telling = np.zeros(len(chosen), dtype=np.int64)
    for feature in range(len(data.features) if len(chosen) else 0):
        holders = _count_holders(data.values.get(feature), data.date_codes, chosen)
        telling += (holders >= 2) & (holders <= _HOLDERS)
    found = np.zeros(data.rows.height, dtype=np.bool_)
    found[chosen[telling >= _TELLING]] = True
    return found


def _hash_values(data: LabelData) -> pl.Series:
    """A number per record that tells whether two have the same values; 0.0 and -0.0 are."""
    hashes: npt.NDArray[np.uint64] = np.zeros(data.rows.height, dtype=np.uint64)
    for feature in range(len(data.features)):
        values = data.values.get(feature)
        values += 0.0
        hashes *= _ODD
        hashes += pl.Series(values, nan_to_null=True).hash().to_numpy()
    return pl.Series(hashes)


def _count_holders(values: Matrix, dates: Codes, chosen: Codes) -> Codes:
    """How many records of their dates have the values of the chosen ones; 0 where absent."""
    flat = pl.DataFrame({"date": dates, "value": pl.Series(values + 0.0, nan_to_null=True)})
    wanted = flat[chosen]
    counts = flat.join(wanted.drop_nulls().unique(), on=flat.columns).group_by(flat.columns).len()
    found = wanted.join(counts, on=flat.columns, how="left", maintain_order="left")["len"]
    return found.fill_null(0).cast(pl.Int64).to_numpy()


def _describe_records(data: LabelData) -> pl.DataFrame:
    table = data.contract.table
    moment = table.time if table.time in data.rows.columns else table.date
    return pl.DataFrame({"at": data.rows[str(moment)], "label": data.labels})


def _choose_rarer(data: LabelData, flat: pl.DataFrame, by: list[str]) -> Mask:
    """Of labelled records equal in these columns: those of all entities but the most common one."""
    labelled = np.flatnonzero(data.has_label)
    hashes = flat.select(pl.struct(by).hash()).to_series().to_numpy()[labelled]
    ordered = np.sort(hashes)
    again = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    suspects = labelled[np.isin(hashes, again)]
    often = np.bincount(data.entity_codes)[data.entity_codes[suspects]]
    entity = data.rows.take(suspects, data.entity_columns).to_struct().rank("dense")
    known = flat[suspects].with_columns(
        often=pl.Series(often), entity=entity, record=pl.Series(suspects)
    )
    alike = known.filter(pl.struct(by).is_duplicated()).sort(
        "often", "entity", descending=[True, False]
    )
    extra = alike.filter(pl.col("entity") != pl.col("entity").first().over(by))["record"]
    found = np.zeros(data.rows.height, dtype=np.bool_)
    # Where many are alike, that is what the table is like.
    if len(extra) <= _RARE * data.has_label.sum():
        found[extra.to_numpy()] = True
    return found


def _hash_name(names: pl.Series) -> pl.Series:
    """A hash of each name without case, accents, spaces and punctuation."""
    plain = names.cast(pl.String).str.normalize("NFKD").str.to_lowercase()
    return plain.str.replace_all(r"[^\p{L}\p{N}]", "").hash()
