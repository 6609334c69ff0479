"""One entity in two spellings, or with the very values of another."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import Field

from fsq.contract import Contract
from fsq.contract.sections import Count, Share
from fsq.contract.thresholds import Thresholds
from fsq.diagnosis.checks.base import HISTORY, Check, Kind, Stage
from fsq.diagnosis.checks.event_ids import MIXED
from fsq.diagnosis.context import Context
from fsq.diagnosis.groups import DAY, ENTITY
from fsq.diagnosis.long_detail import Condense
from fsq.diagnosis.messages import Facts, Text
from fsq.profile.rows import Mask, Matrix

_NAME, _ROW, _VALUES, _TRUSTED = "#name", "#row", "#values", "#trusted"


class LikenessThresholds(Thresholds):
    """When records are too similar."""

    alike_values: Share = 0.6
    """Share of the features that must have a value for equal records to count."""
    alike_share: Share = 0.02
    """Share of rows that equal another entity's, whatever their names."""
    alike_least: Annotated[Count, Field(ge=2)] = 4
    """Fewer equal rows than this count only with similar names."""
    alike_names: Share = 0.6
    """Similarity, from 0 to 1, that two spellings of one name have at least."""
    alike_usual: Share = 0.01
    """Share of rows in two spellings up to which earlier dates have (nearly) none."""


def _describe(f: Facts) -> Text:
    e, noun = f.evidence, f.contract.table.entity
    pairs = "; ".join(f"{a} and {b}" for a, b in e["pairs"])
    if e["how"] == "renamed":
        return Text(
            f"{f.signal.rows_affected:,} {f.entities} are spelled differently than before: {pairs}",
            f"The names differ in case, accents or punctuation alone. Such a {noun} loses its "
            "history, and joins miss it.",
        )
    if e["how"] == "spelled":
        return Text(
            f"one {noun} has rows in two spellings: {pairs}",
            "The names differ in case, accents or punctuation alone. Each row may hold a part of "
            "what is known.",
        )
    return Text(
        f"{f.rows} have exactly the values of another {noun}: {pairs}",
        f"No feature differs. One {noun} is written twice under two names, or has the values of "
        "another.",
    )


ALIKE = Kind(
    "look_alikes",
    "one entity in two spellings, or entities with the very same values",
    ("yellow",),
    _describe,
    in_sql=False,
)


class LookAlikes(Check):
    """Compare names without case, accents and punctuation, and whole records."""

    stage = Stage.ROWS
    thresholds = LikenessThresholds
    kinds = (ALIKE,)

    def condense(self, rows: pl.LazyFrame, contract: Contract) -> Condense:
        """A hash of each record's values, which are many, and how many there are."""
        return lambda part: {
            _VALUES: _hash(part.values),
            _TRUSTED: (~part.is_default).sum(axis=1).astype(np.uint32),
        }

    def find(self, ctx: Context) -> None:
        """Report two spellings first, then equal records under other names."""
        if not ctx.keys:
            return
        mixed = {s.day for s in ctx.signals if s.kind == MIXED.name}
        names = ctx.remember("plain names", lambda: _normalize_names(ctx))
        if names is not None:
            _report_spellings(ctx, names, mixed)
            _report_renamed(ctx, names, mixed)
        _report_equal(ctx)


def _normalize_names(ctx: Context) -> pl.DataFrame | None:
    """The records whose plain name several entities have: position, date, entity and plain name.

    None if there are none, or no texts among the keys.
    """
    records = ctx.long.records
    texts = [k for k in ctx.keys if isinstance(records.schema[k], pl.String)]
    if not texts:
        return None
    plain = [
        pl.col(k).str.normalize("NFKD").str.replace_all(r"[^\p{L}\p{N}]", "").str.to_lowercase()
        if k in texts
        else pl.col(k).cast(pl.String)
        for k in ctx.keys
    ]
    whole = pl.concat_str(plain, separator="|")
    name = pl.when(whole.is_not_null()).then(whole.hash()).alias(_NAME)
    names = pl.concat(_convert_keys(keys, name) for keys in records.iterate(ctx.keys))
    rows = ctx.by_group.rows.select(DAY, ENTITY).with_columns(names)
    shared = _find_shared(rows.select(ENTITY, _NAME).drop_nulls())
    if shared.is_empty():
        return None
    return rows.with_row_index(_ROW).join(shared, on=_NAME, how="semi", maintain_order="left")


def _find_shared(rows: pl.DataFrame) -> pl.DataFrame:
    """The names that several entities have: sorting takes less than grouping."""
    entities, names = rows[ENTITY].to_numpy(), rows[_NAME].to_numpy()
    order = np.argsort(names).astype(np.uint32)
    entities, names = entities[order], names[order]
    shared = names[1:][(names[1:] == names[:-1]) & (entities[1:] != entities[:-1])]
    return pl.DataFrame({_NAME: np.unique(shared)})


def _convert_keys(keys: pl.DataFrame, name: pl.Expr) -> pl.Series:
    """The plain name of each record; an entity's is made once."""
    one = keys.unique()
    found = keys.join(
        one.with_columns(name), on=keys.columns, how="left", nulls_equal=True, maintain_order="left"
    )
    return found[_NAME]


