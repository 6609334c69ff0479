"""``fsq model check``: may this model predict on this data?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fsq.cli import _options as o
from fsq.cli._dates import choose_dates
from fsq.cli._errors import FAILED_CHECK, FINE
from fsq.cli._output import Output
from fsq.cli._store import open_for_reading, read_calendar

if TYPE_CHECKING:
    from fsq.models import ModelCheck

app = typer.Typer(help="Check whether data supports a model.", rich_markup_mode=None)
_MOST_DATES = 14


@app.callback()
def _group() -> None:
    pass


@app.command("check")
def check(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A model of the contract, a model file, or feature names: a,b,c."
        ),
    ],
    store: o.StoreOpt,
    day: o.DateOpt = None,
    start: o.StartOpt = None,
    end: o.EndOpt = None,
    ordered: Annotated[
        bool,
        typer.Option("--ordered", help="Features are passed by position, so their order counts."),
    ] = False,
    min_quality: Annotated[
        float | None,
        typer.Option(metavar="POINTS", help="Minimum quality of required features, 0 to 100."),
    ] = None,
    trust_pickle: Annotated[
        bool,
        typer.Option("--trust-pickle", help="Load a .joblib or .pkl file; it can run any code."),
    ] = False,
    exclude_findings: Annotated[
        bool,
        typer.Option("--exclude-findings", help="Do not predict on records that findings name."),
    ] = False,
    contract: o.StoreContractOpt = None,
    as_json: o.JsonOpt = False,
) -> int:
    """Check whether data supports a model.

    If it does not, the exit status is 1.
    """
    from fsq.models import check_model
    from fsq.models.fitted import HEADLINE

    out = Output(as_json)
    start, end = choose_dates(day, start, end, HEADLINE, read_calendar(store, contract))
    names = "," in model and not Path(model).exists()
    with open_for_reading(store, contract) as opened:
        date_column = opened.contract.table.date
        result = check_model(
            o.split_names(model) if names else model,
            opened,
            contract=opened.contract,
            start=start,
            end=end,
            ordered=ordered,
            min_quality=min_quality,
            trust_pickle=trust_pickle,
            exclude="findings" if exclude_findings else None,
            on_incompatible="report",
        )
    _print_result(result, date_column, out)
    status = FINE if result.supported else FAILED_CHECK
    out.document({"store": store, "exit_status": status} | result.to_dict())
    return status


def _print_result(result: ModelCheck, date_column: str, out: Output) -> None:
    from fsq.models.rendering import render_text

    for line in render_text(result).splitlines():
        out.line(line)
    if result.dates.height < 2:
        return
    # Dates that are refused come first: they need attention.
    shown = result.dates.sort("supported", date_column).head(_MOST_DATES)
    rows = [
        (
            d[date_column],
            d["records"],
            d["may_predict"],
            d["supported"],
            ", ".join([*d["missing"], *d["default"]]) or "-",
        )
        for d in shown.iter_rows(named=True)
    ]
    out.line("")
    out.table(("date", "records", "may", "supported", "missing"), rows, numbers="records may")
    if result.dates.height > shown.height:
        out.line(f"and {result.dates.height - shown.height} more dates; --json lists all of them")
