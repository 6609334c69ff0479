"""Precision and recall of ``fsq.diagnose`` on simulated seasons with known incidents.

    python -m benchmarks.incident_recall --seeds 20

An incident counts as found on a date if red findings of its kind name that date and exactly its
features. A red finding counts as right on a date if an incident of its kind was planted on that
date with those features.
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


def collect_red_findings(dx: fsq.Diagnosis) -> dict[Key, tuple[set[str], set[str | None]]]:
    """Collect the features and processors that red findings name, per kind and date."""
    named: dict[Key, tuple[set[str], set[str | None]]] = defaultdict(lambda: (set(), set()))
    for f in dx.findings:
        if f.severity == "red":
            for day in f.dates:
                features, processors = named[f.kind, day]
                features.update(f.features)
                processors.add(f.processor)
    return named


def evaluate_seed(seed: int) -> tuple[Counter[str], Counter[str], Counter[str], list[str], int]:
    """Count planted, found and falsely red dates per kind, and yellow dates; list problems."""
    season = simulate_season(seed=seed)
    dx = fsq.diagnose(fsq.score(season.rows))
    reported = collect_red_findings(dx)
    planted: dict[Key, dict[str, Any]] = {
        (p["kind"], date.fromisoformat(d)): p for p in season.incidents for d in p["dates"]
    }
    expected, found, false, notes = Counter[str](), Counter[str](), Counter[str](), []
    for (kind, day), incident in planted.items():
        expected[kind] += 1
        features, processors = reported.get((kind, day), (set(), set()))
        cause_is_right = incident["processor"] is None or processors == {incident["processor"]}
        if (kind, day) in reported and features == set(incident["features"]) and cause_is_right:
            found[kind] += 1
        else:
            notes.append(f"seed {seed}: {kind} on {day} not found as planted")
    for (kind, day), (features, _) in reported.items():
        if (kind, day) not in planted or features - set(planted[kind, day]["features"]):
            false[kind] += 1
            notes.append(f"seed {seed}: {kind} on {day} was not planted: {sorted(features)}")
    return expected, found, false, notes, sum(v == "yellow" for v in dx.dates.values())


def main() -> int:
    """Print the table; exit with status 1 if anything was missed or falsely red."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    expected, found, false = Counter[str](), Counter[str](), Counter[str]()
    notes: list[str] = []
    yellow: list[int] = []
    for seed in range(parser.parse_args().seeds):
        w, f, x, problems, yellow_dates = evaluate_seed(seed)
        expected, found, false = expected + w, found + f, false + x
        notes += problems
        yellow.append(yellow_dates)
    print(f"{'kind':<24}{'dates':>7}{'found':>7}{'false':>7}{'recall':>8}{'precision':>11}")
    for kind in sorted(expected | false):
        n, hits, wrong = expected[kind], found[kind], false[kind]
        recall = f"{hits / n:.3f}" if n else "-"
        precision = f"{hits / (hits + wrong):.3f}" if hits + wrong else "-"
        print(f"{kind:<24}{n:>7}{hits:>7}{wrong:>7}{recall:>8}{precision:>11}")
    mean = sum(yellow) / max(1, len(yellow))
    print(f"yellow dates per season: {mean:.1f} ({min(yellow)} to {max(yellow)})")
    print(*notes, sep="\n")
    return 1 if notes else 0


if __name__ == "__main__":
    sys.exit(main())