def _report_spellings(ctx: Context, names: pl.DataFrame, mixed: set[Any]) -> None:
    """Report names that two entities of a date share, unless that is usual."""
    twin = names.filter(pl.col(ENTITY).n_unique().over(DAY, _NAME) > 1)
    twins = _mark(ctx, twin)
    shares = (ctx.count_per_date(twins) / ctx.rows)[:, None]
    limits = LikenessThresholds.of(ctx.contract)
    earlier = ctx.find_usual(shares)
    for at, day in ctx.iterate_dates():
        usual = earlier.get(at)
        if usual is None:
            ALIKE.note_unmet(ctx, at, HISTORY)
        elif shares[at, 0] and usual[0] <= limits.alike_usual and day not in mixed:
            pairs = _pair(ctx, twin.filter(pl.col(DAY) == at), _NAME)
            _report(ctx, at, "spelled", twins, pairs)


def _report_renamed(ctx: Context, names: pl.DataFrame, mixed: set[Any]) -> None:
    """Report entities that no earlier date knows, while it knows the same name."""
    first = names.group_by(ENTITY, _NAME).agg(pl.col(DAY).min().alias("first"))
    several = first.filter(pl.len().over(_NAME) > 1)
    for at, day in ctx.iterate_dates():
        fresh = several.filter(pl.col("first") == at)
        known = several.filter(pl.col("first") < at)
        fresh = fresh.join(known.select(_NAME), on=_NAME, how="semi")
        if ctx.find_history(at) is None or fresh.is_empty() or day in mixed:
            continue
        here = names.filter(pl.col(DAY) == at)
        # Both spellings on one date are another finding.
        alone = here.filter(pl.col(ENTITY).n_unique().over(_NAME) == 1)
        hit = alone.join(fresh.select(ENTITY), on=ENTITY, how="semi")
        if hit.is_empty():
            continue
        named = _mark(ctx, hit)
        before = names.filter(pl.col(DAY) < at).join(known, on=[ENTITY, _NAME], how="semi")
        pairs = _pair(ctx, pl.concat([before.unique(ENTITY), hit]), _NAME)
        _report(ctx, at, "renamed", named, pairs)


def _report_equal(ctx: Context) -> None:
    """Report records of a date that equal another entity's in every value."""
    limits = LikenessThresholds.of(ctx.contract)
    same = ctx.remember("equal records", lambda: _find_equal(ctx))
    told = {s.day for s in ctx.signals if s.kind == ALIKE.name}
    holding = set(same[DAY].unique().to_list())
    for at, day in ctx.iterate_dates():
        if at not in holding or day in told:
            continue
        here = same.filter(pl.col(DAY) == at)
        if here.height < max(limits.alike_least, limits.alike_share * ctx.rows[at]):
            here = _keep_similar(ctx, here, limits.alike_names)
        if here.height:
            _report(ctx, at, "equal", _mark(ctx, here), _pair(ctx, here, _VALUES))


def _find_equal(ctx: Context) -> pl.DataFrame:
    """The records with enough values that equal another entity's of their date in all of them."""
    limits, width = LikenessThresholds.of(ctx.contract), len(ctx.contract.features)
    trusted, every = (ctx.long.marks[n].to_numpy() for n in (_TRUSTED, _VALUES))
    full = np.flatnonzero(trusted >= limits.alike_values * width)
    hashes = every[full]
    ordered = np.sort(hashes)
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    full = full[np.isin(hashes, repeated)]
    rows = ctx.by_group.rows.select(DAY, ENTITY).with_row_index(_ROW)[full.astype(np.uint32)]
    rows = rows.with_columns(pl.Series(_VALUES, every[full]))
    return rows.filter(pl.col(ENTITY).n_unique().over(DAY, _VALUES) > 1)


def _hash(values: Matrix) -> npt.NDArray[np.uint64]:
    columns = pl.DataFrame(values, schema=[str(i) for i in range(values.shape[1])], orient="row")
    return columns.hash_rows().to_numpy()


def _keep_similar(ctx: Context, same: pl.DataFrame, least: float) -> pl.DataFrame:
    """Those few whose names are similar, numbers among the keys being equal."""
    kept = []
    found = ctx.long.records.take(same[_ROW].to_numpy(), ctx.keys).rows()
    rows = dict(zip(same[_ROW], found, strict=True))
    for _, group in same.group_by(_VALUES, maintain_order=True):
        keys = [rows[at] for at in group[_ROW]]
        numbers = {tuple(v for v in key if not isinstance(v, str)) for key in keys}
        first, second = (" ".join(v for v in k if isinstance(v, str)) for k in keys[:2])
        if len(numbers) == 1 and SequenceMatcher(None, first, second).ratio() >= least:
            kept.append(group)
    return pl.concat(kept) if kept else same.clear()


def _pair(ctx: Context, rows: pl.DataFrame, by: str, most: int = 3) -> list[list[str]]:
    """The keys of the first few that share a value."""
    found = (
        rows.sort(_ROW)
        .group_by(by, maintain_order=True)
        .agg(pl.col(_ROW).unique(maintain_order=True))
    )
    pairs = found.filter(pl.col(_ROW).list.len() > 1)[_ROW].head(most)
    first = [pair[:2] for pair in pairs.to_list()]
    names = ctx.long.records.take(np.array(first, dtype=np.int64).reshape(-1), ctx.keys).rows()
    texts = [" ".join(map(str, name)) for name in names]
    return [sorted(texts[at : at + 2]) for at in range(0, len(texts), 2)]


def _mark(ctx: Context, rows: pl.DataFrame) -> Mask:
    """These records among all."""
    named = np.zeros(ctx.long.records.height, dtype=np.bool_)
    named[rows[_ROW].to_numpy()] = True
    return named


def _report(ctx: Context, at: int, how: str, named: Mask, pairs: list[list[str]]) -> None:
    count = ctx.count_per_date(named)[at]
    ALIKE.report(ctx, at, "yellow", how, [], count, named=named, how=how, pairs=pairs)
