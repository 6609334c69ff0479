"""What fsq and textbook statistics see of damage planted in a real table.

    python -m benchmarks.damage --rows season.parquet --label actual_points
    python -m benchmarks.damage --rows this.parquet --learn-from last.parquet --label points

The latter part of the dates of ``--rows`` is kept back. Detectors learn from all others. So
many of the dates kept back are damaged, by one template at a time.
"""

from __future__ import annotations

import argparse
import json
import sys

from benchmarks.damage.harm import Harm
from benchmarks.damage.textbook import Textbook
from fsq.bench.detection import Detector, Fsq, Plan, render_summary, render_templates, run_detection

_QUICK_DATES = 3
DETECTORS: dict[str, tuple[type[Detector], ...]] = {
    "fsq": (Fsq,),
    "textbook": (Textbook,),
    "all": (Fsq, Textbook),
}


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the options."""
    parser = argparse.ArgumentParser(prog="benchmarks.damage", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rows", required=True, help="Parquet file of feature rows")
    parser.add_argument("--learn-from", metavar="FILE", help="another season, to learn from, too")
    parser.add_argument("--contract", default="v2_33features")
    parser.add_argument("--label", help="the column that models predict")
    parser.add_argument("--detector", choices=sorted(DETECTORS), default="all")
    parser.add_argument("--templates", metavar="WORDS", help="parts of names; parted by ;")
    parser.add_argument("--dates", type=int, default=20, help="dates to damage")
    parser.add_argument("--kept", type=float, default=0.5, help="share of the dates kept back")
    parser.add_argument("--quick", action="store_true", help=f"only {_QUICK_DATES} dates")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", action="store_true", help="print a line per template, too")
    parser.add_argument("--json", action="store_true", help="print a document instead of a table")
    return parser


def main() -> int:
    """Print the table."""
    options = make_parser().parse_args()
    paths = [p for p in (options.learn_from, options.rows) if p is not None]
    plan = Plan(
        sources=paths,
        contract=options.contract,
        options={"label": options.label, "kept_share": options.kept},
        detectors=DETECTORS[options.detector],
        fit_harm=Harm if options.label else None,
        words=options.templates,
        dates=_QUICK_DATES if options.quick else options.dates,
        seed=options.seed,
    )
    summary = run_detection(plan, options.jobs, lambda what, _: print(what, file=sys.stderr))
    print(json.dumps(summary, indent=2) if options.json else render_summary(summary))
    if options.each and not options.json:
        print(render_templates(summary))
    return 0


if __name__ == "__main__":
    sys.exit(main())
