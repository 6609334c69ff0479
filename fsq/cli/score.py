"""``fsq score``: score a file or store to a Parquet file or store."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from fsq.cli import _options as o
from fsq.cli._output import Output
from fsq.utils.files import atomic_write
from fsq.utils.sizes import COMMIT_ROWS

if TYPE_CHECKING:
    import polars as pl

    from fsq.intake.layout import Layout
    from fsq.scoring.options import ScoringOptions


@dataclass
class _Scored:
    """What has been scored: records per quality tier, dates, and unknown labels."""

    tiers: Counter[str] = field(default_factory=Counter)
    dates: set[date] = field(default_factory=set)
    unknown: dict[str, int] = field(default_factory=dict)


def command(
    source: Annotated[str, typer.Argument(metavar="INPUT", help=f"{o.SOURCES}.")],
    target: Annotated[
        str,
        typer.Option("--out", metavar="OUTPUT", help=f"A .parquet file; or a {o.STORES}."),
    ],
    contract: o.StoreContractOpt = None,
    change_contract: o.ChangeContractOpt = False,
    as_of: o.AsOfOpt = None,
    run_context: o.RunContextOpt = None,
    on_unknown_source: o.OnUnknownOpt = o.OnUnknown.error,
    commit_rows: o.CommitRowsOpt = COMMIT_ROWS,
    workers: o.WorkersOpt = None,
    untrusted: o.UntrustedOpt = False,
    as_json: o.JsonOpt = False,
) -> None:
    """Score a file or store to a Parquet file or store.

    A file is written as a whole or not at all. In a store, all dates of the input are replaced,
    one group of whole dates at a time.
    """
    from fsq.backfilling import BackfillOptions, backfill
    from fsq.backfilling.untrusted import read_apart
    from fsq.cli._scoring import print_tiers, summarize
    from fsq.stores import is_store, open_store

    out = Output(as_json)
    options = BackfillOptions(
        contract=contract,
        change_contract=change_contract,
        run=o.read_run_context(run_context),
        as_of=as_of,
        on_unknown_source=on_unknown_source.value,
        force=True,
        chunk_rows=commit_rows,
        workers=workers,
    )
    to_file = target.endswith((".parquet", ".pq")) and "://" not in target
    known = source if to_file else target
    scoring = options.scoring(open_store(known).contract if is_store(known) else None)
    started = time.perf_counter()
    with read_apart(wanted=untrusted):
        if to_file:
            scored = _score_to_file(source, Path(target), scoring)
            dates, tiers, unknown = len(scored.dates), dict(scored.tiers), scored.unknown
        else:
            result = backfill(source, target, options, contract=scoring.contract)
            dates, tiers, unknown = result.dates, result.tiers, result.unknown_sources
    seconds, rows = time.perf_counter() - started, sum(tiers.values())
    out.line(f"{target}: {summarize(rows, dates, seconds)}")
    print_tiers(tiers, out)
    out.document(
        {
            "output": target,
            "contract": scoring.contract.name,
            "rows": rows,
            "dates": dates,
            "seconds": seconds,
            "tiers": tiers,
            "unknown_sources": unknown,
        }
    )


def _score_to_file(source: str, path: Path, options: ScoringOptions) -> _Scored:
    """Score to a file beside the target, and rename it once it is complete."""
    from fsq.backfilling.source import scan_source, source_read_errors, spilled_to_disk
    from fsq.intake.validation import count_unknown_labels, validate_input
    from fsq.schema.arrow import find_inexact

    scored = _Scored()
    with source_read_errors(source):
        found = scan_source(source, options.contract)
        with spilled_to_disk(found, source, found.collect_schema().names()) as rows:
            layout = validate_input(rows, options.contract, options.on_unknown)
            if options.on_unknown == "default":
                scored.unknown = count_unknown_labels(rows, layout)
            chunks, date_column = _score_chunks(rows, layout, options), options.contract.table.date
            exact = find_inexact(rows, layout.carried)
            with atomic_write(path) as file:
                _write_chunks(file, _count_chunks(chunks, scored, date_column), exact)
    return scored


def _score_chunks(
    rows: pl.LazyFrame, layout: Layout, options: ScoringOptions
) -> Iterator[pl.DataFrame]:
    """Scored chunks; at least one, so that an input without rows gives a file with columns."""
    from fsq.backfilling.windows import split_rows
    from fsq.scoring.engine import CHUNK_ROWS, score_validated
    from fsq.utils.frames import read_batches

    empty = True
    for window in split_rows(rows):  # else Polars decodes gigabytes ahead
        for batch in read_batches(window, CHUNK_ROWS):
            empty = False
            yield score_validated(batch, layout, options)
    if empty:
        yield score_validated(rows.head(0).collect(), layout, options)


def _count_chunks(
    chunks: Iterator[pl.DataFrame], scored: _Scored, date_column: str
) -> Iterator[pl.DataFrame]:
    """Pass the chunks on, and count their tiers and dates."""
    for chunk in chunks:
        scored.tiers.update(dict(chunk["quality_tier"].value_counts().iter_rows()))
        scored.dates.update(chunk[date_column].unique())
        yield chunk


def _write_chunks(file: BinaryIO, chunks: Iterator[pl.DataFrame], exact: list[str]) -> None:
    """Write the chunks, of which there is at least one, with plain Arrow types."""
    import pyarrow.parquet as pq

    from fsq.schema.arrow import to_arrow

    first = to_arrow(next(chunks), exact)
    with pq.ParquetWriter(file, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for chunk in chunks:
            writer.write_table(to_arrow(chunk, exact))
