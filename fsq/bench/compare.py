"""Is this run slower than an earlier one? Told in copies, so that the machines may differ."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from fsq.errors import InputError

Document = dict[str, Any]
# A stage below this share of the whole is too short to be judged by itself.
_LEAST_SHARE = 0.05


def share(text: str) -> float:
    """A share such as ``15%`` or ``0.15``.

    >>> share("15%")
    0.15
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", text.strip())
    if not match:
        raise InputError([f"--fail-over {text!r}: write a share such as 15%"])
    return float(match[1]) / (100 if match[2] else 1)


def loaded(path: Path) -> Document:
    """An earlier run's document.

    Raises:
        InputError: the file is none.
    """
    cure = "name a file that `fsq bench --json` wrote"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise InputError([f"{path}: cannot be read: {error}; {cure}"], _NOT_COMPARED) from error
    if not isinstance(document, dict) or document.get("fsq_bench") != 1:
        raise InputError(
            [f"{path}: no document of this version of fsq bench; {cure}"], _NOT_COMPARED
        )
    return document


_NOT_COMPARED = "the runs cannot be compared"


def comparable(old: Document, *, case: str, source: str | None, contract: str) -> None:
    """Refuse to compare unlike things, before anything is measured.

    Raises:
        InputError: the earlier run measured something else.
    """
    wanted = {"case": case, "source": source, "contract": contract}
    found = {"case": old["case"], "source": old["source"], "contract": old["context"]["contract"]}
    if unlike := [
        f"{k}: {found[k]} then, {wanted[k]} now" for k in wanted if found[k] != wanted[k]
    ]:
        raise InputError([*unlike, "measure the same thing again"], _NOT_COMPARED)


def compared(old: Document, new: Document, fail_over: float) -> Document:
    """Both runs, figure by figure.

    Times are compared as multiples of the copy that was timed beside them. A figure is a
    regression if its median is over the threshold and its best round is too, so that one slow
    round fails nothing.

    Args:
        old: the earlier document.
        new: this one.
        fail_over: share by which a figure may grow.
    """
    lines = []
    before, now = _figures(old), _figures(new)
    for name in [n for n in before if n in now]:
        (was, _), (median, best) = before[name], now[name]
        grown = median / was - 1
        lines.append(
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
        "figures": lines,
        "regressions": [line["figure"] for line in lines if line["regression"]],
    }


def _figures(document: Document) -> dict[str, tuple[float, float]]:
    """Median and best of each figure that is judged: times in copies, memory in bytes."""
    copy = document["figures"]["copy"]["median_s"]
    times = {name: document["figures"][name] for name in ("score", "flat")}
    times |= {f"stage: {s['stage']}": s for s in document["stages"] if s["share"] >= _LEAST_SHARE}
    out = {name: (t["median_s"] / copy, t["best_s"] / copy) for name, t in times.items()}
    if document["peak_bytes"]:
        out["peak memory"] = (document["peak_bytes"], document["peak_bytes"])
    return out
