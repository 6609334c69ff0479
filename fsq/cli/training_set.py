"""``fsq training-set``: write the records to train on, with how they were chosen."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fsq.cli import _options as o
from fsq.cli._dates import choose_dates
from fsq.cli._errors import FAILED_CHECK, FINE
from fsq.cli._output import Output
from fsq.cli._store import open_for_reading, read_calendar

if TYPE_CHECKING:
    from fsq.contract.table import Table
    from fsq.training import TrainingSet
    from fsq.training.options import Exclude


class OnDefault(StrEnum):
    """What to do with default, stale or out-of-range values."""

    drop = "drop"
    mask = "mask"
    keep = "keep"


def command(
    store: o.StoreOpt,
    target: Annotated[
        Path, typer.Option("--out", metavar="F", help="The .parquet, .arrow or .npz file to write.")
    ],
    start: o.StartOpt = None,
    end: o.EndOpt = None,
    last: o.LastOpt = None,
    label: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Column to predict; records without it are dropped."),
    ] = None,
    on_default: Annotated[
        OnDefault,
        typer.Option(help="Drop records with untrusted values, mask the values, or keep them."),
    ] = OnDefault.drop,
    features: Annotated[
        str | None, typer.Option(metavar="A,B,…", help="Features of the matrix; by default all.")
    ] = None,
    carry: Annotated[
        str | None, typer.Option(metavar="A,B,…", help="Other columns to keep.")
    ] = None,
    training_ready: Annotated[
        bool | None,
        typer.Option(
            "--training-ready/--no-training-ready",
            help="Drop records that are not training ready; on by default with --on-default drop.",
            show_default=False,
        ),
    ] = None,
    critical_features: Annotated[
        bool,
        typer.Option(
            "--critical-features", help="Require training quality of all critical features."
        ),
    ] = False,
    min_training_quality: Annotated[
        int | None,
        typer.Option(metavar="N", help="Minimum number of features of training quality."),
    ] = None,
    min_quality: Annotated[
        list[str] | None,
        typer.Option(metavar="POINTS|F=POINTS", help="Minimum quality of all features, or of one."),
    ] = None,
    max_age: Annotated[
        list[str] | None,
        typer.Option(
            "--max-age", metavar="HOURS|F=HOURS", help="Maximum age of all features, or of one."
        ),
    ] = None,
    exclude: Annotated[
        str | None,
        typer.Option(
            metavar="findings|red|nothing|DATE,…",
            help="Leave out the records that findings name, red dates, nothing, or these dates; by "
            "default findings with --on-default drop, else nothing.",
            show_default=False,
        ),
    ] = None,
    exclude_red: Annotated[
        bool, typer.Option("--exclude-red", help="Same as --exclude red.", hidden=True)
    ] = False,
    drop_late: Annotated[
        bool, typer.Option("--drop-late", help="Drop records with values from after their as_of.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write it despite a red finding.")] = False,
    contract: o.StoreContractOpt = None,
    as_json: o.JsonOpt = False,
) -> int:
    """Write a training set, and show what each gate dropped.

    On a red finding, such as a feature that gives away the label, nothing is written and the exit
    status is 1. What a finding blames and the set leaves out is reported, and does not stop it.
    """
    from fsq.training import training_set
    from fsq.training.export import choose_writer
    from fsq.training.options import HEADLINE

    out = Output(as_json)
    choose_writer(target)  # refuses a wrong name before the work
    start, end = choose_dates(None, start, end, HEADLINE, read_calendar(store, contract), last)
    with open_for_reading(store, contract) as opened:
        table = opened.contract.table
        chosen = training_set(
            opened,
            label,
            on_default.value,
            contract=opened.contract,
            start=start,
            end=end,
            features=o.split_names(features),
            carry=o.split_names(carry) or (),
            training_ready=training_ready,
            critical_features=critical_features,
            min_training_quality=min_training_quality,
            min_quality=_parse_bounds("--min-quality", min_quality),
            max_age_hours=_parse_bounds("--max-age", max_age),
            exclude="red" if exclude_red else _parse_exclude(exclude),
            drop_late=drop_late,
        )
        refused = any(f.severity == "red" for f in chosen.findings) and not force  # reads the rows
        _print_waterfall(chosen, table, out)
    if refused:
        out.line(f"\n{target} was not written because of a red finding; --force writes it anyway")
    else:
        chosen.write(target)
        out.line(f"\n{target}: {len(chosen):,} rows, {len(chosen.options.features)} features")
    dates = [d | {table.date: str(d[table.date])} for d in chosen.dropped_by_date.to_dicts()]
    status = FAILED_CHECK if refused else FINE
    out.document(
        {"output": None if refused else str(target), "exit_status": status}
        | chosen.provenance
        | {
            "overlaps": chosen.overlaps.to_dicts(),
            "dropped_by_group": chosen.dropped_by_group.to_dicts(),
            "dropped_by_date": dates,
        }
    )
    return status


def _parse_exclude(text: str | None) -> Exclude:
    """A mode, or dates."""
    from fsq.training.exclusion import MODES

    if text is None:
        return "default"
    for mode in MODES:
        if text == mode:
            return mode
    try:
        return [date.fromisoformat(part.strip()) for part in text.split(",")]
    except ValueError:
        cure = f"write one of {', '.join(MODES)}, or dates such as 2026-02-06"
        raise typer.BadParameter(f"--exclude {text}: {cure}") from None


def _parse_bounds(option: str, texts: list[str] | None) -> float | dict[str, float] | None:
    """``85`` for all features, or ``feature=85`` for each of some."""
    if not texts:
        return None
    try:
        if len(texts) == 1 and "=" not in texts[0]:
            return float(texts[0])
        pairs = [text.split("=", 1) for text in texts]
        return {name.strip(): float(value) for name, value in pairs}
    except ValueError:
        cure = f"write {option} 85, or {option} FEATURE=85 for each feature"
        raise typer.BadParameter(f"{option} {' '.join(texts)}: {cure}") from None


def _print_waterfall(chosen: TrainingSet, table: Table, out: Output) -> None:
    from fsq.cli._diagnosis import print_finding
    from fsq.training import rendering

    summary = chosen.summary
    for line in [
        *rendering.render_header(summary),
        "",
        *rendering.render_waterfall(summary),
        *rendering.render_overlaps(summary),
    ]:
        out.line(line)
    groups = chosen.dropped_by_group
    if groups["dropped"].sum():
        out.line("")
        rows = [(g, n, d, f"{p:.1f} %") for g, n, d, p in groups.iter_rows()]
        by = chosen.options.label or "records"
        out.table(
            (f"{table.plural or table.entity + 's'} by {by}", "records", "dropped", "share"),
            rows,
            numbers="records dropped share",
        )
    for finding in chosen.findings:
        out.line("")
        print_finding(finding, out)
