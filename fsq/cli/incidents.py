"""``fsq incidents``: what is open since when, resolved how, or accepted why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fsq.cli import _options as o
from fsq.cli._output import Output, one_line
from fsq.cli._store import open_for_reading
from fsq.utils.text import plural

if TYPE_CHECKING:
    from fsq.incidents import Incident

app = typer.Typer(
    help="List recorded incidents, or accept one as normal.",
    rich_markup_mode=None,
    invoke_without_command=True,
)
# Open ones come first; within a state, the newest.
_STATES = ("open", "accepted", "resolved")
_StoreOpt = Annotated[str | None, typer.Option("--store", metavar="D", help=f"{o.STORES}.")]


@app.callback()
def command(
    context: typer.Context,
    store: _StoreOpt = None,
    only_open: Annotated[bool, typer.Option("--open", help="List only open incidents.")] = False,
    as_json: o.JsonOpt = False,
) -> None:
    """List recorded incidents, or accept one as normal.

    `fsq check --record` records them.
    """
    from fsq.incidents import read_incidents
    from fsq.stores import store_not_found

    context.obj = store
    if context.invoked_subcommand is not None:
        return
    out, uri = Output(as_json), _require_store(store)
    with open_for_reading(uri) as opened:
        if opened.version() is None:
            raise store_not_found(uri)
        incidents = read_incidents(opened)
    shown = [i for i in incidents if not only_open or i.state == "open"]
    shown.sort(key=lambda i: (_STATES.index(i.state), -i.last_date.toordinal(), i.id))
    counts = [plural(sum(i.state == s for i in shown), f"{s} incident") for s in _STATES]
    out.line(", ".join(counts[: 1 if only_open else None]))
    for incident in shown:
        out.line("")
        _print(incident, out)
    out.document({"store": uri, "incidents": [i.to_dict() for i in shown]})


@app.command("accept")
def accept(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="ID", help="Its ID, from this list or `fsq check`.")
    ],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Why it is normal.")],
    store: _StoreOpt = None,
    as_json: o.JsonOpt = False,
) -> None:
    """Accept an incident as normal, with a reason.

    Later dates are compared with its dates again, and it fails no check while it lasts, unless it
    gets worse. Checks still list it, with your reason.
    """
    from fsq.incidents import accept_incident

    out, uri = Output(as_json), _require_store(store or context.obj)
    with open_for_reading(uri) as opened:
        accepted = accept_incident(opened, name, why)
    out.line(f"Accepted {one_line(accepted.id)}: {one_line(accepted.title)}")
    out.document({"store": uri, "incident": accepted.to_dict()})


def _require_store(store: str | None) -> str:
    if store is None:
        raise typer.BadParameter("name the store: --store D")
    return store


def _print(incident: Incident, out: Output) -> None:
    from fsq.diagnosis.rendering import format_dates

    out.line(
        f"{incident.state.upper()}  {one_line(incident.severity)}  {one_line(incident.title)}  "
        f"[{one_line(incident.kind)}]  {one_line(incident.id)}"
    )
    out.line(f"     since     {incident.first_date}, seen last on {incident.last_date}")
    if incident.dates:
        out.line(f"     shows on  {format_dates(incident.dates)}")
    if incident.state == "open":
        out.wrapped(one_line(incident.cause), "     cause     ")
    if incident.how is not None:
        out.wrapped(one_line(incident.how), "     ended     ")
    if incident.reason is not None:
        out.wrapped(one_line(incident.reason), "     accepted  ")
    for attempt in incident.repairs:
        status = f"exit status {attempt['exit_status']}"
        ran = one_line(f"{attempt['at'][:16]} {attempt['command']}: {status}")
        out.line(f"     ran       {ran}")
    if incident.state == "open":
        for command in incident.remedy:
            out.line(f"     remedy    {one_line(command)}")
