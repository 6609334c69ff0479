"""Precision and recall of ``fsq.diagnose`` on simulated seasons whose incidents are known.

A planted incident counts as found on a date if a red finding of its kind names the date and, where
features were planted, nothing but its features and all of them (several findings may share them).
A red finding, date by date, counts as right if an incident of its kind was planted on that date
with those features. ``python -m benchmarks.incident_recall --seeds 20``
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from datetime import date
from typing import Any

import fsq
from fsq.demo import simulate_season

Key = tuple[str, date]


def reds(dx: fsq.Diagnosis) -> dict[Key, tuple[set[str], set[str | None]]]:
    """Features and processors that red findings name, per kind and date."""
    out: dict[Key, tuple[set[str], set[str | None]]] = defaultdict(lambda: (set(), set()))
    for f in dx.findings:
        if f.severity == "red":
            for day in f.dates:
                features, processors = out[f.kind, day]
                features.update(f.features)
                processors.add(f.processor)
    return out


def judged(seed: int) -> tuple[Counter[str], Counter[str], Counter[str], list[str], int]:
    """Planted, found and falsely red dates per kind, what went wrong, and yellow dates."""
    season = simulate_season(seed=seed)
    dx = fsq.diagnose(fsq.score(season.rows))
    said = reds(dx)
    planted: dict[Key, dict[str, Any]] = {
        (p["kind"], date.fromisoformat(d)): p for p in season.incidents for d in p["dates"]
    }
    want, found, false, notes = Counter[str](), Counter[str](), Counter[str](), []
    for (kind, day), incident in planted.items():
        want[kind] += 1
        features, processors = said.get((kind, day), (set(), set()))
        cause_is_right = incident["processor"] is None or processors == {incident["processor"]}
        if (kind, day) in said and features == set(incident["features"]) and cause_is_right:
            found[kind] += 1
        else:
            notes.append(f"seed {seed}: {kind} on {day} not found as planted")
    for (kind, day), (features, _) in said.items():
        if (kind, day) not in planted or features - set(planted[kind, day]["features"]):
            false[kind] += 1
            notes.append(f"seed {seed}: {kind} on {day} was not planted: {sorted(features)}")
    return want, found, false, notes, sum(v == "yellow" for v in dx.dates.values())


def main() -> int:
    """Print the table; the status is 1 if anything was missed or wrongly red."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    wanted, found, false = Counter[str](), Counter[str](), Counter[str]()
    notes: list[str] = []
    yellow: list[int] = []
    for seed in range(parser.parse_args().seeds):
        w, f, x, told, looks = judged(seed)
        wanted, found, false = wanted + w, found + f, false + x
        notes += told
        yellow.append(looks)
    print(f"{'kind':<24}{'dates':>7}{'found':>7}{'false':>7}{'recall':>8}{'precision':>11}")
    for kind in sorted(wanted | false):
        n, hit, wrong = wanted[kind], found[kind], false[kind]
        recall = f"{hit / n:.3f}" if n else "-"
        precision = f"{hit / (hit + wrong):.3f}" if hit + wrong else "-"
        print(f"{kind:<24}{n:>7}{hit:>7}{wrong:>7}{recall:>8}{precision:>11}")
    mean = sum(yellow) / max(1, len(yellow))
    print(f"yellow dates per season: {mean:.1f} ({min(yellow)} to {max(yellow)})")
    print(*notes, sep="\n")
    return 1 if notes else 0


if __name__ == "__main__":
    sys.exit(main())
