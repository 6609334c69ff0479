"""``fsq explain``: one record, feature by feature."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import typer

from fsq.cli import _options as o
from fsq.cli._output import Output, one_line
from fsq.cli._store import open_for_reading
from fsq.diagnosis.explain import Explanation, explain

_INDENT = " " * 6


def command(
    player: Annotated[
        str,
        typer.Argument(metavar="PLAYER", help="player_lookup of the record, such as lebronjames."),
    ],
    day: Annotated[
        date,
        typer.Argument(
            metavar="DATE", parser=o.parse_date, help="game_date of the record, such as 2026-02-06."
        ),
    ],
    store: o.StoreOpt,
    contract: o.ContractOpt = o.CONTRACT,
    as_json: o.JsonOpt = False,
) -> None:
    """Explain every feature of one record.

    Each feature is shown with its source, its age and how its score comes about.
    """
    out = Output(as_json)
    with open_for_reading(store) as opened:
        explanation = explain(opened.read(day, day), player, day, contract)
    _print_explanation(explanation, out)
    out.document({"store": store} | explanation.to_dict())


def _print_explanation(explanation: Explanation, out: Output) -> None:
    r = explanation.record
    ready = "production" if r["is_production_ready"] else "NOT production"
    trains = "training" if r["is_training_ready"] else "NOT training"
    out.line(
        f"{one_line(r['player_lookup'])}  {r['game_date']}  {r['feature_quality_score']:.1f} "
        f"{r['quality_tier']}, {r['quality_alert_level']}; {ready} ready, {trains} ready"
    )
    for alert in r["quality_alerts"]:
        out.line(f"  ! {one_line(alert)}")
    if r["upstream_pipeline_run_id"] is not None:
        out.line(f"  run {one_line(r['upstream_pipeline_run_id'])}")
    if r["missing_processors"] is not None:
        out.wrapped(r["missing_processors"].replace(",", ", "), "  did not run: ")
    order = list(dict.fromkeys(f["feature_category"] for f in explanation.features))
    category = None
    for f in sorted(
        explanation.features,
        key=lambda f: (order.index(f["feature_category"]), f["feature_index"]),
    ):
        if f["feature_category"] != category:
            category = f["feature_category"]
            out.line(f"\n{category}  {r[f'{category}_quality_pct']:.1f}")
        _print_feature(f, out)


def _print_feature(f: dict[str, Any], out: Output) -> None:
    value = "-" if f["feature_value"] is None else f"{f['feature_value']:.4g}"
    expected = "-" if f["expected_value"] is None else f"{f['expected_value']:g}"
    original = "" if f["original_value"] is None else f", was {f['original_value']:.4g}"
    alert = f"  ! {f['triggered_alert']}" if f["triggered_alert"] else ""
    head = f"{f['feature_index']:>3} {f['feature_name']:<24} {value:>8}"
    out.line(f"{head}  {f['feature_quality_tier']:<6}{alert}".rstrip())
    inside = {True: "in", False: "OUTSIDE", None: "no value for"}[f["value_range_valid"]]
    out.wrapped(
        f"{inside} {f['min']:g} to {f['max']:g}{original}; default is {expected}; "
        f"{f['validation_status']}",
        _INDENT,
    )
    out.wrapped(f"score {f['arithmetic']}; confidence {f['confidence_pct']:.0f} %", _INDENT)
    facts = [f"from {f['upstream_table']}"]
    if f["upstream_data_hash"]:
        facts.append(f"hash {f['upstream_data_hash']}")
    if f["age_hours"] is not None:
        facts.append(f"{f['age_hours']:.1f} h old")
    if f["sample_size"] is not None:
        window = "" if f["window_size"] is None else f" of {f['window_size']}"
        facts.append(f"{f['sample_size']}{window} game{'' if f['sample_size'] == 1 else 's'}")
    if f["contributing_game_ids"]:
        facts.append("games " + " ".join(f["contributing_game_ids"]))
    out.wrapped("; ".join(facts), _INDENT)
    if f["is_default"]:
        out.wrapped(f"fell back: {f['fallback_reason']}", _INDENT)
