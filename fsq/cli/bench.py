"""``fsq bench``: measure this machine, and compare with alternatives or an earlier run."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from fsq.cli import _options as o
from fsq.cli._errors import FAILED_CHECK, FINE
from fsq.cli._output import Output
from fsq.errors import InputError
from fsq.utils.files import write_atomically

Document = dict[str, Any]


class Case(StrEnum):
    """What to measure: scoring so many rows, or whole processes."""

    day = "day"
    season = "season"
    ten_seasons = "ten-seasons"
    startup = "startup"
    report = "report"
    big_date = "big-date"
    cores = "cores"


def command(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[INPUT]",
            help="Your own rows: a Parquet file, folder or Delta table; by default simulated ones.",
        ),
    ] = None,
    case: Annotated[
        Case,
        typer.Option(
            help="Score a day of 200 rows, a season, or ten; of INPUT, if given. Or measure "
            "processes: start-up, check to report of a season, a date of 100,000 rows, or scoring "
            "on more and more cores."
        ),
    ] = Case.season,
    contract: o.ContractOpt = o.CONTRACT,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Processes to start per figure.")] = 5,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Compare with oracle, pandas, duckdb, polars-naive, dataframely, pandera or "
            "pointblank, or several, separated by commas; needs a checkout of fsq.",
        ),
    ] = None,
    scale: Annotated[
        bool, typer.Option("--scale", help="Time backfills of 1, 2, 5, 10 and 20 seasons, too.")
    ] = False,
    end_to_end: Annotated[
        bool, typer.Option("--end-to-end", help="Time `fsq backfill` as a process, too.")
    ] = False,
    profile: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Only draw a flame graph of scoring: a .svg, .png or .html file, or .folded for "
            "other tools.",
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Draw the figures to .svg, .png or .html."),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(metavar="OLD.json", help="Compare with an earlier run's --json document."),
    ] = None,
    fail_over: Annotated[
        str | None,
        typer.Option(metavar="15%", help="With --compare: exit with status 1 if one grew by more."),
    ] = None,
    detection: Annotated[
        bool,
        typer.Option(
            "--detection",
            help="Only measure detection: damage the latest dates, and count what is seen.",
        ),
    ] = False,
    label: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="With --detection: the column that models predict."),
    ] = None,
    as_json: o.JsonOpt = False,
) -> int:
    """Measure the time and memory that scoring takes.

    Each stage is measured. Every round is a new process, whose result is checked. Times are
    given beside the time to copy as many bytes as the result has, measured in the same process.
    """
    from rich.text import Text

    from fsq.bench import compare as comparing
    from fsq.bench import run_bench
    from fsq.bench.processes import PROCESS_CASES, run_process_bench
    from fsq.cli._bench_detection import measure_detection
    from fsq.cli._bench_tables import print_document

    out = Output(as_json)
    if profile is not None:
        return _write_profile(profile, source, case, contract, out)
    if detection:
        return measure_detection(source, contract, label, out)
    if label is not None:
        raise InputError(["--label needs --detection"], "nothing was measured")
    if fail_over is not None and compare is None:
        raise InputError(["--fail-over needs --compare OLD.json"], "nothing was measured")
    allowed = comparing.parse_share(fail_over or "15%")
    kind = o.picture_kind("--out", picture)
    old = None if compare is None else comparing.load_document(compare)
    if old is not None:
        comparing.validate_comparable(old, case=case.value, source=source, contract=contract)
    with out.talk.status("") as status:

        def show(step: str) -> None:
            status.update(Text(step))

        if case.value in PROCESS_CASES:
            if against is not None or scale or end_to_end or picture is not None:
                problem = f"--against, --scale, --end-to-end and --out have no effect on {case}"
                raise InputError([f"{problem}; leave them out"], "nothing was measured")
            document = run_process_bench(
                source, case=case.value, contract=contract, rounds=rounds, on_step=show
            )
        else:
            document = run_bench(
                source,
                case=case.value,
                contract=contract,
                rounds=rounds,
                against=o.split_names(against) or [],
                scale=(1, 2, 5, 10, 20) if scale else (),
                end_to_end=end_to_end,
                on_step=show,
            )
    if old is not None:
        document["comparison"] = comparing.compare_runs(old, document, allowed)
    print_document(document, out)
    if picture is not None and kind is not None:
        from fsq.reporting.bench_chart import draw_bench  # loads altair

        write_atomically(picture, draw_bench(document, kind))
        out.line(f"{picture}: picture written")
    out.document(document)
    slower = old is not None and document["comparison"]["regressions"]
    return FAILED_CHECK if slower and fail_over is not None else FINE


def _write_profile(path: Path, source: str | None, case: Case, contract: str, out: Output) -> int:
    from fsq.bench.profile import fold_stacks, profile_scoring

    kind = o.picture_kind("--profile", path, (*o.PICTURES, "folded"))
    stacks = profile_scoring(source, case=case.value, contract=contract)
    if kind == "folded" or kind is None:
        write_atomically(path, fold_stacks(stacks))
    else:
        from fsq.reporting.bench_chart import draw_flame_graph

        write_atomically(path, draw_flame_graph(stacks, kind))
    samples = sum(stacks.values())
    out.line(f"{path}: {samples:,} samples of {len(stacks):,} stacks")
    out.document({"profile": str(path), "samples": samples, "stacks": len(stacks)})
    return FINE
