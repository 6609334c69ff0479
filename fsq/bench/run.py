"""Rounds in fresh processes, their medians and spread, as one document."""

from __future__ import annotations

import importlib.util
import json
import os
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
from fsq.bench.cases import copies, inputs
from fsq.bench.context import ROOT, context
from fsq.contract import load_contract
from fsq.errors import FsqError, InputError

FORMAT = 1  # of the document
Tell = Callable[[str], None]
Document = dict[str, Any]
_LONGEST = 900  # seconds that one process may take


def bench(
    source: str | None = None,
    *,
    case: str = "season",
    contract: str = "v2_33features",
    rounds: int = 5,
    against: Sequence[str] = (),
    scale: Sequence[int] = (),
    end_to_end: bool = False,
    tell: Tell = lambda words: None,
) -> Document:
    """Measure fsq on this machine.

    Args:
        source: feature rows of one's own; None to simulate.
        case: ``day``, ``season`` or ``ten-seasons``; see ``fsq.bench.cases``.
        contract: name of a shipped contract, or a path.
        rounds: fresh processes per figure; of slow rivals, at most three.
        against: other ways to the same answer, modules of ``benchmarks`` in the checkout.
        scale: numbers of seasons to backfill one after another, for the curve.
        end_to_end: also time ``fsq backfill`` from process start to end.
        tell: called with a few words before each step.

    Returns:
        The document that ``fsq bench --json`` prints.

    Raises:
        InputError: the rows are bad, or a rival is not there.
        FsqError: two rounds gave different answers, or a rival another one.
    """
    loaded, now = load_contract(contract), datetime.now(UTC).isoformat()
    for name in against:
        _rival(name)
    with tempfile.TemporaryDirectory(prefix="fsq-bench-") as made:
        folder = Path(made)
        tell("inputs")
        paths = inputs(source, case, folder)
        rows = pl.scan_parquet(paths).select(pl.len()).collect().item()
        job = {
            "paths": [str(p) for p in paths],
            "rows": rows,
            "contract": contract,
            "now": now,
            "folder": made,
            "wire": _has_bigquery(),
        }
        timings, stages = [], []
        for i in range(rounds):
            tell(f"round {i + 1} of {rounds}")
            timings.append(_process({**job, "job": "seconds"}))
            stages.append(_process({**job, "job": "stages", "memory": False}))
        tell("memory")
        memory = _process({**job, "job": "stages", "memory": True})
        document: Document = {
            "fsq_bench": FORMAT,
            "case": case,
            "source": source,
            "rows": rows,
            "rounds": rounds,
            "context": context(loaded),
            **_figures(timings),
            "stages": _stages(stages, memory, rows),
            "peak_bytes": max(s["peak"] for s in memory["stages"].values()) or None,
        }
        if against:
            document["against"] = [_against(name, job, rounds, document, tell) for name in against]
        if end_to_end:
            document["backfill"] = _end_to_end(paths[0], contract, rounds, folder, tell)
        if scale:
            document["scale"] = _scale(paths[0], scale, job, tell)
    return document


def _process(job: Document) -> Document:
    """Do a job in a fresh process."""
    words = ["-m", "fsq.bench.worker"]
    made: Document = json.loads(_ran(words, job["folder"], f"job {job['job']!r}", json.dumps(job)))
    if problems := made.get("problems"):
        raise InputError(problems)
    return made


def _ran(words: list[str], folder: str, what: str, given: str = "") -> str:
    """What a fresh interpreter prints; if it fails, the end of what it says is the error."""
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, and modules of fsq
            [sys.executable, *words],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST,
            env=_environment(folder),
        )
    except subprocess.TimeoutExpired:
        raise FsqError(f"{what} took more than {_LONGEST} s; measure less") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-12:] or ["it said nothing"]
        raise FsqError(f"the measured process of {what} failed:\n  " + "\n  ".join(last))
    return done.stdout


def _environment(folder: str) -> dict[str, str]:
    """Ours; compiled modules are kept, as they are where fsq is installed.

    The checkout can be imported from, for the rivals.
    """
    paths = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH", "")) if p)
    ours = {**os.environ, "PYTHONPATH": paths}
    if ours.pop("PYTHONDONTWRITEBYTECODE", None):
        ours["PYTHONPYCACHEPREFIX"] = f"{folder}/compiled"
    return ours


def spread(samples: Sequence[float], rows: int | None = None) -> Document:
    """Median, best and worst of some seconds, with the speed at the median."""
    middle = statistics.median(samples)
    told = {"median_s": middle, "best_s": min(samples), "worst_s": max(samples)}
    return told if rows is None else told | {"rows_per_s": rows / middle if middle else None}


