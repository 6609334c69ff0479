"""``fsq model check``: can these data feed this model?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fsq.cli import _options as o
from fsq.cli._errors import FAILED_CHECK, FINE
from fsq.cli._output import Output
from fsq.models import ModelCheck, check_model
from fsq.models.rendering import render_text
from fsq.stores import open_store
from fsq.stores.read_errors import store_read_errors

app = typer.Typer(help="Models: what they need of the data.", rich_markup_mode=None)
_MOST_DATES = 14


@app.callback()
def _group() -> None:
    pass


@app.command("check")
def check(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A contract model, a model file, or feature names: a,b,c."
        ),
    ],
    store: o.StoreOpt,
    day: o.DateOpt = None,
    start: o.StartOpt = None,
    end: o.EndOpt = None,
    ordered: Annotated[
        bool, typer.Option("--ordered", help="The model is fed by position: order counts.")
    ] = False,
    min_quality: Annotated[
        float | None, typer.Option(metavar="POINTS", help="Least points of its required features.")
    ] = None,
    trust_pickle: Annotated[
        bool, typer.Option("--trust-pickle", help="Load a .joblib or .pkl; it can run anything.")
    ] = False,
    contract: o.ContractOpt = "v2_33features",
    as_json: o.JsonOpt = False,
) -> int:
    """Say whether the data of a date support a model; exit status 1 if not."""
    if day and (start or end):
        raise typer.BadParameter("--date excludes --start and --end; use one of them")
    out = Output(as_json)
    asked: Any = model
    if "," in model and not Path(model).exists():
        asked = [n.strip() for n in model.split(",") if n.strip()]
    with store_read_errors(store):
        found = check_model(
            asked,
            open_store(store),
            contract=contract,
            start=day or start,
            end=day or end,
            ordered=ordered,
            min_quality=min_quality,
            trust_pickle=trust_pickle,
            on_incompatible="report",
        )
    _print(found, out)
    status = FINE if found.supported else FAILED_CHECK
    out.document({"store": store, "exit_status": status} | found.to_dict())
    return status


def _print(found: ModelCheck, out: Output) -> None:
    for line in render_text(found).splitlines():
        out.line(line)
    if found.dates.height < 2:
        return
    # Dates that are refused come first: they are what somebody has to look at.
    shown = found.dates.sort("supported", "game_date").head(_MOST_DATES)
    rows = [
        (
            d["game_date"],
            d["records"],
            d["may_predict"],
            d["supported"],
            ", ".join([*d["missing"], *d["default"]]) or "-",
        )
        for d in shown.iter_rows(named=True)
    ]
    out.line("")
    out.table(("date", "records", "may", "supported", "lacks"), rows, numbers="records may")
    if found.dates.height > shown.height:
        out.line(f"and {found.dates.height - shown.height} more dates; --json lists all of them")
