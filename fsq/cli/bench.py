"""``fsq bench``: figures of this machine, compared with others and with earlier ones."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from fsq.cli import _options as o
from fsq.cli._errors import FAILED_CHECK, FINE
from fsq.cli._output import Output
from fsq.errors import InputError

Document = dict[str, Any]
PICTURES = ("svg", "png", "html")


class Case(StrEnum):
    """How much is measured."""

    day = "day"
    season = "season"
    ten_seasons = "ten-seasons"


def command(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[INPUT]", help="Your own rows: Parquet file, folder or Delta table."
        ),
    ] = None,
    case: Annotated[
        Case, typer.Option(help="A day of 200, a season or ten; of INPUT, if there is one.")
    ] = Case.season,
    contract: o.ContractOpt = "v2_33features",
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Fresh processes per figure.")] = 5,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="oracle, pandas, duckdb, polars-naive: one or several, "
            "comma-joined; in fsq's source checkout only.",
        ),
    ] = None,
    scale: Annotated[
        bool, typer.Option("--scale", help="Backfill 1, 2, 5, 10 and 20 seasons: time, memory.")
    ] = False,
    end_to_end: Annotated[
        bool, typer.Option("--end-to-end", help="Time `fsq backfill` from process start to end.")
    ] = False,
    profile: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Only draw a flame graph of scoring: .svg, .png, .html, "
            "or .folded for other tools.",
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Draw the figures: .svg, .png or .html."),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(metavar="OLD.json", help="Compare with what --json printed earlier."),
    ] = None,
    fail_over: Annotated[
        str | None,
        typer.Option(metavar="15%", help="With --compare: exit 1 if a figure grew by more."),
    ] = None,
    as_json: o.JsonOpt = False,
) -> int:
    """Measure where the time and memory of scoring go.

    Every round is a fresh process, and its answer is checked. Times stand beside the time of
    copying as many bytes as the result has, measured in the same process.
    """
    from fsq.bench import bench
    from fsq.bench import compare as comparing

    out = Output(as_json)
    if profile is not None:
        return _profile(profile, source, case, contract, out)
    if fail_over is not None and compare is None:
        raise InputError(["--fail-over needs --compare OLD.json"], "nothing was measured")
    allowed = comparing.share(fail_over or "15%")
    kind = _kind(picture, "--out", PICTURES)
    old = None if compare is None else comparing.loaded(compare)
    if old is not None:
        comparing.comparable(old, case=case.value, source=source, contract=contract)
    with out.talk.status("") as status:
        document = bench(
            source,
            case=case.value,
            contract=contract,
            rounds=rounds,
            against=[n.strip() for n in against.split(",") if n.strip()] if against else [],
            scale=(1, 2, 5, 10, 20) if scale else (),
            end_to_end=end_to_end,
            tell=lambda words: status.update(Text(words)),
        )
    if old is not None:
        document["comparison"] = comparing.compared(old, document, allowed)
    from fsq.cli import _bench_tables as tables

    tables.printed(document, out)
    if picture is not None and kind is not None:
        from fsq.report.bench_chart import draw_bench  # altair loads for pictures only
        from fsq.utils.files import write_atomically

        write_atomically(picture, draw_bench(document, kind))
        out.line(f"{picture}: the picture")
    out.document(document)
    slower = old is not None and document["comparison"]["regressions"]
    return FAILED_CHECK if slower and fail_over is not None else FINE


def _kind(path: Path | None, option: str, kinds: tuple[str, ...]) -> str | None:
    if path is None:
        return None
    kind = path.suffix.removeprefix(".").lower()
    if kind not in kinds:
        raise InputError(
            [f"{option} {path}: end it in one of {', '.join('.' + k for k in kinds)}"],
            "the picture cannot be drawn",
        )
    return kind


def _profile(path: Path, source: str | None, case: Case, contract: str, out: Output) -> int:
    from fsq.bench.profile import folded, profiled
    from fsq.utils.files import write_atomically

    kind = _kind(path, "--profile", (*PICTURES, "folded"))
    stacks = profiled(source, case=case.value, contract=contract)
    if kind == "folded" or kind is None:
        write_atomically(path, folded(stacks))
    else:
        from fsq.report.bench_chart import draw_flame_graph

        write_atomically(path, draw_flame_graph(stacks, kind))
    samples = sum(stacks.values())
    out.line(f"{path}: {samples:,} samples of {len(stacks):,} stacks")
    out.document({"profile": str(path), "samples": samples, "stacks": len(stacks)})
    return FINE
