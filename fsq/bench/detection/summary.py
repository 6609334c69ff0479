"""Figures of many trials: what was seen by family, how it was named, and false alarms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fsq.bench.damage import FAMILIES
from fsq.bench.damage.registry import CONTROL, LASTING
from fsq.bench.detection.detector import Alarm
from fsq.bench.detection.trials import Trial
from fsq.bench.detection.worker import CleanDate

_RESAMPLES = 2000
ALL = "all"


def summarize(trials: Sequence[Trial], clean: Sequence[CleanDate]) -> dict[str, Any]:
    """Summarize trials, per detector.

    Args:
        trials: of all detectors.
        clean: what each detector said of each undamaged date, and the time it took.

    Returns:
        ``clean_dates``; ``detectors``, an object by name: ``families`` (mean over templates of the
        share of dates seen, and of those red; ``all`` of them with a 95 % interval over
        templates), ``templates``, ``naming``, ``false_alarms``, ``harm``, ``lasting`` and
        ``seconds``. Shares are 0 to 1, and null where there was nothing to measure.
    """
    names = dict.fromkeys(name for c in clean for name in c.alarms)
    return {
        "clean_dates": len(clean),
        "detectors": {
            name: _summarize_detector([t for t in trials if t.detector == name])
            | {
                "false_alarms": _count_false([c.alarms[name] for c in clean]),
                "seconds": {
                    part: _mean([c.seconds[name][part] for c in clean])
                    for part in ("learn_s", "date_s")
                },
            }
            for name in names
        },
    }


def _summarize_detector(trials: list[Trial]) -> dict[str, Any]:
    faults = [t for t in trials if t.family not in (LASTING, CONTROL)]
    by_template = [_summarize_template(ts) for ts in _group(faults).values()]
    families = {
        family: _average([t for t in by_template if t["family"] == family])
        for family in FAMILIES
        if any(t["family"] == family for t in by_template)
    }
    seen = [t["seen"] for t in by_template]
    return {
        "families": families | {ALL: _average(by_template) | {"interval": bootstrap(seen)}},
        "templates": by_template,
        "naming": _measure_naming(faults),
        "harm": _measure_harm(faults),
        "lasting": _follow([t for t in trials if t.family == LASTING]),
        "controls": {
            name: _share(t.alarmed for t in ts)
            for name, ts in _group([t for t in trials if t.family == CONTROL]).items()
        },
    }


def _group(trials: Iterable[Trial]) -> dict[str, list[Trial]]:
    groups: dict[str, list[Trial]] = {}
    for t in trials:
        groups.setdefault(t.template, []).append(t)
    return groups


def _summarize_template(trials: list[Trial]) -> dict[str, Any]:
    return {
        "template": trials[0].template,
        "family": trials[0].family,
        "dates": len(trials),
        "seen": _share(t.seen is not None for t in trials),
        "red": _share(t.seen == "red" for t in trials),
    }


def _average(templates: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "templates": len(templates),
        "dates": sum(t["dates"] for t in templates),
        "seen": _mean([t["seen"] for t in templates]),
        "red": _mean([t["red"] for t in templates]),
        "blind": sum(t["seen"] == 0 for t in templates),
    }


def _measure_naming(trials: list[Trial]) -> dict[str, Any]:
    """How often an alarm names a damaged feature, its table, and a right kind."""
    alarmed = [t for t in trials if t.alarmed and t.about_features]
    seen = [t for t in trials if t.seen is not None]
    return {
        "feature": _share(t.seen is not None for t in alarmed),
        "table": _share(t.right_table for t in seen if t.right_table is not None),
        "kind": _share(t.right_kind for t in seen if t.right_kind is not None),
    }


def _measure_harm(trials: list[Trial]) -> dict[str, Any]:
    """The share of the harm that is red or kept out; what helped a model by chance is no harm."""
    harmed = [t for t in trials if t.harm is not None and t.harm > 0]
    total = sum(t.harm or 0.0 for t in harmed)
    stopped = sum(min(max(t.harm_stopped or 0.0, 0.0), t.harm or 0.0) for t in harmed)
    return {"dates": len(harmed), "total": total, "stopped": stopped / total if total else None}


def _follow(trials: list[Trial]) -> dict[str, list[float | None]]:
    """Per lasting fault, the share of trials seen on its first, second, … date."""
    return {
        name: [
            _share(t.seen is not None for t in ts if t.step == step)
            for step in sorted({t.step for t in ts})
        ]
        for name, ts in _group(trials).items()
    }


def _count_false(judged: Sequence[Sequence[Alarm]]) -> dict[str, Any]:
    alarms, dates = [a for alarms in judged for a in alarms], len(judged)
    alarmed = {a.day for a in alarms}
    red = {a.day for a in alarms if a.severity == "red"}
    kinds: dict[str, int] = {}
    for _, kind in {(a.day, a.kind) for a in alarms}:
        kinds[kind] = kinds.get(kind, 0) + 1
    return {
        "dates": len(alarmed),
        "per_100": 100 * len(alarmed) / dates if dates else None,
        "red": len(red),
        "kinds": dict(sorted(kinds.items())),
        "days": sorted(d.isoformat() for d in alarmed),
    }


def bootstrap(shares: Sequence[float | None], seed: int = 0) -> list[float] | None:
    """The 95 % interval of a mean, by drawing the templates anew; null for fewer than two.

    >>> bootstrap([0.5, 0.5, 0.5])
    [0.5, 0.5]
    """
    known = np.array([s for s in shares if s is not None])
    if len(known) < 2:
        return None
    drawn = np.random.default_rng(seed).integers(0, len(known), (_RESAMPLES, len(known)))
    return [float(q) for q in np.quantile(known[drawn].mean(axis=1), [0.025, 0.975])]


def _share(met: Iterable[bool]) -> float | None:
    values = list(met)
    return sum(values) / len(values) if values else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None
