"""``fsq explain``: one record, every feature."""

from __future__ import annotations

from datetime import date
from textwrap import wrap
from typing import Annotated, Any

import typer

from fsq.cli import _options as o
from fsq.cli._output import Output, one_line
from fsq.diagnosis.explain import Explanation, explain
from fsq.stores import open_store
from fsq.stores.read_errors import store_read_errors


def command(
    player: Annotated[str, typer.Argument(metavar="PLAYER", help="Such as lebronjames.")],
    day: Annotated[date, typer.Argument(metavar="DATE", parser=o.day, help="Such as 2026-02-06.")],
    store: o.StoreOpt,
    contract: o.ContractOpt = "v2_33features",
    as_json: o.JsonOpt = False,
) -> None:
    """Explain one record: every feature with its source, its age, and why it scored so."""
    out = Output(as_json)
    with store_read_errors(store):
        told = explain(open_store(store).read(day, day), player, day, contract)
    _print(told, out)
    out.document({"store": store} | told.to_dict())


def _print(told: Explanation, out: Output) -> None:
    r = told.record
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
        _folded("  did not run: ", r["missing_processors"].replace(",", ", "), out)
    category = None
    for f in sorted(told.features, key=lambda f: (_place(told, f), f["feature_index"])):
        if f["feature_category"] != category:
            category = f["feature_category"]
            out.line(f"\n{category}  {r[f'{category}_quality_pct']:.1f}")
        _feature(f, out)


def _place(told: Explanation, feature: dict[str, Any]) -> int:
    """Categories in the order in which they first appear."""
    order = list(dict.fromkeys(f["feature_category"] for f in told.features))
    return order.index(feature["feature_category"])


def _feature(f: dict[str, Any], out: Output) -> None:
    value = "-" if f["feature_value"] is None else f"{f['feature_value']:.4g}"
    expected = "-" if f["expected_value"] is None else f"{f['expected_value']:g}"
    original = "" if f["original_value"] is None else f", was {f['original_value']:.4g}"
    alert = f"  ! {f['triggered_alert']}" if f["triggered_alert"] else ""
    head = f"{f['feature_index']:>3} {f['feature_name']:<24} {value:>8}"
    out.line(f"{head}  {f['feature_quality_tier']:<6}{alert}".rstrip())
    inside = {True: "in", False: "OUTSIDE", None: "no value for"}[f["value_range_valid"]]
    indent = " " * 6
    _folded(
        indent,
        f"{inside} {f['min']:g} to {f['max']:g}{original}; default is {expected}; "
        f"{f['validation_status']}",
        out,
    )
    _folded(indent, f"score {f['arithmetic']}; confidence {f['confidence_pct']:.0f} %", out)
    facts = [f"from {f['upstream_table']}"]
    if f["upstream_data_hash"]:
        facts.append(f"hash {f['upstream_data_hash']}")
    if f["age_hours"] is not None:
        facts.append(f"{f['age_hours']:.1f} h old")
    if f["sample_size"] is not None:
        size = "" if f["window_size"] is None else f" of {f['window_size']}"
        facts.append(f"{f['sample_size']}{size} game{'' if f['sample_size'] == 1 else 's'}")
    if f["contributing_game_ids"]:
        facts.append("games " + " ".join(f["contributing_game_ids"]))
    _folded(indent, "; ".join(facts), out)
    if f["is_default"]:
        _folded(indent, f"fell back: {f['fallback_reason']}", out)


def _folded(indent: str, text: str, out: Output) -> None:
    for line in wrap(
        text, 80, initial_indent=indent, subsequent_indent=" " * len(indent), break_on_hyphens=False
    ):
        out.line(line)
