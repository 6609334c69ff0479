"""What a diagnosis, or the user, leaves out of a training set before its gates."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import polars as pl

from fsq.contract import Contract
from fsq.diagnosis import Diagnosis, diagnose
from fsq.diagnosis.diagnose import list_detail_fields
from fsq.diagnosis.records import Records
from fsq.diagnosis.stored_profile import load_usable_profile
from fsq.errors import InputError
from fsq.incidents import recall_incidents
from fsq.incidents.ledger import Recalled
from fsq.profile.rows import Mask
from fsq.training.source import Source
from fsq.utils.dates import move_date

ExcludeMode: TypeAlias = Literal["findings", "red", "nothing"]
MODES: tuple[ExcludeMode, ...] = get_args(ExcludeMode)
_FEW_NAMED = 100_000


@dataclass(frozen=True)
class Exclusion:
    """Records to leave out, whatever their own values say.

    Attributes:
        mode: what was asked for; ``"dates"`` for dates that were given.
        dates: whole dates; None if none were asked for.
        records: keys and date of single records; None if none were asked for.
        findings: how many findings name these records.
    """

    mode: ExcludeMode | Literal["dates"]
    dates: tuple[date, ...] | None = None
    records: pl.DataFrame | None = None
    findings: int = 0

    @property
    def date_gate(self) -> str:
        """What the gate of whole dates requires, in words."""
        if self.mode == "dates":
            return "date not excluded"
        return f"date not red ({len(self.dates or ())} are)"

    @property
    def record_gate(self) -> str:
        """What the gate of single records requires, in words."""
        noun = "finding" if self.findings == 1 else "findings"
        return f"record not named by {self.findings} {noun}"

    def as_filter(self) -> dict[str, Any]:
        """The same as JSON types, for the filter of the provenance."""
        dates = None if self.dates is None else [d.isoformat() for d in self.dates]
        records = None
        if self.records is not None:
            # A season may name thousands; their digest tells two filters apart.
            text = self.records.sort(self.records.columns).write_ndjson()
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            records = {"records": self.records.height, "digest": digest}
        return {"exclude": self.mode, "excluded_dates": dates, "excluded_records": records}


def make_exclusion(
    asked: ExcludeMode | tuple[date, ...] | Diagnosis,
    source: Source,
    contract: Contract,
    features: tuple[str, ...],
) -> Exclusion:
    """Find out what to leave out; the rows are diagnosed if that takes it.

    Raises:
        InputError: the rows cannot be diagnosed.
        StoreError: the store cannot be read.
    """
    if isinstance(asked, Diagnosis):
        return Exclusion("red", _list_red(asked))
    if isinstance(asked, tuple):
        return Exclusion("dates", asked)
    if asked == "nothing":
        return Exclusion("nothing")
    found = diagnose_source(source, contract)
    if asked == "findings":
        return exclude_named(found, features)
    return Exclusion("red", _list_red(found))


def diagnose_source(source: Source, contract: Contract) -> Diagnosis:
    """Diagnose the rows, compared with those of earlier dates.

    Raises:
        InputError: the rows cannot be diagnosed.
        StoreError: the store cannot be read.
    """
    history, fields = None, list_detail_fields()
    recalled = Recalled(not_history=[], accepted=[])
    if source.start is not None:
        since = move_date(source.start, -contract.diagnosis.history_max_age_days)
        history = source.read_before(since, contract.table.date, fields)
    profile = None
    if source.store is not None:  # what was accepted is normal here, too
        recalled, profile = recall_incidents(source.store), load_usable_profile(source.store)
    try:
        rows = source.read_parts(fields)
        return diagnose(rows, contract, history=history, profile=profile, **recalled)
    except InputError as error:
        cure = "exclude=None, or --exclude nothing, goes on without a diagnosis"
        raise InputError([*error.problems, cure], "the rows cannot be diagnosed") from error


def _list_red(found: Diagnosis) -> tuple[date, ...]:
    return tuple(sorted(d for d, verdict in found.dates.items() if verdict == "red"))


def list_named_records(found: Diagnosis, features: Iterable[str]) -> pl.DataFrame:
    """The keys of the records that findings about any of these features name."""
    return found.named.take(_join(found, _find_named(found, features).values()))


def _find_named(found: Diagnosis, features: Iterable[str]) -> dict[int, Mask]:
    """The records that findings name, by the position of the finding.

    A finding about other features than these says nothing against a record.
    """
    used = set(features)
    matters = [not f.features or not used.isdisjoint(f.features) for f in found.findings]
    return found.named.find([position for position, does in enumerate(matters) if does])


def _join(found: Diagnosis, masks: Iterable[Mask]) -> Mask:
    out: Mask = np.zeros(found.named.records.height, dtype=np.bool_)
    for mask in masks:
        out |= mask
    return out


def mark_records(frame: pl.DataFrame, records: pl.DataFrame) -> Mask:
    """Which rows of a frame are these records, by all columns of ``records``.

    >>> day = pl.DataFrame({"player": ["a", "b"], "points": [1, 2]})
    >>> mark_records(day, pl.DataFrame({"player": ["b"]})).tolist()
    [False, True]
    """
    keys = records.columns
    named = records.unique().with_columns(named=pl.lit(True))
    found = frame.select(keys).join(
        named, on=keys, how="left", nulls_equal=True, maintain_order="left"
    )
    return np.asarray(found["named"].fill_null(False).to_numpy())


def mark_named(records: Records, named: pl.DataFrame) -> Mask:
    """The same of records: piece by piece, if few are named, since each piece looks for all.

    >>> day = Records.of(pl.DataFrame({"player": ["a", "b"], "points": [1, 2]}))
    >>> mark_named(day, pl.DataFrame({"player": ["b"]})).tolist()
    [False, True]
    """
    few = named.height <= _FEW_NAMED
    pieces = records.iterate(named.columns) if few else [records.select(named.columns)]
    return np.concatenate([mark_records(piece, named) for piece in pieces])


def exclude_named(found: Diagnosis, features: tuple[str, ...]) -> Exclusion:
    """Leave out red dates of which every record is named, and of the others the named records."""
    named = _find_named(found, features)
    every, days = _join(found, named.values()), found.named.records[found.contract.table.date]
    counts = days.filter(every).value_counts(name="named")
    counts = counts.join(found.days.select(days.name, "rows"), on=days.name)
    whole = set(counts.filter(pl.col("named") >= pl.col("rows"))[days.name])
    dates = tuple(d for d in _list_red(found) if d in whole)
    single = ~days.is_in(list(dates)).fill_null(True).to_numpy()
    return Exclusion(
        "findings",
        dates,
        found.named.take(every & single).unique(),
        sum(bool((mask & single).any()) for mask in named.values()),
    )
