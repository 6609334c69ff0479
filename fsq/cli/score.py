"""``fsq score``: feature rows in, scored rows out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, BinaryIO

import polars as pl
import pyarrow.parquet as pq
import typer

from fsq.backfill.run import COMMIT_ROWS, backfill
from fsq.backfill.source import scan_source, source_read_errors, spilled_to_disk
from fsq.cli import _options as o
from fsq.cli._output import Output
from fsq.cli._scoring import figures, tier_table
from fsq.intake.layout import Layout
from fsq.intake.validation import count_unknown_labels, validate_input
from fsq.schema.arrow import to_arrow
from fsq.scoring.engine import CHUNK_ROWS, ScoringOptions, make_scoring_options, score_validated
from fsq.utils.files import atomic_write
from fsq.utils.frames import read_batches


def command(
    source: Annotated[str, typer.Argument(metavar="INPUT", help=f"{o.SOURCES}.")],
    target: Annotated[
        str,
        typer.Option(
            "--out", metavar="OUTPUT", help="A .parquet file, a Delta folder, or bigquery://p.d.t."
        ),
    ],
    contract: o.ContractOpt = "v2_33features",
    as_of: o.AsOfOpt = None,
    run_context: o.RunContextOpt = None,
    on_unknown_source: o.OnUnknownOpt = o.OnUnknown.error,
    commit_rows: o.CommitRowsOpt = COMMIT_ROWS,
    as_json: o.JsonOpt = False,
) -> None:
    """Score a file or store to a Parquet file or store.

    A file appears as a whole or not at all; in a store, every date of the input is replaced, some
    whole dates at a time.
    """
    out, run = Output(as_json), o.run_context(run_context)
    options = make_scoring_options(contract, as_of, run, None, on_unknown_source.value)
    began = time.perf_counter()
    if target.endswith(".parquet") and "://" not in target:
        with source_read_errors(source):
            found = scan_source(source)
            with spilled_to_disk(found, source, found.collect_schema().names()) as rows:
                layout = validate_input(rows, options.contract, options.on_unknown)
                unknown = (
                    count_unknown_labels(rows, layout) if options.on_unknown == "default" else {}
                )
                dates, tiers = _to_file(rows, layout, Path(target), options)
    else:
        done = backfill(
            source,
            target,
            contract=options.contract,
            run=run,
            as_of=as_of,
            on_unknown_source=on_unknown_source.value,
            force=True,
            chunk_rows=commit_rows,
        )
        dates, unknown, tiers = done.dates, done.unknown_sources, Counter(done.tiers)
    seconds, count = time.perf_counter() - began, sum(tiers.values())
    out.line(f"{target}: {figures(count, dates, seconds)}")
    tier_table(tiers, out)
    out.document(
        {
            "output": target,
            "contract": options.contract.name,
            "rows": count,
            "dates": dates,
            "seconds": seconds,
            "tiers": dict(tiers),
            "unknown_sources": unknown,
        }
    )


def _to_file(
    rows: pl.LazyFrame, layout: Layout, path: Path, options: ScoringOptions
) -> tuple[int, Counter[str]]:
    """Write to a file beside the target, and rename it once it is whole."""
    tiers: Counter[str] = Counter()
    days: set[date] = set()
    with atomic_write(path) as file:
        _write(file, _counted(_chunks(rows, layout, options), tiers, days))
    return len(days), tiers


def _write(file: BinaryIO, chunks: Iterator[pl.DataFrame]) -> None:
    """Write the chunks, of which there is at least one, with plain Arrow types."""
    first = to_arrow(next(chunks))
    with pq.ParquetWriter(file, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for chunk in chunks:
            writer.write_table(to_arrow(chunk))


def _counted(
    chunks: Iterator[pl.DataFrame], tiers: Counter[str], days: set[date]
) -> Iterator[pl.DataFrame]:
    """Pass the chunks on, and count what they hold."""
    for chunk in chunks:
        tiers.update(dict(chunk["quality_tier"].value_counts().iter_rows()))
        days.update(chunk["game_date"].unique())
        yield chunk


def _chunks(rows: pl.LazyFrame, layout: Layout, options: ScoringOptions) -> Iterator[pl.DataFrame]:
    """Scored chunks; at least one, so that no rows give a file with columns and no rows."""
    empty = True
    for batch in read_batches(rows, CHUNK_ROWS):
        empty = False
        yield score_validated(batch, layout, options)
    if empty:
        yield score_validated(rows.head(0).collect(), layout, options)
