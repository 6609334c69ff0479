"""Whole processes, as people wait for them: their processor time, time on the clock, and memory."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from fsq.bench.cases import HEADLINE, read_rows, select_day
from fsq.bench.context import FORMAT, describe_context, make_environment
from fsq.contract import Contract, load_contract
from fsq.errors import FsqError, InputError
from fsq.utils.cores import count_cores

Document = dict[str, Any]
REFERENCE = "import polars"  # what every figure is compared with
PROCESS_CASES = ("startup", "report", "big-date", "cores")
BIG_ROWS = 100_000
_TIMEOUT = 900  # seconds per process
_FSQ = "import sys; from fsq.cli import main; sys.exit(main())"
# The process measures itself from ``began`` on, which the code may set anew, and writes
# its figures to the file that its first argument names.
_MEASURED = """
import json, resource, sys, time
target, code = sys.argv.pop(1), sys.argv.pop(1)
began = time.perf_counter()
try:
    exec(code)
except SystemExit as end:
    status = end.code
else:
    status = 0
seconds = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_SELF)
peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
try:  # Linux counts the parent's memory, too, but for this figure
    with open("/proc/self/status") as file:
        peak = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
except OSError:
    pass
with open(target, "w") as file:
    json.dump([used.ru_utime + used.ru_stime, seconds, peak, status], file)
