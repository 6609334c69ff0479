"""``fsq explain``: one record, every feature."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import typer

from fsq.cli import _options as o
from fsq.cli._output import Output
from fsq.explain import Explanation, explain
from fsq.stores import open_store


def command(
    player: Annotated[str, typer.Argument(metavar="PLAYER", help="The record's player_lookup.")],
    day: Annotated[date, typer.Argument(parser=o.day, metavar="DATE", help="Its game date.")],
    store: Annotated[str, typer.Option(metavar="D", help="Store of scored rows.")],
    contract: o.ContractOpt = "v2_33features",
    as_json: o.JsonOpt = False,
) -> None:
    """Explain one record: where each feature came from, and why it scores as it does."""
    out = Output(as_json)
    found = explain(open_store(store), player, day, contract)
    _show(found, out)
    out.document(found.to_dict())


def _show(found: Explanation, out: Output) -> None:
    record = found.record
    out.line(
        f"{found.player} on {found.day}: {record['quality_tier']}, "
        f"score {record['feature_quality_score']:.1f}, alert {record['quality_alert_level']}"
    )
    gates = {"production": record["is_production_ready"], "training": record["is_training_ready"]}
    ready = ", ".join(f"{'' if passed else 'not '}ready for {g}" for g, passed in gates.items())
    out.line(f"{ready}; {record['default_feature_count']} features are default")
    if record["quality_alerts"]:
        out.paragraph(", ".join(record["quality_alerts"]))
    if record["missing_processors"]:
        out.paragraph(f"did not run: {record['missing_processors']}")
    rows = list(found.features.iter_rows(named=True))
    for part in dict.fromkeys(row["feature_category"] for row in rows):
        out.line("")
        out.line(f"{part}  {record[f'{part}_quality_pct']:.1f}", "bold")
        for row in rows:
            if row["feature_category"] == part:
                _show_feature(row, out)


def _show_feature(row: dict[str, Any], out: Output) -> None:
    value = "no value" if row["feature_value"] is None else f"{row['feature_value']:g}"
    out.line(f"  {row['feature_index']:>2} {row['feature_name']:<25}{value:>10}"
             f"   {row['points']}  {row['feature_quality_tier']}")  # fmt: skip
    facts = [row["source_type"], row["upstream_table"]]
    facts += [f"hash {row['upstream_data_hash']}"] if row["upstream_data_hash"] else []
    facts += [f"{row['age_hours']:.0f} h old"] if row["age_hours"] is not None else []
    facts += [f"{row['sample_size']} games"] if row["sample_size"] is not None else []
    games = row["contributing_game_ids"]
    facts += [f"of {games[0]} … {games[-1]}"] if games else []
    facts.append(f"range {row['range']}")
    if row["expected_value"] is not None:
        facts.append(f"expected {row['expected_value']:g}")
    out.paragraph(", ".join(str(f) for f in facts), indent=5)
    if row["why"]:
        out.line(f"     ! {row['why']}", "yellow")
