"""``fsq training-set``: the records that may be trained on, as a file that says how it was made."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fsq.cli import _options as o
from fsq.cli._errors import FAILED_CHECK, FINE
from fsq.cli._output import Output, clean
from fsq.diagnosis.rendering import wrap_finding
from fsq.stores import open_store
from fsq.stores.read_errors import store_read_errors
from fsq.training import TrainingSet, rendering, training_set
from fsq.training.export import choose_writer


class OnDefault(StrEnum):
    """What happens to records with default, stale or out-of-range values."""

    drop = "drop"
    mask = "mask"
    keep = "keep"


def command(
    store: o.StoreOpt,
    target: Annotated[
        Path, typer.Option("--out", metavar="F", help="A .parquet, .arrow or .npz file.")
    ],
    start: o.StartOpt = None,
    end: o.EndOpt = None,
    label: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="What to predict; it must be there.")
    ] = None,
    on_default: Annotated[
        OnDefault,
        typer.Option(help="Drop records with untrusted values, mask the values, or keep them."),
    ] = OnDefault.drop,
    features: Annotated[
        str | None, typer.Option(metavar="A,B,…", help="Features of the matrix; else all.")
    ] = None,
    carry: Annotated[
        str | None, typer.Option(metavar="A,B,…", help="Further columns to keep.")
    ] = None,
    training_ready: Annotated[
        bool | None,
        typer.Option(
            "--training-ready/--no-training-ready",
            help="Drop what is not training ready; by default with --on-default drop.",
            show_default=False,
        ),
    ] = None,
    critical_features: Annotated[
        bool, typer.Option("--critical-features", help="Critical features must all be good.")
    ] = False,
    min_training_quality: Annotated[
        int | None, typer.Option(metavar="N", help="Least number of features that are good.")
    ] = None,
    min_quality: Annotated[
        list[str] | None,
        typer.Option(metavar="POINTS|F=POINTS", help="Least points, of all or of one feature."),
    ] = None,
    max_age: Annotated[
        list[str] | None,
        typer.Option("--max-age", metavar="HOURS|F=HOURS", help="Largest age, likewise."),
    ] = None,
    exclude_red: Annotated[
        bool, typer.Option("--exclude-red", help="Leave out dates that `fsq check` calls red.")
    ] = False,
    drop_late: Annotated[
        bool, typer.Option("--drop-late", help="Drop records that know what came after as_of.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write even if a finding forbids to train on it.")
    ] = False,
    contract: o.ContractOpt = "v2_33features",
    as_json: o.JsonOpt = False,
) -> int:
    """Write the training set of a store, and show what each gate dropped.

    A red finding, such as a feature that knows the label, is exit status 1, and nothing is written.
    """
    out = Output(as_json)
    choose_writer(target)  # refuses a wrong name before any work
    with store_read_errors(store):
        made = training_set(
            open_store(store),
            label,
            on_default.value,
            contract=contract,
            start=start,
            end=end,
            features=_names(features),
            carry=_names(carry) or (),
            training_ready=training_ready,
            critical_features=critical_features,
            min_training_quality=min_training_quality,
            min_quality=_bounds("--min-quality", min_quality),
            max_age_hours=_bounds("--max-age", max_age),
            exclude="red" if exclude_red else None,
            drop_late=drop_late,
        )
        refused = any(f.severity == "red" for f in made.findings) and not force  # reads it
        _print(made, out)
    if refused:
        out.line(f"\n{target} was not written: see the red finding; --force writes it anyway")
    else:
        made.write(target)
        out.line(f"\n{target}: {len(made):,} rows, {len(made.options.features)} features")
    groups = made.dropped_by_group.to_dicts()
    days = [d | {"game_date": str(d["game_date"])} for d in made.dropped_by_date.to_dicts()]
    status = FAILED_CHECK if refused else FINE
    out.document(
        {"output": None if refused else str(target), "exit_status": status}
        | made.provenance
        | {
            "overlaps": made.overlaps.to_dicts(),
            "dropped_by_group": groups,
            "dropped_by_date": days,
        }
    )
    return status


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [n.strip() for n in text.split(",") if n.strip()]


def _bounds(option: str, given: list[str] | None) -> float | dict[str, float] | None:
    """``85``, or any number of ``feature=85``."""
    if not given:
        return None
    try:
        if len(given) == 1 and "=" not in given[0]:
            return float(given[0])
        pairs = [text.split("=", 1) for text in given]
        return {name.strip(): float(value) for name, value in pairs}
    except ValueError:
        cure = f"write {option} 85, or {option} FEATURE=85 for each feature"
        raise typer.BadParameter(f"{option} {' '.join(given)}: {cure}") from None


def _print(made: TrainingSet, out: Output) -> None:
    summary = made.summary
    for line in [
        *rendering.render_header(summary),
        "",
        *rendering.render_waterfall(summary),
        *rendering.render_overlaps(summary),
    ]:
        out.line(line)
    groups = made.dropped_by_group
    if groups["dropped"].sum():
        out.line("")
        rows = [(g, n, d, f"{p:.1f} %") for g, n, d, p in groups.iter_rows()]
        by = made.options.label or "records"
        out.table(
            (f"players by {by}", "records", "dropped", "share"),
            rows,
            numbers="records dropped share",
        )
    for finding in made.findings:
        out.line("")
        out.line(clean("\n".join(wrap_finding(finding))))
