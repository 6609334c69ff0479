"""Runs rounds in fresh processes, and summarizes them in one document."""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from fsq.bench import watch
from fsq.bench.cases import HEADLINE, write_copies, write_inputs
from fsq.bench.context import FORMAT, describe_context, list_modules, make_environment
from fsq.contract import load_contract
from fsq.errors import FsqError, InputError

OnStep = Callable[[str], None]
Document = dict[str, Any]
_TIMEOUT = 900  # seconds per process


def run_bench(
    source: str | None = None,
    *,
    case: str = "season",
    contract: str = "v2_33features",
    rounds: int = 5,
    against: Sequence[str] = (),
    scale: Sequence[int] = (),
    end_to_end: bool = False,
    on_step: OnStep = lambda step: None,
) -> Document:
    """Measure fsq on this machine.

    Args:
        source: your feature rows; None to simulate them.
        case: ``day``, ``season`` or ``ten-seasons``; see ``fsq.bench.cases``.
        contract: name of a built-in contract, or a path.
        rounds: fresh processes per figure; at most three for other implementations.
        against: other implementations, modules of ``benchmarks`` in the source checkout.
        scale: numbers of seasons to backfill, for the scaling curve.
        end_to_end: also time the whole process of ``fsq backfill``.
        on_step: called with a short text before each step.

    Returns:
        The document that ``fsq bench --json`` prints.

    Raises:
        InputError: the rows cannot be scored, or there is no such implementation.
        FsqError: the rounds or another implementation gave different answers.
    """
    loaded, now = load_contract(contract), datetime.now(UTC).isoformat()
    for name in against:
        _validate_rival(name)
    with tempfile.TemporaryDirectory(prefix="fsq-bench-") as path:
        folder = Path(path)
        on_step("inputs")
        paths = write_inputs(source, case, folder, loaded)
        rows = pl.scan_parquet(paths).select(pl.len()).collect().item()
        job = {
            "paths": [str(p) for p in paths],
            "rows": rows,
            "contract": contract,
            "now": now,
            "folder": path,
            "bigquery": _has_bigquery(),
        }
        timings, stages = [], []
        for i in range(rounds):
            on_step(f"round {i + 1} of {rounds}")
            timings.append(_run_job({**job, "job": "seconds"}))
            stages.append(_run_job({**job, "job": "stages", "memory": False}))
        on_step("memory")
        memory = _run_job({**job, "job": "stages", "memory": True})
        document: Document = {
            "fsq_bench": FORMAT,
            "case": case,
            "source": source,
            "rows": rows,
            "rounds": rounds,
            "context": describe_context(loaded),
            **_summarize_rounds(timings),
            "stages": _summarize_stages(stages, memory, rows),
            "peak_bytes": max(s["peak"] for s in memory["stages"].values()) or None,
        }
        if against:
            document["against"] = [
                _time_rival(name, job, rounds, document, on_step) for name in against
            ]
        if end_to_end:
            document["backfill"] = _time_backfill(paths[0], contract, rounds, folder, on_step)
        if scale:
            document["scale"] = _measure_scale(paths[0], scale, job, on_step)
    return document


def _run_job(job: Document) -> Document:
    """Run a job in a fresh process."""
    arguments = ["-m", "fsq.bench.worker"]
    result: Document = json.loads(
        _run_python(arguments, job["folder"], f"job {job['job']!r}", json.dumps(job))
    )
    if problems := result.get("problems"):
        raise InputError(problems)
    return result


