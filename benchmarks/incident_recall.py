"""Are planted incidents found, and clean days left alone? Precision and recall over many seasons.

Run it as ``python -m benchmarks.incident_recall [SEEDS]``; it ends with status 1 if a red finding
stands on a clean day or an incident is missed.
"""

from __future__ import annotations

import sys
from collections import Counter
from datetime import date

import fsq
from fsq.demo import simulate_season


def main(seeds: int = 20) -> int:
    """Diagnose so many seasons, and print what was found of what was planted."""
    planted, found, named, false = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    clean_days = clean_yellow = 0
    for seed in range(seeds):
        season = simulate_season("2025-26", seed=seed)
        diagnosis = fsq.diagnose(fsq.score(season.rows))
        wanted = {
            (p["kind"], tuple(date.fromisoformat(d) for d in p["dates"]), frozenset(p["features"]))
            for p in season.planted
        }
        met = {(f.kind, f.dates, frozenset(f.features)) for f in diagnosis.findings}
        planted.update(kind for kind, _, _ in wanted)
        found.update(kind for kind, _, _ in wanted & met)
        reds = [f for f in diagnosis.findings if f.severity == "red"]
        named.update(f.kind for f in reds)
        false.update(f.kind for f in reds
                     if (f.kind, f.dates, frozenset(f.features)) not in wanted)  # fmt: skip
        bad = {day for _, days, _ in wanted for day in days}
        clean = [d for d in diagnosis.dates if d not in bad]
        clean_days += len(clean)
        clean_yellow += sum(diagnosis.verdict(d) == "yellow" for d in clean)
    print(f"{seeds} seasons; kind, dates and features must all be right")
    print(f"{'kind':<24}{'planted':>8}{'found':>7}{'recall':>8}{'precision':>11}")
    for kind in sorted(planted):
        precision = 1 - false[kind] / named[kind] if named[kind] else 0.0
        recall = found[kind] / planted[kind]
        print(f"{kind:<24}{planted[kind]:>8}{found[kind]:>7}{recall:>8.1%}{precision:>11.1%}")
    print(f"clean dates: {clean_days:,}, {clean_yellow / clean_days:.1%} of them yellow; "
          f"red findings that were not planted: {sum(false.values())}")  # fmt: skip
    return int(bool(false) or found != planted)


if __name__ == "__main__":
    sys.exit(main(*(int(a) for a in sys.argv[1:])))
