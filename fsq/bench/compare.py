"""Compares a run with an earlier one. Times are multiples of a copy, so machines may differ."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from fsq.bench.processes import REFERENCE
from fsq.errors import InputError
from fsq.utils.files import expand_home

Document = dict[str, Any]
_HEADLINE = "the runs cannot be compared"
# A shorter stage is too noisy to compare.
_MIN_SHARE = 0.05


def parse_share(text: str) -> float:
    """Parse a share such as ``15%`` or ``0.15``.

    >>> parse_share("15%")
    0.15
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", text.strip())
    if not match:
        raise InputError([f"--fail-over {text!r} is not a share; write 15%"], _HEADLINE)
    return float(match[1]) / (100 if match[2] else 1)


def load_document(path: Path) -> Document:
    """Load the document of an earlier run.

    Raises:
        InputError: the file holds no such document.
    """
    cure = "pass a file that `fsq bench --json` wrote"
    try:
        document = json.loads(Path(expand_home(path)).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise InputError([f"{path} cannot be read: {error}; {cure}"], _HEADLINE) from error
    if not isinstance(document, dict) or document.get("fsq_bench") != 1:
        raise InputError(
            [f"{path} is not a document of this version of fsq bench; {cure}"], _HEADLINE
        )
    return document


def validate_comparable(old: Document, *, case: str, source: str | None, contract: str) -> None:
    """Refuse a run that measured something else, before anything is measured.

    Raises:
        InputError: the earlier run measured something else.
    """
    current = {"case": case, "source": source, "contract": contract}
    earlier = {"case": old["case"], "source": old["source"], "contract": old["context"]["contract"]}
    if differences := [
        f"{k} was {earlier[k]}, and is {current[k]} now"
        for k in current
        if earlier[k] != current[k]
    ]:
        raise InputError([*differences, "measure the same thing again"], _HEADLINE)


def compare_runs(old: Document, new: Document, fail_over: float) -> Document:
    """Compare two runs, figure by figure.

    Times are compared as multiples of the copy that was timed beside them. A figure is a
    regression only if both its median and its best round exceed the threshold, so that one slow
    round does not fail the comparison.

    Args:
        old: the earlier document.
        new: the current document.
        fail_over: share by which a figure may grow.
    """
    figures = []
    before, now = _list_figures(old), _list_figures(new)
    for name in [n for n in before if n in now]:
        (was, _), (median, best) = before[name], now[name]
        grown = median / was - 1
        figures.append(
            {
                "figure": name,
                "before": was,
                "now": median,
                "change": grown,
                "regression": grown > fail_over and best > was * (1 + fail_over),
            }
        )
    return {
        "fail_over": fail_over,
        "before": old["context"],
        "same_answer_type": old["context"]["contract_version"]
        == new["context"]["contract_version"],
        "figures": figures,
        "regressions": [f["figure"] for f in figures if f["regression"]],
    }


def _list_figures(document: Document) -> dict[str, tuple[float, float]]:
    """Median and best of each figure to compare: times in copies, memory in bytes.

    Processes are compared by their processor time, in that of importing Polars; scoring on several
    cores by the clock.
    """
    if "processes" in document:
        return _list_process_figures(document["processes"])
    copy = document["figures"]["copy"]["median_s"]
    times = {name: document["figures"][name] for name in ("score", "flat")}
    times |= {f"stage: {s['stage']}": s for s in document["stages"] if s["share"] >= _MIN_SHARE}
    out = {name: (t["median_s"] / copy, t["best_s"] / copy) for name, t in times.items()}
    if document["peak_bytes"]:
        out["peak memory"] = (document["peak_bytes"], document["peak_bytes"])
    return out


def _list_process_figures(processes: list[Document]) -> dict[str, tuple[float, float]]:
    least = next(p for p in processes if p["name"] == REFERENCE)
    out = {}
    for process in processes:
        if process is least:
            continue
        name = process["name"]
        unit = "seconds" if name.startswith("score on ") else "processor_s"
        of, scale = process[unit], least[unit]["median"]
        out[name] = (of["median"] / scale, of["best"] / scale)
        out[f"{name}: peak memory"] = (process["peak_bytes"], process["peak_bytes"])
    return out
