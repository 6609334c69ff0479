"""``fsq explain``: one record, feature by feature."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fsq.cli import _options as o
from fsq.cli._completion import complete_date, complete_key
from fsq.cli._output import Output, one_line
from fsq.cli._store import open_for_reading, read_calendar

if TYPE_CHECKING:
    from fsq.contract.table import Table
    from fsq.diagnosis.explain import Explanation

_INDENT = " " * 6


def command(
    keys: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY",
            autocompletion=complete_key,
            help="Key of the record, such as andremercer; several in the contract's order.",
            default_factory=list,
            show_default=False,
        ),
    ],
    day: Annotated[
        date,
        typer.Argument(
            metavar="DATE",
            parser=o.parse_date,
            autocompletion=complete_date,
            help="Date of the record, or latest; such as 2026-02-06.",
        ),
    ],
    store: o.StoreOpt,
    named: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="NAME=VALUE", help="A key by its name, such as flight=1545."),
    ] = None,
    contract: o.StoreContractOpt = None,
    as_json: o.JsonOpt = False,
) -> None:
    """Explain one record: its features, and its findings.

    Each feature is shown with its source, its age and how its score is computed. Where a finding
    names it, the value it should have had follows, if its group, its past or other features tell.
    """
    from fsq.checking import CheckOptions
    from fsq.checking.dates import diagnose_dates
    from fsq.diagnosis.explain import add_findings, explain
    from fsq.diagnosis.lookup import name_keys
    from fsq.incidents import read_incidents

    out, by_name = Output(as_json), dict(map(_split_key, named or []))
    with open_for_reading(store, contract) as opened:
        table = opened.contract.table
        day = read_calendar(store, contract).find(day)
        key = (name_keys(keys, table) if keys else {}) | by_name
        rows = opened.read(day, day)
        # A wrong key fails before anything is diagnosed.
        explanation = explain(rows, key, day, opened.contract)
        dx = diagnose_dates(opened, CheckOptions(start=day, end=day), None, read_incidents(opened))
        explanation = add_findings(explanation, dx)
    _print_explanation(explanation, table, out)
    out.document({"store": store} | explanation.to_dict())


def _split_key(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise typer.BadParameter(f"{text!r} names no value; write it as NAME=VALUE")
    return name, value


def _print_explanation(explanation: Explanation, table: Table, out: Output) -> None:
    from fsq.diagnosis.lookup import format_key

    r = explanation.record
    key = one_line(" ".join(str(r[k]) for k in table.keys))
    when = format_key(r[table.time or table.date], table)
    ready = "production" if r["is_production_ready"] else "NOT production"
    trains = "training" if r["is_training_ready"] else "NOT training"
    out.wrapped(
        f"{key}  {when}  {r['feature_quality_score']:.1f} "
        f"{r['quality_tier']}, {r['quality_alert_level']}; {ready} ready, {trains} ready"
    )
    for alert in r["quality_alerts"]:
        out.line(f"  ! {one_line(alert)}")
    if r["upstream_pipeline_run_id"] is not None:
        out.line(f"  run {one_line(r['upstream_pipeline_run_id'])}")
    if r["missing_processors"] is not None:
        out.wrapped(r["missing_processors"].replace(",", ", "), "  did not run: ")
    should_be: dict[str, dict[str, Any]] = {}
    for finding in explanation.findings or []:
        out.wrapped(f"{finding['severity'].upper()}  {one_line(finding['title'])}", "  ")
        should_be |= {told["feature"]: told for told in finding["should_be"]}
    order = list(dict.fromkeys(f["feature_category"] for f in explanation.features))
    category = None
    for f in sorted(
        explanation.features,
        key=lambda f: (order.index(f["feature_category"]), f["feature_index"]),
    ):
        if f["feature_category"] != category:
            category = f["feature_category"]
            out.line(f"\n{category}  {r[f'{category}_quality_pct']:.1f}")
        _print_feature(f, table, out)
        if told := should_be.get(f["feature_name"]):
            out.wrapped(f"should be near {told['expected']:.4g}, by {told['told_by']}", _INDENT)


def _print_feature(f: dict[str, Any], table: Table, out: Output) -> None:
    from fsq.diagnosis.nouns import name_events

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
        facts.append(f"{f['sample_size']}{window} {name_events(table, f['sample_size'])}")
    if f["contributing_game_ids"]:
        facts.append(f"{name_events(table)} " + " ".join(f["contributing_game_ids"]))
    out.wrapped("; ".join(facts), _INDENT)
    if f["is_default"]:
        out.wrapped(f"fell back: {f['fallback_reason']}", _INDENT)
