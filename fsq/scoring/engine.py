"""``score``: the only place that knows the order of intake, rules and output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar, overload

import polars as pl
import pyarrow as pa

from fsq.contract import Contract, choose_contract
from fsq.errors import InputError
from fsq.intake.columnar import read_columnar_batch
from fsq.intake.expected_types import list_number_columns
from fsq.intake.layout import Layout
from fsq.intake.preparation import prepare_rows
from fsq.intake.run_context import RunLike
from fsq.intake.validation import OnUnknown, validate_columns, validate_rows
from fsq.schema.arrow import find_inexact, to_arrow
from fsq.schema.columns import DETAIL
from fsq.schema.tables import OtherRows, StoredRows, read_rows
from fsq.scoring import lineage
from fsq.scoring.detail_column import build_detail_column
from fsq.scoring.indicators import compute_rule_inputs
from fsq.scoring.options import HEADLINE, ScoringOptions, make_scoring_options
from fsq.scoring.signature_cache import ScoredSignatures, score_signatures
from fsq.utils.arguments import MomentLike
from fsq.utils.forks import require_whole_process
from fsq.utils.frames import read_batches, scan_batches
from fsq.utils.threads import map_in_order
from fsq.utils.timing import stage

Rows = TypeVar("Rows", pl.DataFrame, pl.LazyFrame, pa.Table)

# Records per chunk: enough that a chunk's fixed cost vanishes, few enough to stay in cache.
CHUNK_ROWS = 8_000
# The same without the detail, which is most of what a chunk keeps in cache.
FLAT_CHUNK_ROWS = 16_000
# Records per piece of a file: a writer holds a few pieces, so that small ones save memory.
PIECE_ROWS = 3_000
# Flat records that a lazy score holds back until it knows that all source labels are sound.
HELD_ROWS = 100_000


@overload
def score(
    rows: Rows,
    contract: str | Path | Contract | None = ...,
    as_of: MomentLike | None = ...,
    run: RunLike | None = ...,
    now: MomentLike | None = ...,
    on_unknown_source: OnUnknown = ...,
) -> Rows: ...


@overload
def score(
    rows: StoredRows,
    contract: str | Path | Contract | None = ...,
    as_of: MomentLike | None = ...,
    run: RunLike | None = ...,
    now: MomentLike | None = ...,
    on_unknown_source: OnUnknown = ...,
) -> pl.LazyFrame: ...


@overload
def score(
    rows: OtherRows,
    contract: str | Path | Contract | None = ...,
    as_of: MomentLike | None = ...,
    run: RunLike | None = ...,
    now: MomentLike | None = ...,
    on_unknown_source: OnUnknown = ...,
) -> pl.DataFrame: ...


def score(
    rows: Any,
    contract: str | Path | Contract | None = None,
    as_of: MomentLike | None = None,
    run: RunLike | None = None,
    now: MomentLike | None = None,
    on_unknown_source: OnUnknown = "error",
) -> Any:
    """Score records: one row out per row in, in the same order.

    Args:
        rows: one row per entity and date, in the wide, legacy, hybrid or scored form; a Polars
            frame, an Arrow table, whatever exports Arrow (pandas, a DuckDB relation, Ibis), a
            store, a mapping of columns, or a list of mappings.
        contract: name of a shipped contract, a path ending in ``.toml``, or a contract; None for
            the store's, and for ``v2_33features`` where there is no store.
        as_of: the moment at which to measure freshness, where a row has none of its own; by
            default the row's own time or the end of its date, or ``now`` if that is earlier.
            A moment without a zone is UTC, and may be an ISO text.
        run: what upstream says of its run, as a context or a mapping with its keys; a row's own
            columns win over it.
        now: the current time, UTC; it becomes ``quality_computed_at``.
        on_unknown_source: ``"error"``, or ``"default"`` to count features with a source label
            that the contract does not know as defaults.

    Returns:
        A table of the type that came in, a Polars frame for other libraries' tables: carried
        columns, then the contract's quality columns. A LazyFrame stays lazy, and a store gives
        one: columns and predicates are pushed down, chunks bound the memory.

    Raises:
        InputError: columns, types, source labels or keys are wrong; all problems are in
            ``.problems``.
        ContractError: the contract cannot be used.

    >>> import polars as pl
    >>> from datetime import date, datetime
    >>> from fsq.contract import load_contract
    >>> contract = load_contract("flights_2013")
    >>> row = {"carrier": "UA", "flight": 1545, "origin": "EWR"}
    >>> row |= {"flight_date": date(2013, 2, 9), "scheduled_at": datetime(2013, 2, 9, 10, 15)}
    >>> row |= {f.name: f.min for f in contract.features}
    >>> score(pl.DataFrame(row), contract).select("quality_tier", "default_feature_count")
    shape: (1, 2)
    ┌──────────────┬───────────────────────┐
    │ quality_tier ┆ default_feature_count │
    │ ---          ┆ ---                   │
    │ str          ┆ i64                   │
    ╞══════════════╪═══════════════════════╡
    │ gold         ┆ 0                     │
    └──────────────┴───────────────────────┘
    """
    chosen = choose_contract(rows, contract)
    options = make_scoring_options(chosen, as_of, run, now, on_unknown_source)
    frame = read_rows(rows, "rows", HEADLINE, list_number_columns(options.contract))
    if isinstance(frame, pl.LazyFrame):
        return _score_lazy(frame, options)
    scored = _score_frame(frame, options)
    if not isinstance(rows, pa.Table):
        return scored
    return to_arrow(scored, find_inexact(scored.lazy(), scored.columns))


def score_validated(rows: pl.DataFrame, layout: Layout, options: ScoringOptions) -> pl.DataFrame:
    """Score rows that were validated before, without validating them again.

    Args:
        rows: the rows, with the columns of ``layout``.
        layout: what validating the input returned.
        options: how to score.
    """
    wanted = list(layout.contract.output.names)
    if rows.height <= CHUNK_ROWS:
        return _score_chunk(rows, layout, options, wanted)
    chunks = _score_concurrently(rows.iter_slices(CHUNK_ROWS), layout, options, wanted)
    return pl.concat(chunks, rechunk=False)


def score_pieces(
    rows: pl.DataFrame, layout: Layout, options: ScoringOptions
) -> Iterator[pl.DataFrame]:
    """Score validated rows in this thread, piece by piece; only one piece is in memory.

    Texts of the detail are codes of an Enum, where they have few different values.
    """
    wanted = list(layout.contract.output.names)
    for piece in rows.iter_slices(PIECE_ROWS):
        yield _score_chunk(piece, layout, options, wanted, encoded=True)


def _score_frame(frame: pl.DataFrame, options: ScoringOptions) -> pl.DataFrame:
    frame = prepare_rows(frame, options.contract)
    rows, on_unknown = frame.lazy(), options.on_unknown
    layout = validate_columns(rows, options.contract, on_unknown)
    validate_rows(rows, layout, on_unknown, with_labels=on_unknown == "default")
    try:
        return score_validated(frame, layout, options)
    except InputError:
        validate_rows(rows, layout, on_unknown)  # names what is wrong in all chunks
        raise


def _score_concurrently(
    chunks: Iterable[pl.DataFrame], layout: Layout, options: ScoringOptions, wanted: list[str]
) -> Iterator[pl.DataFrame]:
    """Score chunks on several threads, in order; at most one more chunk is read ahead."""
    return map_in_order(
        lambda chunk: _score_chunk(chunk, layout, options, wanted), chunks, options.workers
    )


def _score_lazy(rows: pl.LazyFrame, options: ScoringOptions) -> pl.LazyFrame:
    rows = prepare_rows(rows, options.contract)
    schema = rows.collect_schema()
    layout = validate_columns(rows, options.contract, options.on_unknown)
    out_schema = pl.Schema(
        {c: schema[c] for c in layout.carried} | dict(options.contract.output.polars)
    )

    def read(needed: set[str], predicate: pl.Expr | None) -> Iterator[pl.DataFrame]:
        require_whole_process()
        selected = rows
        if predicate is not None and set(predicate.meta.root_names()) <= {*layout.carried}:
            selected = rows.filter(predicate)  # rows that it rejects need no score
        with_detail = DETAIL in needed
        hold = not with_detail and options.on_unknown == "error"
        validate_rows(selected, layout, options.on_unknown, with_labels=not hold)
        narrow = layout.narrow(needed, with_detail=with_detail)
        size = CHUNK_ROWS if with_detail else FLAT_CHUNK_ROWS
        batches = read_batches(selected.select(narrow.columns), size)
        quality = [c for c in options.contract.output.names if c in needed]
        chunks = _score_concurrently(batches, narrow, options, quality)
        yield from _hold_back(chunks, selected, layout) if hold else chunks

    return scan_batches(read, out_schema)


def _hold_back(
    chunks: Iterator[pl.DataFrame], rows: pl.LazyFrame, layout: Layout
) -> Iterator[pl.DataFrame]:
    """Yield nothing before all source labels are known to be sound.

    Scoring looks them up anyway. Only rows that are too many to hold are read for them first.
    """
    held: list[pl.DataFrame] = []
    try:
        for chunk in chunks:
            held.append(chunk)
            if sum(c.height for c in held) >= HELD_ROWS:
                validate_rows(rows, layout, "error")
                break
    except InputError:
        validate_rows(rows, layout, "error")  # names what is wrong in all chunks
        raise
    yield from held
    yield from chunks


def _score_chunk(
    frame: pl.DataFrame,
    layout: Layout,
    options: ScoringOptions,
    wanted: list[str],
    *,
    encoded: bool = False,
) -> pl.DataFrame:
    """Score one chunk; only the wanted quality columns are computed."""
    if frame.is_empty():
        types = {n: options.contract.output.polars[n] for n in wanted}
        return pl.DataFrame(schema={c: frame.schema[c] for c in layout.carried} | types)
    contract, carried = options.contract, _select(frame, layout.carried)
    with_detail = DETAIL in wanted
    batch = read_columnar_batch(
        frame[layout.needed],
        layout,
        options.on_unknown,
        options.as_of,
        options.now,
        with_detail=with_detail,
    )
    records = lineage.fill_run(batch.records, options.run)
    inputs = compute_rule_inputs(batch, contract)
    scored = score_signatures(inputs, contract)
    out = _expand_records(records, scored, options, wanted)
    out["upstream_data_freshness_hours"] = pl.Series(inputs.freshness, nan_to_null=True)
    if with_detail:
        detail = build_detail_column(batch.fields, inputs, scored, contract, encoded=encoded)
        out[DETAIL] = detail
    types = contract.output.polars
    typed = [
        out[n].alias(n) if encoded and n == DETAIL else out[n].alias(n).cast(types[n])
        for n in wanted
    ]
    return carried.hstack(typed) if carried.width else pl.DataFrame(typed)


@stage("level 3")
def _expand_records(
    records: pl.DataFrame, scored: ScoredSignatures, options: ScoringOptions, wanted: list[str]
) -> dict[str, pl.Series]:
    """What each record gets from its signature, and from its own lineage."""
    decided = [n for n in wanted if n in scored.records.columns]
    rows = pl.Series(scored.signature_of_record)
    out = {n: scored.records[n][rows] for n in decided}  # a frame's rows would wait for threads
    out |= lineage.compute_lineage(records, options.contract, options.now, wanted)
    for name in options.contract.output.legacy:
        stated = records[name]
        if name in out and stated.null_count() < len(stated):
            out[name] = stated.zip_with(stated.is_not_null(), out[name])
    return out


def _select(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Some columns, without the cost of planning a query."""
    return frame[names] if names else pl.DataFrame()  # frame[[]] selects rows