"""
_SCORE = """
import os
cores = int(sys.argv[1])
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
import polars, fsq
rows = polars.read_parquet(sys.argv[2])
fsq.score(rows.head(200), sys.argv[3])
began = time.perf_counter()
fsq.score(rows, sys.argv[3])
"""


@dataclass(frozen=True)
class Command:
    """A process to measure.

    Attributes:
        name: of the figure.
        code: what it runs.
        arguments: of the program.
        environment: further variables.
        statuses: with which it may end.
    """

    name: str
    code: str
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    statuses: tuple[int, ...] = (0, 1)


def run_process_bench(
    source: str | None = None,
    *,
    case: str,
    contract: str = "v2_33features",
    rounds: int = 5,
    on_step: Callable[[str], None] = lambda step: None,
) -> Document:
    """Measure whole processes; see ``fsq.bench.run_bench`` for the arguments.

    Raises:
        InputError: the rows cannot be used.
        FsqError: a process failed.
    """
    loaded = load_contract(contract)
    rows = read_rows(source, loaded)
    with tempfile.TemporaryDirectory(prefix="fsq-bench-") as folder:
        figures = measure_processes(
            case, rows, loaded, contract, rounds, Path(folder), make_environment(folder), on_step
        )
    return {
        "fsq_bench": FORMAT,
        "case": case,
        "source": source,
        "rows": rows.height,
        "rounds": rounds,
        "context": describe_context(loaded),
        "processes": figures,
    }


def measure_processes(
    case: str,
    rows: pl.DataFrame,
    contract: Contract,
    name: str,
    rounds: int,
    folder: Path,
    environment: dict[str, str],
    on_step: Callable[[str], None],
) -> list[Document]:
    """Measure the processes of a case, in turns.

    Args:
        case: one of ``PROCESS_CASES``.
        rows: feature rows.
        contract: of the rows.
        name: of the contract, or its path.
        rounds: how often each runs; once more is not counted, which compiles modules.
        folder: an existing one, for what they write.
        environment: in which they run.
        on_step: called with a short text before each step.

    Returns:
        Per figure ``name``, ``processor_s`` and ``seconds`` (median, best and worst of the rounds)
        and ``peak_bytes``.

    Raises:
        FsqError: a process failed.
    """
    makers = {
        "startup": _list_startup,
        "report": _list_report,
        "big-date": _list_big_date,
        "cores": _list_cores,
    }
    # Settings of whoever runs this would change what the commands do.
    environment = {k: v for k, v in environment.items() if not k.startswith("FSQ_")}
    commands = [Command(REFERENCE, REFERENCE), *makers[case](rows, contract, name, folder)]
    found: dict[str, list[list[float]]] = {}
    for at in range(rounds + 1):
        on_step(f"round {at} of {rounds}")
        for command in commands:
            figures = _run(command, folder, environment)
            if at:
                found.setdefault(command.name, []).append(figures)
    return [_summarize(figure, samples) for figure, samples in found.items()]


def _summarize(name: str, samples: Sequence[Sequence[float]]) -> Document:
    processor, seconds, peaks = zip(*samples, strict=True)
    return {
        "name": name,
        "processor_s": _take_middle(processor),
        "seconds": _take_middle(seconds),
        "peak_bytes": int(max(peaks)),
    }


def _take_middle(samples: Sequence[float]) -> Document:
    return {"median": statistics.median(samples), "best": min(samples), "worst": max(samples)}


def _run(command: Command, folder: Path, environment: dict[str, str]) -> list[float]:
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".json") as target:
        done = subprocess.run(  # noqa: S603 - this interpreter
            [sys.executable, "-c", _MEASURED, target.name, command.code, *command.arguments],
            capture_output=True,
            text=True,
            check=False,
            env=environment | command.environment,
            timeout=_TIMEOUT,
        )
        text = Path(target.name).read_text(encoding="utf-8")
    figures: list[float] = json.loads(text) if text else [0.0, 0.0, 0.0, -1]
    if figures[3] not in command.statuses:
        last = done.stderr.strip().splitlines()[-8:] or ["no output"]
        raise FsqError(f"the process of {command.name} failed:\n  " + "\n  ".join(last))
    return figures[:3]


def _call_fsq(*words: str, name: str | None = None) -> Command:
    return Command(name or f"fsq {' '.join(words)}", _FSQ, words)


def _list_startup(rows: pl.DataFrame, contract: Contract, name: str, folder: Path) -> list[Command]:
    return [
        Command("import fsq", "import fsq"),
        _call_fsq("--version"),
        _call_fsq("-h"),
        _call_fsq("check", "-h"),
    ]


def _list_report(rows: pl.DataFrame, contract: Contract, name: str, folder: Path) -> list[Command]:
    from fsq.backfilling import backfill

    source, store = folder / "rows.parquet", str(folder / "store")
    rows.write_parquet(source)
    backfill(str(source), store, contract=contract)
    page = str(folder / "report.html")
    return [
        _call_fsq("check", "--store", store, name="fsq check"),
        _call_fsq("trend", "--store", store, name="fsq trend"),
        _call_fsq("report", "--store", store, "--out", page, name="fsq report"),
    ]


def _list_big_date(
    rows: pl.DataFrame, contract: Contract, name: str, folder: Path
) -> list[Command]:
    source, store = str(folder / "rows.parquet"), str(folder / "store")
    _make_big_date(rows, contract).write_parquet(source, row_group_size=50_000)
    out, chosen = str(folder / "out.parquet"), ("--contract", name)
    again = ("--store", store, "--source", source, *chosen, "--force")
    return [
        _call_fsq("score", source, "--out", out, *chosen, name="fsq score"),
        _call_fsq("backfill", *again, name="fsq backfill"),
        _call_fsq("check", "--store", store, name="fsq check"),
        _call_fsq("training-set", "--store", store, "--out", out, name="fsq training-set"),
    ]


def _make_big_date(rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Copies of a day's rows, as many as make a large date, each with entities of their own.

    The day lies in the later half of the dates: on the first ones most features are absent.
    """
    days = rows[contract.table.date].drop_nulls().unique().sort()
    later = rows.filter(pl.col(contract.table.date) >= days[len(days) // 2])
    day = select_day(later, contract)
    key = next((k for k in contract.table.keys if day.schema.get(k) == pl.String), None)
    if key is None:
        cure = "the other cases need no such key"
        raise InputError([f"big-date copies rows under other texts of a key; {cure}"], HEADLINE)
    copies = -(-BIG_ROWS // day.height)
    return pl.concat(
        day.with_columns(pl.concat_str(pl.col(key), pl.lit(f"_{i}"))) for i in range(copies)
    )


def _list_cores(rows: pl.DataFrame, contract: Contract, name: str, folder: Path) -> list[Command]:
    source, most = folder / "rows.parquet", count_cores()
    rows.write_parquet(source)
    counts = sorted({*(2**i for i in range(most.bit_length()) if 2**i <= most), most})
    return [
        Command(
            f"score on {count} core{'s' if count > 1 else ''}",
            _SCORE,
            (str(count), str(source), name),
            {"POLARS_MAX_THREADS": str(count)},
        )
        for count in counts
    ]