def _run_python(arguments: list[str], folder: str, name: str, stdin: str = "") -> str:
    """Run a fresh interpreter and return its output; its last lines are the error if it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, and modules of fsq
            [sys.executable, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT,
            env=make_environment(folder),
        )
    except subprocess.TimeoutExpired:
        raise FsqError(f"{name} took more than {_TIMEOUT} s; choose a smaller case") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-12:] or ["no output"]
        raise FsqError(f"the process of {name} failed:\n  " + "\n  ".join(last))
    return done.stdout


def summarize(samples: Sequence[float], rows: int | None = None) -> Document:
    """Summarize seconds as median, best and worst, with the speed at the median."""
    median = statistics.median(samples)
    summary = {"median_s": median, "best_s": min(samples), "worst_s": max(samples)}
    return summary if rows is None else summary | {"rows_per_s": rows / median if median else None}


def _summarize_rounds(timings: list[Document]) -> Document:
    digests = {t["digest"] for t in timings}
    if len(digests) > 1:
        raise FsqError(f"the rounds gave different answers: {sorted(digests)}")
    first = timings[0]
    samples = {name: [t["seconds"][name] for t in timings] for name in first["seconds"]}
    figures = {
        name: summarize(s, None if name in ("copy", "day") else first["rows"])
        for name, s in samples.items()
    }
    # Ratios are taken within one process, where a busy machine slows both sides.
    score, copy = samples["score"], samples["copy"]
    return {
        "bytes": first["bytes"],
        "digest": first["digest"],
        "figures": figures,
        "ratios": {
            "score_to_copy": statistics.median(s / c for s, c in zip(score, copy, strict=True)),
            "flat_to_score": statistics.median(
                f / s for f, s in zip(samples["flat"], score, strict=True)
            ),
        },
    }


def _summarize_stages(timed: list[Document], memory: Document, rows: int) -> list[Document]:
    """Summarize each stage, in order; shares are of the sum of all stages."""
    stages = []
    for name in (*watch.STAGES, watch.BETWEEN):
        if name not in memory["stages"]:
            continue
        samples = [t["stages"][name]["seconds"] for t in timed]
        measured = memory["stages"][name]
        # The result of the code between stages is the whole answer, which is counted elsewhere.
        size = None if name == watch.BETWEEN else measured["size"] or None
        line = {"stage": name, **summarize(samples, rows), "bytes": size}
        stages.append({**line, "peak_bytes": measured["peak"] or None})
    total = sum(line["median_s"] for line in stages)
    return [{**line, "share": line["median_s"] / total} for line in stages]


def _has_bigquery() -> bool:
    return importlib.util.find_spec("grpc") is not None


def _validate_rival(name: str) -> None:
    """Refuse an unknown implementation, or one that is not installed, before measuring anything."""
    peers = list_modules("peer_")
    if name in peers:
        if importlib.util.find_spec(name) is None:
            raise InputError([f"--against {name}: it is not installed; install {name}"], HEADLINE)
        return
    names = [*list_modules("against_"), *peers]
    if name not in names:
        cure = f"use one of {names}" if names else "run it in fsq's source checkout"
        raise InputError([f"--against {name}: no such comparison; {cure}"], HEADLINE)


def _time_rival(
    name: str, job: Document, rounds: int, document: Document, on_step: OnStep
) -> Document:
    """Time another implementation in fresh processes, and check its answer.

    Peers are libraries that check a part of the rules, and give no scores; the flat columns, from
    which the same can be read, are compared with them, too.
    """
    kind = "peer" if name in list_modules("peer_") else "against"
    results = []
    for i in range(min(rounds, 3)):
        on_step(f"{name}, round {i + 1} of {min(rounds, 3)}")
        results.append(_run_job({**job, "job": kind, "name": name.replace("-", "_")}))
    rows = results[0]["rows"]
    scaled = [r["seconds"] * document["rows"] / rows for r in results]
    answer = {
        "name": name,
        "rows": rows,
        **summarize(scaled, document["rows"]),
        "peak_bytes": max(r["peak"] or 0 for r in results) or None,
        "ratio": statistics.median(w / r["score"] for w, r in zip(scaled, results, strict=True)),
    }
    if kind == "peer":
        answer["flat_to_peer"] = statistics.median(r["flat"] / r["seconds"] for r in results)
        answer["score_to_peer"] = statistics.median(r["score"] / r["seconds"] for r in results)
    return answer


def _time_backfill(
    path: Path, contract: str, rounds: int, folder: Path, on_step: OnStep
) -> Document:
    """Time the process of ``fsq backfill``, and Polars alone writing the same table."""
    command = ["-c", "import sys; from fsq.cli import main; sys.exit(main())", "backfill"]
    process, delta, parquet = [], [], []
    for i in range(rounds + 1):  # the first round compiles modules and does not count
        on_step(f"fsq backfill, round {i} of {rounds}")
        store = str(folder / f"store_{i}")
        options = ["--source", str(path), "--store", store, "--contract", contract]
        started = time.perf_counter()
        _run_python([*command, *options], str(folder), "fsq backfill")
        seconds = time.perf_counter() - started
        if i == 0:
            continue
        process.append(seconds)
        writing = _run_job({"job": "writing", "store": store, "folder": str(folder)})
        delta.append(writing["delta"])
        parquet.append(writing["parquet"])
    return {
        "rows": writing["rows"],
        "process": summarize(process, writing["rows"]),
        "polars_write_delta": summarize(delta),
        "polars_write_parquet": summarize(parquet),
        "ratio": statistics.median(t / d for t, d in zip(process, delta, strict=True)),
        "ratio_to_parquet": statistics.median(t / p for t, p in zip(process, parquet, strict=True)),
    }


def _measure_scale(path: Path, seasons: Sequence[int], job: Document, on_step: OnStep) -> Document:
    """Backfill more and more seasons: time, memory, and how time grows with rows."""
    folder, written = Path(job["folder"]) / "scale", 0
    contract = load_contract(job["contract"])
    folder.mkdir()
    points = []
    for count in sorted(set(seasons)):
        on_step(f"backfill of {count} seasons")
        write_copies(pl.read_parquet(path), range(written, count), folder, contract)
        written = count
        points.append(
            {"seasons": count, **_run_job({**job, "job": "backfill", "source": str(folder)})}
        )
    return {"points": points, "slope": _fit_slope(points)}


def _fit_slope(points: list[Document]) -> float | None:
    """Fit the exponent of time over rows by least squares on logarithms; 1 is linear."""
    import numpy as np

    if len(points) < 2:
        return None
    x, y = np.log([p["rows"] for p in points]), np.log([p["seconds"] for p in points])
    return float(np.polyfit(x, y, 1)[0])