def _figures(timings: list[Document]) -> Document:
    digests = {t["digest"] for t in timings}
    if len(digests) > 1:
        raise FsqError(f"the rounds gave different answers: {sorted(digests)}")
    first = timings[0]
    samples = {name: [t["seconds"][name] for t in timings] for name in first["seconds"]}
    figures = {
        name: spread(s, None if name in ("copy", "day") else first["rows"])
        for name, s in samples.items()
    }
    # Ratios of what stood side by side in one process; the machine's moods meet both.
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


def _stages(timed: list[Document], memory: Document, rows: int) -> list[Document]:
    """One line per stage, in order; shares are of the sum over the stages."""
    out = []
    for name in (*watch.STAGES, watch.BETWEEN):
        if name not in memory["stages"]:
            continue
        samples = [t["stages"][name]["seconds"] for t in timed]
        read = memory["stages"][name]
        # Bytes of what scoring does in between are those of the whole result, counted elsewhere.
        made = None if name == watch.BETWEEN else read["made"] or None
        line = {"stage": name, **spread(samples, rows), "bytes": made}
        out.append({**line, "peak_bytes": read["peak"] or None})
    total = sum(line["median_s"] for line in out)
    return [{**line, "share": line["median_s"] / total} for line in out]


def _has_bigquery() -> bool:
    return importlib.util.find_spec("grpc") is not None


def _rival(name: str) -> None:
    """Refuse a rival that is not there, before anything is measured."""
    folder = ROOT / "benchmarks"
    known = sorted(p.stem.removeprefix("against_") for p in folder.glob("against_*.py"))
    if name.replace("-", "_") not in known:
        have = [k.replace("_", "-") for k in known]
        cure = f"use {have}" if have else "they are in benchmarks/ of fsq's source; run it there"
        raise InputError([f"--against {name}: there is no such comparison; {cure}"])


def _against(name: str, job: Document, rounds: int, document: Document, tell: Tell) -> Document:
    """Another way to the same answer, timed and checked in fresh processes."""
    found = []
    for i in range(min(rounds, 3)):
        tell(f"{name}, round {i + 1} of {min(rounds, 3)}")
        found.append(_process({**job, "job": "against", "name": name.replace("-", "_")}))
    rows = found[0]["rows"]
    whole = [f["seconds"] * document["rows"] / rows for f in found]
    score = [f["score"] for f in found]
    return {
        "name": name,
        "rows": rows,
        **spread(whole, document["rows"]),
        "peak_bytes": max(f["peak"] or 0 for f in found) or None,
        "ratio": statistics.median(w / s for w, s in zip(whole, score, strict=True)),
    }


def _end_to_end(path: Path, contract: str, rounds: int, folder: Path, tell: Tell) -> Document:
    """``fsq backfill`` from process start to end, and Polars alone writing what it wrote."""
    command = ["-c", "import sys; from fsq.cli import main; sys.exit(main())", "backfill"]
    took, delta, parquet = [], [], []
    for i in range(rounds + 1):  # the first compiles modules, and is not counted
        tell(f"fsq backfill, round {i} of {rounds}")
        store = str(folder / f"store_{i}")
        words = ["--source", str(path), "--store", store, "--contract", contract]
        began = time.perf_counter()
        _ran([*command, *words], str(folder), "fsq backfill")
        spent = time.perf_counter() - began
        if i == 0:
            continue
        took.append(spent)
        wrote = _process({"job": "writing", "store": store, "folder": str(folder)})
        delta.append(wrote["delta"])
        parquet.append(wrote["parquet"])
    return {
        "rows": wrote["rows"],
        "process": spread(took, wrote["rows"]),
        "polars_write_delta": spread(delta),
        "polars_write_parquet": spread(parquet),
        "ratio": statistics.median(t / d for t, d in zip(took, delta, strict=True)),
        "ratio_to_parquet": statistics.median(t / p for t, p in zip(took, parquet, strict=True)),
    }


def _scale(path: Path, seasons: Sequence[int], job: Document, tell: Tell) -> Document:
    """Backfills of more and more seasons: time and memory, and the slope between them."""
    folder, have = Path(job["folder"]) / "scale", 0
    folder.mkdir()
    points = []
    for count in sorted(set(seasons)):
        tell(f"backfill of {count} seasons")
        copies(pl.read_parquet(path), range(have, count), folder)
        have = count
        points.append(
            {"seasons": count, **_process({**job, "job": "backfill", "source": str(folder)})}
        )
    return {"points": points, "slope": _slope(points)}


def _slope(points: list[Document]) -> float | None:
    """The exponent of time over rows: 1 is linear, by least squares on logarithms."""
    import numpy as np

    if len(points) < 2:
        return None
    x, y = np.log([p["rows"] for p in points]), np.log([p["seconds"] for p in points])
    return float(np.polyfit(x, y, 1)[0])
